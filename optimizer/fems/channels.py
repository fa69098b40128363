"""The FEMS's vocabulary: names of components and channels, and the meaning of their answers.

This is the only file that knows how the FEMS calls things; from here on powers are in W with the
FEMS's signs, everything unknown is None, and texts are printable and bounded.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from optimizer.errors import ConfigError, UnreachableError
from optimizer.model.printable import printable
from optimizer.model.snapshot import ON_GRID, Snapshot

Value = int | float | str | None
Values = Mapping[str, Value]
"""Values that were read, by address ("ess0/Soc")."""

SUM = "_sum"
META = "_meta"
POWER = "_power"
API = "ctrlApiRest0"
ESS = "ess0"
"""The storage unit, unless configured otherwise."""
CHARGERS = "charger.*"
"""Pattern of the DC chargers' ids: the roof behind a hybrid inverter."""

CONTROLLERS = "ctrl.*"
"""Pattern of the controllers' ids, unless their owner gave them others."""

VERSION = "Version"
API_TIMEOUT = "_PropertyApiTimeout"
"""The app's time-out, as the FEMS shows a component's settings among its channels."""
WRITERS = "ApiWorkerLog"
CHARGER_POWER = "ActualPower"
PRODUCED = "ProductionActiveEnergy"
"""PV energy of the whole site since the FEMS began to count [Wh]."""

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_LONGEST_ADDRESS, _LONGEST_TEXT = 130, 4_000
"""Longest address and text that are kept [characters]; an id has at most 64."""
_LARGEST = 1e12
"""Beyond this a number is no reading of a house [W or Wh]."""


class SumChannels(StrEnum):
    """Channels of the whole site that are read each tick."""

    STATE = "State"
    GRID_MODE = "GridMode"
    SOC = "EssSoc"
    GRID = "GridActivePower"
    PRODUCTION = "ProductionActivePower"
    PRODUCTION_DC = "ProductionDcActualPower"
    ESS = "EssActivePower"
    BATTERY = "EssDischargePower"


class EssChannels(StrEnum):
    """Channels of the storage unit that are read each tick."""

    SOC = "Soc"
    CAPACITY = "Capacity"
    ACTIVE = "ActivePower"
    BATTERY = "DcDischargePower"
    ALLOWED_CHARGE = "AllowedChargePower"
    ALLOWED_DISCHARGE = "AllowedDischargePower"
    APPLIED = "DebugSetActivePower"
    GRID_MODE = "GridMode"
    STATE = "State"


def alternation(channels: Iterable[str]) -> str:
    """Pattern that asks for all `channels` at once; the FEMS reads ids as regular expressions.

    >>> alternation(["Soc", "State"])
    '(Soc|State)'
    """
    return f"({'|'.join(channels)})"


SUM_TICK = alternation(SumChannels)
ESS_TICK = alternation(EssChannels)
APPLIED_REACTIVE = "DebugSetReactivePower"
"""Channel of the storage unit with the reactive power that the solver applied last [var]."""


def checked_id(component: str) -> str:
    """The component's id, unless it could mean something else inside a URL or a pattern.

    Raises
    ------
    ConfigError
        If it is not a plain id.
    """
    if not _ID.fullmatch(component):
        message = (
            f"[fems] ess = {component[:70]!r} is not a component's id: "
            'use letters, digits and underscores, usually "ess0".'
        )
        raise ConfigError(message)
    return component


def read_values(answer: object) -> dict[str, Value]:
    """Values by address out of a parsed answer: an object for one channel, an array for several.

    A missing value (write-only channels have none), `null` and values of no use are None, and so
    is a channel that occurs twice with different values.

    Raises
    ------
    UnreachableError
        If this is not how a FEMS answers.
    """
    values: dict[str, Value] = {}
    for item in answer if isinstance(answer, list) else [answer]:
        if not isinstance(item, dict) or not isinstance(item.get("address"), str):
            raise UnreachableError(
                "The answer is JSON but not a FEMS's: check that [fems] url is the FEMS's address."
            )
        address = printable(item["address"], _LONGEST_ADDRESS)
        value = _plain(item.get("value"))
        values[address] = value if values.get(address, value) == value else None
    return values


