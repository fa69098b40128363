"""Channels of a storage unit that can be written, and what programs have written to them."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from optimizer.errors import ConfigError, DataError
from optimizer.fems.channels import API, WRITERS, Value
from optimizer.model.snapshot import Channel

LARGEST_W = 1_000_000
"""Beyond this a set-point is a mistake of unit [W or var]."""

WRITING_APIS = "ctrlApi.*"
"""Pattern of the ids of all interfaces over which programs can write."""
MOST_ENTRIES = 64
"""Most entries that are read of an interface's log."""
RUN_FAILED = "RunFailed"
"""Says that an interface could not hand over what was written."""


class ReactiveChannel(StrEnum):
    """The data points of the storage unit that can hold a reactive power [var]."""

    EQUALS = "SetReactivePowerEquals"
    LESS_OR_EQUALS = "SetReactivePowerLessOrEquals"
    GREATER_OR_EQUALS = "SetReactivePowerGreaterOrEquals"


SetPoint = Channel | ReactiveChannel
"""One of the six data points of the manual's table 1."""
SET_POINTS: tuple[SetPoint, ...] = (*Channel, *ReactiveChannel)


def set_point_named(name: str) -> SetPoint:
    """The data point of that name.

    Raises
    ------
    DataError
        If it is none of the six.

    Examples
    --------
    >>> set_point_named("SetActivePowerEquals")
    <Channel.EQUALS: 'SetActivePowerEquals'>
    """
    for channel in SET_POINTS:
        if channel == name:
            return channel
    raise DataError(f"{name[:70]!r} cannot be written; there are: {', '.join(SET_POINTS)}.")


def whole(channel: SetPoint, value: float) -> int:
    """A set-point as it goes over the wire: whole watts or var.

    Raises
    ------
    DataError
        If it is no number, or too large to be meant.

    Examples
    --------
    >>> whole(Channel.EQUALS, -1499.6)
    -1500
    """
    number = not isinstance(value, bool) and isinstance(value, int | float)
    if not number or not math.isfinite(value) or abs(value) > LARGEST_W:
        unit = "W" if isinstance(channel, Channel) else "var"
        raise DataError(f"{channel} takes whole {unit} up to {LARGEST_W}, not {value!r}.")
    return round(value)


def refuse_reactive(channel: ReactiveChannel) -> ConfigError:
    """Why a reactive power is not written, and what to do."""
    return ConfigError(
        f"{channel} has no effect in a home system (manual, table 1): "
        "set [fems] reactive = true if yours is another one."
    )


class Entry(NamedTuple):
    """A value that an interface hands over to the controllers."""

    api: str
    """Id of the interface, "ctrlApiRest0"."""
    address: str
    """"ess0/SetActivePowerEquals"."""
    value: str

    @property
    def is_number(self) -> bool:
        """True for a value that a program can have written: anything else is a broken text."""
        return _NUMBER.fullmatch(self.value) is not None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Values that all interfaces hand over now, whoever wrote them."""

    entries: tuple[Entry, ...]
    known: bool
    """True if the REST interface tells it at all."""
    failed: bool
    """True if the REST interface could not hand over something."""

    def on(self, ess: str) -> tuple[Entry, ...]:
        """Those that set a power of the storage unit."""
        unit = {f"{ess}/{channel}" for channel in SET_POINTS}
        return tuple(entry for entry in self.entries if entry.address in unit)

    def has(self, channel: SetPoint) -> bool:
        """Return true if the REST interface hands over a value on a channel."""
        return any(e.api == API and e.address.endswith(f"/{channel}") for e in self.entries)


def handed_over(values: Mapping[str, Value]) -> HandedOver:
    """Read the logs of the interfaces, "ess0/SetActivePowerEquals:1000|..."."""
    entries: list[Entry] = []
    for address, text in values.items():
        api, _, channel = address.partition("/")
        if channel == WRITERS and isinstance(text, str):
            entries += _entries(api, text)
    return HandedOver(
        tuple(entries),
        known=isinstance(values.get(f"{API}/{WRITERS}"), str),
        failed=values.get(f"{API}/{RUN_FAILED}") == 1,
    )


_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def _entries(api: str, text: str) -> Iterator[Entry]:
    for part in text.split("|")[:MOST_ENTRIES]:
        address, colon, value = part.partition(":")
        if colon:
            yield Entry(api, address.strip(), value.strip())
