"""The REST interface of a simulated FEMS: a request in, a reply out; no sockets, no threads.

Checks come in the device's order: password, path, role, body, component, channel.
"""

import base64
import json
import re
from dataclasses import dataclass
from urllib.parse import unquote

from optimizer.fems import answers, lenient
from optimizer.fems.answers import FaultError, Reply, fault
from optimizer.fems.house import SimulatedHouse
from optimizer.fems.points import Point, points_of


@dataclass(frozen=True, slots=True)
class Request:
    """What the interface looks at in a request."""

    method: str
    target: str
    """Path as it came, percent-encoded."""
    host: str = ""
    authorization: str = ""
    accept: str = ""
    body: str = ""


class Rest:
    """The interface over `house`, with its two logins."""

    def __init__(self, house: SimulatedHouse, *, owner_password: str, guest_password: str) -> None:
        self._house = house
        self._roles = {guest_password: "GUEST", owner_password: "OWNER"}
        self._points = points_of(house)

    def reply(self, request: Request) -> Reply:
        """The answer to `request`."""
        if request.method not in ("GET", "POST"):
            return Reply(500)
        path = request.target.partition("?")[0]
        try:
            role = self._role(request.authorization)
            component, channel = _channel_address(path)
            if request.method == "GET":
                return self._read(component, channel)
            if role != "OWNER":
                raise fault(answers.GUEST, request.method)
            return self._write(component, channel, request.body)
        except FaultError as error:
            url = f"http://{request.host}{path}"
            return answers.error_page(str(error), url, request.accept)

    def _role(self, authorization: str) -> str:
        """The role that goes with the password; the user name does not matter."""
        scheme, _, encoded = authorization.partition(" ")
        try:
            login = base64.b64decode(encoded, validate=True).decode()
        except ValueError:  # no base64, or no text
            login = ""
        role = self._roles.get(login.partition(":")[2].strip())
        if scheme.lower() != "basic" or role is None:
            raise fault(answers.AUTHENTICATION)
        return role

    def _read(self, component: str, channel: str) -> Reply:
        """All channels whose ids match the two patterns; the second may never be looked at."""
        try:
            owners = [p for p in self._points if re.fullmatch(component, p.component)]
            found = [p for p in owners if re.fullmatch(channel, p.channel)]
        except (re.error, OverflowError, RecursionError):
            return Reply(400)
        if not found:
            return Reply(404)
        content = [point.described(self._house) for point in found]
        return answers.success(content[0] if len(content) == 1 else content)

    def _write(self, component: str, channel: str, body: str) -> Reply:
        value = _value(body)
        point = self._point(component, channel)
        if point.read is not None:
            active = f"{point.read(self._house)} {point.unit}".rstrip()
            raise fault(answers.READ_ONLY, channel, point.kind, active)
        self._house.write(channel, value)
        return answers.success({})

    def _point(self, component: str, channel: str) -> Point:
        owned = [point for point in self._points if point.component == component]
        if not owned:
            raise fault(answers.NO_COMPONENT, component)
        for point in owned:
            if point.channel == channel:
                return point
        raise fault(answers.NO_CHANNEL, channel, component)


def _channel_address(path: str) -> tuple[str, str]:
    """Component and channel of "/rest/channel/component/channel"."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    match parts:
        case [""]:
            raise fault(answers.NO_TARGET)
        case ["rest"]:
            raise fault(answers.NO_REST_TARGET)
        case ["rest", "channel", component, channel]:
            return component, channel
        case ["rest", "channel", *_]:
            raise fault(answers.NO_CHANNEL_TARGET)
        case ["rest", target, *_]:
            raise fault(answers.UNKNOWN_REST_TARGET, target)
    raise fault(answers.UNKNOWN_TARGET, path)


def _value(body: str) -> object:
    """The value in the body of a write."""
    try:
        content = lenient.parse(body)
    except lenient.MalformedError as error:
        raise fault(answers.MALFORMED, error, body[:100]) from None
    if not isinstance(content, dict):
        raise fault(answers.NO_OBJECT, json.dumps(content, separators=(",", ":")))
    if "value" not in content:
        raise fault(answers.NO_VALUE)
    return content["value"]
