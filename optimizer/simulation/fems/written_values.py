"""Values written over REST: kept in memory, set anew in each cycle, dropped by one time-out.

Like the REST app of a FEMS (`ApiWorker.java`; contract of the interface, sections 1.3 and 2.1):
a value is taken without being looked at, and converted when its cycle comes.
"""

import json
import math
import re
from collections.abc import Mapping

from optimizer.model.snapshot import Channel

REACTIVE_CHANNELS = tuple(channel.replace("Active", "Reactive") for channel in Channel)
"""Set-points of reactive power: writable, without effect in a home with a hybrid inverter."""

_INTEGER = re.compile(r"[+-]?[0-9]+")
_LARGEST = 2**31 - 1


class WrittenValues:
    """The values that the REST app holds, by channel.

    Parameters
    ----------
    ess
        Id of the storage unit they belong to.
    timeout_s
        Time after the last write of any channel when all values are dropped [s]; 0 means never.
    """

    def __init__(self, ess: str, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.until_s = math.inf
        """Last second in which the values are used."""
        self.equals_w: int | None = None
        self.at_most_w: int | None = None
        self.at_least_w: int | None = None
        self.reactive_var = 0
        self.log = ""
        """Values that are handed over, as `ApiWorkerLog` shows them."""
        self.failed = False
        """True if a value cannot be converted (`RunFailed`)."""
        self._ess = ess
        self._values: dict[str, object] = {}

    @property
    def values(self) -> Mapping[str, object]:
        """The raw values by channel."""
        return self._values

    def put(self, channel: str, value: object, now_s: float) -> None:
        """Take `value` as it came; None and "" remove it. Either way the time starts anew."""
        if value is None or value == "":
            self._values.pop(channel, None)
        else:
            self._values[channel] = value
        self.until_s = now_s + self.timeout_s if self.timeout_s else math.inf
        self._convert()

    def drop(self) -> None:
        """Forget everything: the time is over."""
        self._values.clear()
        self.until_s = math.inf
        self._convert()

    def _convert(self) -> None:
        """Work out what the next cycles set; one bad value spoils the others with it."""
        try:
            watts = {channel: to_watts(value) for channel, value in self._values.items()}
        except ValueError:
            watts, self.failed, self.log = {}, True, ""
        else:
            self.failed = False
            self.log = "|".join(
                f"{self._ess}/{channel}:{_shown(value)}" for channel, value in self._values.items()
            )
        self.equals_w = watts.get(Channel.EQUALS)
        self.at_most_w = watts.get(Channel.LESS_OR_EQUALS)
        self.at_least_w = watts.get(Channel.GREATER_OR_EQUALS)
        self.reactive_var = _reactive(*(watts.get(channel) for channel in REACTIVE_CHANNELS))


def to_watts(value: object) -> int | None:
    """The integer that the FEMS makes of a written JSON value [W].

    The conversions were measured: positive fractions are cut off and negative ones rounded, for
    they take different paths (`JsonUtils.getAsBestType`, `TypeUtils.getAsType`). Arrays count by
    their only member; others are as good as nothing.

    Raises
    ------
    ValueError
        If the FEMS cannot convert it.

    Examples
    --------
    >>> to_watts(12.7), to_watts(-12.7), to_watts("1500"), to_watts(True)
    (12, -13, 1500, 1)
    """
    if isinstance(value, list):
        return to_watts(value[0]) if len(value) == 1 else None
    if isinstance(value, str):
        watts = int(value) if _INTEGER.fullmatch(value) else None
    elif isinstance(value, int):
        watts = int(value)
    elif isinstance(value, float) and math.isfinite(value):
        watts = int(value) if value > 0 else math.floor(value + 0.5)
    else:
        watts = None
    if watts is None or not -_LARGEST - 1 <= watts <= _LARGEST:
        raise ValueError(f"{value!r} is no integer")
    return watts


def _reactive(equals: int | None, at_most: int | None, at_least: int | None) -> int:
    """Reactive power out of what was written [var]: as near to 0 as it may be."""
    if equals is not None:
        return equals
    lowest = at_least if at_least is not None else 0
    return min(max(0, lowest), at_most) if at_most is not None else max(0, lowest)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
