"""`optimizer replay`: a planning run repeated from its stored input."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.options import JsonOption
from optimizer.errors import DataError, ExitCode

if TYPE_CHECKING:
    from optimizer.planning.run_json import Versions

MAY_DIFFER = "solver"
"""The plan's only key that names a version."""


def replay(
    file: Annotated[
        Path, typer.Argument(help="What 'optimizer export run' wrote; - is stdin.", metavar="FILE")
    ],
    as_json: JsonOption = False,
) -> None:
    """Repeat a planning run from its whole input and print the plan, bit for bit the same.

    Where the file holds the plan of then, too, a difference is told; exit code 1 if the versions
    are the same.
    """
    from zoneinfo import ZoneInfo

    from optimizer.cli import runs
    from optimizer.cli.output import print_plan
    from optimizer.model.plan_json import to_json
    from optimizer.planning import run_json
    from optimizer.planning.planner import make_plan

    data = _read(file)
    run = run_json.from_json(data)
    made = make_plan(run.steps, run.request, run.timer())
    request = run.request
    print_plan(made, request.battery.capacity_wh, ZoneInfo(request.time_zone), as_json=as_json)
    where = _difference(data.get("plan"), to_json(made))
    if where is None:
        return
    now = runs.run_of(made, request, run.steps).versions
    typer.echo(f"the plan of then was another one, first at {where}{_versions(run.versions, now)}",
               err=True)  # fmt: skip
    if run.versions == now:
        raise typer.Exit(ExitCode.BUG)


def _read(file: Path) -> Any:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file} is no JSON file: 'optimizer export run' writes one") from error


def _difference(then: Any, now: Any, place: str = "plan") -> str | None:
    """The first place where two plans differ; None if there was no plan to compare with."""
    if then is None and place == "plan":
        return None
    if isinstance(then, dict) and isinstance(now, dict):
        pairs = [(f"{place}.{key}", then.get(key), now.get(key)) for key in {**now, **then}]
        pairs = [pair for pair in pairs if pair[0] != f"plan.{MAY_DIFFER}"]
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = [(f"{place}[{at}]", *pair) for at, pair in enumerate(zip(then, now, strict=True))]
    else:
        return None if then == now else f"{place}: {_short(then)} then, {_short(now)} now"
    found = (_difference(one, other, name) for name, one, other in pairs)
    return next((text for text in found if text is not None), None)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _versions(then: "Versions", now: "Versions") -> str:
    from dataclasses import fields

    pairs = [(item.name, getattr(then, item.name), getattr(now, item.name)) for item in fields(now)]
    changed = [f"{name} {one}, now {other}" for name, one, other in pairs if one != other]
    return f" (it was made with {'; '.join(changed)})" if changed else ", by the same versions"
