"""Bundle for questions to somebody else: what helps to answer them, and nothing about the owner.

`redaction` decides what stays, by allow-lists; the device's channels are those of `check --save`.
"""

import io
import json
import platform
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer import __version__
from optimizer.app import redaction
from optimizer.app.device_access import client_of
from optimizer.errors import DISTRIBUTION, ConfigError, DataError, OptimizerError
from optimizer.model.plan import Plan, Step
from optimizer.model.plan_json import to_json
from optimizer.store import database, files, journal, plan_store
from optimizer.store.journal import Tick

if TYPE_CHECKING:
    from optimizer.config.sections import Config

PLANS = 3
"""Number of the last plans."""
DECISIONS = timedelta(days=1)
PLAN_FIELDS = (
    "schema",
    *(item.name for item in (*fields(Plan), *fields(Step)) if item.name != "site"),
)
"""Fields of plans and their steps; the name of the site is none."""
TICK_FIELDS = tuple(item.name for item in fields(Tick))
FINDING_FIELDS = ("group", "name", "level", "text", "cure", "exit_code")
WHEN = (1980, 1, 1, 0, 0, 0)
"""Time stamp of all files within: the earliest that a zip file knows."""


@dataclass(frozen=True, slots=True)
class BundledFile:
    """One file of a bundle."""

    name: str
    about: str
    content: str

    @classmethod
    def of(cls, name: str, about: str, data: Any) -> "BundledFile":
        """A file with JSON data."""
        return cls(name, about, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def gathered(
    read_config: "Callable[[], Config]", given: Path | None, now: datetime, *, check: bool
) -> Iterator[BundledFile]:
    """All files of a bundle; a part that fails says why, as far as that tells nothing.

    Parameters
    ----------
    read_config
        Reads the configuration.
    given
        The configuration's path as it was given on the command line.
    check
        Ask the device and the sources, too.
    """
    yield BundledFile.of("versions.json", "versions of program, Python and packages", _versions())
    about = "settings: numbers, dates and sources"
    try:
        config = read_config()
    except ConfigError as error:
        faults = [redaction.sentence(line) for line in str(error).splitlines()]
        yield BundledFile.of(
            "configuration.json", "what is wrong with the configuration", {"faults": faults}
        )
        return
    yield BundledFile.of("configuration.json", about, redaction.settings(config))
    yield BundledFile.of("plans.json", f"the last {PLANS} plans", _tried(lambda: _plans(config)))
    yield BundledFile.of(
        "decisions.json", "a day of decisions of the executor",
        _tried(lambda: _decisions(config, now)),
    )  # fmt: skip
    if check:
        yield BundledFile.of(
            "check.json", "findings of 'optimizer check'",
            _tried(lambda: _findings(config, given, now)),
        )  # fmt: skip
        yield BundledFile.of(
            "device.json", "the device's channels, as of 'check --save'",
            _tried(lambda: _channels(config)),
        )  # fmt: skip


def archive(parts: list[BundledFile]) -> bytes:
    """A zip file; the same parts give the same bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as bundle:
        for part in parts:
            entry = zipfile.ZipInfo(part.name, WHEN)
            entry.external_attr = 0o600 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, part.content)
    return data.getvalue()


def write(path: Path, parts: list[BundledFile]) -> None:
    """Write a bundle that only its owner may read.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    try:
        files.replace_private(path, archive(parts))
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{str(path)!r} is not the name of a file") from error


def _tried(make: Callable[[], Any]) -> Any:
    """A part, or the reason why there is none."""
    try:
        return make()
    except (OptimizerError, sqlite3.Error, OSError) as error:
        return {"error": redaction.sentence(str(error))}


def _plans(config: "Config") -> list[dict[str, Any]]:
    with closing(database.connect(config.store.folder)) as connection:
        numbers = plan_store.newest(connection, PLANS)
        return [
            redaction.record(to_json(plan_store.load(connection, number)), PLAN_FIELDS)
            for number in numbers
        ]


def _decisions(config: "Config", now: datetime) -> list[dict[str, Any]]:
    with closing(database.connect(config.store.folder)) as connection:
        ticks = journal.ticks_between(connection, now - DECISIONS, now)
    return [redaction.record(asdict(tick), TICK_FIELDS) for tick in ticks]


def _findings(config: "Config", given: Path | None, now: datetime) -> list[dict[str, Any]]:
    from optimizer.app import diagnosis

    with client_of(config) as client:
        return [
            redaction.record(item.as_json(), FINDING_FIELDS)
            for item in diagnosis.diagnose(config, client, given, now)
        ]


def _channels(config: "Config") -> dict[str, Any]:
    from optimizer.fems import channel_record

    with client_of(config) as client:
        return channel_record.take(client)


def _versions() -> dict[str, Any]:
    packages = {}
    for requirement in requires(DISTRIBUTION) or []:
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue  # of an extra that is not installed
    return {
        "optimizer": __version__,
        "store_schema": database.newest_schema(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": dict(sorted(packages.items())),
    }
