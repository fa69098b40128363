"""Commands of the owner over MQTT: the texts that are understood, and the entities that send them.

A command is short, plain and never retained: a retained message would be carried out again after
each connection. What is not understood or refused is a warning, at most once an hour.
"""

import logging
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from optimizer.errors import OptimizerError
from optimizer.text.local_time import OF_A_DAY

log = logging.getLogger(__name__)

LARGEST_BYTES = 64
"""Longest command [B]."""

LARGEST_PACKET_BYTES = 4_096
"""Largest message that the broker may pass on [B]; a larger one it drops."""

PRESS = "PRESS"
"""Text that a button of Home Assistant sends."""

MOST_AN_HOUR = 60
"""Most commands that are carried out in an hour, pauses apart: each one is written to the disk."""

HOUR_S = 3_600.0

CHARGE = re.compile(rf"(\d{{1,3}}(?:\.\d{{1,2}})?) ?%?(?: by ({OF_A_DAY.pattern}))?")
"""A charge: `80`, or `80 by 07:00`."""


class Orders(Protocol):
    """Carries out the owner's commands; each returns one sentence for the log.

    Raises
    ------
    OptimizerError
        If a command cannot be carried out.
    """

    def pause(self) -> str:
        """Let control stay away until it is resumed."""
        ...

    def resume(self) -> str:
        """End every pause."""
        ...

    def charge(self, soc_percent: float, by: str | None) -> str:
        """Have at least a state of charge by the next such local time, or as soon as possible."""
        ...


def parsed_charge(text: str) -> tuple[float, str | None]:
    """State of charge [%] and local time of a charge.

    Raises
    ------
    ValueError
        If the text is something else.

    Examples
    --------
    >>> parsed_charge("80"), parsed_charge("80 % by 07:00")
    ((80.0, None), (80.0, '07:00'))
    """
    found = CHARGE.fullmatch(" ".join(text.split()))
    if found is None or not 1 <= float(found[1]) <= 100:
        raise ValueError('should be "80" or "80 by 07:00", from 1 to 100 %')
    return float(found[1]), found[2]


@dataclass(slots=True)
class CommandReceiver:
    """Understands commands and has them carried out; runs on the network's thread, never raises."""

    orders: Orders
    monotonic: Callable[[], float] = time.monotonic
    _taken_s: deque[float] = field(default_factory=deque)
    """Times of the commands of the last hour, pauses apart."""

    def receive(self, name: str, payload: bytes, *, retained: bool) -> None:
        """Carry out one command.

        Parameters
        ----------
        name
            Its name in the topic: `pause`, `resume` or `charge`.
        retained
            True for a message that the broker keeps.
        """
        trouble = ""
        try:
            if retained:
                raise ValueError("is retained: send it without 'retain'")
            done = self._carry_out(name, payload)
            log.info("MQTT: %s", done)
        except ValueError as error:
            trouble = f"{error}"
        except OptimizerError as error:
            trouble = f"is refused: {'; '.join(str(error).splitlines())}"
        except Exception as error:  # noqa: BLE001 - paho's thread would end
            trouble = f"failed: {error!r}"
        if trouble:
            log.warning(
                "MQTT: the command '%s' %s; nothing was done", name, trouble,
                extra={"kind": "MQTT command"},
            )  # fmt: skip

    def _carry_out(self, name: str, payload: bytes) -> str:
        if len(payload) > LARGEST_BYTES:
            raise ValueError(f"has {len(payload)} bytes, {LARGEST_BYTES} at most")
        text = payload.decode("ascii").strip()
        if name == "charge":
            percent, by = parsed_charge(text)
            self._count()
            return self.orders.charge(percent, by)
        if text != PRESS:
            raise ValueError(f'should be "{PRESS}"')
        if name == "pause":
            return self.orders.pause()
        self._count()
        return self.orders.resume()

    def _count(self) -> None:
        """Count a command that is written to the disk.

        Raises
        ------
        ValueError
            If there are too many.
        """
        now_s = self.monotonic()
        while self._taken_s and now_s - self._taken_s[0] >= HOUR_S:
            self._taken_s.popleft()
        if len(self._taken_s) >= MOST_AN_HOUR:
            raise ValueError(f"comes after {MOST_AN_HOUR} others within an hour")
        self._taken_s.append(now_s)


COMMANDS = ("pause", "resume", "charge")
"""Names of the commands, as in their topics."""


@dataclass(frozen=True, slots=True)
class CommandEntity:
    """An entity of Home Assistant that sends a command."""

    key: str
    component: str
    """Kind of entity: `button`, `number` or `text`."""
    command: str
    name: str
    settings: dict[str, Any]


ENTITIES = (
    CommandEntity("pause", "button", "pause", "Pause", {"payload_press": PRESS}),
    CommandEntity("resume", "button", "resume", "Resume", {"payload_press": PRESS}),
    CommandEntity(
        "charge_to", "number", "charge", "Charge now to",
        {"min": 1, "max": 100, "step": 1, "mode": "box", "unit_of_measurement": "%"},
    ),
    CommandEntity(
        "charge_to_by", "text", "charge", "Charge to, by a time (80 by 07:00)",
        {"min": 1, "max": 20, "pattern": f"^{CHARGE.pattern}$"},
    ),
)  # fmt: skip


def topic_of(base: str, command: str) -> str:
    """Topic of a command under the device's base."""
    return f"{base}/{command}/set"


def command_entities(base: str) -> Iterator[tuple[CommandEntity, dict[str, Any]]]:
    """Entities of Home Assistant and what their discovery messages have to themselves."""
    for entity in ENTITIES:
        topic = topic_of(base, entity.command)
        yield entity, {"name": entity.name, "command_topic": topic, **entity.settings}
