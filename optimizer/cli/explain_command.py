"""`optimizer explain`: why a step does what it does, and why not something else."""

import json
from typing import Annotated

import typer

from optimizer.cli.common_options import ConfigOption, JsonOption, load_config, moment
from optimizer.cli.terminal import echo_json


def explain(
    at: Annotated[
        str | None, typer.Argument(help="A moment with its offset; default: now.", metavar="ISO")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Say why a step of the plan does what it does, and what the alternatives would cost."""
    from optimizer.app.current_plan import explanation_of

    settings = load_config(config)
    explanation = explanation_of(settings, moment(at, "ISO"), is_now=at is None)
    if as_json:
        echo_json(json.dumps(explanation.as_json(), ensure_ascii=False))
    else:
        typer.echo("\n".join(explanation.lines(settings.zone)))
