"""One exchange with the FEMS over the one transport: logins, a kept-alive connection, sentences."""

import base64
import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from optimizer.errors import ConfigError, UnreachableError
from optimizer.fems.refusals import FemsAnswer
from optimizer.http.public_address import PublicAddressError
from optimizer.http.transport import ExchangeLimits, TooLargeError, Transport, timed_out

CONNECT_S = 3.0
"""Longest time for opening a connection [s]."""
HEADERS = {
    "Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "optimizer"
}  # fmt: skip

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


class _Login(AuthBase):
    """Basic authentication in the header; the FEMS goes by the password alone."""

    def __init__(self, password: str) -> None:
        # `surrogatepass` never raises: an encoding error would carry the password in its text
        secret = f"x:{password}".encode("utf-8", "surrogatepass")
        self._header = "Basic " + base64.b64encode(secret).decode("ascii")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


@dataclass(frozen=True, slots=True)
class _Trouble:
    """An exchange that brought no answer."""

    sentence: str
    dropped: bool = False
    """The other side had closed the connection."""


class Wire:
    """Exchanges with one address, on one connection.

    A FEMS serves five connections at a time, for all programs in the house together.

    Parameters
    ----------
    url
        Plain HTTP address.
    password
        Sent with every POST.
    guest_password
        Sent with every GET instead, so that the owner's password travels in writes only.
    allow_public
        Connect to addresses outside private networks, too; judged at each connection.

    Raises
    ------
    ConfigError
        If `url` is no plain HTTP address, or carries a login.
    """

    def __init__(
        self, url: str, password: str, guest_password: str | None = None, *,
        allow_public: bool = False,
    ) -> None:  # fmt: skip
        self.origin = origin_of(url)
        guest = password if guest_password is None else guest_password
        self._logins = {"POST": _Login(password), "GET": _Login(guest)}
        self._transport = Transport(schemes=("http://",), private_only=not allow_public)
        self._transport.headers.update(HEADERS)
        self._kept_alive = False

    @property
    def connections(self) -> int:
        """Number of connections that were opened so far."""
        return self._transport.deadline.connections

    def stop_when(self, stopping: Callable[[], bool]) -> None:
        """Give up exchanges when `stopping` says that the program has to stop."""
        self._transport.deadline.stopping = stopping

    def close(self) -> None:
        """Close the connection; another exchange would open a new one."""
        self._transport.close()
        self._kept_alive = False

    def exchange(
        self, method: Literal["GET", "POST"], path: str, content: Any, limits: ExchangeLimits
    ) -> FemsAnswer:
        """Ask once, and once more if the FEMS had dropped the kept-alive connection.

        It does so unannounced after each 500; a value written twice is as good as once.

        Raises
        ------
        UnreachableError
            If no whole answer came in time.
        StoppedError
            If the program has to stop, unless the exchange may go on then.
        """
        self._transport.deadline.start(limits.deadline_s, limits.after_stop_s)
        result = self._attempt(method, path, content, limits)
        if isinstance(result, _Trouble) and result.dropped and self._kept_alive:
            result = self._attempt(method, path, content, limits)
        self._kept_alive = isinstance(result, FemsAnswer)
        if isinstance(result, _Trouble):
            # raised outside of any `except`: the library's exceptions hold the request's headers
            raise UnreachableError(result.sentence)
        return result

    def _attempt(
        self, method: str, path: str, content: Any, limits: ExchangeLimits
    ) -> FemsAnswer | _Trouble:
        request = requests.Request(
            method, self.origin + path, json=content, auth=self._logins[method]
        )
        try:
            head, body = self._transport.exchange(request, limits, CONNECT_S)
            kind, date = (head.headers.get(name, "") for name in ("Content-Type", "Date"))
            return FemsAnswer(head.status_code, kind, body, date)
        except TooLargeError:
            return _Trouble(self.unlike())
        except PublicAddressError as error:
            return _Trouble(
                f"Nothing was sent to the FEMS: {error} now; if you mean it write allow_public = "
                "true into [fems]."
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, TimeoutError) as error:
            return self._trouble(error)

    def _trouble(self, error: Exception) -> _Trouble:
        if timed_out(error):
            return _Trouble(
                f"The FEMS at {self.origin} did not answer in time: "
                "check its network, and how many other programs ask it."
            )
        cause = error.args[0] if error.args else None
        dropped = isinstance(cause, urllib3.exceptions.ProtocolError) and any(
            isinstance(argument, ConnectionError) for argument in cause.args
        )
        return _Trouble(
            f"The FEMS at {self.origin} cannot be reached: check its network and [fems] url.",
            dropped,
        )

    def unlike(self, answer: FemsAnswer | None = None) -> str:
        """The sentence for an answer that no FEMS would give."""
        page = answer is not None and "html" in answer.content_type.lower()
        return (
            f"What answers at {self.origin} does not speak like a FEMS"
            f"{' but sends a web page' if page else ''}: "
            "check that [fems] url is the FEMS's own address."
        )


def origin_of(url: str) -> str:
    """Scheme, host and port of `url`; the text of a fault never repeats it.

    Raises
    ------
    ConfigError
        If it is no plain HTTP address, or carries a login.
    """
    fix = 'write it like "http://192.168.0.23".'
    if "@" in url:
        raise ConfigError(
            f"[fems] url must not hold a login: put it into [fems] password, and {fix}"
        )
    host, port = "", None
    with contextlib.suppress(ValueError):  # a port or an address in brackets that is none
        parts = urlsplit(url.strip())
        if parts.scheme == "http" and parts.path in ("", "/") and not parts.query + parts.fragment:
            host, port = parts.hostname or "", parts.port
    if not _HOST.fullmatch(host):
        raise ConfigError(f"[fems] url is not a plain HTTP address: {fix}")
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}" if port else f"http://{host}"


def json_in(answer: FemsAnswer) -> Any | None:
    """The parsed body, None if it is no JSON; NaN and infinity, which are no JSON, are null."""
    if "json" not in answer.content_type.lower():
        return None
    try:
        return json.loads(answer.body, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
