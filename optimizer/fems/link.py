"""Reading and writing channels over the REST interface: paths, JSON, refusals.

`Wire` carries the bytes; `FemsClient` knows what the channels mean.
"""

import contextlib
import email.utils
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from optimizer.errors import UnreachableError
from optimizer.fems.refusals import Answer, error_in
from optimizer.fems.wire import Patience, Wire, json_in

CAP_BYTES = 64 * 1024
"""Largest answer that is read in a tick; it has about 2 kB."""
LARGE_BYTES = 16 * 1024 * 1024
"""Largest answer that is read where all channels of a component, or a configuration, come."""


class Link:
    """The way to one FEMS; `FemsClient` knows what is said on it.

    Parameters
    ----------
    url, password, guest_password
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
    ) -> None:
        self._wire = Wire(url, password, guest_password)
        self._guest = guest_password is not None
        self._patience = Patience(read_timeout_s, deadline_s, CAP_BYTES)
        self.clock_ahead: timedelta | None = None
        """By how much the FEMS's clock (`Date:` of its last answer) is ahead of ours."""
        self.device_time: datetime | None = None
        """The FEMS's clock at its last answer; None if it told none."""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self._wire.origin

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
        """
        answer = self._exchange("POST", component, channel, {"value": value}, large=False)
        if not isinstance(self._content(answer, component, channel), dict):
            raise UnreachableError(self._wire.unlike())

    def _exchange(
        self, method: Literal["GET", "POST"], component: str, channel: str, content: Any,
        large: bool,
    ) -> Answer:  # fmt: skip
        path = f"/rest/channel/{quote(component, safe='')}/{quote(channel, safe='')}"
        patience = self._patience
        if large:
            patience = Patience(patience.read_timeout_s, 3 * patience.deadline_s, LARGE_BYTES)
        answer = self._wire.exchange(method, path, content, patience)
        self.device_time = _device_time(answer.date)
        self.clock_ahead = None
        if self.device_time is not None:
            self.clock_ahead = self.device_time - datetime.now(UTC)
        return answer

    def _content(self, answer: Answer, component: str, channel: str, *, guest: bool = False) -> Any:
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
