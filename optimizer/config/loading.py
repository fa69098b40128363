"""Find, read and validate the configuration; every fault is one sentence with its fix."""

import functools
import json
import os
import stat
import tomllib
from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

import platformdirs
from pydantic import TypeAdapter, ValidationError

from optimizer.config import grid_operators
from optimizer.config.faults import Location, TakenOver, sentences
from optimizer.config.section_keys import keys_of
from optimizer.config.sections import BatterySection, Config, PlanningSection
from optimizer.errors import ConfigError
from optimizer.model.currency import Currency
from optimizer.model.ranges import MONEY_SIZE, MoneyRange
from optimizer.model.tariff import TariffParts
from optimizer.sources.source_settings import currency_of
from optimizer.store import files

RENAMED = {
    ("grid", "dimming"): "operator_limits",
    ("grid", "rests_roof"): "price_curtailment",
}
"""Keys of earlier versions, which are still read, and their names today."""

FILE_NAME = "optimizer.toml"
SYSTEM_FILE = Path("/etc/optimizer") / FILE_NAME
"""The configuration of a service of the whole computer."""

MOST_BYTES = 128_000
"""Largest configuration."""
MOST_LINE = 4_000
"""Longest line; the time that a key of many dotted parts takes grows with their square."""
MOST_SECRET_BYTES = 65_536
"""Largest file with a secret in it."""

PATHS = (
    ("prices", "file"),
    ("pv", "file"),
    ("load", "file"),
    ("store", "folder"),
    ("metrics", "textfile"),
)
"""Keys that name a file or folder."""

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""Rights that nobody but the owner may have on a file with a secret."""

SECRETS = (
    ("fems", "password"),
    ("fems", "guest_password"),
    ("mqtt", "password"),
    ("notify", "urls"),
    ("prices", "entsoe_token"),
    ("prices", "tibber_token"),
    ("load", "token"),
    ("pv", "key"),
)
"""Keys whose secret may lie elsewhere, and otherwise needs a file that only its owner reads."""


def find(given: Path | None, environment: Mapping[str, str]) -> Path:
    """Path of the configuration: given, `$OPTIMIZER_CONFIG`, here, the user's folder, /etc.

    Raises
    ------
    ConfigError
        If there is none.
    """
    stated = environment.get("OPTIMIZER_CONFIG")
    named = given if given is not None else None if stated is None else Path(stated)
    if named == Path():
        raise ConfigError(
            "--config (or $OPTIMIZER_CONFIG) is empty: name a file, such as optimizer.toml"
        )
    places = [named] if named else [Path(FILE_NAME), user_file(), SYSTEM_FILE]
    for place in places:
        with suppress(OSError):  # a name that is too long, a folder that is not ours
            if place.is_file():
                return place
    raise ConfigError(
        f"there is no configuration: {' or '.join(str(place) for place in places)} was looked for; "
        "'optimizer init' writes one"
    )


def user_file() -> Path:
    """The configuration in the user's own folder."""
    return platformdirs.user_config_path("optimizer") / FILE_NAME


