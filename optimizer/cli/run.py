"""`optimizer run`: the executor, for systemd; it needs neither pandas nor pulp."""

import logging
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from optimizer.cli.options import ConfigOption, battery_of, client_like, load_config
from optimizer.cli.signals import reload_on_signal, stop_on_signals
from optimizer.errors import AlreadyRunningError

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import FileLock

    from optimizer.config.sections import Config
    from optimizer.control.clock import SystemClock
    from optimizer.control.executor import Change
    from optimizer.control.planner import Replanner
    from optimizer.model.battery import Battery
    from optimizer.model.state import Decision, Snapshot


@dataclass(frozen=True, slots=True)
class Wishes:
    """The command line."""

    shadow: bool
    seconds: float | None
    follow: Literal["value", "intent", "power"] | None
    replan: bool
    config: "Path | None"


def run(
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Do everything but write to the FEMS.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option("--for", help="Stop after some seconds.", min=0)
    ] = None,
    follow: Annotated[
        Literal["value", "intent", "power"] | None,
        typer.Option(help="Override control.follow."),
    ] = None,
    replan: Annotated[
        bool, typer.Option("--replan/--no-replan", help="Plan anew within the day.")
    ] = True,
    config: ConfigOption = None,
) -> None:
    """Carry the plan to the FEMS until stopped; then hand control back."""
    settings = load_config(config)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    lock = _lock(settings.store.folder)
    try:
        _execute(settings, Wishes(shadow, seconds, follow, replan, config))
    finally:
        lock.release()


def _lock(folder: "Path") -> "FileLock":
    """One executor a store: the lock goes with the process, also when it is killed."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(folder / "executor.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise AlreadyRunningError(
            f"another executor already uses {folder}: stop it first ('optimizer status')"
        ) from error
    return lock


def _execute(config: "Config", wishes: Wishes) -> None:
    from optimizer.cli.onlookers import onlookers
    from optimizer.cli.reloading import Reloading, change_of
    from optimizer.control.book import DeviceBook, PlanBook
    from optimizer.control.clock import SystemClock
    from optimizer.control.executor import Executor
    from optimizer.control.notify import Supervisor
    from optimizer.fems.tally import CountingClient, Tally
    from optimizer.store import database, live
    from optimizer.store.journal import Journal

    clock, path, supervisor = SystemClock(), live.path_for(config.store.folder), Supervisor.take()
    stop_on_signals(clock)
    connection = database.connect(config.store.folder)
    book, tally = PlanBook(connection), Tally()
    with client_like(CountingClient, config) as client, onlookers(config, tally, book) as told:
        client.tally = tally
        battery, notes = battery_of(config, client)
        for note in notes:
            logging.getLogger(__name__).warning(note)
        first = change_of(config, battery, wishes.follow)
        reloading = Reloading(
            lambda: load_config(wishes.config),
            lambda fresh: battery_of(fresh, client)[0],
            config,
            wishes.follow,
        )
        reload_on_signal(reloading.ask)

        def look(decision: "Decision", seen: "Snapshot | None") -> None:
            live.write(path, decision, seen, os.getpid(), tally.read_s)
            told(decision, seen)

        Executor(
            fems=client,
            book=book,
            journal=Journal(connection),
            clock=clock,
            settings=first.settings,
            interval_s=first.interval_s,
            shadow=wishes.shadow,
            on_cycle=look,
            tell=lambda decision: supervisor.decided(decision.sentence),
            synchronised=clock.synchronised,
            acquaintances=DeviceBook(connection),
            reload=reloading.take,
            replanning=_replanner(wishes, first, battery, clock) if wishes.replan else None,
        ).run(wishes.seconds)
        supervisor.stopping()
    connection.close()


def _replanner(
    wishes: Wishes, first: "Change", battery: "Battery", clock: "SystemClock"
) -> "Replanner":
    """Who plans anew: systemd's planner unit where there is one, else a process of our own.

    A service asks by touching a file that systemd watches: its own process tree has neither the
    memory nor the way into the internet that a planner needs.
    """
    from optimizer.config import reading
    from optimizer.control.planner import Replanner

    wanted = os.environ.get("OPTIMIZER_PLAN_WANTED")
    if wanted:
        return Replanner(
            ["touch", wanted], first.rhythm, battery, clock, done="a plan is asked for"
        )
    path = reading.find(wishes.config, os.environ).absolute()
    command = [sys.executable, "-m", "optimizer", "--config", str(path), "plan"]
    return Replanner(command, first.rhythm, battery, clock)
