"""One exchange with the FEMS: bounded in time and size, and with nobody else.

`requests` as it comes follows redirects (turning a POST into a GET elsewhere), takes proxies and
passwords from the environment and reads bodies of any length; all that is switched off here.
"""

import base64
import contextlib
import json
import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from optimizer.errors import ConfigError, UnreachableError
from optimizer.fems.punctual import Deadline, PunctualAdapter
from optimizer.fems.refusals import Answer

CONNECT_S = 3.0
"""Time to open a connection [s]."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how much is waited for in one exchange."""

    read_timeout_s: float
    """Longest silence within an answer [s]."""
    deadline_s: float
    """Longest time from connecting to the last byte [s]."""
    cap_bytes: int
    """Largest answer that is read."""


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

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self.trust_env = False
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


class Wire:
    """The way to one address, on one connection.

    Parameters
    ----------
    url
        Plain HTTP address.
    password
        Sent with every POST.
    guest_password
        Sent with every GET instead, so that the owner's password travels in writes only.

    Raises
    ------
    ConfigError
        If `url` is no plain HTTP address, or carries a login.
    """

    def __init__(self, url: str, password: str, guest_password: str | None = None) -> None:
        self.origin = origin_of(url)
        guest = password if guest_password is None else guest_password
        self._logins = {"POST": _Login(password), "GET": _Login(guest)}
        self._deadline = Deadline()
        self._session = _Session(self._deadline)
        self._kept_alive = False

    def close(self) -> None:
        """Close the connection; another exchange would open a new one."""
        self._session.close()
        self._kept_alive = False

    def exchange(
        self, method: Literal["GET", "POST"], path: str, content: Any, patience: Patience
    ) -> Answer:
        """Ask once, and once more if the FEMS had dropped the kept-alive connection.

        It does so unannounced after each 500; a value written twice is as good as once.

        Raises
        ------
        UnreachableError
            If no whole answer came in time.
        """
        self._deadline.start(patience.deadline_s)
        result = self._attempt(method, path, content, patience)
        if isinstance(result, _Trouble) and result.dropped and self._kept_alive:
            result = self._attempt(method, path, content, patience)
        self._kept_alive = isinstance(result, Answer)
        if isinstance(result, _Trouble):
            # raised outside of any `except`: the library's exceptions hold the request's headers
            raise UnreachableError(result.sentence)
        return result

    def _attempt(
        self, method: str, path: str, content: Any, patience: Patience
    ) -> Answer | _Trouble:
        try:
            connect_s = min(CONNECT_S, self._deadline.left_s())
            with self._session.request(
                method,
                self.origin + path,
                json=content,
                auth=self._logins[method],
                timeout=(connect_s, patience.read_timeout_s),
                stream=True,
                allow_redirects=False,
            ) as response:
                body = _body(response, patience.cap_bytes)
                if body is None:
                    return _Trouble(self.unlike())
                head = response.headers
                kind, date = head.get("Content-Type", ""), head.get("Date", "")
                return Answer(response.status_code, kind, body, date)
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

    def unlike(self, answer: Answer | None = None) -> str:
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


def _body(response: requests.Response, cap_bytes: int) -> bytes | None:
    """The whole body, None if it is larger than anything that is waited for."""
    body = bytearray()
    for chunk in response.iter_content(4096):
        body += chunk
        if len(body) > cap_bytes:
            return None
    return bytes(body)


def json_in(answer: Answer) -> Any | None:
    """The parsed body, None if it is no JSON."""
    if "json" not in answer.content_type.lower():
        return None
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
