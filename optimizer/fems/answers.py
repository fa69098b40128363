"""What a FEMS of 2025 says over HTTP: every status, every error text, both kinds of error page.

The texts were recorded from the real controller (contract of the interface, section 1.4). Since
2025.4 a refusal is a 500 in the web server's own format; its HTML page or its JSON, as asked for.
"""

import html
import json
from dataclasses import dataclass

_NAMED = "io.openems.common.exceptions.OpenemsError$OpenemsNamedException: "
_GENERAL = "io.openems.common.exceptions.OpenemsException: "
_ILLEGAL = "java.lang.IllegalArgumentException: "

AUTHENTICATION = _NAMED + "Authentication failed"
GUEST = _NAMED + "Access to this resource [HTTP {0}] is denied for User with Role [GUEST]"
NO_COMPONENT = _NAMED + "Unable to find OpenEMS Component with ID [{0}]"
NO_CHANNEL = _ILLEGAL + "Channel [{0}] is not defined for ID [{1}]. Implementation [simulated]"
READ_ONLY = (
    _GENERAL + "[Channel [ID={0}, type={1}, activeValue={2}, access=READ_ONLY]] "
    "is not a Write Channel"
)
NO_VALUE = _GENERAL + "Value is missing"
MALFORMED = _GENERAL + "Unable to parse: JSON failed to parse [{0}]: {1}"
NO_OBJECT = _GENERAL + "Unable to parse: JSON [{0}] is not a JSON-Object"
NO_TARGET = _GENERAL + "Missing arguments to handle request"
NO_REST_TARGET = _GENERAL + "Missing arguments to handle REST-request"
NO_CHANNEL_TARGET = _GENERAL + "Missing arguments to handle Channel"
UNKNOWN_REST_TARGET = _GENERAL + "Unhandled REST target [{0}]"
UNKNOWN_TARGET = _GENERAL + "Unknown REST endpoint: {0}"


class FaultError(Exception):
    """A request that the FEMS answers with an error page; the message is the page's."""


def fault(message: str, *details: object) -> FaultError:
    """The error with its `details` filled in."""
    return FaultError(message.format(*details))


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, ready for the wire."""

    status: int
    content_type: str | None = None
    body: bytes = b""


def success(content: object) -> Reply:
    """A 200 with `content` as JSON."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return Reply(200, "application/json", body.encode())


def error_page(message: str, url: str, accept: str) -> Reply:
    """A 500 in the format that the client accepts; the web server's default is HTML."""
    text = html.escape(message)
    if "application/json" in accept:
        body = f'{{\n"message":{_json(text)},\n"url":{_json(url)},\n"status":"500"\n}}'
        return Reply(500, "application/json", body.encode("utf-8", "replace"))
    page = (
        "<html>\n<head>\n"
        '<meta http-equiv="Content-Type" content="text/html;charset=ISO-8859-1"/>\n'
        f"<title>Error 500 {text}</title>\n</head>\n<body>\n<h2>HTTP ERROR 500 {text}</h2>\n"
        f"<table>\n<tr><th>URI:</th><td>{html.escape(url)}</td></tr>\n"
        f"<tr><th>STATUS:</th><td>500</td></tr>\n<tr><th>MESSAGE:</th><td>{text}</td></tr>\n"
        "</table>\n</body>\n</html>\n"
    )
    return Reply(500, "text/html;charset=iso-8859-1", page.encode("iso-8859-1", "replace"))


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
