"""`optimizer fems get` and `set`: by hand what the manual's examples do."""

import json
import re
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.options import ConfigOption, JsonOption, client_of, load_config

if TYPE_CHECKING:
    from optimizer.control.trial import Beat

app = typer.Typer(help="Read and write the FEMS's channels by hand.", no_args_is_help=True)

FORBIDDEN = re.compile(r"[\[\]\\]")
"""Some versions of the FEMS refuse these characters in a path."""


@app.command()
def get(
    pattern: Annotated[
        str, typer.Argument(help="COMPONENT/CHANNEL, both regular expressions: '_sum/Ess.*'.")
    ],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Print the channels whose ids match."""
    component, channel = _checked(pattern)
    with client_of(load_config(config)) as client:
        points = client.points(component, channel)
    if as_json:
        typer.echo(json.dumps({"schema": "fems-get/1", "channels": points}, ensure_ascii=False))
    elif points:
        width = max(len(str(point["address"])) for point in points)
        for point in points:
            value = point.get("value", "(write only)")
            shown = "unknown" if value is None else value
            typer.echo(f"{point['address']:<{width}}  {shown} {point.get('unit') or ''}".rstrip())
    if not points:
        from optimizer.errors import RefusedError

        raise RefusedError(f"The FEMS has no channel that matches {pattern!r}: look with '.*/.*'.")


def _checked(pattern: str) -> tuple[str, str]:
    """Component and channel; both parts have to be regular expressions that the FEMS takes."""
    component, slash, channel = pattern.partition("/")
    fault = "" if component and channel else "it has the form COMPONENT/CHANNEL"
    if FORBIDDEN.search(pattern) or "/" in channel:
        fault = "write it without [ ] \\ and a second /, (A|B) instead"
    try:
        re.compile(component)
        re.compile(channel)
    except re.error as error:
        fault = str(error)
    if fault or not slash:
        raise typer.BadParameter(f"'{pattern}': {fault}", param_hint="PATTERN")
    return component, channel


@app.command()
def accept(config: ConfigOption = None) -> None:
    """Take the FEMS that answers now for the one to control, instead of the one before."""
    from datetime import UTC, datetime

    from optimizer.control.book import DeviceBook
    from optimizer.store import database

    settings = load_config(config)
    with client_of(settings) as client:
        identity = client.identity()
        connection = database.connect(settings.store.folder)
        try:
            DeviceBook(connection).meet(identity, client.origin, datetime.now(UTC))
        finally:
            connection.close()
    typer.echo(f"accepted: {client.origin} with {', '.join(sorted(identity.components))}")


@app.command("set")
def set_(
    channel: Annotated[
        str, typer.Argument(help="SetActivePowerEquals, ...LessOrEquals, ...GreaterOrEquals.")
    ],
    value: Annotated[int, typer.Argument(help="Whole watts on the AC side: + leaves the unit.")],
    seconds: Annotated[
        float, typer.Option("--for", help="How long it is held.", min=1, max=86_400)
    ],
    config: ConfigOption = None,
) -> None:
    """Hold a value on CHANNEL, show what becomes of it, and always give it back.

    A negative VALUE (charging) is written behind two dashes: set --for 30 -- CHANNEL -1500.
    """
    from optimizer.cli.signals import stop_on_signals
    from optimizer.control import trial
    from optimizer.control.clock import SystemClock
    from optimizer.fems import writes

    settings = load_config(config)
    point = writes.set_point_named(channel.removeprefix(f"{settings.fems.ess}/"))
    clock = SystemClock()
    stop_on_signals(clock)
    with client_of(settings) as client:
        trial.hold_for(client, clock, point, lambda _: value, seconds, tell)
    typer.echo("released: the FEMS controls the battery by itself")


def tell(beat: "Beat") -> None:
    """Print one line about what was sent and seen."""
    seen = beat.snapshot
    outcome = "" if beat.verdict is None else f"  {beat.verdict.outcome.value}"
    powers = (seen.applied_w, seen.ess_w, seen.battery_w, seen.grid_w)
    applied, ess, battery, grid = ("?" if w is None else f"{w:.0f}" for w in powers)
    typer.echo(
        f"{beat.second:>4} s  sent {beat.setpoint}  applied {applied}  inverter {ess} W  "
        f"battery {battery} W  grid {grid} W{outcome}"
    )
