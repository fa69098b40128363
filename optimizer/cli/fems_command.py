"""`optimizer fems get` and `set`: by hand what the manual's examples do."""

import json
import re
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from optimizer.cli.common_options import (
    UNITS_S,
    ConfigOption,
    JsonOption,
    client_of,
    duration_within,
    load_config,
)
from optimizer.cli.terminal import echo_json

if TYPE_CHECKING:
    from optimizer.control.live_test import LiveTestBeat

app = typer.Typer(help="Read and write the FEMS's channels by hand.", no_args_is_help=True)

FORBIDDEN = re.compile(r"[\[\]\\]")
"""Some versions of the FEMS refuse these characters in a path."""
MOST_W = 1_000_000
NEGATIVE = re.compile(r"-\d+(\.\d*)?")


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
        echo_json(json.dumps({"schema": "fems-get/1", "channels": points}, ensure_ascii=False))
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
    if not pattern.isprintable():
        fault = "it has characters that no channel has"
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

    from optimizer.control.active_plan import StoredDevice
    from optimizer.store import database

    settings = load_config(config)
    with client_of(settings) as client:
        identity = client.identity()
        connection = database.connect(settings.store.folder)
        try:
            StoredDevice(connection).remember(identity, client.origin, datetime.now(UTC))
        finally:
            connection.close()
    typer.echo(f"accepted: {client.origin} with {', '.join(sorted(identity.components))}")


class NegativeValues(TyperCommand):
    """A command whose arguments may be negative numbers: `-1500` is no option there."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take unknown options as arguments where one of them is a negative number."""
        ctx.ignore_unknown_options = any(NEGATIVE.fullmatch(arg) for arg in args)
        return super().parse_args(ctx, args)


@app.command("set", cls=NegativeValues)
def set_(
    channel: Annotated[
        str, typer.Argument(help="SetActivePowerEquals, ...LessOrEquals, ...GreaterOrEquals.")
    ],
    value: Annotated[
        int,
        typer.Argument(
            help="Whole watts on the AC side: + leaves the unit.", min=-MOST_W, max=MOST_W
        ),
    ],
    length: Annotated[
        timedelta,
        typer.Option(
            "--for", help="How long it is held: 90 (seconds), 90m, 2h, up to 1d.", metavar="TIME",
            parser=duration_within(1, UNITS_S["d"]),
        ),
    ],
    pause: Annotated[
        bool, typer.Option("--pause", help="Pause a running executor meanwhile.")
    ] = False,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Hold a value on CHANNEL, show what becomes of it, and always give it back.

    A negative VALUE charges: set SetActivePowerEquals -1500 --for 30. A power beyond what the FEMS
    allows now is refused. A running executor would write there too: this is refused beside one,
    unless it is paused.
    """
    from optimizer.app.handing_back import author, without_executor
    from optimizer.app.shutdown import stop_on_signals
    from optimizer.control import live_test
    from optimizer.control.clock import SystemClock
    from optimizer.errors import StoppedError
    from optimizer.fems import writable_channels
    from optimizer.model.snapshot import Channel
    from optimizer.store.pause import Pause

    settings = load_config(config)
    point = writable_channels.set_point_named(channel.removeprefix(f"{settings.fems.ess}/"))
    clock = SystemClock()
    stop_on_signals(clock)
    order = Pause(clock.now(), author("fems set"), clock.now() + length)
    with (
        client_of(settings) as client,
        without_executor(settings.store.folder, clock, order, pause_it=pause),
        suppress(StoppedError),
    ):
        client.stop_when(clock.stopped)
        if isinstance(point, Channel):
            battery = settings.battery
            most_w = max(battery.max_discharge_w, battery.max_ac_w)
            live_test.refuse_beyond(
                value, client.snapshot(clock.now()), (-battery.max_charge_w, most_w)
            )
        live_test.hold_for(client, clock, point, lambda _: value, length.total_seconds(), report)
    typer.echo("released: the FEMS controls the battery by itself")


def report(beat: "LiveTestBeat") -> None:
    """Print one line about what was sent and seen."""
    seen = beat.snapshot
    outcome = f"  {beat.verdict.outcome.value}"
    powers = (beat.applied, seen.ess_w, seen.battery_w, seen.grid_w)
    applied, ess, battery, grid = ("?" if w is None else f"{w:.0f}" for w in powers)
    typer.echo(
        f"{beat.second:>4} s  sent {beat.setpoint}  applied {applied}  inverter {ess} W  "
        f"battery {battery} W  grid {grid} W{outcome}"
    )
