"""Client for services: one exchange bounded in time and size, silent about secrets.

Every failure is one of the four kinds of `failures.py`. Texts name the host only: keys travel in
paths and parameters of some services, so no URL is ever shown. Proxies, `.netrc` and cookies are
not used, redirects are not followed.
"""

import email.utils
import json
import logging
import re
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlsplit

from optimizer.http.failures import BusyError, KeyRefusedError, NotPublishedError, RejectedError
from optimizer.model.printable import printable

if TYPE_CHECKING:
    import requests  # at run time only where something is asked: most plans need no service


USER_AGENT = "optimizer (planner of a home battery; a few requests a day)"
DEADLINE_S = 20.0
"""Longest time for a whole exchange, name look-up and every dripping byte included."""
CAP_BYTES = 2_000_000
"""Largest answer; a year of quarter-hour prices has less."""
QUOTED = 120
"""Most characters of a service's own words in a message."""
LONGEST_WAIT_S = 86_400.0


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """Answer of a service; `headers` are case-insensitive."""

    host: str
    status: int
    text: str
    headers: Mapping[str, str]
    secrets: tuple[str, ...] = ()

    def json(self) -> Any:
        """The parsed text.

        Raises
        ------
        RejectedError
            If it is not JSON, or holds NaN or infinity.
        """
        try:
            return json.loads(self.text, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            what = "a web page" if self.text.lstrip()[:1] == "<" else "something else"
            fault = RejectedError(f"{self.host} answered with {what} instead of JSON")
        raise fault

    def quoted(self) -> str:
        """Beginning of the text for a message: one line, printable, without secrets."""
        text = self.text
        for secret in self.secrets:
            for form in (secret, quote(secret), quote(secret, safe="")):
                text = text.replace(form, "***")
        return printable(re.sub(r"<[^>]*>", " ", text), QUOTED)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


@dataclass(frozen=True, slots=True)
class ServiceClient:
    """Client for all services.

    Parameters
    ----------
    now
        The clock, for a `Retry-After` that names a moment.
    deadline_s
        Longest time for one exchange [s].
    """

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    deadline_s: float = DEADLINE_S

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        secrets: Collection[str] = (),
        own: Collection[int] = (),
    ) -> ServiceAnswer:
        """GET.

        Parameters
        ----------
        secrets
            Texts that must not appear in any message; they may be in `url`, `params` and
            `headers`.
        own
            Status codes other than 200 whose text the source reads itself.

        Raises
        ------
        NotPublishedError, KeyRefusedError, BusyError, RejectedError
        """
        return self._judged("GET", url, params, headers, None, secrets, own)

    def post(
        self,
        url: str,
        content: Any,
        headers: Mapping[str, str] | None = None,
        *,
        secrets: Collection[str] = (),
        own: Collection[int] = (),
    ) -> ServiceAnswer:
        """POST `content` as JSON; otherwise as `get`."""
        return self._judged("POST", url, None, headers, content, secrets, own)

    def _judged(
        self, method: Literal["GET", "POST"], url: str, params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None, content: Any, secrets: Collection[str],
        own: Collection[int],
    ) -> ServiceAnswer:  # fmt: skip
        import requests

        known = {"User-Agent": USER_AGENT} | dict(headers or {})
        request = requests.Request(method, url, known, params=params, json=content)
        answer = self._exchange(request, tuple(filter(None, secrets)))
        if answer.status == 200 or answer.status in own:
            return answer
        raise self._failure(answer)

    def _exchange(self, request: "requests.Request", secrets: tuple[str, ...]) -> ServiceAnswer:
        """Send in a thread of its own, so that name look-up and TLS end with the deadline too.

        Exceptions of `requests` name the URL, so none of them leaves this function.
        """
        from requests import Timeout

        host, reported = urlsplit(request.url).hostname or "", list[ServiceAnswer | Exception]()

        def work() -> None:
            try:
                reported.append(_sent(request, host, self.deadline_s, secrets))
            except Exception as error:  # noqa: BLE001 raised below, as one of our own
                reported.append(error)

        thread = threading.Thread(target=work, name=f"ask {host}", daemon=True)
        thread.start()
        thread.join(self.deadline_s)
        outcome = reported[0] if reported else Timeout()
        if isinstance(outcome, ServiceAnswer):
            return outcome
        raise _unanswered(host, outcome, self.deadline_s)

    def _failure(self, answer: ServiceAnswer) -> Exception:
        """The kind of failure that a status code means."""
        host, status, said = answer.host, answer.status, answer.quoted()
        because = f": {said}" if said else ""
        if status == 204:
            return NotPublishedError(f"{host} has nothing for this time yet")
        if status in (401, 403):
            return KeyRefusedError(f"{host} refuses ({status}): look at the key or token{because}")
        if status in (402, 408, 425, 429) or status >= 500:
            wait_s = self._retry_after(answer.headers.get("Retry-After", ""))
            when = "later" if wait_s is None else f"in {wait_s:.0f} s"
            word = "limits the rate of requests" if status in (402, 429) else "does not work now"
            return BusyError(f"{host} {word} ({status}): ask again {when}", wait_s)
        if 300 <= status < 400:
            return RejectedError(f"{host} redirects ({status}), which is not followed")
        return RejectedError(f"{host} rejects the request ({status}){because}")

    def _retry_after(self, text: str) -> float | None:
        """`Retry-After`, seconds or a moment, as seconds from now; at most a day."""
        if re.fullmatch(r"\d{1,9}", text.strip()):
            return min(float(text), LONGEST_WAIT_S)
        try:
            at = email.utils.parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
        if at.tzinfo is None:
            return None
        return min(max(0.0, (at - self.now()).total_seconds()), LONGEST_WAIT_S)


def _sent(
    request: "requests.Request", host: str, deadline_s: float, secrets: tuple[str, ...]
) -> ServiceAnswer:
    """One exchange over a connection of its own."""
    from optimizer.http.transport import ExchangeLimits, TooLargeError, Transport

    with Transport() as transport:
        transport.deadline.start(deadline_s)
        try:
            limits = ExchangeLimits(deadline_s, deadline_s, CAP_BYTES)
            head, body = transport.exchange(request, limits)
        except TooLargeError as error:
            text = f"{host} sends more than {CAP_BYTES / 1e6:g} MB: not read"
            raise RejectedError(text) from error
    text = body.decode("utf-8-sig", errors="replace")
    return ServiceAnswer(host, head.status_code, text, head.headers, secrets)


def _unanswered(host: str, error: Exception, deadline_s: float) -> Exception:
    """An exception of the transport as a failure; its own text is not shown."""
    import requests

    from optimizer.http.transport import timed_out

    if isinstance(error, RejectedError):
        return error
    if isinstance(error, requests.Timeout) or timed_out(error):
        return BusyError(f"{host} did not answer within {deadline_s:g} s: ask again later")
    if isinstance(error, requests.exceptions.SSLError):
        return BusyError(f"{host} could not prove who it is (TLS): look at this computer's clock")
    if isinstance(error, requests.ConnectionError):
        return BusyError(f"{host} cannot be reached: look at the internet connection")
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema
                  | requests.exceptions.InvalidSchema):  # fmt: skip
        return RejectedError(f"'{host}' is no address of a service")
    return BusyError(f"{host} broke off its answer ({type(error).__name__}): ask again later")


def _no_urls(record: logging.LogRecord) -> bool:
    """Drop urllib3's line for each request: it holds the URL, and the URL may hold a key."""
    return record.levelno > logging.DEBUG


logging.getLogger("urllib3.connectionpool").addFilter(_no_urls)
