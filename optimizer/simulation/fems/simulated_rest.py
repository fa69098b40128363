"""The REST interface of a simulated FEMS: a request in, a reply out; no sockets, no threads.

Checks come in the device's order: path, password, target, app, role, body, component, channel.
"""

import base64
import re
from dataclasses import dataclass
from urllib.parse import unquote

from optimizer.simulation.fems import answers, java_parsing
from optimizer.simulation.fems.answers import Era, Reply, RequestRefusedError
from optimizer.simulation.fems.data_points import DataPoint, points_of
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulated_jsonrpc import JsonRpcEndpoint

_AMBIGUOUS = re.compile(r"//|/\.\.?(/|$)|%2f|%2e|%25", re.IGNORECASE)
_ILLEGAL = re.compile(r"[\\\x00-\x20\x7f]|%5c|%[01][0-9a-f]|%7f", re.IGNORECASE)
_BROKEN_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_IMPLEMENTATION = "io.openems.edge.simulator.Simulated"


@dataclass(frozen=True, slots=True)
class RestRequest:
    """Parts of a request that the interface reads."""

    method: str
    target: str
    """Path as it came, percent-encoded."""
    host: str = ""
    authorization: str = ""
    accept: str = ""
    body: str = ""


class RestEndpoint:
    """The interface over `house_forecast`, with its two logins, as a FEMS of one era has it."""

    def __init__(
        self, house: SimulatedHouse, *, owner_password: str, guest_password: str,
        era: Era = Era.NEW,
    ) -> None:  # fmt: skip
        self.era = Era(era)
        self._house = house
        self._roles = {
            "admin": "ADMIN",
            "installer": "INSTALLER",
            guest_password: "GUEST",
            owner_password: "OWNER",
        }
        self._rpc = JsonRpcEndpoint(house, self.era)
        self._points: tuple[DataPoint, ...] = ()
        self._points_for: object = None

    def change_password(self, owner_password: str) -> None:
        """Let the owner have another password from now on."""
        others = {word: role for word, role in self._roles.items() if role != "OWNER"}
        self._roles = others | {owner_password: "OWNER"}

    def reply(self, request: RestRequest) -> Reply:
        """The answer to `request`."""
        url = f"http://{request.host}{request.target}"
        raw, _, query = request.target.partition("?")
        wrong = _unacceptable(raw)
        if wrong:
            page = answers.page(400, wrong, url, request.accept)
            return Reply(400, page.content_type, page.body, closes=True)
        path = unquote(raw)
        if path.endswith("/favicon.ico") and self.era is Era.NEW:
            return Reply(404)
        try:
            return self._answer(request, path, _parameters(query))
        except RequestRefusedError as error:
            reply = answers.refused(error, self.era, url, request.accept)
            # the web server writes its pages for these two methods only
            paged = reply.content_type is not None and error.refusal.old_code is None
            if request.method not in ("GET", "POST") and (paged or self.era is Era.NEW):
                return Reply(reply.status)
            return reply

    def _answer(self, request: RestRequest, path: str, parameters: dict[str, str]) -> Reply:
        if path == "/" and self.era is Era.NEW:  # looked at before the password
            raise RequestRefusedError(answers.NO_TARGET)
        role = self._role(request.authorization)
        match path.rstrip("/").split("/")[1:]:
            case []:
                raise RequestRefusedError(answers.NO_TARGET)
            case ["jsonrpc", *_]:
                self._check_writable()
                return self._rpc.reply(role, request.method, request.body)
            case ["rest"]:
                raise RequestRefusedError(answers.NO_REST_TARGET)
            case ["rest", "channel", *parts]:
                component, channel = self._address(parts, parameters)
                return self._channel(request, role, component, channel)
            case ["rest", target, *_]:
                raise RequestRefusedError(answers.UNKNOWN_REST_TARGET, target)
        raise RequestRefusedError(answers.UNKNOWN_TARGET, path)

    def _role(self, authorization: str) -> str:
        """The role that goes with the password; the user name does not matter."""
        scheme, _, encoded = authorization.strip().partition(" ")
        try:
            login = base64.b64decode(encoded.strip(), validate=True).decode()
        except ValueError:  # no base64, or no text
            login = ""
        role = self._roles.get(login.partition(":")[2].strip())
        if scheme.lower() != "basic" or role is None:
            raise RequestRefusedError(answers.AUTHENTICATION)
        return role

    def _check_writable(self) -> None:
        if self._house.installation.read_only:
            raise RequestRefusedError(answers.READ_ONLY)

    def _address(self, parts: list[str], parameters: dict[str, str]) -> tuple[str, str]:
        """Component and channel; since 2025 they may also stand in the query."""
        if self.era is Era.OLD:
            if len(parts) != 2:
                raise RequestRefusedError(answers.NO_CHANNEL_TARGET)
            return parts[0], parts[1]
        found: list[str] = []
        for place, name in enumerate(("component", "channel")):
            part = parameters.get(name, parts[place] if place < len(parts) else None)
            if part is None:
                raise RequestRefusedError(answers.MISSING_PART, name)
            found.append(part)
        return found[0], found[1]

    def _channel(self, request: RestRequest, role: str, component: str, channel: str) -> Reply:
        if request.method == "GET":
            return self._read(component, channel)
        if request.method != "POST":
            raise RequestRefusedError(answers.UNKNOWN_METHOD, request.method)
        self._check_writable()
        if role == "GUEST":
            raise RequestRefusedError(answers.ROLE, "HTTP POST", role)
        return self._write(component, channel, request.body)

    def _read(self, component: str, channel: str) -> Reply:
        """All channels whose ids match the two patterns; the second may never be looked at."""
        try:
            of_component = java_parsing.compiled(component)
            owners = [p for p in self._all() if of_component.fullmatch(p.component)]
            found = [p for p in owners if java_parsing.compiled(channel).fullmatch(p.channel)]
        except java_parsing.BrokenError as error:
            if self.era is Era.OLD:
                raise RequestRefusedError(answers.BROKEN_PATTERN, error) from None
            return Reply(400)
        if not found:
            if self.era is Era.OLD:
                return answers.page(404, "Not Found", f"/rest/channel/{component}/{channel}", "")
            return Reply(404)
        content = [point.described(self._house) for point in found]
        return answers.success(content[0] if len(content) == 1 else content)

    def _write(self, component: str, channel: str, body: str) -> Reply:
        content = java_parsing.parse_object(body)
        if "value" not in content:
            raise RequestRefusedError(answers.NO_VALUE)
        point = self._point(component, channel)
        if point.read is not None:
            value = point.value(self._house)
            active = "UNDEFINED" if value is None else f"{value} {point.unit}".rstrip()
            raise RequestRefusedError(answers.NOT_WRITABLE, channel, point.kind, active)
        self._house.write(channel, content["value"])
        return answers.success({})

    def _point(self, component: str, channel: str) -> DataPoint:
        owned = [point for point in self._all() if point.component == component]
        if not owned:
            raise RequestRefusedError(answers.NO_COMPONENT, component)
        for point in owned:
            if point.channel == channel:
                return point
        raise RequestRefusedError(answers.NO_CHANNEL, channel, component, _IMPLEMENTATION)

    def _all(self) -> tuple[DataPoint, ...]:
        """The data points of what is installed now."""
        if self._points_for is not self._house.installation:
            self._points_for = self._house.installation
            self._points = points_of(self._house, self.era)
        return self._points


def _unacceptable(raw: str) -> str:
    """Why the web server refuses a path before anybody looks at it; "" if it does not."""
    if _BROKEN_PERCENT.search(raw):
        return "Bad URI"
    if _ILLEGAL.search(raw):
        return "Illegal Path Character"
    found = _AMBIGUOUS.search(raw)
    if found is None:
        return ""
    kinds = {"//": "empty segment", "%2f": "path separator", "%25": "path encoding"}
    return "Ambiguous URI " + kinds.get(found[0].lower(), "path segment")


def _parameters(query: str) -> dict[str, str]:
    """Parameters of a query, undecoded; "componentRegex" replaces "component" and so on."""
    said = dict(part.split("=", 1) for part in query.split("&") if part.find("=") > 0)
    for name in ("component", "channel"):
        if f"{name}Regex" in said:
            said[name] = said[f"{name}Regex"]
    return said
