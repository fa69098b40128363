"""Client of a FEMS: reading it, and holding and releasing set-points."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from optimizer.errors import OptimizerError
from optimizer.fems import channels, writable_channels
from optimizer.fems.jsonrpc import JsonRpcClient
from optimizer.fems.link import Link
from optimizer.fems.reader import FemsReader
from optimizer.fems.writable_channels import ReactiveChannel, SetPoint
from optimizer.model.snapshot import Channel, Snapshot


class FemsClient(FemsReader):
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
    guest_password
        Used for all reading, so that `password` travels in writes only.
    reactive
        Whether reactive power can be set; in home systems it cannot.
    jsonrpc_port
        Where the FEMS answers JSON-RPC; None tries the port of `url`, then 8084.
    read_timeout_s
        Longest silence within an answer [s].
    deadline_s
        Longest time for one exchange, from finding the address of a host name to the last byte [s].
    allow_public
        Connect to addresses outside private networks, too; a name is judged at each connection.

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
        guest_password: str | None = None,
        reactive: bool = False,
        jsonrpc_port: int | None = None,
        read_timeout_s: float = 5.0,
        deadline_s: float = 8.0,
        allow_public: bool = False,
    ) -> None:
        link = Link(
            url, password, guest_password=guest_password, read_timeout_s=read_timeout_s,
            deadline_s=deadline_s, allow_public=allow_public,
        )  # fmt: skip
        rpc = JsonRpcClient(url, password, jsonrpc_port, allow_public=allow_public)
        super().__init__(link, rpc, ess)
        self._deadline_s = deadline_s
        self._reactive = reactive
        self._held: dict[type[SetPoint], SetPoint] = {}
        self._written: list[SetPoint] = []

    def __repr__(self) -> str:
        return f"FemsClient({self._link.origin!r}, ess={self.ess!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; nothing is released by it."""
        self._link.close()
        self.rpc.close()

    def stop_when(self, stopping: Callable[[], bool]) -> None:
        """Give up exchanges, but for releases, once `stopping` says that the program has to stop.

        They raise `StoppedError` then, which passes every handler up to the loop.
        """
        self._link.stop_when(stopping)
        self.rpc.stop_when(stopping)

    def hold(self, channel: SetPoint, setpoint: float) -> None:
        """Hold `setpoint` on `channel`, and of its kind there only, until the FEMS's time-out.

        The FEMS keeps all written channels alive together, so the one held before is given back
        first; a set-point that was forgotten there would never end.

        Parameters
        ----------
        channel
            One of the six data points of the manual.
        setpoint
            Active power of the AC side [W], or reactive power [var]; sent as a whole number.

        Raises
        ------
        ConfigError
            For a reactive power, unless that was allowed.
        DataError
            If `setpoint` is no number or too large to be meant.
        """
        value = writable_channels.whole(channel, setpoint)
        if isinstance(channel, ReactiveChannel) and not self._reactive:
            raise writable_channels.refuse_reactive(channel)
        before = self._held.get(type(channel))
        if before is not None and before is not channel:
            self.give_back(before)
        # noted before it is sent: a write whose answer is lost may have been taken
        self._held[type(channel)] = channel
        if channel not in self._written:
            self._written.append(channel)
        self._link.post(self.ess, channel, value)

    def leave(self, channel: SetPoint) -> None:
        """Forget a channel that another program has taken over: what stands there is not ours."""
        if self._held.get(type(channel)) is channel:
            del self._held[type(channel)]
        if channel in self._written:
            self._written.remove(channel)

    def release(self, *, everything: bool = False) -> None:
        """Give back every channel that this client ever wrote, or `everything`, whoever wrote it.

        A client that wrote nothing gives back `SetActivePowerEquals`, which proves that it may
        write without moving the battery. Once is enough: each time starts the FEMS's time-out
        anew, also for what other programs have written. All channels are tried before it raises,
        unless a FEMS that hangs has used up the time of one exchange.
        """
        errors: list[OptimizerError] = []
        until = time.monotonic() + self._deadline_s
        all_channels = [*Channel, *(ReactiveChannel if self._reactive else ())]
        for channel in all_channels if everything else self._written or [Channel.EQUALS]:
            try:
                self.give_back(channel)
            except OptimizerError as error:
                errors.append(error)
                if time.monotonic() >= until:
                    break
        if errors:
            raise errors[0]

    def give_back(self, channel: SetPoint) -> None:
        """Give back one channel, whoever holds it; where nobody does, this only proves a right."""
        self._link.post(self.ess, channel, None)
        if self._held.get(type(channel)) is channel:
            del self._held[type(channel)]


@dataclass(slots=True)
class CallCounts:
    """Number of writes, and how quickly the FEMS answers."""

    taken: int = 0
    failed: int = 0
    read_s: float | None = None
    """Length of the last whole reading [s]; None if it failed."""

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Count what happens within as one write."""
        try:
            yield
        except OptimizerError:
            self.failed += 1
            raise
        self.taken += 1


class CountingClient(FemsClient):
    """A `FemsClient` whose `tally` can be set."""

    tally: CallCounts

    def snapshot(self, at: datetime) -> Snapshot:
        """One reading; its length is noted."""
        begun_s, self.tally.read_s = time.monotonic(), None
        seen = super().snapshot(at)
        self.tally.read_s = time.monotonic() - begun_s
        return seen

    def hold(self, channel: SetPoint, setpoint: float) -> None:
        """Hold a set-point; counted as one write."""
        with self.tally.writing():
            super().hold(channel, setpoint)

    def release(self, *, everything: bool = False) -> None:
        """Give back; counted as one write."""
        with self.tally.writing():
            super().release(everything=everything)
