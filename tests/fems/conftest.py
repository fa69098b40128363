"""Houses, simulated FEMS and bare sockets for the tests of this room."""

import base64
import contextlib
import http.client
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from optimizer.fems.client import FemsClient
from optimizer.model.battery import Battery
from optimizer.simulation.fems.http_server import NO_LIMITS
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems

AT = datetime(2026, 6, 14, 12, tzinfo=UTC)

MakeHouse = Callable[..., SimulatedHouse]
Connect = Callable[..., FemsClient]


class Answered(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content(self) -> object:
        return json.loads(self.body)


@pytest.fixture
def at() -> datetime:
    """The moment at which simulated houses begin."""
    return AT


@pytest.fixture
def make_house() -> MakeHouse:
    """A house with constant load and roof, like the one of the recorded exchanges."""

    def make(
        *,
        load_w: float = 3_000.0,
        pv_w: float = 0.0,
        soc_percent: float = 50.0,
        battery: dict[str, object] | None = None,
        **options: float,
    ) -> SimulatedHouse:
        limits = {"capacity_wh": 10_000, "max_charge_w": 6_000, "max_discharge_w": 6_000}
        return SimulatedHouse(
            Battery(**(limits | (battery or {}))),
            Profile(AT, 900, (load_w,)),
            Profile(AT, 900, (pv_w,)),
            AT,
            soc_percent,
            **options,
        )

    return make


@pytest.fixture
def fems(make_house: MakeHouse) -> Iterator[SimulatedFems]:
    with SimulatedFems(make_house(), limits=NO_LIMITS) as running:
        yield running


@pytest.fixture
def client(fems: SimulatedFems) -> Iterator[FemsClient]:
    with FemsClient(fems.url, "owner") as owner:
        yield owner


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Clients that are closed in the end."""
    with contextlib.ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(FemsClient(*arguments, **options))


@pytest.fixture
def listen() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Start a server that treats each connection as told; gives its URL."""
    with contextlib.ExitStack() as stack:

        def start(talk: Callable[[socket.socket], None]) -> str:
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = threading.Thread(target=_serve, args=(listening, talk))
            thread.start()
            stack.callback(thread.join)
            stack.callback(listening.shutdown, socket.SHUT_RDWR)
            return f"http://127.0.0.1:{listening.getsockname()[1]}"

        yield start


def _serve(listening: socket.socket, talk: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            connection = listening.accept()[0]
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            talk(connection)


@pytest.fixture
def page() -> Callable[..., bytes]:
    """A whole HTTP answer, as bytes."""

    def build(
        status: int = 200, body: bytes = b"{}", kind: str = "application/json", more: str = ""
    ) -> bytes:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        return (head + more + "\r\n").encode() + body

    return build


@pytest.fixture
def heard() -> list[bytes]:
    """The requests that bare servers have received through `hear`."""
    return []


@pytest.fixture
def hear(heard: list[bytes]) -> Callable[[socket.socket], bool]:
    """Receive one request; False if the client has closed."""

    def receive(connection: socket.socket) -> bool:
        request = b""
        while b"\r\n\r\n" not in request:
            part = connection.recv(4096)
            if not part:
                return False
            request += part
        head, _, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        while length and len(body) < int(length[1]):
            body += connection.recv(4096)
        heard.append(head + b"\r\n\r\n" + body)
        return True

    return receive


@pytest.fixture
def over() -> Iterator[Callable[..., SimulatedFems]]:
    """Run a simulated FEMS over a house, without limits unless some are given."""
    with contextlib.ExitStack() as stack:

        def run(house: SimulatedHouse, **options: object) -> SimulatedFems:
            return stack.enter_context(SimulatedFems(house, **{"limits": NO_LIMITS} | options))

        yield run


@pytest.fixture
def ask() -> Callable[..., Answered]:
    """Ask a FEMS, each time on a new connection."""

    def one(
        fems: SimulatedFems,
        method: str,
        path: str,
        body: str | None = None,
        password: str | None = "owner",  # noqa: S107 - the device's documented default
        **headers: str,
    ) -> Answered:
        line = http.client.HTTPConnection(*fems.address, timeout=60)
        if password is not None:
            login = base64.b64encode(f"x:{password}".encode()).decode()
            headers.setdefault("Authorization", f"Basic {login}")
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            return Answered(answer.status, answer.headers, answer.read())
        finally:
            line.close()

    return one
