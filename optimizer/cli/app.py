"""All commands in one place; heavy rooms are imported inside of them, so that --help is quick."""

import os
from pathlib import Path
from typing import Annotated

import typer

from optimizer import __version__
from optimizer.cli import (
    backtest,
    check,
    demo,
    explain,
    export,
    fems,
    plan,
    release,
    replay,
    report,
    run,
    service,
    show,
    simulate,
    status,
    study,
)

app = typer.Typer(
    name="optimizer",
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
    """Take what every command understands."""
    if config is not None:
        os.environ["OPTIMIZER_CONFIG"] = str(config)


for command in (demo.demo, check.check, plan.plan, show.show, explain.explain, run.run,
                status.status, release.release, export.export, replay.replay,
                report.report, simulate.simulate, backtest.backtest, study.study):  # fmt: skip
    app.command()(command)
app.add_typer(fems.app, name="fems")
app.add_typer(service.app, name="service")
