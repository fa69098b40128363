"""`optimizer override`: what the owner wants instead for a while, priced before it is taken."""

import json
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.common_options import (
    ConfigOption,
    JsonOption,
    duration_within,
    load_config,
    moment,
)
from optimizer.cli.terminal import echo_json
from optimizer.model import moments
from optimizer.model.override import Override, OverrideKind
from optimizer.text.local_time import next_time_of_day

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from optimizer.config.sections import Config

app = typer.Typer(
    help="Want something else for a while: priced first, ends by itself.", no_args_is_help=True
)

DAY = timedelta(days=1)
LONGEST = timedelta(days=366)
LONGEST_CHARGE = timedelta(days=7)
SHOWN = 10
"""Overrides in the list."""

YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Take it without asking, whatever it costs.")
]
ForOption = Annotated[
    timedelta | None,
    typer.Option(
        "--for",
        help="End after 90 (seconds), 90m, 2h, 3d.",
        metavar="TIME",
        parser=duration_within(1),
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option(help="End at a local time or date (its midnight): 18:00, 2026-08-01.",
                 metavar="TIME"),
]  # fmt: skip


def local_moment(text: str, now: datetime, zone: "ZoneInfo", name: str) -> datetime:
    """A moment in local time (UTC): the next `HH:MM`, a date's midnight, or both together.

    >>> from datetime import UTC
    >>> from zoneinfo import ZoneInfo
    >>> evening = datetime(2026, 1, 14, 20, tzinfo=UTC)
    >>> local_moment("7:00", evening, ZoneInfo("Europe/Berlin"), "--by").isoformat()
    '2026-01-15T06:00:00+00:00'
    """
    try:
        at = next_time_of_day(text, now, zone)
        if at is not None:
            return at
        named = datetime.fromisoformat(text.strip())
        at_once = named if named.tzinfo is not None else named.replace(tzinfo=zone)
        return moments.utc(at_once)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(
            f"'{text}' is no local time or date such as 07:00, 2026-08-01 or 2026-08-01T18:00",
            param_hint=name,
        ) from error


def _within(until: datetime, now: datetime, longest: timedelta, name: str) -> datetime:
    if not now < until <= now + longest:
        raise typer.BadParameter(
            f"has to be after this moment and within {longest.days} days", param_hint=name
        )
    return until


def _end(length: timedelta | None, until: str | None, now: datetime, zone: "ZoneInfo") -> datetime:
    """The end that exactly one of two options names."""
    if (length is None) == (until is None):
        raise typer.BadParameter("give one of --for and --until", param_hint="--until")
    if until is not None:
        return _within(local_moment(until, now, zone, "--until"), now, LONGEST, "--until")
    return now + (length or timedelta())


@app.command(short_help="Have at least so much charge by a time.")
def charge(
    to: Annotated[
        float, typer.Option("--to", help="Least state of charge.", min=1, max=100,
                            metavar="PERCENT")
    ],
    by: Annotated[
        str | None,
        typer.Option(help="When it has to be there, the next such local time (default: as soon as "
                     "possible).", metavar="TIME"),
    ] = None,
    power: Annotated[
        float | None,
        typer.Option(help="Most that is drawn from the grid for it.", min=1, max=1_000_000,
                     metavar="W"),
    ] = None,
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Have at least so much charge by a time; before it the plan chooses when to charge."""
    settings, now = load_config(config), moment(None)
    until = now + DAY
    if by is not None:
        until = _within(local_moment(by, now, settings.zone, "--by"), now, LONGEST_CHARGE, "--by")
    _ask(
        settings,
        Override(
            1, OverrideKind.CHARGE, now, until, _author("charge"), to, power, at_once=by is None
        ),
        now,
        yes,
    )


@app.command(short_help="Discharge nothing for a while.")
def hold(
    length: ForOption = None,
    until: UntilOption = None,
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:
    """Do not discharge the battery for a while; the roof still charges it."""
    _ask_until(OverrideKind.HOLD, length, until, config, yes)


@app.command(short_help="Hold nothing for a while.")
def self_consumption(
    length: ForOption = None,
    until: UntilOption = None,
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:
    """Hold nothing for a while: the FEMS balances the house by itself."""
    _ask_until(OverrideKind.SELF_CONSUMPTION, length, until, config, yes)


@app.command(short_help="Plan with the house's base load for a while.")
def away(
    length: ForOption = None,
    until: UntilOption = None,
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:
    """Plan with the house's base load while nobody is at home."""
    _ask_until(OverrideKind.AWAY, length, until, config, yes)


def _author(command: str) -> str:
    from optimizer.app.handing_back import author

    return author(f"override {command}")


def _ask_until(
    kind: OverrideKind, length: timedelta | None, until: str | None, config: ConfigOption, yes: bool
) -> None:
    settings, now = load_config(config), moment(None)
    end = _end(length, until, now, settings.zone)
    name = kind.value.replace("_", "-")
    _ask(settings, Override(1, kind, now, end, _author(name)), now, yes)


def _ask(settings: "Config", order: Override, now: datetime, yes: bool) -> None:
    """Print the price, ask, and take it."""
    from optimizer.app import take_override
    from optimizer.errors import UsageError

    found = take_override.offer(settings, order, now)
    _say(found.sentence(settings.zone))
    if found.replaces is not None:
        _say(f"it replaces: {found.replaces.text(settings.zone)}")
    if not yes and not sys.stdin.isatty():
        raise UsageError("nothing was taken: --yes takes it where nobody can be asked")
    if not yes and not typer.confirm("take it?"):
        typer.echo("nothing was taken")
        return
    take_override.take(settings, found, moment(None))
    _say(f"taken; {take_override.outcome(settings, now)}")


def _say(sentence: str) -> None:
    """Print a sentence within the width of a terminal."""
    from optimizer.text.plan_table import fit

    typer.echo("\n".join(fit(sentence, 2)))


@app.command("list", short_help="Print the last overrides.")
def list_overrides(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Print the last overrides, newest first: what, price, who, and how they ended."""
    from optimizer.app.take_override import stored_overrides
    from optimizer.model.plan import iso
    from optimizer.text.plan_table import fit

    settings, now = load_config(config), moment(None)
    found = stored_overrides(settings, SHOWN)
    if as_json:
        rows = [
            stored.override.as_json()
            | {
                "state": stored.state(now).replace(" ", "_"),
                "cost_eur": stored.cost_eur,
                "ended_at": None if stored.ended_at is None else iso(stored.ended_at),
            }
            for stored in found
        ]
        echo_json(json.dumps({"schema": "overrides/1", "overrides": rows}, ensure_ascii=False))
        return
    for stored in found:
        order = stored.override
        since = f"{order.since.astimezone(settings.zone):%Y-%m-%d %H:%M}"
        line = (
            f"{stored.state(now):<10}  {order.text(settings.zone)}, taken {since} by {order.by} "
            f"{stored.price(settings.money)}"
        )
        typer.echo("\n".join(fit(line, 12)))
    if not found:
        typer.echo("there was no override yet")


@app.command(short_help="End the override in force.")
def cancel(config: ConfigOption = None) -> None:
    """End the override in force and plan without it."""
    from optimizer.app import take_override

    settings, now = load_config(config), moment(None)
    done = take_override.cancel(settings, now)
    if done is None:
        typer.echo("no override is in force")
        return
    text = f"cancelled: {done.override.text(settings.zone)}"
    if done.failure:
        typer.echo(f"{text}; the plan before it is in force again where it reaches this moment")
        typer.echo(f"optimizer: no new plan could be made: {done.failure}", err=True)
        return
    typer.echo(f"{text}; a new plan without it is in force")
