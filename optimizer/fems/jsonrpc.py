"""The FEMS's JSON-RPC interface: what the device knows of itself and of its past.

It belongs to the app "REST/JSON Write Access" and wants the owner's password. The proxy of a real
FEMS forwards only parts of it at port 80, so the interface's own port is tried as well.
"""

from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlsplit

from optimizer.errors import RefusedError, UnreachableError
from optimizer.fems.http_exchange import Wire, json_in, origin_of
from optimizer.fems.link import LARGE_BYTES
from optimizer.fems.refusals import FemsAnswer, error_in
from optimizer.http.transport import ExchangeLimits

PATH = "/jsonrpc"
OWN_PORT = 8084
"""Port of the interface itself."""
LIMITS = ExchangeLimits(read_timeout_s=20.0, deadline_s=40.0, cap_bytes=LARGE_BYTES)
"""A full configuration has megabytes, and the device's processor is small."""

_NOT_FORWARDED = (301, 302, 303, 307, 308, 404, 405)
"""Answers of a proxy, or of a page, that knows nothing of the path."""


class JsonRpcClient:
    """Calls to one FEMS, one at a time; not for several threads.

    Parameters
    ----------
    url, password
        As for the REST interface; the password has to be the owner's.
    port
        Where the interface listens; None tries the port of `url`, then 8084.
    limits
        Limits of one call.
    allow_public
        As for `Wire`.

    Raises
    ------
    ConfigError
        If `url` cannot be used.
    """

    def __init__(
        self, url: str, password: str, port: int | None = None, limits: ExchangeLimits = LIMITS, *,
        allow_public: bool = False,
    ) -> None:  # fmt: skip
        places = [origin_of(url)] if port is None else [_at(url, port)]
        if port is None and _at(url, OWN_PORT) not in places:
            places.append(_at(url, OWN_PORT))
        self._wires = [Wire(place, password, allow_public=allow_public) for place in places]
        self._known: Wire | None = self._wires[0] if len(places) == 1 else None
        self._limits = limits

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stop_when(self, stopping: Callable[[], bool]) -> None:
        """Give up calls when the program has to stop."""
        for wire in self._wires:
            wire.stop_when(stopping)

    def close(self) -> None:
        """Close the connections."""
        for wire in self._wires:
            wire.close()

    def call(
        self, method: str, params: dict[str, Any], limits: ExchangeLimits | None = None
    ) -> Any:
        """The result of one call, within other limits if they are given.

        Raises
        ------
        UnreachableError
            If no FEMS answers; also if it does not forward these calls.
        RefusedError
            If it does not want to, or does not know the method.
        """
        content = {"method": method, "params": params}
        wire, limits = self._known or self._wires[0], limits or self._limits
        answer = wire.exchange("POST", PATH, content, limits)
        if _not_forwarded(answer) and self._known is None:
            wire = self._wires[1]
            answer = self._own_port(wire, content, limits) or answer
        if _not_forwarded(answer):
            raise UnreachableError(
                f"The FEMS does not forward {PATH} at {self._wires[0].origin}: its settings and "
                "its history cannot be read, set [fems] jsonrpc_port if it listens elsewhere."
            )
        self._known = wire
        return _result(wire, answer, method)

    def _own_port(
        self, wire: Wire, content: dict[str, Any], limits: ExchangeLimits
    ) -> FemsAnswer | None:
        try:
            return wire.exchange("POST", PATH, content, limits)
        except UnreachableError:
            return None


def _at(url: str, port: int) -> str:
    """The address of `url` with another port."""
    host = urlsplit(origin_of(url)).hostname or ""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _not_forwarded(answer: FemsAnswer) -> bool:
    page = answer.status == 200 and "html" in answer.content_type.lower()
    return page or answer.status in _NOT_FORWARDED


def _result(wire: Wire, answer: FemsAnswer, method: str) -> Any:
    """Result of a call, or the FEMS's refusal in words."""
    content = json_in(answer)
    error = error_in(answer, PATH, method)
    if answer.status == 400 and error is not None and "status 400" in str(error):
        raise RefusedError(f"The FEMS does not answer {method}: its version may be too old for it.")
    if error is not None:
        raise error
    if isinstance(content, dict) and "result" in content:
        return content["result"]
    if isinstance(content, dict) and "error" in content:
        as_refusal = FemsAnswer(400, answer.content_type, answer.body)
        raise error_in(as_refusal, PATH, method) or RefusedError(method)
    raise UnreachableError(wire.unlike(answer))
