"""Answers of a FEMS over HTTP: refusals in the wording of both eras, and the pages around them.

The texts were recorded from the real controller, or read in its source (contract of the interface,
section 1.4). Up to 2025.3 a refusal is a JSON-RPC error; since 2025.4 it is a 500 in the web
server's own format; its HTML page or its JSON, as asked for.
"""

import html
import http
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

NO_ID = "00000000-0000-0000-0000-000000000000"
"""Id of an answer to something that had none."""


class Era(StrEnum):
    """Wording of the refusals of a FEMS; named by a year of each."""

    OLD = "2023"
    """Up to 2025.3."""
    NEW = "2025"
    """From 2025.4 on."""


class Refusal(NamedTuple):
    """One way to say no."""

    text: str
    java: str
    """Exception that the new era's page names."""
    old_status: int = 400
    old_code: int | None = 1
    """JSON-RPC error code (`OpenemsError.java`); None for the web server's page."""


_PACKAGE = "io.openems.common.exceptions."
_NAMED = _PACKAGE + "OpenemsError$OpenemsNamedException"
_GENERAL = _PACKAGE + "OpenemsException"

AUTHENTICATION = Refusal("Authentication failed", _NAMED, 401, 1003)
ROLE = Refusal(
    "Access to this resource [{0}] is denied for User with Role [{1}]", _NAMED, 400, 1002
)
NO_COMPONENT = Refusal("Unable to find OpenEMS Component with ID [{0}]", _NAMED, 400, 2000)
NO_CHANNEL = Refusal(
    "Channel [{0}] is not defined for ID [{1}]. Implementation [{2}]",
    "java.lang.IllegalArgumentException",
    500,
    None,
)
NOT_WRITABLE = Refusal(
    "[Channel [ID={0}, type={1}, activeValue={2}, access=READ_ONLY]] is not a Write Channel",
    _GENERAL,
)
NO_VALUE = Refusal("Value is missing", _GENERAL)
MALFORMED = Refusal("Unable to parse: JSON failed to parse [{0}]: {1}", _GENERAL)
NO_OBJECT = Refusal("Unable to parse: JSON [{0}] is not a JSON-Object", _GENERAL)
READ_ONLY = Refusal("REST-Api is in Read-Only mode", _GENERAL)
NO_TARGET = Refusal("Missing arguments to handle request", _GENERAL, 404, None)
NO_REST_TARGET = Refusal("Missing arguments to handle REST-request", _GENERAL, 404, None)
NO_CHANNEL_TARGET = Refusal("Missing arguments to handle Channel", _GENERAL)
MISSING_PART = Refusal(
    "Missing {0} ID. Provide it in path or as '{0}' query parameter.", _GENERAL, 400, 1
)
UNKNOWN_REST_TARGET = Refusal("Unhandled REST target [{0}]", _GENERAL)
UNKNOWN_TARGET = Refusal("Unknown REST endpoint: {0}", _GENERAL, 404, None)
UNKNOWN_METHOD = Refusal("Unhandled REST Channel request method [{0}]", _GENERAL, 500, None)
BROKEN_PATTERN = Refusal("{0}", "java.util.regex.PatternSyntaxException", 500, None)


class RequestRefusedError(Exception):
    """A request that the FEMS refuses."""

    def __init__(self, refusal: Refusal, *details: object) -> None:
        super().__init__(refusal.text.format(*details))
        self.refusal = refusal
        self.details = details


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, ready for the wire."""

    status: int
    """HTTP status; 0 means that the connection is closed without an answer."""
    content_type: str | None = None
    body: bytes = b""
    location: str = ""
    """Target of a redirection."""
    closes: bool = False
    """True if the connection ends with it, and says so."""


SILENCE = Reply(0)


def success(content: object) -> Reply:
    """A 200 with `content` as JSON."""
    return json_reply(200, content)


def json_reply(status: int, content: object) -> Reply:
    """An answer with `content` as JSON."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return Reply(status, "application/json", body.encode("utf-8", "replace"))


def rpc_error(
    message: str, request_id: object = NO_ID, code: int = 1, status: int = 400,
    data: Sequence[object] | None = None,
) -> Reply:  # fmt: skip
    """A JSON-RPC error; a general one repeats its message as data."""
    given = [message] if data is None else list(data)
    error = {"code": code, "message": message, "data": given}
    return json_reply(status, {"jsonrpc": "2.0", "id": request_id, "error": error})


def refused(error: RequestRefusedError, era: Era, url: str, accept: str) -> Reply:
    """Refusal in the wording of an era."""
    refusal, text = error.refusal, str(error)
    if era is Era.NEW:
        return page(500, f"{refusal.java}: {text}", url, accept)
    if refusal.old_code is not None:
        data = None if refusal.old_code == 1 else error.details
        return rpc_error(text, NO_ID, refusal.old_code, refusal.old_status, data)
    if refusal.old_status == 404:
        return page(404, "Not Found", url, accept)
    return page(refusal.old_status, f"{refusal.java}: {text}", url, accept)


def page(status: int, message: str, url: str, accept: str) -> Reply:
    """The web server's own page in the format that the client accepts; HTML unless asked."""
    text = html.escape(message, quote=True)
    if "application/json" in accept:
        body = f'{{\n"message":{_json(text)},\n"url":{_json(url)},\n"status":"{status}"\n}}'
        return Reply(status, "application/json", body.encode("utf-8", "replace"))
    content = (
        "<html>\n<head>\n"
        '<meta http-equiv="Content-Type" content="text/html;charset=ISO-8859-1"/>\n'
        f"<title>Error {status} {text}</title>\n</head>\n<body>\n"
        f"<h2>HTTP ERROR {status} {text}</h2>\n"
        f"<table>\n<tr><th>URI:</th><td>{html.escape(url)}</td></tr>\n"
        f"<tr><th>STATUS:</th><td>{status}</td></tr>\n<tr><th>MESSAGE:</th><td>{text}</td></tr>\n"
        "</table>\n</body>\n</html>\n"
    )
    return Reply(status, "text/html;charset=iso-8859-1", content.encode("iso-8859-1", "replace"))


def front_page(status: int, title: str) -> Reply:
    """A page of the nginx in front of a FEMS."""
    phrase = f"{status} {http.HTTPStatus(status).phrase}" if status != 200 else title
    content = f"<html>\n<head><title>{phrase}</title></head>\n<body>\n<h1>{phrase}</h1>\n</body>\n"
    return Reply(status, "text/html", (content + "</html>\n").encode())


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
