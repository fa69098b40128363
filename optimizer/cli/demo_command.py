"""`optimizer demo`: the whole chain without hardware and without a network."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.common_options import JsonOption
from optimizer.cli.progress import Progress

if TYPE_CHECKING:
    from optimizer.simulation.http_simulation import SimulationResult

REPORT = Path("demo-report.html")


def demo(
    days: Annotated[int, typer.Option(help="Days to live in each season.", min=1, max=7)] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the house's bursts of power.", min=0)] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the savings only.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Plan and carry out a winter and a summer day on a simulated FEMS over real HTTP."""
    from optimizer.app import demo_run
    from optimizer.report import demo_report
    from optimizer.store import files

    results, titles = [], [scene.title for scene in demo_run.SCENES]
    with Progress(_simulating(1, titles)) as progress:
        for number, result in enumerate(demo_run.run_demo(days, seed), 1):
            results.append(result)
            if number < len(titles):
                progress.show(_simulating(number + 1, titles))
            if not as_json:
                with progress.hidden():
                    typer.echo("\n".join(_lines(result, quiet)) + "\n")
    files.write(REPORT, demo_report.render(results))
    if as_json:
        scenes = [dict(demo_run.as_json(result)) for result in results]
        typer.echo(json.dumps({"schema": "demo/1", "report": str(REPORT), "scenes": scenes}))
    else:
        typer.echo(f"The whole story with pictures: {REPORT}")


def _simulating(number: int, titles: Sequence[str]) -> str:
    return f"simulating {number} of {len(titles)}: {titles[number - 1]}"


def _lines(result: "SimulationResult", quiet: bool) -> list[str]:
    from optimizer.app import demo_run
    from optimizer.simulation import sample_data
    from optimizer.text import plan_table

    zone, start = sample_data.ZONE, result.plan.steps[0].start
    lines = [f"{result.scene.title}: {start.astimezone(zone):%A %d %B %Y}"]
    if not quiet:
        lines += plan_table.phase_lines(result.plan, result.battery.capacity_wh, zone)
    return [*lines, *demo_run.bill_lines(result)]
