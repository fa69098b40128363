"""`optimizer pause` and `resume`: control stays away for a while, by the owner's order."""

import re
from datetime import timedelta
from typing import Annotated

import typer

from optimizer.cli.common_options import ConfigOption, load_config, moment

UNITS = {"d": "days", "h": "hours", "min": "minutes", "m": "minutes", "s": "seconds"}
PART = re.compile(r"(\d{1,5}(?:\.\d{1,3})?)\s*(d|h|min|m|s)\s*")
LONGEST = timedelta(days=366)


def duration(text: str, name: str = "--for") -> timedelta:
    """A length of time such as `90min`, `2h` or `1d 12h`.

    >>> duration("1h30m")
    datetime.timedelta(seconds=5400)
    """
    parts = list(PART.finditer(text))
    total = sum((timedelta(**{UNITS[p[2]]: float(p[1])}) for p in parts), timedelta())
    if "".join(part[0] for part in parts) != text or not timedelta() < total <= LONGEST:
        raise typer.BadParameter(
            f"'{text}' is not a length of time of up to a year such as 90min, 2h or 3d",
            param_hint=name,
        )
    return total


def pause(
    length: Annotated[
        str | None,
        typer.Option(
            "--for", help="End it by itself after 90min, 2h, 3d (default: 'optimizer resume').",
            metavar="TIME",
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Let control give everything back and stay away, also over restarts."""
    from optimizer.app.handing_back import author, begin_pause
    from optimizer.control.clock import SystemClock
    from optimizer.store.pause import Pause

    now = moment(None)
    until = None if length is None else now + duration(length)
    settings = load_config(config)
    order = Pause(now, author("pause"), until)
    outcome = begin_pause(settings.store.folder, SystemClock(), order)
    typer.echo(f"paused {order.text(settings.zone)}: {outcome}")


def resume(config: ConfigOption = None) -> None:
    """End a pause: a running executor carries the plan on within a second."""
    from optimizer.app.handing_back import end_pause
    from optimizer.store.executor_lock import executor_running

    settings = load_config(config)
    folder = settings.store.folder
    ended = end_pause(folder, moment(None))
    if ended is None:
        typer.echo("nothing was paused")
        return
    goes_on = "the executor goes on" if executor_running(folder) else "no executor is running"
    typer.echo(f"resumed: the pause {ended.text(settings.zone)} is over; {goes_on}")
