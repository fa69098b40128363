"""A cleaned record of a device's channels: fit to be sent to somebody, and to be a test's fixture.

Numbers stay, apart from those whose name says that they identify the device or its owner. Of the
texts only a few known ones stay: serial numbers, addresses and names of an owner are texts.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from optimizer.errors import OptimizerError
from optimizer.fems import channels
from optimizer.fems.reader import FemsReader

SCHEMA = "fems-record/1"

_PRIVATE = re.compile(
    r"serial|alias|passw|secret|token|key|user|mail|phone|host|url|uri|mac|ssid|latitude|longitude"
    r"|location|postcode|address|certificate|edgeid|partsnumber|ip$|^_?id$|_id$",
    re.IGNORECASE,
)
_PLAIN_TEXTS = frozenset({channels.VERSION, channels.WRITERS, "Currency"})
_ENUM = re.compile(r"[A-Z]{2,}(_[A-Z]{2,})*")
"""Settings such as SMART or GRID_CHARGE: no digits, so no serial number."""
_FIELDS = ("address", "type", "accessMode", "unit", "value")


def take(reader: FemsReader) -> dict[str, Any]:
    """Read all channels of all components, one component at a time.

    Raises
    ------
    UnreachableError, RefusedError
    """
    found = [item for item in map(cleaned, _all_points(reader)) if item is not None]
    return {"schema": SCHEMA, "channels": found, "settings": _settings(reader)}


def _all_points(reader: FemsReader) -> Iterator[Mapping[str, Any]]:
    states = reader.points(".*", channels.Ess.STATE)
    names = {point["address"].partition("/")[0] for point in states}
    for component in sorted(names | {channels.SUM, channels.META}):
        yield from reader.points(component, ".*")


def cleaned(point: Mapping[str, Any]) -> dict[str, Any] | None:
    """One channel without what is nobody's business; None if nothing is left of it.

    Examples
    --------
    >>> cleaned({"address": "battery0/SerialNumber", "type": "STRING", "value": "FE123"})
    >>> cleaned({"address": "ess0/Soc", "type": "INTEGER", "text": "charge of Anna", "value": 50})
    {'address': 'ess0/Soc', 'type': 'INTEGER', 'value': 50}
    """
    channel = str(point["address"]).partition("/")[2]
    if _PRIVATE.search(channel.removeprefix("_Property")):
        return None
    value = point.get("value")
    number = value is None or isinstance(value, int | float)
    if not number and channel not in _PLAIN_TEXTS and not _ENUM.fullmatch(str(value)):
        return None
    return {name: point[name] for name in _FIELDS if name in point}


def _settings(reader: FemsReader) -> dict[str, Any] | None:
    """What the device's configuration says of control, None if it does not tell it."""
    try:
        return asdict(reader.edge_config())
    except OptimizerError:
        return None