def load(path: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Read, validate and complete a configuration; relative paths start at its folder.

    Raises
    ------
    ConfigError
        With one sentence for every fault of the file.
    """
    data = _parsed(path)
    _rename(data)
    faults = _secrets(data, path, os.environ if environment is None else environment)
    faults += _resolve(data, path.absolute().parent)
    try:
        config = validate(data)
    except ConfigError as error:
        faults += str(error).splitlines()
    if faults:
        raise ConfigError("\n".join(f"{path}: {fault}" for fault in faults))
    return config


def validate(data: Mapping[str, Any]) -> Config:
    """Validate the tables of a configuration, with secrets and paths in the clear.

    Raises
    ------
    ConfigError
        With one sentence for every fault, a line each.
    """
    data = grid_operators.expanded(data)
    tables, taken_over = _whole_changes(data)
    try:
        size = _currency(data).size
        config = _adapter().validate_python(tables, context={MONEY_SIZE: size})
    except ValidationError as error:
        faults = sentences(error, taken_over)
    else:
        return _derive(config, data)
    raise ConfigError("\n".join(faults))  # without the first error, whose text has all values


@functools.cache
def _adapter() -> TypeAdapter[Config]:
    return TypeAdapter(Config)


Section = TypeVar("Section", BatterySection, PlanningSection)

PARTS = frozenset(item.name for item in fields(TariffParts)) - {"valid_to"}
"""Keys of `[tariff]` that a `[[tariff.change]]` takes over where it does not name them."""


def _whole_changes(data: Mapping[str, Any]) -> tuple[Mapping[str, Any], TakenOver]:
    """Complete each change of the tariff by the parts that it leaves as they were.

    Returns the tables, and of each change the keys that it has taken over.
    """
    tariff = data.get("tariff")
    changes = tariff.get("change") if isinstance(tariff, dict) else None
    if not isinstance(tariff, dict) or not isinstance(changes, list):
        return data, {}
    parts = {key: value for key, value in tariff.items() if key in PARTS}
    whole, taken_over = list(changes), dict[Location, Set[str]]()
    for at, change in enumerate(changes):
        if isinstance(change, dict):
            taken_over["tariff", "change", at] = parts.keys() - change.keys()
            parts |= {key: value for key, value in change.items() if key in PARTS}
            whole[at] = parts | change
    return {**data, "tariff": {**tariff, "change": whole}}, taken_over


def _derive(config: Config, data: Mapping[str, Any]) -> Config:
    """Fill in the fields that are no keys, and defaults of money in the owner's currency."""
    size, tariff = config.money.size, config.tariff
    battery = _in_currency(config.battery, data["battery"], size)
    planning = _in_currency(config.planning, data.get("planning", {}), size)
    config = replace(config, battery=battery, planning=planning)
    if tariff is None:
        return config
    peak = tariff.peak and replace(tariff.peak, zone=tariff.time_zone, holidays=tariff.holidays)
    stated = not (PARTS - {"export"}).isdisjoint(data["tariff"])
    prices = replace(config.prices, holidays=tariff.holidays)
    fees_to = grid_operators.known_to(tariff.grid_operator)
    tariff = replace(tariff, peak=peak, stated=stated, operator_fees_to=fees_to)
    return replace(config, prices=prices, tariff=tariff)


def _currency(data: Mapping[str, Any]) -> Currency:
    """The currency that tables state, whether the rest of them is right or not."""
    prices = data.get("prices")
    prices = prices if isinstance(prices, dict) else {}
    lists = (prices.get(key) for key in ("sources", "spot_sources"))
    names = [name for given in lists if isinstance(given, list) for name in given]
    return currency_of(prices.get("currency"), names)


def _in_currency(section: Section, stated: Mapping[str, Any], size: float) -> Section:
    """A section with those of its defaults that are money in a currency of a size."""
    money = [
        key
        for key, kind in keys_of(type(section)).items()
        if key not in stated and any(isinstance(part, MoneyRange) for part in get_args(kind))
    ]
    return replace(section, **{key: getattr(section, key) * size for key in money})


def _rename(data: dict[str, Any]) -> None:
    """Give keys of earlier versions their names of today; beside the new key the old one stays."""
    for (section, former), name in RENAMED.items():
        values = data.get(section)
        if isinstance(values, dict) and former in values and name not in values:
            values[name] = values.pop(former)


def _parsed(path: Path) -> dict[str, Any]:
    """Tables of a TOML file."""
    text = files.text(path, MOST_BYTES, ConfigError)
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MOST_LINE:
            raise ConfigError(f"{path}, line {number}: longer than {MOST_LINE} characters")
    try:
        return tomllib.loads(text)
    except ValueError as error:  # also a number of thousands of digits
        raise ConfigError(f"{path} is not TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{path} is not a configuration: its brackets nest too deeply") from error


def _resolve(data: dict[str, Any], folder: Path) -> list[str]:
    """Let relative paths start at the configuration's folder; sentences about empty ones."""
    faults = []
    for section, key in PATHS:
        table = data.get(section)
        if isinstance(table, dict) and isinstance(table.get(key), str):
            if not table[key].strip():
                faults.append(f"{section}.{key} is empty: name a place, or leave the key out")
            table[key] = str(folder / _expanded(f"{section}.{key}", table[key]))
    return faults


def _expanded(key: str, text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{key}: {text} names a user who is not there") from error


def _secrets(data: dict[str, Any], path: Path, environment: Mapping[str, str]) -> list[str]:
    """Replace `env:` and `file:` by the secrets; a secret in the file itself needs mode 0600."""
    faults = []
    for section, key in SECRETS:
        values = data.get(section)
        if isinstance(values, dict) and isinstance(values.get(key), str):
            faults.append(_secret(values, section, key, path, environment))
    return [fault for fault in faults if fault is not None]


def _secret(
    values: dict[str, Any], section: str, key: str, path: Path, environment: Mapping[str, str]
) -> str | None:
    """Replace one `env:` or `file:` by the secret, or return the sentence of its fault."""
    secret, name = values[key], f"{section}.{key}"
    passed = _credential(name, environment)
    if passed is not None:
        return _from_file(values, name, passed)
    if secret.startswith("env:"):
        variable = secret.removeprefix("env:")
        if variable not in environment:
            return f"{name}: the environment has no variable {variable}"
        values[key] = environment[variable]
    elif secret.startswith("file:"):
        place = path.absolute().parent / _expanded(name, secret.removeprefix("file:"))
        return _open_to_others(name, place) or _from_file(values, name, place)
    elif path.stat().st_mode & OTHERS:
        return (
            f"{name} is in a file that others can read: 'chmod 600 {path}', or use "
            f'{key} = "file:..." or "env:..."'
        )
    return None


def _open_to_others(name: str, place: Path) -> str | None:
    """Sentence about a file that may not hold a secret; None if it may, or is not there."""
    try:
        mode = place.stat().st_mode
    except (OSError, ValueError):
        return None
    open_to_others = mode & OTHERS and not stat.S_ISDIR(mode)  # a folder is refused when it is read
    return f"{name}: {place} can be read by others: 'chmod 600 {place}'" if open_to_others else None


def secret_in(place: Path, name: str) -> str:
    """The secret in a file of the owner's alone.

    Parameters
    ----------
    name
        Whatever names the file, for the sentence of an error.

    Raises
    ------
    ConfigError
        If the file cannot be read, is empty, or can be read by others.
    """
    values: dict[str, Any] = {}
    fault = _open_to_others(name, place) or _from_file(values, name, place)
    if fault is not None:
        raise ConfigError(fault)
    return str(values[name.rpartition(".")[2]])


def _credential(name: str, environment: Mapping[str, str]) -> Path | None:
    """File with a secret of this name that systemd has passed (`LoadCredential=`).

    A place that cannot be searched counts as there: reading it says why.
    """
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    place = Path(folder) / name
    try:
        return place if place.is_file() else None
    except OSError:
        return place


def _from_file(values: dict[str, Any], name: str, place: Path) -> str | None:
    try:
        secret = files.text(place, MOST_SECRET_BYTES, ConfigError).strip()
    except ConfigError as error:
        return f"{name}: {error}"
    values[name.rpartition(".")[2]] = secret
    return None


def secret_files(path: Path) -> tuple[dict[str, Path], list[str]]:
    """Files of a configuration's secrets by the secret's name, and names of all other secrets.

    A service gets the files from systemd, which reads them as root; it cannot get the others.
    """
    data = _parsed(path)
    found: dict[str, Path] = {}
    others = []
    for section, key in SECRETS:
        values = data.get(section)
        secret = values.get(key) if isinstance(values, dict) else None
        if isinstance(secret, str):
            name = f"{section}.{key}"
            if secret.startswith("file:"):
                given = _expanded(name, secret.removeprefix("file:"))
                found[name] = path.absolute().parent / given
            else:
                others.append(name)
    return found, others


def release_excerpt(path: Path, config: Config) -> str | None:
    """The part of a configuration that a release needs, as the text of a configuration.

    It points to the password and does not contain it; None where the password stands in the file.
    """
    fems = dict(_parsed(path)["fems"])
    for key in ("password", "guest_password"):
        text = fems.get(key, "env:")
        if text.startswith("file:"):
            place = path.absolute().parent / _expanded(f"fems.{key}", text.removeprefix("file:"))
            fems[key] = f"file:{place}"
        elif not text.startswith("env:"):
            return None
    # a JSON text is a TOML text too, and so are whole numbers, true and false
    lines = [f"{key} = {json.dumps(value)}" for key, value in fems.items()]
    return "\n".join([
        "[fems]", *lines, "[battery]", f"capacity_wh = {config.battery.capacity_wh}",
        "[store]", f"folder = {json.dumps(str(config.store.folder))}", "",
    ])  # fmt: skip
