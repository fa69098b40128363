"""Server of the live page: reads only, answers only who is allowed, sends nothing outward.

Every answer to a request passes `Guard` first:

- methods: GET and HEAD, 405 otherwise;
- `Host`: loopback names, the address that the connection came to, and what the owner allows.
  Another name in that header means that a foreign page has had its name resolved to this address
  (DNS rebinding): 421;
- token, where there is one: `Authorization: Bearer`, or once `?token=`, which becomes a cookie of
  this site alone (`HttpOnly`, `SameSite=Strict`): 401.

The page is rendered whole on the server. Its style and its script run by a nonce of each answer.
"""

import asyncio
import json
import secrets
import signal
import socket
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import urlencode

from optimizer.app.live import LiveDocuments
from optimizer.app.live_access import COOKIE, Access
from optimizer.errors import MissingExtraError, NoPlanError, OptimizerError, UsageError
from optimizer.model import plan_json
from optimizer.report import live_page

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, RedirectResponse, Response
    from starlette.routing import Route
    from starlette.types import ASGIApp, Receive, Scope, Send
    from uvicorn.protocols.http.h11_impl import H11Protocol
except ImportError as error:
    raise MissingExtraError("'optimizer serve' needs starlette and uvicorn", "web") from error

COOKIE_S = 365 * 24 * 3600
"""Life of the cookie [s]."""

READING = ("GET", "HEAD")

CONNECTIONS = 64
"""Number of connections at one time; further ones are answered with 503."""

