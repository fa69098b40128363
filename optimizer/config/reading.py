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
SYSTEM_FILE = Path("/etc/optimizer") / FILE_NAME
"""The configuration of a service of the whole computer."""

PATHS = (
    ("prices", "file"),
    ("pv", "file"),
    ("load", "file"),
    ("store", "folder"),
    ("metrics", "textfile"),
)
"""Keys that name a file or folder."""

SECRETS = (
    ("fems", "password"),
    ("fems", "guest_password"),
    ("mqtt", "password"),
    ("prices", "entsoe_token"),
    ("prices", "tibber_token"),
    ("load", "token"),
    ("pv", "key"),
)
"""Keys that may point to a secret elsewhere, and otherwise want a file of the owner's alone."""


def find(given: Path | None, environment: Mapping[str, str]) -> Path:
    """The configuration's path: given, `$OPTIMIZER_CONFIG`, here, the user's folder, /etc.

    Raises
    ------
    ConfigError
        If there is none.
    """
    named = given or (
        Path(environment["OPTIMIZER_CONFIG"]) if "OPTIMIZER_CONFIG" in environment else None
    )
    places = [named] if named else [Path(FILE_NAME), user_file(), SYSTEM_FILE]
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
    for section, key in PATHS:
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
        return _from_file(values, name, place)
    elif path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return (
            f"{name} is in a file that others can read: 'chmod 600 {path}', or use "
            f'{key} = "file:..." or "env:..."'
        )
    return None


def _credential(name: str, environment: Mapping[str, str]) -> Path | None:
    """Where systemd has put a secret of this name for us alone (`LoadCredential=`)."""
    folder = environment.get("CREDENTIALS_DIRECTORY")
    place = Path(folder) / name if folder else None
    return place if place is not None and place.is_file() else None


def _from_file(values: dict[str, Any], name: str, place: Path) -> str | None:
    try:
        values[name.rpartition(".")[2]] = place.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        return f"{name}: {place} cannot be read: {reason}"
    return None


def secret_files(path: Path) -> tuple[dict[str, Path], list[str]]:
    """The files that a configuration's secrets lie in, by name; and names of all other secrets.

    A service gets the files from systemd, which reads them as root; a secret that lies elsewhere
    it cannot have.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    files: dict[str, Path] = {}
    others = []
    for section, key in SECRETS:
        values = data.get(section)
        secret = values.get(key) if isinstance(values, dict) else None
        if isinstance(secret, str):
            name = f"{section}.{key}"
            if secret.startswith("file:"):
                given = _expanded(name, secret.removeprefix("file:"))
                files[name] = path.absolute().parent / given
            else:
                others.append(name)
    return files, others
