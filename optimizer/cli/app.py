"""List of all commands; each imports its heavy rooms when it runs, so that --help is quick."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from optimizer import __version__
from optimizer.cli import (
    backtest_command,
    check_command,
    demo_command,
    explain_command,
    export_command,
    fems_command,
    init_command,
    notify_command,
    override_command,
    pause_command,
    plan_command,
    read_command,
    release_command,
    replay_command,
    report_command,
    run_command,
    serve_command,
    service_command,
    show_command,
    simulate_command,
    status_command,
    study_command,
    support_command,
)
from optimizer.cli.flag_faults import PlainGroup

app = typer.Typer(
    name="optimizer",
    cls=PlainGroup,
    help="Charges a FENECON home battery when power is cheap and uses it when power is dear.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        from optimizer.sources import registry

        typer.echo(f"optimizer {__version__}")
        typer.echo("\n".join(["data, where you use these sources:", *registry.attributions()]))
        raise typer.Exit


@app.callback()
def options(
    config: Annotated[
        Path | None, typer.Option(help="The configuration, for every command.", metavar="FILE")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that every command takes."""
    if config is not None:
        os.environ["OPTIMIZER_CONFIG"] = str(config)


COMMANDS: dict[Callable[..., None], str] = {
    demo_command.demo: "Plan and carry out two days on a simulated FEMS.",
    init_command.init: "Make the configuration in five questions at most.",
    read_command.read: "Show what a source of prices, load or PV was understood as.",
    check_command.check: "Check everything, and say what to do where it is wrong.",
    plan_command.plan: "Make tomorrow's plan, print it and store it.",
    show_command.show: "Show the plan in force, the present phase marked.",
    explain_command.explain: "Say why a step does what it does, and what else costs.",
    run_command.run: "Carry the plan to the FEMS until stopped.",
    status_command.status: "Say in five lines what is held, and why.",
    notify_command.notify: "Send messages about what needs a look.",
    serve_command.serve: "Serve the live page, which only reads.",
    release_command.release: "Hand control back now, and stay away until 'resume'.",
    pause_command.pause: "Give everything back and stay away, for a while.",
    pause_command.resume: "End a pause.",
    export_command.export: "Write journal, quarter-hours, plans or a run.",
    replay_command.replay: "Repeat a planning run from what 'export run' wrote.",
    report_command.report: "Write one HTML file: the plan, the past, the saving.",
    support_command.support: "Write a redacted bundle to send with a question.",
    simulate_command.simulate: "Serve a simulated FEMS over a simulated house.",
    backtest_command.backtest: "Repeat a past period: what would have been saved.",
    study_command.study: "Compare homes, batteries and tariffs.",
}
"""Commands with their line in the list of all, which is never cut; `--help` of each says more."""

for command, line in COMMANDS.items():
    app.command(short_help=line)(command)
app.add_typer(fems_command.app, name="fems")
app.add_typer(override_command.app, name="override")
app.add_typer(service_command.app, name="service")
