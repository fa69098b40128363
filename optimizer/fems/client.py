"""The client: what control, planner and doctor ask of a FEMS, in the house's own words."""

import time
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from optimizer.errors import OptimizerError, RefusedError, UnreachableError
from optimizer.fems import channels
from optimizer.fems.channels import Ess, Sum
from optimizer.fems.link import Link
from optimizer.model.state import Channel, Snapshot


class FemsClient:
    """One FEMS over its REST interface, on one connection; not for several threads.

    Every method raises `UnreachableError` when no FEMS answers and `RefusedError` when it says no;
    both say in one sentence what to do, and never contain the password.

    Parameters
    ----------
    url
        Address, "http://192.168.0.23"; port 80 unless given.
    password
        The customer login's; the guest's can only read.
    ess
        Id of the storage unit.
    read_timeout_s
        Longest silence within an answer [s].
    deadline_s
        Longest time for one exchange from connecting to its last byte [s]. (Finding the address
        of a host name comes on top: give the FEMS's IP address.)

    Raises
    ------
    ConfigError
        If `url` or `ess` cannot be used.
    """

    def __init__(
        self,
        url: str,
        password: str,
        ess: str = channels.ESS,
        *,
        read_timeout_s: float = 5.0,
        deadline_s: float = 8.0,
    ) -> None:
        self._ess = channels.checked_id(ess)
        self._link = Link(url, password, read_timeout_s=read_timeout_s, deadline_s=deadline_s)
        self._deadline_s = deadline_s
        self._held: Channel | None = None
        self._written: list[Channel] = []

    def __repr__(self) -> str:
        return f"FemsClient({self._link.origin!r}, ess={self._ess!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; nothing is released by it."""
        self._link.close()

    def snapshot(self, at: datetime) -> Snapshot:
        """One reading in two requests, named by the moment `at` (UTC).

        `writers` stays unknown here: it is not worth a third request each tick.
        """
        values = self._read(channels.SUM, channels.SUM_TICK)
        values |= self._read(self._ess, channels.ESS_TICK)
        return channels.snapshot(at, self._ess, values)

    def soc(self) -> float:
        """State of charge [%].

        Raises
        ------
        UnreachableError
            Also if the FEMS does not know it, or answers nonsense.
        """
        soc_percent = channels.soc_percent(self._read(self._ess, Ess.SOC), self._ess)
        if soc_percent is None:
            raise UnreachableError(
                "The FEMS does not know the battery's state of charge: look at its display or app."
            )
        return soc_percent

    def hybrid(self) -> bool | None:
        """Whether a roof hangs on the DC side of the inverter; None if the FEMS cannot tell."""
        roof = self._link.get(channels.SUM, Sum.PRODUCTION_DC)
        if roof is not None:
            power_w = channels.number(
                channels.read_values(roof), f"{channels.SUM}/{Sum.PRODUCTION_DC}"
            )
            if power_w is not None and power_w > 0:
                return True
        if self._link.get(channels.CHARGERS, channels.CHARGER_POWER) is not None:
            return True
        return None if roof is None else False

    def applied(self) -> int | None:
        """AC power that the FEMS's solver applied last [W], None if it does not say.

        A write shows here after one or two seconds.
        """
        return channels.whole(
            self._read_if_there(self._ess, Ess.APPLIED), f"{self._ess}/{Ess.APPLIED}"
        )

    def writers(self) -> str | None:
        """What the REST app says that it hands over, for whoever wrote it; None if unknown."""
        values = self._read_if_there(channels.API, channels.WRITERS)
        return channels.text(values, f"{channels.API}/{channels.WRITERS}")

    def hold(self, channel: Channel, setpoint_w: int) -> None:
        """Hold `setpoint_w` [W, AC] on `channel`, and there only, until the FEMS's time-out.

        The FEMS keeps all written channels alive together, so the one held before is given back
        first; a set-point that was forgotten there would never end.
        """
        if self._held is not None and self._held is not channel:
            self._give_back(self._held)
        # noted before it is sent: a write whose answer is lost may have been taken
        self._held = channel
        if channel not in self._written:
            self._written.append(channel)
        self._link.post(self._ess, channel, int(setpoint_w))

    def release(self, *, everything: bool = False) -> None:
        """Give back every channel that this client ever wrote, or `everything`, whoever wrote it.

        A client that wrote nothing gives back `SetActivePowerEquals`, which proves that it may
        write without moving the battery. Once is enough: each time starts the FEMS's time-out
        anew, also for what other programs have written. All channels are tried before it raises,
        unless a FEMS that hangs has used up the time of one exchange.
        """
        errors: list[OptimizerError] = []
        until = time.monotonic() + self._deadline_s
        for channel in list(Channel) if everything else self._written or [Channel.EQUALS]:
            try:
                self._give_back(channel)
            except (UnreachableError, RefusedError) as error:
                errors.append(error)
                if time.monotonic() >= until:
                    break
        if errors:
            raise errors[0]

    def _give_back(self, channel: Channel) -> None:
        self._link.post(self._ess, channel, None)
        if channel is self._held:
            self._held = None

    def _read(self, component: str, pattern: str) -> dict[str, channels.Value]:
        answer: Any | None = self._link.get(component, pattern)
        if answer is None:
            raise RefusedError(
                f"The FEMS has no component {component} with what is needed: "
                "check [fems] ess, and that [fems] url is the FEMS's address."
            )
        return channels.read_values(answer)

    def _read_if_there(self, component: str, channel: str) -> dict[str, channels.Value]:
        answer = self._link.get(component, channel)
        return {} if answer is None else channels.read_values(answer)
