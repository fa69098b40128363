"""Finding and reading the configuration; secrets come from the environment or a file."""

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import ValidationError

from optimizer.config.faults import sentences
from optimizer.config.sections import Config
from optimizer.errors import ConfigError

FILE_NAME = "optimizer.toml"

SECRETS = (
    ("fems", "password"),
    ("fems", "guest_password"),
    ("prices", "entsoe_token"),
    ("prices", "tibber_token"),
    ("load", "token"),
    ("pv", "key"),
)
"""Keys that may point to a secret elsewhere, and otherwise want a file of the owner's alone."""


def find(given: Path | None, environment: Mapping[str, str]) -> Path:
    """The configuration's path: given, `$OPTIMIZER_CONFIG`, here, then the user's folder.

    Raises
    ------
    ConfigError
        If there is none.
    """
    named = given or (
        Path(environment["OPTIMIZER_CONFIG"]) if "OPTIMIZER_CONFIG" in environment else None
    )
    places = [named] if named else [Path(FILE_NAME), user_file()]
    for place in places:
        if place.is_file():
            return place
    raise ConfigError(
        f"there is no configuration: {' or '.join(str(place) for place in places)} was looked for"
    )


def user_file() -> Path:
    """The configuration in the user's own folder."""
    return platformdirs.user_config_path("optimizer") / FILE_NAME


def load(path: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Read, check and complete a configuration; relative paths are resolved against its folder.

    Raises
    ------
    ConfigError
        With one sentence for every fault of the file.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    faults = _secrets(data, path, os.environ if environment is None else environment)
    _resolve(data, path.absolute().parent)
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        faults += sentences(error)
    if faults:
        raise ConfigError("\n".join(f"{path}: {fault}" for fault in faults))
    return config


def _resolve(data: dict[str, Any], folder: Path) -> None:
    for section, key in (("prices", "file"), ("pv", "file"), ("load", "file"), ("store", "folder")):
        table = data.get(section)
        if isinstance(table, dict) and isinstance(table.get(key), str):
            table[key] = str(folder / _expanded(f"{section}.{key}", table[key]))


def _expanded(key: str, text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{key}: {text} names a user who is not there") from error


def _secrets(data: dict[str, Any], path: Path, environment: Mapping[str, str]) -> list[str]:
    """Replace `env:` and `file:` by what they point to; a secret in the file wants mode 0600."""
    faults = []
    for section, key in SECRETS:
        values = data.get(section)
        if isinstance(values, dict) and isinstance(values.get(key), str):
            faults.append(_secret(values, section, key, path, environment))
    return [fault for fault in faults if fault is not None]


def _secret(
    values: dict[str, Any], section: str, key: str, path: Path, environment: Mapping[str, str]
) -> str | None:
    """Replace one secret by what it points to, or say why that cannot be done."""
    secret, name = values[key], f"{section}.{key}"
    if secret.startswith("env:"):
        variable = secret.removeprefix("env:")
        if variable not in environment:
            return f"{name}: the environment has no variable {variable}"
        values[key] = environment[variable]
    elif secret.startswith("file:"):
        place = path.absolute().parent / _expanded(name, secret.removeprefix("file:"))
        try:
            values[key] = place.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            return f"{name}: {place} cannot be read: {reason}"
    elif path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return (
            f"{name} is in a file that others can read: 'chmod 600 {path}', or use "
            f'{key} = "file:..." or "env:..."'
        )
    return None
