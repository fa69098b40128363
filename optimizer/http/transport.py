"""The one HTTP transport: an exchange with one address, bounded in time and size.

Over plain HTTP everything that waits ends with one deadline (`deadline.py`).
`requests` also follows redirects (turning a POST into a GET elsewhere), takes proxies and passwords
from the environment and reads bodies of any length; all that is switched off.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from optimizer.http.deadline import Deadline, Dialler, PunctualSocket

CHUNK_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class ExchangeLimits:
    """Bounds of one exchange."""

    read_timeout_s: float
    """Longest silence within an answer [s]."""
    deadline_s: float
    """Longest time from connecting to the last byte [s]."""
    cap_bytes: int
    """Largest answer that is read."""
    after_stop_s: float | None = None
    """Longest time that it goes on once the program has to stop [s]; None gives it up at once."""


class TooLargeError(Exception):
    """The answer is larger than its limit."""


def _pool_class(deadline: Deadline, *, private_only: bool) -> type[HTTPConnectionPool]:
    dialler = Dialler(deadline, private_only=private_only)

    class Connection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            longest_s = self.timeout if isinstance(self.timeout, int | float) else None
            try:
                opened = dialler.dial(
                    self.host, self.port, deadline.left_s() if longest_s is None else longest_s
                )
            except socket.gaierror as error:
                raise NameResolutionError(self.host, self, error) from error
            except TimeoutError as error:
                raise ConnectTimeoutError(self, f"no connection to {self.host}") from error
            except OSError as error:
                raise NewConnectionError(self, f"no connection to {self.host}") from error
            opened.settimeout(longest_s)
            deadline.connections += 1
            return PunctualSocket(opened, deadline)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    return Pool


class PunctualAdapter(HTTPAdapter):
    """One kept-alive connection; over plain HTTP under one deadline."""

    def __init__(self, deadline: Deadline, *, private_only: bool = False) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pool_class(deadline, private_only=private_only), "https": HTTPSConnectionPool
        }  # fmt: skip


class Transport(requests.Session):
    """Exchanges over one kept-alive connection, one at a time; not for several threads.

    Parameters
    ----------
    schemes
        Beginnings of allowed addresses. Over `https` only `read_timeout_s` bounds a read; the
        caller bounds the whole.
    private_only
        Connect over plain HTTP to addresses of private networks alone, whatever a name says.
    """

    def __init__(
        self, schemes: Sequence[str] = ("http://", "https://"), *, private_only: bool = False
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.deadline = Deadline()
        self.adapters.clear()
        for scheme in schemes:
            self.mount(scheme, PunctualAdapter(self.deadline, private_only=private_only))

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Ignore redirects: `requests` reads and parses even those that it does not follow."""
        del resp
        return None

    def exchange(
        self, request: requests.Request, limits: ExchangeLimits, connect_s: float | None = None
    ) -> tuple[requests.Response, bytes]:
        """Send a request; gives the answer's head and whole body.

        Parameters
        ----------
        connect_s
            Longest time for opening a connection [s]; None is the whole deadline.

        Raises
        ------
        TooLargeError
            If the body is larger than `limits.cap_bytes`.
        PublicAddressError
            If the host is in no private network, and only those are wanted.
        requests.RequestException, urllib3.exceptions.HTTPError, TimeoutError
            If no whole answer came; their texts may name the address, their contexts hold headers.
        """
        left_s = self.deadline.left_s()
        with self.send(
            self.prepare_request(request),
            timeout=(
                left_s if connect_s is None else min(connect_s, left_s),
                limits.read_timeout_s,
            ),
            stream=True,
            allow_redirects=False,
        ) as response:
            body = bytearray()
            for chunk in response.iter_content(CHUNK_BYTES):
                body += chunk
                if len(body) > limits.cap_bytes:
                    raise TooLargeError
            return response, bytes(body)


def timed_out(error: Exception) -> bool:
    """Test for an answer that was too slow, however the libraries wrap that."""
    cause = error.args[0] if error.args else None
    return isinstance(error, requests.ReadTimeout | TimeoutError) or isinstance(
        cause, urllib3.exceptions.ReadTimeoutError
    )
