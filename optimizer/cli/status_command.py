"""`optimizer status`: what is held and why."""

import json

import typer

from optimizer.cli.common_options import ConfigOption, JsonOption, load_config, moment
from optimizer.cli.terminal import echo_json
from optimizer.errors import ExitCode


def status(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Say in five lines what is held and why; exit code 6 when no plan covers this moment."""
    from optimizer.app.current_plan import current_state

    settings = load_config(config)
    state = current_state(settings, moment(None))
    if as_json:
        echo_json(json.dumps(state.as_json(), ensure_ascii=False))
    else:
        typer.echo(state.status.text(settings.zone))
    if state.status.plan is None:
        raise typer.Exit(ExitCode.NO_PLAN)
