"""Dated grid fees of German operators (`grid_fees.toml`), written into a tariff that names one."""

import functools
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from importlib import resources
from typing import Any

from optimizer.errors import ConfigError

OWN = ("grid_fee_eur_per_kwh", "window")
"""Keys of `[tariff]` that the operator's entry fills."""
CT = 100


def expanded(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Tables of a configuration with the fees of the operator that `[tariff]` names.

    Raises
    ------
    ConfigError
        If no fees of it are known, with the known names, or the owner states fees too.
    """
    tariff = data.get("tariff")
    name = tariff.get("grid_operator") if isinstance(tariff, dict) else None
    if not isinstance(tariff, dict) or not isinstance(name, str):
        return data
    stated = [key for key in OWN if key in tariff]
    if stated:
        raise ConfigError(
            f"tariff.grid_operator brings the grid fee and its windows, but {' and '.join(stated)} "
            "stands beside it: remove one of them"
        )
    first, *later = _entries_of(name)
    filled = {**tariff, **_fees(first), "valid_to": _earlier(tariff, first)}
    owned = tariff.get("change", [])
    if later and isinstance(owned, list):
        filled["change"] = _with_changes(owned, later)
    return {**data, "tariff": filled}


def names() -> dict[str, str]:
    """The operators whose fees are known, each with its title."""
    return {entry["name"]: entry["title"] for entry in _entries()}


def known_to(name: str | None) -> date | None:
    """Last day of the known fees of an operator; None without one."""
    return None if name is None else date.fromisoformat(_entries_of(name)[-1]["valid_to"])


@functools.cache
def _entries() -> list[dict[str, Any]]:
    text = resources.files("optimizer.config").joinpath("grid_fees.toml").read_text("utf-8")
    found: list[dict[str, Any]] = tomllib.loads(text)["operator"]
    return found


def _fees(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Grid fee and windows of an entry, as keys of a tariff."""
    windows = [_window(one) for kind in ("low", "high") for one in entry[kind]]
    return {"grid_fee_eur_per_kwh": entry["standard"] / CT, "window": windows}


def _with_changes(owned: list[Any], later: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The owner's changes with those of later entries; what the owner states for a day counts."""
    changes = list(owned)
    for entry in later:
        day = entry["valid_from"]
        same = [at for at, one in enumerate(changes) if _day(one) == day]
        if same:
            changes[same[0]] = _fees(entry) | changes[same[0]]
        else:
            changes.append({"valid_from": day, "valid_to": entry["valid_to"], **_fees(entry)})
    return sorted(changes, key=_day)


def _day(change: object) -> str:
    """First day of a change as it is written; a fault of it is found when it is validated."""
    return str(change.get("valid_from", "")) if isinstance(change, Mapping) else ""


def _entries_of(name: str) -> list[dict[str, Any]]:
    """The entries of an operator, the earliest first."""
    found = sorted(
        (entry for entry in _entries() if entry["name"] == name),
        key=lambda entry: str(entry["valid_from"]),
    )
    if not found:
        near = get_close_matches(name, names(), n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise ConfigError(
            f"tariff.grid_operator: the fees of '{name[:80]}' are not known; {hint}there are: "
            f"{', '.join(sorted(names()))}. For another one write its price sheet into "
            "[[tariff.window]]"
        )
    return found


def _window(one: Mapping[str, Any]) -> dict[str, Any]:
    fee = round(one["ct"] / CT, 6)
    return {key: value for key, value in one.items() if key != "ct"} | {"grid_fee_eur_per_kwh": fee}


def _earlier(tariff: Mapping[str, Any], entry: Mapping[str, Any]) -> Any:
    """The last day of the owner's parts, or of the operator's fees if those end before."""
    ends, owned = entry["valid_to"], tariff.get("valid_to")
    try:
        last = owned if isinstance(owned, date) else date.fromisoformat(str(owned))
    except ValueError:
        return ends if owned is None else owned
    return min(last, date.fromisoformat(ends))
