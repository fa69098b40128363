"""Reading a FEMS: what control, planner and doctor ask, in the house's own words."""

import re
import time
from datetime import datetime, timedelta
from typing import Any

from optimizer.errors import RefusedError, UnreachableError
from optimizer.fems import channels, edge_config, identity, writable_channels
from optimizer.fems.channels import EssChannels, SumChannels
from optimizer.fems.edge_config import EdgeConfig
from optimizer.fems.identity import Identity
from optimizer.fems.jsonrpc import JsonRpcClient
from optimizer.fems.link import LARGE_BYTES, Link
from optimizer.fems.writable_channels import HandedOver
from optimizer.http.transport import ExchangeLimits
from optimizer.model.snapshot import Snapshot

_SHORT = ExchangeLimits(read_timeout_s=3.0, deadline_s=4.0, cap_bytes=LARGE_BYTES // 4)
"""For the executor, which has to go on within seconds, and in little memory."""

CONFIG_LASTS_S = 180.0
"""A time-out out of the device's configuration counts for so long [s]."""

_WHOLE = re.compile(r"[0-9]{1,9}")
"""A time-out written as a text [s]."""


class FemsReader:
    """The half of a `FemsClient` that changes nothing; it makes no exchanges of its own accord."""

    def __init__(self, link: Link, rpc: JsonRpcClient, ess: str) -> None:
        self._link = link
        self.rpc = rpc
        """Calls to the device's JSON-RPC interface."""
        self.ess = channels.checked_id(ess)
        """Id of the storage unit."""
        self._config: EdgeConfig | None = None
        self._config_mark: tuple[int, float] | None = None

    @property
    def origin(self) -> str:
        """The FEMS's address."""
        return self._link.origin

    @property
    def connections(self) -> int:
        """Number of connections that were opened to the FEMS so far."""
        return self._link.connections

    @property
    def clock_ahead(self) -> timedelta | None:
        """By how much the FEMS's clock was ahead of ours at its last answer."""
        return self._link.clock_ahead

    @property
    def device_time(self) -> datetime | None:
        """The FEMS's clock at its last answer; None if it reported none."""
        return self._link.device_time

    def snapshot(self, at: datetime) -> Snapshot:
        """One reading in two requests, named by the moment `at` (UTC).

        `writers` stays unknown here: it is not worth a third request each tick.
        """
        values = self._read(channels.SUM, channels.SUM_TICK)
        values |= self._read(self.ess, channels.ESS_TICK)
        return channels.snapshot(at, self.ess, values)

    def soc(self) -> float:
        """State of charge [%].

        Raises
        ------
        UnreachableError
            Also if the FEMS does not know it, or answers nonsense.
        """
        soc_percent = channels.soc_percent(self._read(self.ess, EssChannels.SOC), self.ess)
        if soc_percent is None:
            raise UnreachableError(
                "The FEMS does not know the battery's state of charge: look at its display or app."
            )
        return soc_percent

    def hybrid(self) -> bool | None:
        """Return true if PV hangs on the DC side of the inverter; None if the FEMS cannot say."""
        pv = self._link.get(channels.SUM, SumChannels.PRODUCTION_DC)
        if pv is not None:
            power_w = channels.number(
                channels.read_values(pv), f"{channels.SUM}/{SumChannels.PRODUCTION_DC}"
            )
            if power_w is not None and power_w > 0:
                return True
        if self._link.get(channels.CHARGERS, channels.CHARGER_POWER) is not None:
            return True
        return None if pv is None else False

    def applied(self) -> int | None:
        """AC power that the FEMS's solver applied last [W], None if it does not say.

        A write shows here after one or two seconds.
        """
        return channels.whole(
            self._read_if_there(self.ess, EssChannels.APPLIED), f"{self.ess}/{EssChannels.APPLIED}"
        )

    def applied_reactive(self) -> int | None:
        """Reactive power that the FEMS's solver applied last [var], None if it does not say."""
        name = channels.APPLIED_REACTIVE
        return channels.whole(self._read_if_there(self.ess, name), f"{self.ess}/{name}")

    def writers(self) -> str | None:
        """Values that the REST app reports to hand over, whoever wrote them; None if unknown."""
        values = self._read_if_there(channels.API, channels.WRITERS)
        return channels.text(values, f"{channels.API}/{channels.WRITERS}")

    def handed_over(self) -> HandedOver:
        """Values that all interfaces of the FEMS hand over now, whoever wrote them."""
        pattern = channels.alternation([channels.WRITERS, writable_channels.RUN_FAILED])
        return writable_channels.handed_over(
            self._read_if_there(writable_channels.WRITING_APIS, pattern)
        )

    def timeout_s(self) -> int | None:
        """The REST app's time-out [s], 0 if what is written sticks for ever; None if unknown.

        Where it is not among the channels the whole configuration is asked for it; that has
        megabytes, so its answer counts for three minutes, or until the FEMS was connected to anew.
        """
        address = f"{channels.API}/{channels.API_TIMEOUT}"
        values = self._read_if_there(channels.API, channels.API_TIMEOUT)
        reported = channels.text(values, address)
        if reported is not None and _WHOLE.fullmatch(reported):
            return int(reported)
        known = channels.whole(values, address)
        return self._configured_timeout_s() if known is None else known

    def identity(self) -> Identity:
        """Identity that distinguishes this FEMS from another one."""
        return identity.identity_of(self._read(identity.COMPONENTS, identity.CHANNELS))

    def controllers(self) -> tuple[str, ...]:
        """Ids of the controllers that are switched on, as far as they are named as usual."""
        values = self._read_if_there(channels.CONTROLLERS, EssChannels.STATE)
        return tuple(sorted(address.partition("/")[0] for address in values))

    def points(self, component: str, channel: str) -> list[dict[str, Any]]:
        """Channels as the FEMS describes them; both names are patterns. Empty if none matches."""
        answer = self._link.get(component, channel, large=True)
        if answer is None:
            return []
        channels.read_values(answer)
        items = answer if isinstance(answer, list) else [answer]
        return [channels.described(item) for item in items]

    def edge_config(self, limits: ExchangeLimits | None = None) -> EdgeConfig:
        """The device's own configuration, over JSON-RPC: megabytes, so it is asked once.

        Raises
        ------
        UnreachableError, RefusedError
        """
        if self._config is None:
            self._config = edge_config.fetch(self.rpc, self.ess, limits)
        return self._config

    def _configured_timeout_s(self) -> int | None:
        mark = (self.connections, time.monotonic() // CONFIG_LASTS_S)
        if mark != self._config_mark:
            self._config, self._config_mark = None, mark
        try:
            return self.edge_config(_SHORT).api_timeout_s
        except (UnreachableError, RefusedError):
            return None

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
