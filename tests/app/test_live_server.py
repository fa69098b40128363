"""The live page's server over real sockets: who is answered, how, and what stays as it was."""

import http.client
import random
import re
import socket
from contextlib import ExitStack, suppress
from urllib.parse import quote, urlsplit

import pytest

from optimizer.app import live_server
from optimizer.app.live_access import COOKIE, Access, access_for
from optimizer.errors import ConfigError, UsageError
from tests.app.live_stand import house, served
from tests.waiting import wait_for

ANY = "0.0.0.0"  # noqa: S104 the wildcard is what is tested
TOKEN = "0123456789abcdef-xyzzy"
PATHS = ("/", "/status.json", "/plan.json", "/icon.svg")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return house(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def url(home):
    with served(home) as address:
        home.cycle()
        yield address


@pytest.fixture(scope="module")
def guarded(home):
    """The same page behind a token."""
    with served(home, Access(frozenset({"pi.fritz.box"}), TOKEN)) as address:
        yield address


def ask(url, path="/", method="GET", **headers):
    """One exchange; gives status, headers and body."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=given)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def raw(url, data):
    """Bytes out, bytes in, until the server closes or answers no more."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as link:
        received = b""
        with suppress(OSError):  # the server may have closed it already
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while part := link.recv(65_536):
                received += part
    return received


@pytest.mark.parametrize("path", PATHS)
def test_get_and_head_are_answered_alike(url, path):
    status, headers, body = ask(url, path)
    head, head_headers, nothing = ask(url, path, "HEAD")
    assert (status, head, nothing) == (200, 200, "")
    assert body
    drop = {"date", "content-security-policy", "content-length"}
    for key in headers.keys() - drop:
        assert headers[key] == head_headers[key]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused(url, method):
    status, headers, body = ask(url, "/", method)
    assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert body == "only GET and HEAD are answered\n"


@pytest.mark.parametrize(("path", "status"), [*((path, 200) for path in PATHS), ("/no", 404)])
def test_every_answer_forbids_what_it_does_not_need(url, path, status):
    found, headers, _ = ask(url, path)
    assert found == status
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert not {"server", "access-control-allow-origin", "set-cookie"} & headers.keys()


def test_style_and_script_run_by_a_nonce_of_this_answer_alone(url):
    nonces = set()
    for _ in range(2):
        _, headers, body = ask(url)
        (nonce,) = set(re.findall(r"'nonce-([\w-]+)'", headers["content-security-policy"]))
        assert len(nonce) >= 22
        assert body.count(f'nonce="{nonce}"') == 2
        nonces.add(nonce)
        body = body.replace("http://www.w3.org/2000/svg", "")  # the name of a language
        assert not re.search(r"\son[a-z]+=|\sstyle=|javascript:|https?://", body)
    assert len(nonces) == 2


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("LOCALHOST:1", 200), ("127.0.0.1", 200), ("[::1]:8765", 200),
        ("evil.example", 421), ("localhost.evil.example", 421), ("", 421), ("[::2]", 421),
        ("127.0.0.1.evil.example", 421), ("192.168.0.23", 421), ("0.0.0.0:8765", 421),
        ("localhost@evil.example", 421), ("evil.example:127.0.0.1", 421), ("pi.fritz.box", 421),
    ],
)  # fmt: skip
def test_a_foreign_host_is_refused(url, host, status):
    assert ask(url, Host=host)[0] == status


def test_a_request_without_a_host_is_refused(url):
    assert b" 421 " in raw(url, b"GET / HTTP/1.0\r\n\r\n").splitlines()[0]
    assert b" 400 " in raw(url, b"GET / HTTP/1.1\r\n\r\n").splitlines()[0]


def test_the_address_that_a_connection_came_to_needs_no_permission(home):
    """127.0.0.2 stands for the Pi's address in the house, on a wildcard socket."""
    with served(home, Access(token=TOKEN), ANY) as address:
        port = urlsplit(address).port
        found = ask(f"http://127.0.0.2:{port}", Authorization=f"Bearer {TOKEN}")
        assert found[0] == 200
    assert Access().allows_host("192.168.0.5:8765", "::ffff:192.168.0.5")
    assert not Access().allows_host("192.168.0.6", "192.168.0.5")
    assert Access(frozenset({"pi.fritz.box"})).allows_host("Pi.fritz.box:8765", "192.168.0.5")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": "Bearer "},
        {"Authorization": "Bearer t\u00f6ken"}, {"Cookie": f"{COOKIE}={TOKEN}"},
        {"Cookie": f"{COOKIE}="},
    ],
)  # fmt: skip
def test_without_the_token_nothing_is_answered(guarded, path, headers):
    encoded = {key: value.encode("latin-1") for key, value in headers.items()}
    status, found, body = ask(guarded, path, **encoded)
    assert (status, found["www-authenticate"]) == (401, "Bearer")
    assert "?token=..." in body
    assert TOKEN not in body


