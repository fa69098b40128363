"""One exchange with the FEMS: bounded in time and size, and with nobody else.

`requests` as it comes follows redirects (turning a POST into a GET elsewhere), takes proxies and
passwords from the environment and reads bodies of any length; all that is switched off here.
"""

import base64
import contextlib
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from optimizer.errors import ConfigError, UnreachableError
from optimizer.fems.punctual import Deadline, PunctualAdapter
from optimizer.fems.refusals import Answer, error_in

CONNECT_S = 3.0
"""Time to open a connection [s]."""
CAP_BYTES = 64 * 1024
"""Largest answer that is read; a tick's answers have about 2 kB each."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")

_Content = dict[str, int | None] | None


class _Login(AuthBase):
    """Basic authentication in the header; the FEMS goes by the password alone."""

    def __init__(self, password: str) -> None:
        # `surrogatepass` never raises: an encoding error would carry the password in its text
        secret = f"x:{password}".encode("utf-8", "surrogatepass")
        self._header = "Basic " + base64.b64encode(secret).decode("ascii")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class _Session(requests.Session):
    """A session for one address only."""

    def __init__(self, password: str, deadline: Deadline) -> None:
        super().__init__()
        self.trust_env = False
        self.auth = _Login(password)
        self.adapters.clear()
        self.mount("http://", PunctualAdapter(deadline))
        self.headers.update(
            {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "optimizer"}
        )

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Look at no redirect: even an unfollowed one is read and parsed otherwise."""
        del resp
        return None


@dataclass(frozen=True, slots=True)
class _Trouble:
    """An exchange that brought no answer."""

    sentence: str
    dropped: bool = False
    """Whether the other side had closed the connection."""


class Link:
    """The way to one FEMS; `FemsClient` knows what is said on it."""

    def __init__(
        self, url: str, password: str, *, read_timeout_s: float, deadline_s: float
    ) -> None:
        self.origin = _origin(url)
        self._deadline = Deadline(deadline_s)
        self._read_timeout_s = read_timeout_s
        self._session = _Session(password, self._deadline)
        self._kept_alive = False

    def close(self) -> None:
        """Close the connection; another exchange would open a new one."""
        self._session.close()
        self._kept_alive = False

    def get(self, component: str, channel: str) -> Any | None:
        """The parsed answer to a GET; both names are patterns. None if nothing matches (404).

        Raises
        ------
        UnreachableError, RefusedError
        """
        answer = self._exchange("GET", component, channel)
        return None if answer.status == 404 else self._content(answer, component, channel)

    def post(self, component: str, channel: str, value: int | None) -> None:
        """Write `value`; None gives the channel back.

        Raises
        ------
        UnreachableError, RefusedError
        """
        answer = self._exchange("POST", component, channel, {"value": value})
        if not isinstance(self._content(answer, component, channel), dict):
            raise UnreachableError(self._unlike())

    def _exchange(
        self, method: str, component: str, channel: str, content: _Content = None
    ) -> Answer:
        """Ask once, and once more if the FEMS had dropped the kept-alive connection.

        It does so unannounced after each 500; a value written twice is as good as once.
        """
        path = f"/rest/channel/{quote(component, safe='')}/{quote(channel, safe='')}"
        self._deadline.start()
        result = self._attempt(method, path, content)
        if isinstance(result, _Trouble) and result.dropped and self._kept_alive:
            result = self._attempt(method, path, content)
        self._kept_alive = isinstance(result, Answer)
        if isinstance(result, _Trouble):
            # raised outside of any `except`: the library's exceptions hold the request's headers
            raise UnreachableError(result.sentence)
        return result

    def _attempt(self, method: str, path: str, content: _Content) -> Answer | _Trouble:
        try:
            connect_s = min(CONNECT_S, self._deadline.left_s())
            with self._session.request(
                method,
                self.origin + path,
                json=content,
                timeout=(connect_s, self._read_timeout_s),
                stream=True,
                allow_redirects=False,
            ) as response:
                body = _body(response)
                if body is None:
                    return _Trouble(self._unlike())
                kind = response.headers.get("Content-Type", "")
                return Answer(response.status_code, kind, body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, TimeoutError) as error:
            return self._trouble(error)

    def _trouble(self, error: Exception) -> _Trouble:
        cause = error.args[0] if error.args else None
        if isinstance(error, requests.ReadTimeout | TimeoutError) or isinstance(
            cause, urllib3.exceptions.ReadTimeoutError
        ):
            return _Trouble(
                f"The FEMS at {self.origin} did not answer in time: "
                "check its network, and how many other programs ask it."
            )
        dropped = isinstance(cause, urllib3.exceptions.ProtocolError) and any(
            isinstance(argument, ConnectionError) for argument in cause.args
        )
        return _Trouble(
            f"The FEMS at {self.origin} cannot be reached: check its network and [fems] url.",
            dropped,
        )

    def _content(self, answer: Answer, component: str, channel: str) -> Any:
        error = error_in(answer, component, channel)
        if error:
            raise error
        content = _json(answer)
        if content is None:
            raise UnreachableError(self._unlike())
        return content

    def _unlike(self) -> str:
        return (
            f"What answers at {self.origin} does not speak like a FEMS: "
            "check that [fems] url is the FEMS's own address."
        )


def _origin(url: str) -> str:
    """Scheme, host and port of `url`; the text of a fault never repeats it.

    Raises
    ------
    ConfigError
        If it is no plain HTTP address, or carries a login.
    """
    cure = 'write it like "http://192.168.0.23".'
    if "@" in url:
        raise ConfigError(
            f"[fems] url must not hold a login: put it into [fems] password, and {cure}"
        )
    host, port = "", None
    with contextlib.suppress(ValueError):  # a port or an address in brackets that is none
        parts = urlsplit(url.strip())
        if parts.scheme == "http" and parts.path in ("", "/") and not parts.query + parts.fragment:
            host, port = parts.hostname or "", parts.port
    if not _HOST.fullmatch(host):
        raise ConfigError(f"[fems] url is not a plain HTTP address: {cure}")
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}" if port else f"http://{host}"


def _body(response: requests.Response) -> bytes | None:
    """The whole body, None if it is larger than anything that a FEMS would send."""
    body = bytearray()
    for chunk in response.iter_content(4096):
        body += chunk
        if len(body) > CAP_BYTES:
            return None
    return bytes(body)


def _json(answer: Answer) -> Any | None:
    """The parsed body, None if it is no JSON."""
    if "json" not in answer.content_type.lower():
        return None
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
