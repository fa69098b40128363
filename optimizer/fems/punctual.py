"""A transport for `requests` that keeps one connection and one deadline.

The time-outs of `requests` start anew with every byte that arrives: an answer that drips holds a
call for as long as it likes. Here each single read knows how much of the whole deadline is left.
"""

import socket
import time
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool


class Deadline:
    """The moment when an exchange has to be over, whatever the other side does."""

    def __init__(self) -> None:
        self._ends_s = 0.0

    def start(self, allowed_s: float) -> None:
        """Allow so many seconds from now on."""
        self._ends_s = time.monotonic() + allowed_s

    def left_s(self) -> float:
        """Time left [s].

        Raises
        ------
        TimeoutError
            If there is none.
        """
        left_s = self._ends_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the deadline has passed")
        return left_s


class PunctualSocket(socket.socket):
    """A socket that never waits for data beyond the deadline."""

    def __init__(self, opened: socket.socket, deadline: Deadline) -> None:
        patience_s = opened.gettimeout()
        super().__init__(fileno=opened.detach())
        self._deadline = deadline
        self.settimeout(patience_s)

    def settimeout(self, value: float | None) -> None:
        """Set how long a single read may take [s]; None leaves it to the deadline."""
        self._patience_s = value
        super().settimeout(value)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """Read, within what is left of the deadline."""
        left_s = self._deadline.left_s()
        super().settimeout(left_s if self._patience_s is None else min(left_s, self._patience_s))
        return super().recv_into(buffer, nbytes, flags)


def _pool_class(deadline: Deadline) -> type[HTTPConnectionPool]:
    class Connection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            self.sock = PunctualSocket(self.sock, deadline)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    return Pool


class PunctualAdapter(HTTPAdapter):
    """One kept-alive connection under one deadline, plain HTTP as the FEMS speaks it.

    A FEMS serves five connections at a time, for all programs in the house together.
    """

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self.poolmanager.pool_classes_by_scheme = {"http": _pool_class(deadline)}
