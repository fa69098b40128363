"""Faults on the wire of a simulated FEMS, switched request by request, and their effects.

Some take the place of the FEMS's answer (nothing happens in the house), some spoil an answer whose
effect has taken place, some change how it is sent.
"""

import itertools
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from optimizer.simulation.fems import answers
from optimizer.simulation.fems.answers import Reply
from optimizer.simulation.fems.simulated_rest import RestRequest


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and how much of it; the unit goes with the name."""

    name: str
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class _Kind:
    what: str
    amount: float = 0.0
    """Amount unless another is named."""


KINDS: Mapping[str, _Kind] = {
    "drop-before": _Kind("the connection closes before anything happens"),
    "drop-after": _Kind("the effect takes place, the answer is lost"),
    "reset": _Kind("the connection is reset before anything happens"),
    "redirect": _Kind("302 to another path"),
    "refused": _Kind("a refusal with this status, 401 or 403", 401),
    "html": _Kind("200 with an HTML page"),
    "garbage": _Kind("200 with something that is no JSON"),
    "type-swap": _Kind("numbers as texts, booleans, fractions and lists"),
    "null": _Kind("all values null"),
    "digits": _Kind("numbers as texts of so many digits", 5_000),
    "long-numbers": _Kind("numbers of so many digits", 400),
    "escapes": _Kind("line breaks and terminal escapes in all texts"),
    "endless": _Kind("so many ids that were never there before, in each answer", 200),
    "huge": _Kind("a body of so many bytes", 200_000),
    "delay": _Kind("the FEMS does nothing for so many seconds", 2),
    "drip": _Kind("the body byte by byte, so many seconds apart", 0.05),
    "drip-header": _Kind("the header byte by byte, so many seconds apart", 0.05),
    "truncate": _Kind("so many bytes fewer than announced", 20),
    "clock": _Kind("the Date: header so many seconds off", 3_600),
}
"""All faults by name."""

_WRITTEN = re.compile(r"([a-z0-9-]+)(?:=(-?[0-9.]+))?(?:/([0-9]+))?")

Given = str | Fault


def parse(text: str) -> tuple[Fault, int]:
    """A fault as it is written, "delay=3/10": its name, how much, and in each how many-th request.

    Raises
    ------
    ValueError
        If it is not written so; an unknown name is not looked at.
    """
    found = _WRITTEN.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not written like NAME, NAME=AMOUNT or NAME=AMOUNT/EVERY.")
    usual = KINDS[found[1]].amount if found[1] in KINDS else 0.0
    amount = float(found[2]) if found[2] else usual
    return Fault(found[1], amount), max(1, int(found[3] or 1))


class Faults:
    """Faults of the coming requests; safe beside running requests.

    Examples
    --------
    >>> faults = Faults()
    >>> faults.next("drop-after", None, "delay=0.5")
    >>> [[one.name for one in faults.take(RestRequest("GET", "/"))] for _ in range(4)]
    [['drop-after'], [], ['delay'], []]
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._script: deque[Fault | None] = deque()
        self._rules: list[tuple[Callable[[RestRequest], bool], Fault]] = []
        self._every: list[tuple[Fault, int]] = []
        self._count = 0

    def next(self, *script: Given | None) -> None:
        """Let the next requests meet these faults, one each; None lets one pass."""
        faults = [None if given is None else _known(given) for given in script]
        with self._lock:
            self._script.extend(faults)

    def when(self, predicate: Callable[[RestRequest], bool], fault: Given) -> None:
        """Let all requests of which `predicate` is true meet a fault."""
        known = _known(fault)
        with self._lock:
            self._rules.append((predicate, known))

    def writes(self, fault: Given) -> None:
        """Let all writes of channels meet a fault."""
        self.when(_is_write, fault)

    def always(self, fault: Given, every: int = 1) -> None:
        """Let each request, or each `every`-th one, meet a fault."""
        known = _known(fault)
        with self._lock:
            self._every.append((known, every))

    def clear(self) -> None:
        """Back to a FEMS without faults."""
        with self._lock:
            self._script.clear()
            self._rules.clear()
            self._every.clear()

    def take(self, request: RestRequest) -> tuple[Fault, ...]:
        """The faults for this request."""
        with self._lock:
            self._count += 1
            found = [fault for fault, every in self._every if self._count % every == 0]
            found += [fault for predicate, fault in self._rules if predicate(request)]
            scripted = self._script.popleft() if self._script else None
        return (*found, scripted) if scripted else tuple(found)


