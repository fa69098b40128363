"""`optimizer report`: the plan, what happened, and what it saved, as one HTML file."""

import json
from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.common_options import AtOption, ConfigOption, JsonOption, load_config, moment

FILE = Path("optimizer-report.html")

NOTE_COLUMN = 14
"""Column at which the rule of a column begins."""


def report(
    days: Annotated[
        int, typer.Option(help="Days to account for, today included.", min=1, max=366)
    ] = 7,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help=f"Default: {FILE}.", metavar="FILE", dir_okay=False),
    ] = None,
    at: AtOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Write one HTML file that opens offline, and print what was saved, day by day.

    With --json the accounts are printed as JSON, and the file is written only if it is named.
    """
    from optimizer.app import past_report
    from optimizer.report import owner_report
    from optimizer.store import files
    from optimizer.text import account_text
    from optimizer.text.plan_table import fit

    settings, now = load_config(config), moment(at)
    gathered = past_report.owner_report(settings, now, days)
    path = out if out is not None or as_json else FILE
    if path is not None:
        files.write(path, owner_report.render(gathered))
    if as_json:
        head = {"schema": "report/1", "at": now.isoformat(), "file": path and str(path)}
        rules = {"rules": dict(gathered.footnotes)}
        typer.echo(json.dumps(head | account_text.as_json(gathered.days) | rules))
        return
    typer.echo("\n".join(account_text.lines(gathered.days, gathered.capacity_wh, gathered.money)))
    for name, rule in gathered.footnotes:
        typer.echo("\n".join(fit(f"  {name:<12}{rule}", NOTE_COLUMN)))
    typer.echo(f"The whole story with pictures: {path}")
