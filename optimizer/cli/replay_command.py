"""`optimizer replay`: a planning run repeated from its stored input."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from optimizer.cli.common_options import JsonOption
from optimizer.errors import DataError

MOST_BYTES = 16_000_000
"""Largest run that is read; one of eight days has 0.3 MB."""


def replay(
    file: Annotated[
        Path, typer.Argument(help="What 'optimizer export run' wrote; - is stdin.", metavar="FILE")
    ],
    as_json: JsonOption = False,
) -> None:
    """Repeat a planning run from its whole input and print the plan, bit for bit the same.

    Where the file holds the plan of then, too, the first difference is printed; exit code 8 if the
    versions are the same: then inputs or plan of the file were changed.
    """
    from zoneinfo import ZoneInfo

    from optimizer.app.replay_run import repeat_run
    from optimizer.cli.plan_output import print_plan

    repeated = repeat_run(_read(file))
    request = repeated.request
    zone, capacity_wh = ZoneInfo(request.time_zone), request.battery.capacity_wh
    print_plan(repeated.plan, capacity_wh, zone, as_json=as_json)
    if repeated.difference is None:
        return
    if repeated.same_versions:
        raise DataError(
            f"{repeated.difference}: the file is not as 'optimizer export run' wrote it"
        )
    typer.echo(repeated.difference, err=True)


def _read(file: Path) -> Any:
    from optimizer.store import files

    given = str(file) == "-"
    content = sys.stdin.buffer.read(MOST_BYTES) if given else files.content(file, MOST_BYTES)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file} is no JSON file: 'optimizer export run' writes one") from error