def _is_write(request: RestRequest) -> bool:
    return request.method == "POST" and request.target.startswith("/rest/channel/")


def _known(given: Given) -> Fault:
    fault = parse(given)[0] if isinstance(given, str) else given
    if fault.name not in KINDS:
        raise ValueError(f"There is no fault {fault.name!r}: there are {', '.join(KINDS)}.")
    return fault


def instead(fault: Fault) -> Reply | None:
    """Reply in the place of the FEMS's; None if it answers by itself."""
    match fault.name:
        case "drop-before" | "reset":
            return answers.SILENCE
        case "redirect":
            return replace(answers.front_page(302, "Found"), location="/rest/elsewhere")
        case "refused":
            return answers.front_page(int(fault.amount), "")
        case "html":
            return answers.front_page(200, "Welcome")
    return None


def spoiled(fault: Fault, reply: Reply) -> Reply:
    """The FEMS's answer with the fault in it."""
    match fault.name:
        case "garbage":
            return Reply(200, "application/json", b'{"address":"ess0/So\x00\xff')
        case "huge":
            return replace(reply, body=reply.body + b" " * int(fault.amount))
        case "null":
            return _with_values(reply, lambda _, value: None)
        case "digits":
            digits = "9" * int(fault.amount)
            return _with_values(reply, lambda _, value: digits if _is_number(value) else value)
        case "long-numbers":
            return _with_long_numbers(reply, "9" * int(fault.amount))
        case "escapes":
            return _with_escapes(reply)
        case "endless":
            return _with_new_ids(reply, int(fault.amount))
        case "type-swap":
            first = int(fault.amount)
            return _with_values(reply, lambda place, value: _swapped(place + first, value))
    return reply


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _swapped(place: int, value: object) -> object:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return value
    return (str(value), value != 0, value + 0.5, [value])[place % 4]


def _with_long_numbers(reply: Reply, digits: str) -> Reply:
    """The answer with numbers that are longer than any type of a number."""
    marked = _with_values(reply, lambda _, value: "@digits@" if _is_number(value) else value)
    return replace(marked, body=marked.body.replace(b'"@digits@"', digits.encode()))


ESCAPES = "\n\x1b[2J\r\u202e\x9b31mERROR all is lost"
"""Breaks a line, clears a terminal, turns the direction of writing."""


def _with_escapes(reply: Reply) -> Reply:
    """The answer with escapes in its texts, and one more component whose id is nothing else."""
    if not _has_channels(reply):
        return reply
    content = json.loads(reply.body)
    items = content if isinstance(content, list) else [content]
    for item in items:
        item |= {
            name: text + ESCAPES
            for name, text in item.items()
            if isinstance(text, str) and name != "address"
        }
    mad = {"address": f"ess7{ESCAPES}/State", "type": "INTEGER", "accessMode": "RO", "value": 0}
    return answers.success([*items, mad])


_numbers = itertools.count()


def _with_new_ids(reply: Reply, many: int) -> Reply:
    """The answer with ids that nobody has seen before, as components and in the writers' log."""
    if not _has_channels(reply):
        return reply
    content = json.loads(reply.body)
    items = content if isinstance(content, list) else [content]
    new = [next(_numbers) for _ in range(many)]
    for item in items:
        if item["address"].endswith("/ApiWorkerLog"):
            item["value"] = "|".join(f"ess0/SetActivePowerEquals:{number}" for number in new)
    more = [
        {"address": f"ctrlApiRest{n}/ApiWorkerLog", "type": "STRING", "accessMode": "RO",
         "value": f"ess0/SetActivePowerEquals:{n}"}
        for n in new
    ]  # fmt: skip
    return answers.success([*items, *more])


def _has_channels(reply: Reply) -> bool:
    if reply.status != 200 or reply.content_type != "application/json":
        return False
    content = json.loads(reply.body)
    items = content if isinstance(content, list) else [content]
    return all(isinstance(item, dict) and "address" in item for item in items)


def _with_values(reply: Reply, change: Callable[[int, object], object]) -> Reply:
    """The answer with other values in its channels."""
    if reply.status != 200 or reply.content_type != "application/json":
        return reply
    content = json.loads(reply.body)
    for place, item in enumerate(content if isinstance(content, list) else [content]):
        if isinstance(item, dict) and "value" in item:
            item["value"] = change(place, item["value"])
    return answers.success(content)
