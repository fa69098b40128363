"""`optimizer plan`: the nightly planner."""

import gc
from typing import Annotated

import typer

from optimizer.cli.common_options import (
    AtOption,
    ConfigOption,
    CsvOption,
    JsonOption,
    WideOption,
    load_config,
    moment,
)
from optimizer.cli.progress import Progress
from optimizer.cli.terminal import local_text
from optimizer.errors import UsageError


def plan(
    at: AtOption = None,
    soc: Annotated[
        float | None,
        typer.Option(
            help="State of charge now, instead of asking the FEMS.", min=0, max=100,
            metavar="PERCENT",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do not store the plan.")] = False,
    wide: WideOption = False,
    csv: CsvOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Make tomorrow's plan: prices, load and PV in, a stored plan out.

    For a past moment without --soc the inputs known then come from the store; such a plan is not
    stored, nor is one for a past moment that reaches into the present: control would follow it.
    """
    # A short process with many small objects: garbage collection would only add to its start-up.
    gc.disable()
    from optimizer.app import make_plan
    from optimizer.cli.plan_output import print_plan

    settings, now = load_config(config), moment(None)
    asked = None if at is None else moment(at)
    try:
        with Progress("asking for prices, load and roof, and planning"):
            made, capacity_wh = make_plan.nightly_plan(settings, asked, now, soc, dry_run=dry_run)
    except UsageError as error:
        text = f"--at needs --soc here: {local_text(error)}"
        raise typer.BadParameter(text, param_hint="--at") from error
    print_plan(made, capacity_wh, settings.zone, csv=csv, as_json=as_json, wide=wide)
