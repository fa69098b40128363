"""Printing a plan: text, JSON or CSV."""

import csv as csv_module
import io
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from optimizer.cli.terminal import echo_json
from optimizer.model.plan import Plan
from optimizer.model.plan_json import step_to_json, to_text
from optimizer.store import files
from optimizer.text import plan_table


def print_plan(
    plan: Plan, capacity_wh: float, zone: ZoneInfo, *, now: datetime | None = None,
    csv: Path | None = None, as_json: bool = False, wide: bool = False,
) -> None:  # fmt: skip
    """Print a plan in phases, or with `wide` all its steps; the one at `now` is marked."""
    if csv is not None:
        write_csv(plan, csv)
    if as_json:
        echo_json(to_text(plan))
        return
    typer.echo(plan_table.plan_text(plan, capacity_wh, zone, now, wide=wide))


def write_csv(plan: Plan, path: Path) -> None:
    """Write the steps, one row each, without the value table."""
    rows = [step_to_json(step) for step in plan.steps]
    names = [name for name in rows[0] if name != "values_eur_per_kwh"]
    file = io.StringIO()
    writer = csv_module.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write(path, file.getvalue())