def test_programs_send_the_token_as_a_bearer(guarded):
    for scheme in ("Bearer", "bearer"):
        assert ask(guarded, "/status.json", Authorization=f"{scheme} {TOKEN}")[0] == 200


def test_a_browser_gives_the_token_once_and_keeps_a_cookie(guarded):
    status, headers, body = ask(guarded, f"/?day=2026-01-14&token={quote(TOKEN)}")
    assert (status, headers["location"], body) == (303, "/?day=2026-01-14", "")
    cookie = headers["set-cookie"]
    assert {part.strip().lower() for part in cookie.split(";")[1:]} >= {
        "httponly", "samesite=strict", "path=/",
    }  # fmt: skip
    assert TOKEN not in cookie
    value = cookie.partition(";")[0]
    assert ask(guarded, headers["location"], Cookie=value)[0] == 200
    assert ask(guarded, "/?token=wrong", Cookie=value)[0] == 200  # the cookie is enough
    assert ask(guarded, "/?token=wrong")[0] == 401
    other = Access(token=TOKEN + "!").cookie
    assert ask(guarded, Cookie=f"{COOKIE}={other}")[0] == 401


@pytest.mark.parametrize(
    "path", ["//evil.example/", "/\\evil.example", "/%0d%0aX-Evil:1", "/%2f%2fx"]
)
def test_the_redirect_stays_here(guarded, path):
    status, headers, _ = ask(guarded, f"{path}?token={quote(TOKEN)}")
    assert status == 303
    assert re.match(r"/[^/\\]", headers["location"]) or headers["location"] == "/"
    assert "x-evil" not in headers


def test_a_name_that_is_allowed_is_served_with_the_token(guarded):
    given = {"Host": "pi.fritz.box:8765", "Authorization": f"Bearer {TOKEN}"}
    assert ask(guarded, **given)[0] == 200


# Who may listen where -----------------------------------------------------------------------------


@pytest.mark.parametrize("host", [ANY, "::", "192.168.0.5", "pi.local", "", "127.1"])
def test_other_addresses_than_loopback_need_a_token(host):
    with pytest.raises(UsageError, match="can be reached from other computers: protect the page"):
        access_for(host, (), None)


def test_loopback_needs_none_and_a_wildcard_is_no_name():
    assert access_for("127.0.0.1", ["Pi.local:80"], None).hosts == {"127.0.0.1", "pi.local"}
    assert access_for("::1", (), None).token is None
    assert ANY not in access_for("127.0.0.1", [ANY], None).hosts


def test_a_tokens_file_is_the_owners_alone_and_long_enough(tmp_path):
    file = tmp_path / "token"
    with pytest.raises(ConfigError, match=r"--token-file: .*token cannot be read: No such file"):
        access_for(ANY, (), file)
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o644)
    with pytest.raises(ConfigError, match=r"can be read by others: 'chmod 600"):
        access_for(ANY, (), file)
    file.chmod(0o600)
    assert access_for(ANY, (), file).token == TOKEN
    for short in ("", "123", "with two words in it", "t\u00f6ken-t\u00f6ken-t\u00f6ken"):
        file.write_text(short)
        with pytest.raises((UsageError, ConfigError), match="token"):
            access_for(ANY, (), file)


# A thousand requests ------------------------------------------------------------------------------

SEGMENTS = (
    "..", ".", "%2e%2e", "%2e%2e%2f", "..%2f", "%252e%252e", "....//", "etc", "passwd",
    "optimizer.toml", "state", "optimizer.sqlite", "%00", "%0d%0aX-Evil:%20yes", "\\..\\",
    "status.json", "plan.json", "a" * 300, "%ff%fe", "~", ";", "con", "style.css",
    "live_page.html", "?", "#", "'", "\"<script>",
)  # fmt: skip
METHODS = ("GET", "HEAD", "GET", "GET", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "get", "FOO",
           "PROPFIND")  # fmt: skip
