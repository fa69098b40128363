"""`optimizer demo`: the whole chain without hardware and without a network."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.options import JsonOption

REPORT = Path("demo-report.html")


def demo(
    days: Annotated[int, typer.Option(help="Days to live in each season.", min=1, max=7)] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the house's bursts of power.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the savings only.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Plan and carry out a winter and a summer day on a simulated FEMS over real HTTP."""
    from optimizer.analysis import demo as room
    from optimizer.analysis import living, report, sample, text

    data, lived = sample.folder(), []
    for scene in room.SCENES:
        with tempfile.TemporaryDirectory() as store:
            outcome = living.live(scene, data, Path(store), days, seed)
        lived.append(outcome)
        if as_json:
            continue
        typer.echo(
            f"{scene.title}: {outcome.plan.steps[0].start.astimezone(sample.ZONE):%A %d %B %Y}"
        )
        if not quiet:
            capacity = outcome.battery.capacity_wh
            typer.echo("\n".join(text.table(outcome.plan, capacity, sample.ZONE)))
        typer.echo("\n".join(room.words(outcome)) + "\n")
    REPORT.write_text(report.render(lived), encoding="utf-8")
    if as_json:
        scenes = [dict(room.as_json(outcome)) for outcome in lived]
        typer.echo(json.dumps({"schema": "demo/1", "report": str(REPORT), "scenes": scenes}))
    else:
        typer.echo(f"The whole story with pictures: {REPORT}")
