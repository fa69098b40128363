"""Findings about configuration, own files, store, solver and clock."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from optimizer.doctor.finding import Finding, Group, Level
from optimizer.errors import ExitCode, NoPlanError, OptimizerError
from optimizer.model.grid import Rule
from optimizer.model.plan import Plan
from optimizer.model.tariff import ExportKind, Tariff
from optimizer.store import database, plan_store

if TYPE_CHECKING:
    import pandas as pd

CONFIGURATION, SOURCES = Group("configuration"), Group("sources")
STORE, SOLVER, CLOCK = Group("store"), Group("solver"), Group("clock")

DEFAULT_LOGINS = frozenset({"owner", "user", "admin", "installer"})
ENOUGH_BYTES = 200_000_000
"""Least free space: two years of journal and plans, and SQLite's working space [B]."""
OLD_PLAN = timedelta(hours=26)
SOON = timedelta(days=30)
SYSTEMD, SYNCHRONIZED = Path("/run/systemd/system"), Path("/run/systemd/timesync/synchronized")


def configuration(
    path: Path, tariff: Tariff | None, rule: Rule, today: date, *, standard_login: bool,
    guest: bool,
) -> Iterator[Finding]:  # fmt: skip
    """Check a configuration that could be read.

    Parameters
    ----------
    standard_login
        True where one of the passwords is the factory setting.
    guest
        True where there is a password for reading only.
    """
    yield CONFIGURATION.ok("file", f"{path}, mode {path.stat().st_mode & 0o777:03o}")
    if standard_login:
        yield CONFIGURATION.warn(
            "passwords", "one of them is the standard one: whoever is in this network can write",
            "keep the FEMS in a network that only you use",
        )  # fmt: skip
    if not guest:
        yield CONFIGURATION.ok("reading", "with the owner's password (there is no guest_password)")
    if tariff is None:
        return
    if rule is Rule.MIXED and tariff.export.kind is ExportKind.FIXED:
        yield CONFIGURATION.fail(
            "rule", "mixed charges from the grid and sells from the battery, which a fixed feed-in "
            "tariff does not allow", 'set [grid] rule = "grid_charge", or "green_export"',
            ExitCode.CONFIG,
        )  # fmt: skip
    at = datetime.combine(today, time(12), tariff.time_zone)
    over = tariff.operator_fees_over(at)
    yield _operator_end(tariff) if over else tariff_end(tariff.ends, today)


def _operator_end(tariff: Tariff) -> Finding:
    """The end of an operator's grid fees."""
    return CONFIGURATION.warn(
        "tariff", f"the grid fees of {tariff.grid_operator} are known to "
        f"{tariff.operator_fees_to}: its standard fee counts in all hours since then",
        "update the program, or write the new price sheet into a [[tariff.change]]",
    )  # fmt: skip


def tariff_end(ends: date | None, today: date) -> Finding:
    """Validity of the tariff's parts."""
    if ends is None:
        return CONFIGURATION.ok("tariff", "without an end (tariff.valid_to is not set)")
    if ends < today:
        return CONFIGURATION.warn(
            "tariff", f"its parts were valid to {ends}: plans use old fees",
            "bring section [tariff] up to date",
        )  # fmt: skip
    if ends < today + SOON:
        return CONFIGURATION.warn(
            "tariff", f"its parts end on {ends}", "add a [[tariff.change]] for what comes after"
        )
    return CONFIGURATION.ok("tariff", f"valid to {ends}")


def source(
    what: str, name: str, fetch: "Callable[[], pd.DataFrame]", now: datetime, zone: ZoneInfo, *,
    last: bool = True,
) -> Finding:  # fmt: skip
    """Ask one source, and report its span.

    Parameters
    ----------
    what, name
        "prices" and "csv".
    last
        True where no other source can answer in its place.
    """
    from optimizer.forecast import plausible_sizes  # it imports pandas

    try:
        frame = fetch()
    except OptimizerError as error:
        return SOURCES.error(what, error, Level.FAIL if last else Level.WARN)
    first, end = (
        at.to_pydatetime().astimezone(zone) for at in (frame.index[0], frame["end"].iloc[-1])
    )
    step = (frame["end"].iloc[0] - frame.index[0]) / timedelta(minutes=1)
    span = f"{first:%d.%m.%Y %H:%M} to {end:%d.%m.%Y %H:%M}"
    text = f"{name}: {len(frame)} rows of {step:g} min, {span}"
    if not first <= now < end:
        lies = "ended" if end <= now else "begins"
        days = abs((now - (end if end <= now else first)) / timedelta(days=1))
        text = f"{text}: it {lies} {days:.1f} days {'ago' if end <= now else 'from now'}"
        if last:
            return SOURCES.fail(what, text, "bring it up to date", ExitCode.BAD_DATA)
        return SOURCES.warn(what, text, "bring it up to date")
    sizes = plausible_sizes.warnings(frame)
    if sizes:
        kind = {"roof": "pv"}.get(what, what)
        return SOURCES.warn(what, f"{text}: {sizes[0]}", f"look at 'optimizer read {kind}'")
    left = (end - now) / timedelta(hours=1)
    if left < 12:
        return SOURCES.warn(what, f"{text}: only {left:.0f} h ahead", "bring it up to date")
    return SOURCES.ok(what, f"{text}, {left:.0f} h ahead")


def store(folder: Path, now: datetime, zone: ZoneInfo) -> Iterator[Finding]:
    """Folder, free space and age of the plan."""
    try:
        connection = database.connect(folder)
    except OptimizerError as error:
        yield STORE.error("folder", error)
        return
    yield free_space(folder)
    plan, why = None, ""
    try:
        plan = plan_store.in_force(connection, now)
    except (NoPlanError, sqlite3.Error) as error:
        why = str(error)
    finally:
        connection.close()
    yield plan_age(plan, why, now, zone)


def free_space(folder: Path) -> Finding:
    """Free space beside the store."""
    free = shutil.disk_usage(folder).free
    if free < ENOUGH_BYTES:
        return STORE.warn("folder", f"{folder}: only {free / 1e6:.0f} MB are free", "make room")
    return STORE.ok("folder", f"{folder}, {free / 1e9:.1f} GB free")


def plan_age(plan: Plan | None, why: str, now: datetime, zone: ZoneInfo) -> Finding:
    """Age of the plan in force; `why` says why there is none."""
    if plan is None:
        return STORE.warn("plan", why.partition(":")[0], "run 'optimizer plan'")
    made = f"made {plan.made_at.astimezone(zone):%d.%m. %H:%M}"
    if now - plan.made_at > OLD_PLAN:
        return STORE.warn("plan", f"{made}: older than a day", "run 'optimizer plan' every day")
    until = plan.steps[-1].end.astimezone(zone)
    return STORE.ok("plan", f"{made}, reaches to {until:%d.%m. %H:%M}")


def solver(solve: Callable[[], str]) -> Finding:
    """Solve a small task.

    Parameters
    ----------
    solve
        Returns the solver's name, or raises what a plan would raise.
    """
    try:
        return SOLVER.ok("solver", f"{solve()} solves")
    except OptimizerError as error:
        return SOLVER.error("solver", error)


def clock() -> Finding:
    """Synchronisation of the computer's clock."""
    if not SYSTEMD.exists():
        return CLOCK.ok("this computer", "no systemd, so its synchronisation is not known")
    if SYNCHRONIZED.exists():
        return CLOCK.ok("this computer", "synchronised")
    return CLOCK.warn(
        "this computer", "systemd has not synchronised it since the start",
        "'timedatectl set-ntp true', unless another service does it",
    )  # fmt: skip
