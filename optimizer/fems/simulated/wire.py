"""One connection of a simulated FEMS: requests as they come in, answers as they go out."""

import http
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

from optimizer.fems.simulated import faults
from optimizer.fems.simulated.answers import Reply
from optimizer.fems.simulated.faults import Fault, Faults
from optimizer.fems.simulated.rest import Request

_LARGEST_BODY = 1_000_000


class Fems(Protocol):
    """What a connection asks of its FEMS."""

    faults: Faults
    idle_s: float
    """Silence after which a connection is closed [s]."""

    @property
    def server_name(self) -> str:
        """What the `Server` header says; "" for none."""
        ...

    @property
    def closes_after_500(self) -> bool:
        """Whether connections end after a 500, without saying so."""
        ...

    def reply(self, request: Request) -> tuple[Reply, str]:
        """The reply, and the device's time for the `Date` header."""
        ...

    def date(self, offset_s: float) -> str:
        """The device's time, `offset_s` seconds off, for the `Date` header."""
        ...

    def pause(self, seconds: float) -> bool:
        """Wait in real time; True if the FEMS stops meanwhile."""
        ...


class Connection(BaseHTTPRequestHandler):
    """A connection, kept alive from request to request.

    Attributes
    ----------
    reset
        Whether it has to end with a reset.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Any

    def __init__(self, request: Any, client_address: Any, fems: Fems) -> None:
        self.fems = fems
        self.reset = False
        request.settimeout(fems.idle_s)
        super().__init__(request, client_address, fems)  # type: ignore[arg-type]

    def answer(self) -> None:
        """Answer one request, with the faults that are its share."""
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

    def _replied(self, request: Request, found: Mapping[str, Fault]) -> tuple[Reply, str]:
        for fault in found.values():
            instead = faults.instead(fault)
            if instead is not None:
                return instead, self.fems.date(0)
        reply, date = self.fems.reply(request)
        for fault in found.values():
            reply = faults.spoiled(fault, reply)
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

    def _request(self) -> Request:
        length = self.headers.get("Content-Length", "0")
        size = min(int(length), _LARGEST_BODY) if length.isdecimal() else 0
        return Request(
            method=self.command,
            target=self.requestline.split()[1],  # the base's own path has lost double slashes
            host=self.headers.get("Host", ""),
            authorization=self.headers.get("Authorization", ""),
            accept=self.headers.get("Accept", ""),
            body=self.rfile.read(size).decode("utf-8", "replace"),
        )
