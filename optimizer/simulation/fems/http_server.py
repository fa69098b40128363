"""HTTP server of a simulated FEMS: connections, requests and answers.

As measured of the device's web server (contract of the interface, sections 1.5 and 6): nobody is
refused, but a connection too many gets no answer until another one closes; addresses and headers
above 8 kB are refused, chunked bodies are taken.
"""

import contextlib
import http
import re
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

from optimizer.simulation.fems import answers, wire_faults
from optimizer.simulation.fems.answers import Reply
from optimizer.simulation.fems.simulated_rest import RestRequest
from optimizer.simulation.fems.wire_faults import Fault, Faults

_LARGEST_BODY = 1_000_000
_LARGEST_HEAD = 8_192
"""Longest request line, and longest header, that the web server takes [bytes]."""


class RequestHandler(Protocol):
    """Interface between a connection and its FEMS."""

    faults: Faults
    idle_s: float
    """Silence after which a connection is closed [s]."""

    @property
    def server_name(self) -> str:
        """Value of the `Server` header; "" for none."""
        ...

    @property
    def closes_after_500(self) -> bool:
        """Return true if connections end after a 500 without an announcement."""
        ...

    def reply(self, request: RestRequest) -> tuple[Reply, str]:
        """The reply, and the device's time for the `Date` header."""
        ...

    def date(self, offset_s: float) -> str:
        """The device's time, `offset_s` seconds off, for the `Date` header."""
        ...

    def pause(self, seconds: float) -> bool:
        """Wait in real time; True if the FEMS stops meanwhile."""
        ...


class HttpConnection(BaseHTTPRequestHandler):
    """A connection, kept alive from request to request.

    Attributes
    ----------
    reset
        Whether it has to end with a reset.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Any

    def __init__(self, request: Any, client_address: Any, fems: RequestHandler) -> None:
        self.fems = fems
        self.reset = False
        request.settimeout(fems.idle_s)
        super().__init__(request, client_address, fems)  # type: ignore[arg-type]

    def answer(self) -> None:
        """Answer one request, with the faults that are its share."""
        refused = self._too_large()
        if refused is not None:
            self._send(refused, self._head(refused, self.fems.date(0)), {})
            self.close_connection = True
            return
        request = self._request()
        found = {fault.name: fault for fault in self.fems.faults.take(request)}
        if "delay" in found and self.fems.pause(found["delay"].amount):
            self.close_connection = True
            return
        reply, date = self._replied(request, found)
        if not reply.status or "drop-after" in found:
            self.reset, self.close_connection = "reset" in found, True
            return
        if "clock" in found:
            date = self.fems.date(found["clock"].amount)
        self._send(reply, self._head(reply, date), found)
        ends = reply.closes or "truncate" in found
        if ends or (reply.status == 500 and self.fems.closes_after_500):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_OPTIONS = answer  # noqa: N815 - the base's names
    do_DELETE = do_HEAD = do_PATCH = do_TRACE = answer  # noqa: N815 - the same

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log nothing: a demo asks thousands of times."""

    def _replied(self, request: RestRequest, found: Mapping[str, Fault]) -> tuple[Reply, str]:
        for fault in found.values():
            instead = wire_faults.instead(fault)
            if instead is not None:
                return instead, self.fems.date(0)
        reply, date = self.fems.reply(request)
        for fault in found.values():
            reply = wire_faults.spoiled(fault, reply)
        return reply, date

    def _head(self, reply: Reply, date: str) -> bytes:
        phrase = http.HTTPStatus(reply.status).phrase
        lines = [f"HTTP/1.1 {reply.status} {phrase}", f"Date: {date}"]
        if self.fems.server_name:
            lines.append(f"Server: {self.fems.server_name}")
        if reply.content_type:
            lines.append(f"Content-Type: {reply.content_type}")
        if reply.location:
            lines.append(f"Location: {reply.location}")
        if reply.closes:
            lines.append("Connection: close")
        lines.append(f"Content-Length: {len(reply.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _send(self, reply: Reply, head: bytes, found: Mapping[str, Fault]) -> None:
        """Send in one packet, unless a fault says otherwise."""
        body = b"" if self.command == "HEAD" else reply.body
        if "truncate" in found:
            body = body[: max(0, len(body) - int(found["truncate"].amount))]
        if "drip-header" in found:
            self._drip(head, found["drip-header"].amount)
            head = b""
        if "drip" in found:
            self.wfile.write(head)
            self._drip(body, found["drip"].amount)
            return
        self.wfile.write(head + body)

    def _drip(self, content: bytes, apart_s: float) -> None:
        pause: Callable[[float], bool] = self.fems.pause
        for place in range(len(content)):
            self.wfile.write(content[place : place + 1])
            if pause(apart_s):
                return

    def _too_large(self) -> Reply | None:
        """The web server's refusal of a request that is too long; None if it is not."""
        if len(self.requestline) > _LARGEST_HEAD:
            return replace(answers.page(414, "URI Too Long", "", ""), closes=True)
        size = sum(len(name) + len(value) + 4 for name, value in self.headers.items())
        if size > _LARGEST_HEAD:
            text = "Request Header Fields Too Large"
            return replace(answers.page(431, text, "", ""), closes=True)
        return None

    def _body(self) -> bytes:
        """The body, of the announced length or in chunks."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        length = self.headers.get("Content-Length", "0")
        return self.rfile.read(min(int(length), _LARGEST_BODY) if length.isdecimal() else 0)

    def _chunks(self) -> bytes:
        body = b""
        while len(body) < _LARGEST_BODY:
            size = self.rfile.readline(100).partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
                break
            body += self.rfile.read(min(int(size, 16), _LARGEST_BODY))
            self.rfile.readline(100)
            if int(size, 16) == 0:
                break
        return body

    def _request(self) -> RestRequest:
        return RestRequest(
            method=self.command,
            target=self.requestline.split()[1],  # the base's own path has lost double slashes
            host=self.headers.get("Host", ""),
            authorization=self.headers.get("Authorization", ""),
            accept=self.headers.get("Accept", ""),
            body=self._body().decode("utf-8", "replace"),
        )


_POLL_S = 0.5
"""Longest time between two looks at whether to stop [s]."""
_BACKLOG = 128
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the web server; the defaults are the device's."""

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
        self._socket.settimeout(_POLL_S)
        self._changed = threading.Condition()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._accepted: deque[float] = deque()
        self._stopping = False
        self._thread = threading.Thread(target=self._accept_all, daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Address that it listens on."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def hang_up(self) -> None:
        """End all connections; new ones are accepted as before."""
        with self._changed:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

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
                self._changed.wait(_POLL_S if full else paused_s)
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
