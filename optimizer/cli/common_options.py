"""Options that several commands share, and the configuration that they name."""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.app.device_access import client_of as client_of
from optimizer.cli.terminal import speak_in
from optimizer.model import moments

if TYPE_CHECKING:
    from optimizer.config.sections import Config

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        help="The configuration (default: $OPTIMIZER_CONFIG, ./optimizer.toml, the user's folder, "
        "/etc/optimizer).",
        metavar="FILE",
    ),
]
AtOption = Annotated[
    str | None, typer.Option(help="A moment with its offset instead of now.", metavar="ISO")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
CsvOption = Annotated[
    Path | None, typer.Option(help="Write the steps as CSV too.", metavar="FILE", dir_okay=False)
]

WideOption = Annotated[
    bool, typer.Option("--wide", help="Print every step in a wide table instead of the phases.")
]

UNITS_S = {"d": 86_400, "h": 3_600, "min": 60, "m": 60, "s": 1}
NUMBER = r"\d{1,8}(?:\.\d{1,6})?"
PART = re.compile(rf"({NUMBER})\s*(d|h|min|m|s)\s*")
LONGEST_S = 366 * 86_400.0


def duration_s(text: str) -> float | None:
    """A length of time [s]: plain seconds, or such as `90m`, `2h`, `1d 12h`; None for no such.

    >>> duration_s("90"), duration_s("1h30m"), duration_s("soon")
    (90.0, 5400.0, None)
    """
    if re.fullmatch(NUMBER, text):
        return float(text)
    parts = list(PART.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        return None
    return sum(float(part[1]) * UNITS_S[part[2]] for part in parts)


def duration_within(least_s: float, most_s: float = LONGEST_S) -> Callable[[str], timedelta]:
    """Parser of every option that is a length of time, both ends of the range allowed [s]."""

    def parse(text: str) -> timedelta:
        seconds = duration_s(text)
        if seconds is None or not least_s <= seconds <= most_s:
            raise typer.BadParameter(
                f"'{text}' is not a length of time from {_shortly(least_s)} to {_shortly(most_s)} "
                "such as 90 (seconds), 90m, 2h or 1d"
            )
        return timedelta(seconds=seconds)

    return parse


def _shortly(seconds: float) -> str:
    unit = next((name for name, size in UNITS_S.items() if seconds and seconds % size == 0), "s")
    return f"{seconds / UNITS_S[unit]:g} {unit}"


def load_config(given: Path | None) -> "Config":
    """Find and read the configuration."""
    from optimizer.config import loading

    config = loading.load(loading.find(given, os.environ))
    speak_in(config.zone)
    return config


def span_of(begin: str | None, end: str | None) -> tuple[datetime | None, datetime | None]:
    """Moments that --from and --to name (UTC); None where one was not given."""
    first = None if begin is None else moment(begin, "--from")
    last = None if end is None else moment(end, "--to")
    if first is not None and last is not None and last <= first:
        raise typer.BadParameter("it has to come after --from", param_hint="--to")
    return first, last


def moment(text: str | None, name: str = "--at") -> datetime:
    """The moment that an option names, UTC; now if it was not given."""
    if text is None:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"'{text}' is not a moment such as 2026-01-14T13:00:00+01:00", param_hint=name
        ) from error
    if at.tzinfo is None:
        reported = at.isoformat()
        raise typer.BadParameter(
            f"'{text}' has no offset from UTC: write {reported}+01:00 (winter) or {reported}+02:00",
            param_hint=name,
        )
    try:
        return moments.utc(at)
    except ValueError as error:
        raise typer.BadParameter(f"'{text}' {error}", param_hint=name) from error
