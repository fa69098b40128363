"""A simulated FEMS: a real HTTP server over a simulated house, for demo, tests and trying out."""

import email.utils
import socket
import sys
import threading
import time
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Self

from optimizer.simulation.fems import answers
from optimizer.simulation.fems.answers import Era, Reply
from optimizer.simulation.fems.http_server import HttpConnection, Limits, Listener
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulated_rest import RestEndpoint, RestRequest
from optimizer.simulation.fems.wire_faults import Faults

_PACE_S = 0.02
"""Rest between two looks at what is due [s]."""
_STRIDE = 600
"""Most cycles at once: requests get their turn in between."""
NOT_READY_S = 2
"""Time after a restart in which a second inverter may not be ready [simulated s]."""
JUMP_WH = 32e6
"""Jump of the counters meanwhile, as a public report shows it [Wh]."""
_NGINX = "nginx/1.14.2"
"""As on the manual's picture."""


class SimulatedFems:
    """A FEMS over `house_forecast` at a real address.

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
    era
        How refusals look: `Era.NEW` from 2025.4 on, `Era.OLD` before.
    nginx
        Whether it stands behind the FEMS's nginx (port 80) or is the bare web server (8084).
    limits
        Connections that it serves.

    Attributes
    ----------
    faults
        Faults on the wire, request by request.
    nginx
        May be changed while it runs.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from optimizer.fems.client import FemsClient
    >>> from optimizer.simulation.fems.profile import Profile
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
        era: Era = Era.NEW,
        nginx: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self.house = house
        self.faults = Faults()
        self._limits = limits or Limits()
        self.idle_s = self._limits.idle_s
        self.nginx = nginx
        self._rest = RestEndpoint(
            house, owner_password=owner_password, guest_password=guest_password, era=era
        )
        self._back_at: datetime | None = None
        self._ready_at: datetime | None = None
        self._address = (host, port)
        self._speed = speed
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._listener: Listener | None = None
        self._clock: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the running server.

        Raises
        ------
        RuntimeError
            If it does not run.
        """
        if self._listener is None:
            raise RuntimeError("The simulated FEMS does not run.")
        return self._listener.address

    @property
    def url(self) -> str:
        """Address of the running server, with the same error."""
        host, port = self.address
        return f"http://{host}:{port}"

    @property
    def server_name(self) -> str:
        """Value of the `Server` header; "" for none."""
        return _NGINX if self.nginx else ""

    @property
    def closes_after_500(self) -> bool:
        """Return true if connections end after a 500 in silence; nginx keeps its side open."""
        return self._rest.era is Era.NEW and not self.nginx

    def start(self) -> None:
        """Listen, and let time pass if there is a speed.

        Raises
        ------
        OSError
            If the address is taken.
        """
        self._stopping.clear()
        self._listener = Listener(self._address, self._limits, self._serve)
        self._listener.start()
        if self._speed is not None:
            self._clock = threading.Thread(target=self._run, args=(self._speed,), daemon=True)
            self._clock.start()

    def stop(self) -> None:
        """Close all connections and stop; the house stays as it is. Harmless if stopped."""
        if self._listener is None:
            return
        self._stopping.set()
        self._listener.stop()
        self._listener = None
        if self._clock is not None:
            self._clock.join()
            self._clock = None

    def advance(self, seconds: int) -> None:
        """Let `seconds` of simulated time pass; safe beside running requests."""
        with self._lock:
            self.house.advance(seconds)
            if self._ready_at is not None and self.house.moment >= self._ready_at:
                self._ready_at, self.house.conditions.counters_ahead_wh = None, 0.0

    def restart(self, seconds: float, *, second_inverter: bool = False) -> None:
        """Restart the Edge, for so many simulated seconds: all that was written is lost.

        With a second inverter, which is not ready as soon as the Edge, the energy counters jump for
        two seconds.
        """
        with self._lock:
            self.house.written.drop()
            self._back_at = self.house.moment + timedelta(seconds=seconds)
            if second_inverter:
                self._ready_at = self._back_at + timedelta(seconds=NOT_READY_S)
                self.house.conditions.counters_ahead_wh = JUMP_WH

    def change_timeout(self, seconds: float) -> None:
        """Change the time-out of the REST app, as its owner does in the App Center.

        The app restarts: what was written is lost, and each connection ends once.
        """
        with self._lock:
            self.house.written.drop()
            self.house.written.timeout_s = seconds
        self._restart_app()

    def change_app(self, *, read_only: bool) -> None:
        """Replace the REST app by the one that only reads, or by the one that writes."""
        with self._lock:
            self.house.written.drop()
            self.house.install(replace(self.house.installation, read_only=read_only))
        self._restart_app()

    def change_password(self, owner_password: str) -> None:
        """Give the owner another password; connections stay, each request is checked."""
        with self._lock:
            self._rest.change_password(owner_password)

    def _restart_app(self) -> None:
        """End the connections of the app; it listens on at the same address."""
        if self._listener is not None:
            self._listener.hang_up()

    def reply(self, request: RestRequest) -> tuple[Reply, str]:
        """The reply to `request`, and the device's time for the `Date` header."""
        with self._lock:
            reply = self._front(request.target) or self._rest.reply(request)
        return reply, self.date(0)

    def date(self, offset_s: float) -> str:
        """The device's time, `offset_s` seconds off, for the `Date` header.

        Where time runs by itself, however fast, the header keeps to the real one: no client
        could follow a clock that runs away.
        """
        at = self.house.moment if self._speed is None else datetime.now(UTC)
        at += timedelta(seconds=offset_s)
        return email.utils.format_datetime(at, usegmt=True)

    def pause(self, seconds: float) -> bool:
        """Wait in real time; True if the FEMS stops meanwhile."""
        return self._stopping.wait(seconds)

    def _front(self, target: str) -> Reply | None:
        """Reply that comes before the REST interface: by nginx, or none while the Edge restarts."""
        away = self._back_at is not None and self.house.moment < self._back_at
        if not self.nginx:
            return answers.SILENCE if away else None
        if target.startswith("/websocket"):
            return answers.front_page(502 if away else 400, "")
        if not target.startswith("/rest/"):
            return answers.front_page(200, "FENECON Energy Management System")
        return answers.front_page(502, "") if away else None

    def _serve(self, connection: socket.socket, peer: object) -> bool:
        """Serve one connection to its end; a fault of the simulator's own is shown."""
        try:
            return HttpConnection(connection, peer, self).reset
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - it would vanish with the thread
            traceback.print_exc(file=sys.stderr)
            return False

    def _run(self, speed: float) -> None:
        begun_s, done = time.monotonic(), 0
        while not self._stopping.wait(_PACE_S):
            due = int((time.monotonic() - begun_s) * speed) - done
            stride = min(due, _STRIDE)
            self.advance(stride)
            done += stride
