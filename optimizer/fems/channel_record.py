"""A cleaned record of a device's channels: fit to be sent to somebody, and to be a test's fixture.

Only what is on a list stays: measured quantities by their units, and channels, properties and texts
that matter for control by their names. Names, places, addresses, serial numbers, keys and access
codes are on none.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from optimizer.errors import OptimizerError
from optimizer.fems import channels
from optimizer.fems.reader import FemsReader

SCHEMA = "fems-record/1"

COMPONENTS = re.compile(
    r"(_(sum|meta|power|cycle|core)|ess|battery|batteryInverter|meter|charger|pvInverter|scheduler"
    r"|evcs|evse|io|heatpump|ctrl(Api|Balancing|Ess|Evcs|Evse|Io|Grid|Emergency|PvInverter|Fix)"
    r"[A-Za-z]{0,40})\d{0,3}"
)
"""Ids as the maker gives them; others may be named after somebody."""

UNITS = frozenset({
    "W", "mW", "kW", "VA", "var", "Wh", "kWh", "Wh_Σ", "kWh_Σ", "VAh", "varh", "V", "mV", "A", "mA",
    "Ah", "Hz", "mHz", "%", "‰", "Ω", "mΩ", "C", "dC", "°C", "d°C", "sec", "ms", "min", "h",
    "sec_Σ", "rpm",
})  # fmt: skip
"""Units of physical quantities: a number in one of these is neither a code nor a place."""

CHANNELS = frozenset({
    "State", "GridMode", "ChargeState", "StateMachine", "RunState", "RunFailed", "NotSolved",
    "StaticConstraintsFailed", "ApplyPowerFailed", "Currency", "IsEssChargeFromGridAllowed",
    "GridFeedInLimitationType", "EnableLimitation", "RestrictionMode", "NumberOfTowers",
    "NumberOfModulesPerTower", "DelayChargeState", "SellToGridLimitState", "CycleTimeIsTooShort",
    "_PropertyApiTimeout", "_PropertyControlMode", "_PropertyMode", "_PropertyEnabled",
    "_PropertyReadOnly", "_PropertyMaximumSellToGridPower", "_PropertyReserveSoc",
    "_PropertyIsReserveSocEnabled", "_PropertyMaxBatteryPower", "_PropertyCapacity",
    "_PropertyMaxApparentPower", "_PropertyPower", "_PropertyRelationship", "_PropertyPhase",
    "_PropertyFeedPowerPara", "_PropertyEmsLimitPower", "_PropertyDelayChargeRiskLevel",
})  # fmt: skip
"""Channels and properties without a physical unit whose numbers and enumerations matter."""

_ENUM = re.compile(r"[A-Z]{2,20}(_[A-Z]{2,20}){0,5}")
"""Settings such as SMART or GRID_CHARGE: no digits, so no serial number."""

_TEXTS = {
    channels.VERSION: re.compile(r"\d{1,4}(\.\d{1,4}){1,3}(-SNAPSHOT)?"),
    channels.WRITERS: re.compile(
        rf"({COMPONENTS.pattern}/Set[A-Za-z]{{1,40}}:-?\d{{1,7}}(\.\d{{1,3}})?\|?){{0,12}}"
    ),
    "Currency": _ENUM,
}
"""Texts that stay where they look as they should."""

_FIELDS = {
    "type": re.compile(r"[A-Z]{1,20}"),
    "accessMode": re.compile(r"RO|RW|WO"),
    "unit": re.compile("|".join(re.escape(unit) for unit in ("", *sorted(UNITS)))),
}
"""Fields of a channel beside address and value, and what they may hold."""


def take(reader: FemsReader) -> dict[str, Any]:
    """Read all channels of all components, one component at a time.

    Raises
    ------
    UnreachableError, RefusedError
    """
    found = [item for item in map(cleaned, _all_points(reader)) if item is not None]
    return {"schema": SCHEMA, "channels": found, "settings": _settings(reader)}


def _all_points(reader: FemsReader) -> Iterator[Mapping[str, Any]]:
    states = reader.points(".*", channels.EssChannels.STATE)
    names = {point["address"].partition("/")[0] for point in states}
    for component in sorted(names | {channels.SUM, channels.META}):
        yield from reader.points(component, ".*")


def cleaned(point: Mapping[str, Any]) -> dict[str, Any] | None:
    """One channel without what is nobody's business; None if nothing is left of it.

    Examples
    --------
    >>> cleaned({"address": "battery0/SerialNumber", "type": "STRING", "value": "FE123"})
    >>> cleaned({"address": "ess0/Soc", "unit": "%", "text": "charge of Anna", "value": 50})
    {'address': 'ess0/Soc', 'unit': '%', 'value': 50}
    """
    component, _, channel = str(point["address"]).partition("/")
    value = point.get("value")
    if not COMPONENTS.fullmatch(component) or not _harmless(channel, value, point.get("unit")):
        return None
    kept = {
        name: point[name]
        for name, allowed in _FIELDS.items()
        if isinstance(point.get(name), str) and allowed.fullmatch(point[name])
    }
    return {"address": point["address"], **kept, **({"value": value} if "value" in point else {})}


def _harmless(channel: str, value: Any, unit: Any) -> bool:
    """Return true for a value that identifies nobody."""
    measured = unit in UNITS and not channel.startswith("_") and channel.isalnum()
    if isinstance(value, str):
        allowed = _TEXTS.get(channel) or (_ENUM if channel in CHANNELS else None)
        return allowed is not None and allowed.fullmatch(value) is not None
    number = value is None or (isinstance(value, int | float) and math.isfinite(value))
    return number and (measured or channel in CHANNELS)


def _settings(reader: FemsReader) -> dict[str, Any] | None:
    """Settings of the device that matter for control; None if it does not give them."""
    try:
        return asdict(reader.edge_config())
    except OptimizerError:
        return None
