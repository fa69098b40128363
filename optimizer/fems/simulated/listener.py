"""The door of a simulated FEMS: how many connections it serves, and how fast it takes new ones.

As measured of the device's web server (contract of the interface, section 1.5): nobody is refused,
but a connection too many gets no answer until another one closes.
"""

import contextlib
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_LOOK_S = 0.5
"""Longest time between two looks at whether to stop [s]."""
_BACKLOG = 128
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the web server puts up with; the defaults are the device's."""

    connections: int = 5
    """Connections at a time."""
    new: int = 10
    """New connections within `within_s`; then accepting pauses."""
    within_s: float = 5.0
    idle_s: float = 30.0
    """Silence after which a connection is closed [s]."""


NO_LIMITS = Limits(connections=1_000, new=1_000_000)
"""For tests of other things."""


class Listener:
    """Accepts connections and has each served in a thread of its own.

    Parameters
    ----------
    address
        Host and port; 0 takes any free port.
    limits
        See there.
    serve
        Serves one connection to its end; true if it has to end with a reset.

    Raises
    ------
    OSError
        If the address is taken.
    """

    def __init__(
        self,
        address: tuple[str, int],
        limits: Limits,
        serve: Callable[[socket.socket, object], bool],
    ) -> None:
        self._limits = limits
        self._serve = serve
        self._socket = socket.create_server(address, backlog=_BACKLOG)
        self._socket.settimeout(_LOOK_S)
        self._changed = threading.Condition()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._accepted: deque[float] = deque()
        self._stopping = False
        self._thread = threading.Thread(target=self._accept_all, daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def stop(self) -> None:
        """Close everything and wait until it is."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        for connection, thread in list(self._open.items()):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()

    def _accept_all(self) -> None:
        while self._may_accept():
            try:
                connection, peer = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            thread = threading.Thread(target=self._served, args=(connection, peer), daemon=True)
            self._accepted.append(time.monotonic())
            with self._changed:
                self._open[connection] = thread
            thread.start()

    def _may_accept(self) -> bool:
        """Wait until there is room for one more; False when it is time to stop."""
        with self._changed:
            while not self._stopping:
                paused_s = self._paused_s()
                full = len(self._open) >= self._limits.connections
                if not full and paused_s <= 0:
                    return True
                self._changed.wait(_LOOK_S if full else paused_s)
            return False

    def _paused_s(self) -> float:
        """For how long nothing new is accepted [s]."""
        now_s = time.monotonic()
        while self._accepted and self._accepted[0] <= now_s - self._limits.within_s:
            self._accepted.popleft()
        if len(self._accepted) < self._limits.new:
            return 0.0
        return self._accepted[0] + self._limits.within_s - now_s

    def _served(self, connection: socket.socket, peer: object) -> None:
        reset = False
        try:
            reset = self._serve(connection, peer)
        except ConnectionError:
            pass  # the client just went away
        finally:
            _hang_up(connection, reset)
            with self._changed:
                del self._open[connection]
                self._changed.notify_all()


def _hang_up(connection: socket.socket, reset: bool) -> None:
    with contextlib.suppress(OSError):
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        else:
            connection.shutdown(socket.SHUT_WR)
    connection.close()