FIRST_REQUEST_S = 10.0
"""Time that a connection has for its first request, before it is closed [s]."""

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<rect x="4" y="2" width="8" height="13" rx="1.5" fill="#0072b2"/>'
    '<rect x="6" y="0" width="4" height="2" fill="#0072b2"/>'
    '<rect x="6" y="7" width="4" height="6" fill="#fff"/></svg>'
)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Headers of every answer, beside the policy."""

POLICY = (
    "default-src 'none'; {own}connect-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


class Guard:
    """ASGI middleware: asks `access` before anything else, and sends the headers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        refused = self.refusal(request)
        await (self.app if refused is None else refused)(scope, receive, send)

    def refusal(self, request: Request) -> Response | None:
        """The answer to a request that goes no further; None for one that does."""
        if request.method not in READING:
            return _plain("only GET and HEAD are answered", 405, {"Allow": "GET, HEAD"})
        came_to = (request.scope.get("server") or ("", 0))[0]
        if not self.access.allows_host(request.headers.get("host", ""), came_to):
            return _plain(
                "this host name is not served: 'optimizer serve --allow-host NAME' allows it", 421
            )
        if self.access.takes(request.query_params.get("token")):
            return self._let_in(request)
        given = request.headers.get("authorization", ""), request.cookies.get(COOKIE, "")
        if not self.access.allows(*given):
            return _plain(
                "a token is needed: open this address with ?token=... once, or send it as "
                "'Authorization: Bearer ...'", 401, {"WWW-Authenticate": "Bearer"},
            )  # fmt: skip
        return None

    def _let_in(self, request: Request) -> Response:
        """The same address without the token, and the cookie in its place."""
        rest = [item for item in request.query_params.multi_items() if item[0] != "token"]
        target = "/" + request.url.path.lstrip("/") + (f"?{urlencode(rest)}" if rest else "")
        answer = RedirectResponse(target, 303, _headers(""))
        answer.set_cookie(
            COOKIE, self.access.cookie, max_age=COOKIE_S, httponly=True, samesite="strict",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        return answer


def _headers(nonce: str) -> dict[str, str]:
    own = f"style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; " if nonce else ""
    return HEADERS | {"Content-Security-Policy": POLICY.format(own=own)}


def _plain(text: str, status: int, headers: Mapping[str, str] | None = None) -> PlainTextResponse:
    return PlainTextResponse(f"{text}\n", status, _headers("") | dict(headers or {}))


def _json(text: str, status: int = 200) -> Response:
    return Response(_bytes(text), status, _headers(""), "application/json")


def _bytes(text: str) -> bytes:
    """A text as UTF-8; half a character, which it has no place for, as its number."""
    return text.encode(errors="backslashreplace")


@dataclass(frozen=True, slots=True)
class Pages:
    """Answers of each path."""

    documents: LiveDocuments
    now: Callable[[], datetime]
    """The wall clock, read once an answer (UTC)."""

    def page(self, request: Request) -> Response:
        """The page."""
        nonce = secrets.token_urlsafe(16)
        headers, status = _headers(nonce), 200
        try:
            day = _day(request.query_params.get("day"))
            text = live_page.render(self.documents.page(self.now(), day), nonce)
        except UsageError as error:
            text, status = live_page.render_message(f"{error}.", nonce), 400
        except (OptimizerError, sqlite3.Error) as error:
            text, status = live_page.render_message(f"{error}.", nonce), 503
        return Response(_bytes(text), status, headers, "text/html")

    def status(self, request: Request) -> Response:
        """The document of `optimizer status --json`."""
        try:
            document = self.documents.state(self.now()).as_json()
        except (OptimizerError, sqlite3.Error) as error:
            return _json(json.dumps({"error": str(error)}), 503)
        return _json(json.dumps(document, ensure_ascii=False))

    def plan(self, request: Request) -> Response:
        """The document of `optimizer show --json`; 404 without a plan."""
        try:
            return _json(plan_json.to_text(self.documents.plan(self.now())))
        except NoPlanError as error:
            return _json(json.dumps({"error": str(error)}), 404)
        except (OptimizerError, sqlite3.Error) as error:
            return _json(json.dumps({"error": str(error)}), 503)

    def icon(self, request: Request) -> Response:
        """The page's icon."""
        return Response(ICON, 200, _headers(""), "image/svg+xml")


def _day(text: str | None) -> date | None:
    """The day of a query.

    Raises
    ------
    UsageError
        If it is none.
    """
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError("The day should be written as 2026-01-14") from error
    if not 2000 <= day.year <= 2200:
        raise UsageError("The day should be one of this century")
    return day


def wall_clock() -> datetime:
    """The present moment (UTC)."""
    return datetime.now(UTC)


def prepare(documents: LiveDocuments) -> None:
    """Compute and keep what the first answer would have to wait for."""
    with suppress(OptimizerError, sqlite3.Error):  # each answer says what is wrong
        live_page.render(documents.page(wall_clock()), "")


def application(
    documents: LiveDocuments, access: Access, now: Callable[[], datetime] = wall_clock
) -> ASGIApp:
    """The ASGI application."""
    pages = Pages(documents, now)
    routes = {
        "/": pages.page, "/status.json": pages.status, "/plan.json": pages.plan,
        "/icon.svg": pages.icon,
    }  # fmt: skip
    inner = Starlette(
        routes=[Route(path, answer) for path, answer in routes.items()],
        exception_handlers={404: _missing, 500: _fault},
    )
    inner.router.redirect_slashes = False
    return Guard(inner, access)


async def _missing(request: Request, error: Exception) -> Response:
    return _plain("there is nothing here; the page is at /", 404)


async def _fault(request: Request, error: Exception) -> Response:
    return _plain("a fault of this program; its log says more", 500)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises
    ------
    UsageError
        If the address cannot be listened on.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{host} is no address of this computer: choose another --host") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(64)
    except OSError as error:
        listening.close()
        raise UsageError(
            f"cannot listen on {host}:{port} ({error.strerror}): choose another with --port or "
            "--host, 0 takes a free port"
        ) from error
    return listening


def address_of(listening: socket.socket) -> str:
    """Address of the page on a socket."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


class PatientProtocol(H11Protocol):
    """HTTP that closes a connection which asks for nothing, and would keep others out."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        super().connection_made(transport)
        self.loop.call_later(FIRST_REQUEST_S, self._close_if_silent)

    def _close_if_silent(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()


def server(app: ASGIApp) -> uvicorn.Server:
    """A server with limits for a small computer; it keeps no access log."""
    return uvicorn.Server(uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, proxy_headers=False,
        lifespan="off", ws="none", http=PatientProtocol, loop="asyncio", interface="asgi3",
        limit_concurrency=CONNECTIONS, backlog=CONNECTIONS, timeout_keep_alive=5,
        timeout_graceful_shutdown=3,
    ))  # fmt: skip


def serve(
    app: ASGIApp, listening: socket.socket, ready: Callable[[str], None] = lambda _address: None
) -> None:
    """Serve until SIGTERM or Ctrl-C, then end cleanly.

    Parameters
    ----------
    ready
        Gets the page's address as soon as it is served and signals are heeded.
    """
    serving = server(app)

    def stop(_number: int, _frame: object) -> None:
        serving.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)  # before uvicorn's own, and for the signal that it repeats
    ready(address_of(listening))  # the socket already takes connections
    serving.run([listening])
