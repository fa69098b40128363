"""`optimizer run`: the executor, for systemd; it needs neither pandas nor pulp."""

import logging
import os
import sys
from datetime import timedelta
from typing import Annotated, Literal

import typer

from optimizer.cli.common_options import ConfigOption, duration_within, load_config
from optimizer.cli.terminal import local_text


class LocalTimes(logging.Formatter):
    """Log lines for people: their moments are local ones."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, in local time."""
        return local_text(super().format(record))


def run(
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Do everything but write to the FEMS.")
    ] = False,
    length: Annotated[
        timedelta | None,
        typer.Option(
            "--for", help="Stop after 90 (seconds), 90m, 2h, 1d.", metavar="TIME",
            parser=duration_within(0),
        ),
    ] = None,
    follow: Annotated[
        Literal["value", "intent", "power"] | None,
        typer.Option(help="Override control.follow."),
    ] = None,
    replan: Annotated[
        bool, typer.Option("--replan/--no-replan", help="Plan anew within the day.")
    ] = True,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Carry the plan to the FEMS until stopped; then hand control back."""
    from optimizer.app.executor_run import RunOptions, run_executor
    from optimizer.config import loading
    from optimizer.control.log_limit import HourlyFilter

    settings = load_config(config)
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(HourlyFilter())
    handler.setFormatter(LocalTimes("%(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    file = loading.find(config, os.environ).absolute()
    seconds = None if length is None else length.total_seconds()
    run_executor(
        settings,
        RunOptions(lambda: load_config(config), file, shadow, seconds, follow, replan),
    )