def described(item: Mapping[str, object]) -> dict[str, object]:
    """A channel as the FEMS describes it, with texts that are printable and bounded."""
    return {
        printable(name): printable(value, _LONGEST_TEXT) if isinstance(value, str) else value
        for name, value in item.items()
    }


def _plain(value: object) -> Value:
    if isinstance(value, str):
        return printable(value, _LONGEST_TEXT)
    if isinstance(value, int | float) and not isinstance(value, bool):
        # also refuses NaN, which compares as false
        return value if -_LARGEST < value < _LARGEST else None
    return None


def number(values: Values, address: str) -> float | None:
    """The number at `address`, None if it is unknown, absent or no number."""
    value = values.get(address)
    return None if isinstance(value, str) else value


def text(values: Values, address: str) -> str | None:
    """The text at `address`, None if it is unknown, absent or no text."""
    value = values.get(address)
    return value if isinstance(value, str) else None


def whole(values: Values, address: str) -> int | None:
    """The whole number at `address` (enums, states), None for anything else."""
    value = number(values, address)
    return int(value) if value is not None and value == int(value) else None


def soc_percent(values: Values, ess: str) -> float | None:
    """State of charge of the storage unit [%], None unless it lies in 0..100."""
    value = number(values, f"{ess}/{EssChannels.SOC}")
    return value if value is not None and 0 <= value <= 100 else None


def snapshot(at: datetime, ess: str, values: Values) -> Snapshot:
    """One reading of the FEMS out of the two answers of a tick.

    Parameters
    ----------
    at
        When it was read (UTC).
    ess
        Id of the storage unit.
    values
        Both answers, by address.
    """
    charge_w = number(values, f"{ess}/{EssChannels.ALLOWED_CHARGE}")
    discharge_w = number(values, f"{ess}/{EssChannels.ALLOWED_DISCHARGE}")
    return Snapshot(
        at=at,
        soc_percent=soc_percent(values, ess),
        grid_w=number(values, f"{SUM}/{SumChannels.GRID}"),
        ess_w=number(values, f"{ess}/{EssChannels.ACTIVE}"),
        battery_w=_battery_w(values, ess),
        pv_w=number(values, f"{SUM}/{SumChannels.PRODUCTION}"),
        # a limit with the wrong sign says nothing
        allowed_charge_w=charge_w if charge_w is not None and charge_w <= 0 else None,
        allowed_discharge_w=discharge_w if discharge_w is not None and discharge_w >= 0 else None,
        grid_mode=_grid_mode(values, ess),
        state=_state(values, ess),
        applied_w=number(values, f"{ess}/{EssChannels.APPLIED}"),
    )


def _battery_w(values: Values, ess: str) -> float | None:
    """Battery alone [W]; AC-coupled units without that channel show it as their AC power."""
    address = f"{ess}/{EssChannels.BATTERY}"
    if address in values:
        return number(values, address)
    if number(values, f"{SUM}/{SumChannels.PRODUCTION_DC}"):
        return None
    return number(values, f"{ess}/{EssChannels.ACTIVE}")


def _grid_mode(values: Values, ess: str) -> int | None:
    """The site's mode, but anything else than on-grid if either of the two channels says so."""
    modes = [
        whole(values, f"{SUM}/{SumChannels.GRID_MODE}"),
        whole(values, f"{ess}/{EssChannels.GRID_MODE}"),
    ]
    off = [mode for mode in modes if mode not in (None, ON_GRID)]
    return off[0] if off else modes[0]


def _state(values: Values, ess: str) -> int | None:
    """The worse of the site's and the unit's state; unknown if the site's is."""
    site = whole(values, f"{SUM}/{SumChannels.STATE}")
    return None if site is None else max(site, whole(values, f"{ess}/{EssChannels.STATE}") or 0)
