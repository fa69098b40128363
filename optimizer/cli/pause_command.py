"""`optimizer pause` and `resume`: control stays away for a while, by the owner's order."""

from datetime import timedelta
from typing import Annotated

import typer

from optimizer.cli.common_options import ConfigOption, duration_within, load_config, moment


def pause(
    length: Annotated[
        timedelta | None,
        typer.Option(
            "--for", help="End it by itself after 90m, 2h, 3d (default: 'optimizer resume').",
            metavar="TIME", parser=duration_within(1),
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Let control give everything back and stay away, also over restarts."""
    from optimizer.app.handing_back import author, begin_pause
    from optimizer.control.clock import SystemClock
    from optimizer.store.pause import Pause

    now = moment(None)
    until = None if length is None else now + length
    settings = load_config(config)
    order = Pause(now, author("pause"), until)
    outcome = begin_pause(settings.store.folder, SystemClock(), order)
    typer.echo(f"paused {order.text(settings.zone)}: {outcome}")


def resume(config: ConfigOption = None) -> None:
    """End a pause or a stand-down: a running executor carries the plan on within a second.

    After a stand-down the days before are judged no more.
    """
    from optimizer.app.handing_back import end_pause
    from optimizer.store.executor_lock import executor_running
    from optimizer.store.pause import PauseKind

    settings = load_config(config)
    folder = settings.store.folder
    ended = end_pause(folder, moment(None))
    if ended is None:
        typer.echo("nothing was paused")
        return
    goes_on = "the executor goes on" if executor_running(folder) else "no executor is running"
    over = f"the pause {ended.text(settings.zone)} is over"
    if ended.kind is PauseKind.STAND_DOWN:
        over = "the stand-down is over, and the days before it are judged no more"
    typer.echo(f"resumed: {over}; {goes_on}")