HOSTS = ("localhost", "127.0.0.1", "127.0.0.1:80", "[::1]", "evil.example", "a" * 200, "", "::1",
         "localhost:99999999", "localhost evil", "localhost\t", "127.0.0.1/evil",
         "\xff")  # fmt: skip
FINE_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\]|::1)(:\d+)?\s*")


def drawn_request(dice, token):
    """A request line with headers: mostly nearly right."""
    if dice.random() < 0.15:
        path = dice.choice(PATHS)
    else:
        path = "/" + "/".join(dice.choice(SEGMENTS) for _ in range(dice.randint(0, 6)))
    path = path.replace(" ", "").replace("\t", "")
    if dice.random() < 0.3:
        query = ("day=2026-01-14", "day=..%2f", "day=9999-12-31", "token=", "token=" + token[:-1],
                 "day=" + "1" * 3_000, "token[]=x", "%00=%00", "day=2026-02-30")  # fmt: skip
        path += ("&" if "?" in path else "?") + dice.choice(query)
    host = "localhost" if dice.random() < 0.6 else dice.choice(HOSTS)
    lines = [f"{dice.choice(METHODS)} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    more = (
        f"Cookie: {COOKIE}={dice.randbytes(8).hex()}", "Cookie: ;;;=\x01", "Authorization: Bearer",
        "Authorization: Bearer x", "X-Forwarded-Host: localhost", "X-Forwarded-For: 127.0.0.1",
        "Content-Length: 5", "Range: bytes=0-5", "Expect: 100-continue", "Upgrade: websocket",
        "Accept: " + "x" * 2_000, "Transfer-Encoding: chunked", "Content-Length: -1",
        "If-None-Match: *",
    )  # fmt: skip
    lines += [line for line in more if dice.random() < 0.06]
    return host, lines[0].split(" ")[0], ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def statuses(answer):
    """Status of an answer; 0 where the connection was only closed."""
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0


@pytest.mark.parametrize("seed", [1])
def test_no_request_gets_more_than_its_due(home, url, guarded, seed):
    dice = random.Random(seed)  # noqa: S311 a campaign that can be repeated
    secrets = (
        b"[fems]",
        b"capacity_wh =",
        b"SQLite format",
        b"root:",
        b"Traceback",
        TOKEN.encode(),
    )
    before = {path.name for path in home.folder.iterdir()}
    seen = dict[int, int]()
    for number in range(1_000):
        behind_token = number % 5 == 0
        host, method, data = drawn_request(dice, TOKEN)
        answer = raw(guarded if behind_token else url, data)
        status = statuses(answer)
        seen[status] = seen.get(status, 0) + 1
        context = (number, data[:200], answer[:200])
        assert status in (0, 200, 400, 401, 404, 405, 421, 503), context
        if status == 200:
            assert method in ("GET", "HEAD"), context
            assert FINE_HOST.fullmatch(host), context
            assert not behind_token, context
        assert not any(secret in answer for secret in secrets), context
        assert b"x-evil" not in answer.partition(b"\r\n\r\n")[0].lower(), context
    assert {200, 400, 401, 404, 405, 421} <= seen.keys()
    assert seen.get(503, 0) == 0
    assert ask(url)[0] == 200
    # SQLite's own two files may have appeared beside the database
    assert {path.name for path in home.folder.iterdir()} - before <= {
        "optimizer.sqlite-wal", "optimizer.sqlite-shm",
    }  # fmt: skip


def test_an_endless_header_is_cut_off(url):
    endless = raw(url, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000)
    assert endless == b"" or statuses(endless) == 400


def test_connections_that_ask_for_nothing_do_not_lock_the_others_out(home, monkeypatch):
    def connect(address, stack):
        parts = urlsplit(address)
        for number in range(80):
            link = socket.create_connection((parts.hostname, parts.port), timeout=60)
            stack.callback(link.close)
            link.sendall(b"GET / HT"[: number % 8])
        return link

    monkeypatch.setattr(live_server, "FIRST_REQUEST_S", 3_600.0)
    with served(home) as address, ExitStack() as stack:
        connect(address, stack)
        wait_for(lambda: ask(address, "/icon.svg")[0] == 503)
    monkeypatch.setattr(live_server, "FIRST_REQUEST_S", 0.5)
    with served(home) as address, ExitStack() as stack:
        last = connect(address, stack)
        assert last.recv(1) == b""  # closed by the server
        wait_for(lambda: ask(address, "/icon.svg")[0] == 200)
