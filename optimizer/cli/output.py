"""Printing a plan: text, JSON or CSV."""

import csv as csv_module
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import typer

from optimizer.analysis import text
from optimizer.errors import DataError
from optimizer.model.plan import Plan
from optimizer.model.plan_json import step_to_json, to_text

if TYPE_CHECKING:
    from optimizer.config.sections import Config


def zone_of(config: "Config") -> ZoneInfo:
    """The time zone that people are shown."""
    return ZoneInfo(config.tariff.time_zone if config.tariff else "Europe/Berlin")


def print_plan(
    plan: Plan, capacity_wh: float, zone: ZoneInfo, *, now: datetime | None = None,
    csv: Path | None = None, as_json: bool = False,
) -> None:  # fmt: skip
    """Print a plan; the step at `now` is marked."""
    if csv is not None:
        write_csv(plan, csv)
    if as_json:
        typer.echo(to_text(plan))
        return
    typer.echo(text.whole(plan, capacity_wh, zone, now))


def write_csv(plan: Plan, path: Path) -> None:
    """Write the steps, one row each, without the value table."""
    rows = [step_to_json(step) for step in plan.steps]
    names = [name for name in rows[0] if name != "values_eur_per_kwh"]
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv_module.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error
