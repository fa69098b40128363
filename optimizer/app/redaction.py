"""Redaction by allow-lists, for what an owner sends to somebody: what is on no list stays away.

- Settings: numbers, switches, dates and choices by their keys; of texts only the names of sources.
- Sentences: words that stand in this program's own texts, and numbers beside them. A name, an
  address or a secret is no such word, wherever it comes from.
- Records: the fields that they are known to have.
"""

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import optimizer
from optimizer.config.section_keys import keys_of
from optimizer.model.currency import CURRENCIES
from optimizer.model.snapshot import Reason
from optimizer.sources import entsoe, registry

KEPT = {
    "fems": {"reactive", "allow_public"},
    "battery": {
        "capacity_wh", "min_soc_percent", "max_soc_percent", "max_charge_w", "max_discharge_w",
        "charge_efficiency", "discharge_efficiency", "wear_eur_per_kwh", "standby_w", "hybrid",
        "max_ac_w", "reserve_soc_percent", "reserve_eur_per_kwh_h", "charge_taper",
        "discharge_taper", "full_charge_every_days",
    },
    "grid": {
        "max_buy_w", "max_sell_w", "rule", "operator_limits", "price_curtailment",
        "max_sell_share_of_kwp", "start", "end", "max_w", "feed_in_limits", "from", "to", "months",
        "days",
    },
    "prices": {"sources", "zone", "swiss_vat_percent", "patience_s", "currency", "eur_rate"},
    "tariff": {
        "markup_eur_per_kwh", "levies_eur_per_kwh", "tax_eur_per_kwh", "concession_eur_per_kwh",
        "grid_fee_eur_per_kwh", "vat_percent", "window", "export", "valid_to", "valid_from",
        "time_zone", "peak", "change", "from", "to", "months", "days", "kind", "eur_per_kwh",
        "zero_when_spot_negative", "eur_per_kw", "period", "reached_w", "usual_w",
    },
    "pv": {
        "source", "inverter_w", "planes", "learn", "day_states", "kwp", "tilt_degrees",
        "compass_degrees",
    },
    "load": {"source", "annual_kwh", "grid_only"},
    "planning": {"horizon_h", "step_minutes", "stored_value", "calm_eur"},
    "control": {"interval_s", "follow", "write", "replan_minutes", "stand_down"},
    "notify": {"allow"},
    "mqtt": {"tls", "commands"},
}  # fmt: skip
"""Keys whose values are shown, by their section; those of tables within a section are among them.

Place, address, name, file, user and secret of a house are not.
"""

CHOICES = frozenset({
    *registry.PRICES, *registry.LOAD, *registry.PV, *entsoe.ZONES, *CURRENCIES,
    "fixed", "none", "profile", "auto", "value", "intent", "power", "equals", "bounds",
    "month", "year",
    "mo", "tu", "we", "th", "fr", "sa", "su",
})  # fmt: skip
"""Texts that a setting may have in the open."""

HIDDEN = "(set)"
REMOVED = "[...]"

NUMBER = re.compile(r"[-+~]?\d{1,5}([.,]\d{1,2})?%?|\d{1,2}:\d{2}|\d\d\.\d\d\.(\d{4})?")
STAMP = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?")
AROUND = "()[]{}'\"`.,;:!?"
"""Marks around a word."""


def settings(config: Any) -> dict[str, Any]:
    """A configuration: sections with what `KEPT` lists, all else as set or not at all."""
    return {
        name: _section(getattr(config, name), KEPT.get(name, set()))
        for name in keys_of(type(config))
        if is_dataclass(getattr(config, name))
    }


def _section(section: Any, kept: Collection[str]) -> dict[str, Any]:
    shown = {}
    for item in fields(section):
        key, value = item.name.rstrip("_"), getattr(section, item.name)
        if key not in keys_of(type(section)) or value is None:
            continue
        shown[key] = _setting(value, kept) if key in kept else HIDDEN
    return shown


def _setting(value: Any, kept: Collection[str]) -> Any:
    """A value that is a number, a switch, a date, a choice, or made of such."""
    if is_dataclass(value):
        return _section(value, kept)
    if isinstance(value, tuple):
        return [_setting(item, kept) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, ZoneInfo):
        return value.key
    return value if isinstance(value, str) and value in CHOICES else HIDDEN


def record(data: Mapping[str, Any], kept: Collection[str]) -> dict[str, Any]:
    """The known fields of a record: numbers as they are, texts as sentences."""
    return {key: _value(data[key], kept) for key in kept if key in data}


def _value(value: Any, kept: Collection[str]) -> Any:
    if isinstance(value, Mapping):
        return record(value, kept)
    if isinstance(value, list | tuple):
        return [_value(item, kept) for item in value]
    if isinstance(value, str):
        return sentence(value)
    return value if value is None or isinstance(value, bool | int | float) else REMOVED


def sentence(text: str) -> str:
    """A sentence of which only this program's own words stay, and numbers and times beside them.

    >>> sentence("the FEMS at http://anna:geheim@10.0.0.7 does not answer")
    'the FEMS at [...] does not answer'
    >>> sentence("no plan covers 2026-01-14T22:00:00Z"), sentence("94032 Passau, Gartenweg 7")
    ('no plan covers 2026-01-14T22:00:00Z', '[...]')
    """
    chunks = text.split()
    own = [_core(chunk) in words() for chunk in chunks]
    shown: list[str] = []
    for at, chunk in enumerate(chunks):
        core, beside = _core(chunk), own[max(0, at - 1) : at + 2]
        measured = NUMBER.fullmatch(core) is not None and any(beside)
        if own[at] or not core or measured or STAMP.fullmatch(core):
            shown.append(chunk)
        elif not shown or shown[-1] != REMOVED:
            shown.append(REMOVED)
    return " ".join(shown)


def _core(chunk: str) -> str:
    return chunk.strip(AROUND)


@cache
def words() -> frozenset[str]:
    """Words of all texts in the program's source, without those that have a digit in them.

    Docstrings are left out: their examples have names.
    """
    found = {*Reason.__members__}
    for path in Path(optimizer.__file__).parent.rglob("*.py"):
        for text in _texts(ast.parse(path.read_text(encoding="utf-8"))):
            found.update(core for chunk in text.split() if (core := _core(chunk)))
    return frozenset(core for core in found if not any(char.isdigit() for char in core))


def _texts(tree: ast.AST) -> Iterator[str]:
    """Text constants of a module; not those that stand alone, as docstrings do."""
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            alone = isinstance(node, ast.Expr)
            if isinstance(child, ast.Constant) and isinstance(child.value, str) and not alone:
                yield child.value
