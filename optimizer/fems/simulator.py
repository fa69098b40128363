"""A simulated FEMS: a real HTTP server over a simulated house, for demo, tests and trying out."""

import contextlib
import email.utils
import http
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from types import TracebackType
from typing import Any, Self

from optimizer.fems.answers import Reply
from optimizer.fems.house import SimulatedHouse
from optimizer.fems.rest import Request, Rest

_IDLE_S = 30.0
"""Idle connections are closed after this [s], as the device does it (measured)."""
_PACE_S = 0.02
"""Rest between two looks at what is due [s]."""
_STRIDE = 600
"""Most cycles at once: requests get their turn in between."""


class SimulatedFems:
    """A FEMS over `house` at a real address.

    Parameters
    ----------
    house
        The house; it belongs to the server as long as that runs.
    host, port
        Where to listen; port 0 takes any free one.
    owner_password, guest_password
        The two logins; a guest can only read. The defaults are the device's.
    speed
        Simulated seconds in a second; None leaves it to the caller to `advance`.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from optimizer.fems.client import FemsClient
    >>> from optimizer.fems.profile import Profile
    >>> from optimizer.model.battery import Battery
    >>> at = datetime(2026, 1, 14, tzinfo=UTC)
    >>> load, roof = Profile(at, 900, (500.0,)), Profile(at, 900, (0.0,))
    >>> house = SimulatedHouse(Battery(capacity_wh=10_000), load, roof, at, soc_percent=50)
    >>> with SimulatedFems(house) as fems, FemsClient(fems.url, "owner") as client:
    ...     client.snapshot(house.moment).battery_w
    500
    """

    def __init__(
        self,
        house: SimulatedHouse,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        owner_password: str = "owner",  # noqa: S107 - the device's documented default
        guest_password: str = "user",  # noqa: S107 - the same
        speed: float | None = None,
    ) -> None:
        self.house = house
        self._rest = Rest(house, owner_password=owner_password, guest_password=guest_password)
        self._address = (host, port)
        self._speed = speed
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server: _Server | None = None
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Address of the running server.

        Raises
        ------
        RuntimeError
            If it does not run.
        """
        if self._server is None:
            raise RuntimeError("The simulated FEMS does not run.")
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        """Listen, and let time pass if there is a speed.

        Raises
        ------
        OSError
            If the address is taken.
        """
        self._stopping.clear()
        self._server = _Server(self._address, self)
        self._threads = [threading.Thread(target=self._server.serve_forever, args=(_PACE_S,))]
        if self._speed is not None:
            self._threads.append(threading.Thread(target=self._run, args=(self._speed,)))
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    def stop(self) -> None:
        """Close all connections and stop; the house stays as it is. Harmless if stopped."""
        if self._server is None:
            return
        self._stopping.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        for thread in self._threads:
            thread.join()
        self._server = None

    def advance(self, seconds: int) -> None:
        """Let `seconds` of simulated time pass; safe beside running requests."""
        with self._lock:
            self.house.advance(seconds)

    def reply(self, request: Request) -> tuple[Reply, str]:
        """The reply to `request`, and the device's time for the `Date` header."""
        with self._lock:
            date = email.utils.format_datetime(self.house.moment, usegmt=True)
            return self._rest.reply(request), date

    def _run(self, speed: float) -> None:
        begun_s, done = time.monotonic(), 0
        while not self._stopping.wait(_PACE_S):
            due = int((time.monotonic() - begun_s) * speed) - done
            stride = min(due, _STRIDE)
            self.advance(stride)
            done += stride


class _Server(ThreadingTCPServer):
    """A thread for each connection; open ones can be closed from outside."""

    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], fems: SimulatedFems) -> None:
        self.fems = fems
        self._open: dict[socket.socket, threading.Thread] = {}
        super().__init__(address, _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin to serve a new connection; from here on it counts as open."""
        serve, arguments = self.process_request_thread, (request, client_address)
        thread = threading.Thread(target=serve, args=arguments, daemon=True)
        self._open[request] = thread
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection until either side closes it."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            del self._open[request]

    def hang_up(self) -> None:
        """Close all open connections and wait until they are."""
        for connection, thread in list(self._open.items()):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a client just goes away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    """One connection, kept alive from request to request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_S
    server: _Server

    def answer(self) -> None:
        """Answer one request in one packet.

        After a 500 the connection is closed without saying so: that is what the device does.
        """
        reply, date = self.server.fems.reply(self._request())
        phrase = http.HTTPStatus(reply.status).phrase
        lines = [f"HTTP/1.1 {reply.status} {phrase}", f"Date: {date}"]
        if reply.content_type:
            lines.append(f"Content-Type: {reply.content_type}")
        lines.append(f"Content-Length: {len(reply.body)}")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body)
        if reply.status == http.HTTPStatus.INTERNAL_SERVER_ERROR:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_OPTIONS = do_DELETE = answer  # noqa: N815 - the base's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log nothing: a demo asks thousands of times."""

    def _request(self) -> Request:
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(int(length)) if length.isdecimal() else b""
        return Request(
            method=self.command,
            target=self.path,
            host=self.headers.get("Host", ""),
            authorization=self.headers.get("Authorization", ""),
            accept=self.headers.get("Accept", ""),
            body=body.decode("utf-8", "replace"),
        )
