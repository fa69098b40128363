"""Reading and writing channels over the REST interface: paths, JSON, refusals.

`Wire` carries the bytes; `FemsClient` knows what the channels mean.
"""

import contextlib
import email.utils
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from optimizer.errors import StoppedError, UnreachableError
from optimizer.fems.http_exchange import Wire, json_in
from optimizer.fems.refusals import FemsAnswer, error_in
from optimizer.http.transport import ExchangeLimits

CAP_BYTES = 64 * 1024
"""Largest answer that is read in a tick; it has about 2 kB."""
LARGE_BYTES = 16 * 1024 * 1024
"""Largest answer that is read where all channels of a component, or a configuration, come."""

LAST_WRITE_S = 1.0
"""Wait for the answer to a set-point once the program has to stop [s]: a release that overtook it
would be undone by it."""
LAST_RELEASE_S = 2.0
"""Wait for the answer to a release once the program has to stop [s]."""


class Link:
    """Access to the channels of one FEMS, by name.

    Parameters
    ----------
    url, password, guest_password, allow_public
        As for `Wire`.
    read_timeout_s, deadline_s
        Limits of one exchange [s].
    """

    def __init__(
        self,
        url: str,
        password: str,
        *,
        guest_password: str | None = None,
        read_timeout_s: float,
        deadline_s: float,
        allow_public: bool = False,
    ) -> None:
        self._wire = Wire(url, password, guest_password, allow_public=allow_public)
        self._guest = guest_password is not None
        self._limits = ExchangeLimits(read_timeout_s, deadline_s, CAP_BYTES)
        self._stopping: Callable[[], bool] = bool
        self.clock_ahead: timedelta | None = None
        """By how much the FEMS's clock (`Date:` of its last answer) is ahead of ours."""
        self.device_time: datetime | None = None
        """The FEMS's clock at its last answer; None if it reported none."""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self._wire.origin

    @property
    def connections(self) -> int:
        """Number of connections that were opened so far."""
        return self._wire.connections

    def stop_when(self, stopping: Callable[[], bool]) -> None:
        """Give up exchanges, but for releases, when the program has to stop."""
        self._stopping = stopping
        self._wire.stop_when(stopping)

    def close(self) -> None:
        """Close the connection; another exchange would open a new one."""
        self._wire.close()

    def get(self, component: str, channel: str, *, large: bool = False) -> Any | None:
        """The parsed answer to a GET; both names are patterns. None if nothing matches (404).

        Raises
        ------
        UnreachableError, RefusedError
        """
        answer = self._exchange("GET", component, channel, None, large)
        if answer.status == 404:
            return None
        return self._content(answer, component, channel, guest=self._guest)

    def post(self, component: str, channel: str, value: int | None) -> None:
        """Write `value`; None gives the channel back.

        Raises
        ------
        UnreachableError, RefusedError
        StoppedError
            For a set-point, if the program has to stop.
        """
        if value is not None and self._stopping():
            raise StoppedError
        answer = self._exchange("POST", component, channel, {"value": value}, large=False)
        if not isinstance(self._content(answer, component, channel), dict):
            raise UnreachableError(self._wire.unlike())

    def _exchange(
        self, method: Literal["GET", "POST"], component: str, channel: str, content: Any,
        large: bool,
    ) -> FemsAnswer:  # fmt: skip
        path = f"/rest/channel/{quote(component, safe='')}/{quote(channel, safe='')}"
        limits = self._limits
        if large:
            limits = ExchangeLimits(limits.read_timeout_s, 3 * limits.deadline_s, LARGE_BYTES)
        if method == "POST":
            last_s = LAST_RELEASE_S if content["value"] is None else LAST_WRITE_S
            limits = replace(limits, after_stop_s=last_s)
        answer = self._wire.exchange(method, path, content, limits)
        self.device_time = _device_time(answer.date)
        self.clock_ahead = None
        if self.device_time is not None:
            self.clock_ahead = self.device_time - datetime.now(UTC)
        return answer

    def _content(
        self, answer: FemsAnswer, component: str, channel: str, *, guest: bool = False
    ) -> Any:
        error = error_in(answer, component, channel, guest=guest)
        if error:
            raise error
        content = json_in(answer)
        if content is None:
            raise UnreachableError(self._wire.unlike(answer))
        return content


def _device_time(date: str) -> datetime | None:
    """The moment of a `Date:`; its second counts by its middle.

    >>> _device_time("Wed, 14 Jan 2026 12:01:00 GMT").isoformat()
    '2026-01-14T12:01:00.500000+00:00'
    """
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        at = email.utils.parsedate_to_datetime(date)
        if at.tzinfo is not None:
            return at + timedelta(seconds=0.5)
    return None
