"""Options that several commands share, and the configuration that they name."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.app.device_access import client_of as client_of
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


def load_config(given: Path | None) -> "Config":
    """Find and read the configuration."""
    from optimizer.config import loading

    return loading.load(loading.find(given, os.environ))


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
