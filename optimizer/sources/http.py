"""One polite exchange with a service: bounded in time and size, and silent about secrets.

Every failure is one of the four of `failures.py`. Texts name the host only: keys travel in paths
and parameters of some services, so no URL is ever told. Proxies, `.netrc` and cookies are not used,
redirects are not followed.
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

from optimizer.sources.failures import (
    BusyError,
    KeyRefusedError,
    NotPublishedError,
    RejectedError,
)

if TYPE_CHECKING:
    import requests  # at run time only where something is asked: most plans need no service

USER_AGENT = "optimizer (planner of a home battery; a few requests a day)"
DEADLINE_S = 20.0
"""Longest time for a whole exchange, name look-up and every dripping byte included."""
CAP_BYTES = 2_000_000
"""Largest answer; a year of quarter-hour prices has less."""
CHUNK_BYTES = 65_536
QUOTED = 120
"""Most characters of a service's own words in a message."""
LONGEST_WAIT_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said."""

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
        """The beginning of the text for a message: one line, printable, without secrets."""
        text = self.text
        for secret in self.secrets:
            for form in (secret, quote(secret), quote(secret, safe="")):
                text = text.replace(form, "***")
        text = re.sub(r"<[^>]*>", " ", text)
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return text[:QUOTED] + ("..." if len(text) > QUOTED else "")


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


@dataclass(frozen=True, slots=True)
class Http:
    """The way to services.

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
    ) -> Answer:
        """GET.

        Parameters
        ----------
        secrets
            What must not appear in any text; they may be in `url`, `params` and `headers`.
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
    ) -> Answer:
        """POST `content` as JSON; otherwise as `get`."""
        return self._judged("POST", url, None, headers, content, secrets, own)

    def _judged(
        self, method: Literal["GET", "POST"], url: str, params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None, content: Any, secrets: Collection[str],
        own: Collection[int],
    ) -> Answer:  # fmt: skip
        import requests

        known = {"User-Agent": USER_AGENT} | dict(headers or {})
        request = requests.Request(method, url, known, params=params, json=content)
        answer = self._exchange(request, tuple(filter(None, secrets)))
        if answer.status == 200 or answer.status in own:
            return answer
        raise self._failure(answer)

    def _exchange(self, request: "requests.Request", secrets: tuple[str, ...]) -> Answer:
        """Send, in a thread of its own: nothing that a service does can hold it past the deadline.

        Exceptions of `requests` name the URL, so none of them leaves this function.
        """
        from requests import Timeout

        host, told = urlsplit(request.url).hostname or "", list[Answer | Exception]()

        def work() -> None:
            try:
                told.append(_sent(request, host, self.deadline_s, secrets))
            except Exception as error:  # noqa: BLE001 told to the asker, below
                told.append(error)

        thread = threading.Thread(target=work, name=f"ask {host}", daemon=True)
        thread.start()
        thread.join(self.deadline_s)
        outcome = told[0] if told else Timeout()
        if isinstance(outcome, Answer):
            return outcome
        raise _unanswered(host, outcome, self.deadline_s)

    def _failure(self, answer: Answer) -> Exception:
        """The kind of failure behind a status code."""
        host, status, said = answer.host, answer.status, answer.quoted()
        because = f": {said}" if said else ""
        if status == 204:
            return NotPublishedError(f"{host} has nothing for this time yet")
        if status in (401, 403):
            return KeyRefusedError(f"{host} refuses ({status}): look at the key or token{because}")
        if status in (402, 408, 425, 429) or status >= 500:
            wait_s = self._retry_after(answer.headers.get("Retry-After", ""))
            when = "later" if wait_s is None else f"in {wait_s:.0f} s"
            word = "wants fewer questions" if status in (402, 429) else "does not work now"
            return BusyError(f"{host} {word} ({status}): ask again {when}", wait_s)
        if 300 <= status < 400:
            return RejectedError(f"{host} sends us elsewhere ({status}): that is not followed")
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
) -> Answer:
    """Send and read, at most `CAP_BYTES`."""
    from requests import Session

    with Session() as session:
        session.trust_env = False
        prepared = session.prepare_request(request)
        with session.send(
            prepared, timeout=deadline_s, allow_redirects=False, stream=True
        ) as response:
            parts, size = [], 0
            for part in response.iter_content(CHUNK_BYTES):
                size += len(part)
                if size > CAP_BYTES:
                    raise RejectedError(f"{host} sends more than {CAP_BYTES / 1e6:g} MB: not read")
                parts.append(part)
            text = b"".join(parts).decode("utf-8-sig", errors="replace")
            return Answer(host, response.status_code, text, response.headers, secrets)


def _unanswered(host: str, error: Exception, deadline_s: float) -> Exception:
    """An exception of the transport as a failure; nothing of its own text is told."""
    import requests

    if isinstance(error, RejectedError):
        return error
    if isinstance(error, requests.Timeout):
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
    """Drop what urllib3 tells of each request: the URL is in it, and the key in that."""
    return record.levelno > logging.DEBUG


logging.getLogger("urllib3.connectionpool").addFilter(_no_urls)
