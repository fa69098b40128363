"""`optimizer run`: the executor, for systemd; it needs neither pandas nor pulp."""

import logging
import os
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from optimizer.cli.options import ConfigOption, battery_of, client_of, load_config
from optimizer.cli.signals import stop_on_signals
from optimizer.errors import AlreadyRunningError

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import FileLock

    from optimizer.config.sections import Config


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
    config: ConfigOption = None,
) -> None:
    """Carry the plan to the FEMS until stopped; then hand control back."""
    settings = load_config(config)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    lock = _lock(settings.store.folder)
    try:
        _execute(settings, shadow, seconds, follow)
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


def _execute(
    config: "Config",
    shadow: bool,
    seconds: float | None,
    follow: Literal["value", "intent", "power"] | None,
) -> None:
    from optimizer.control.clock import SystemClock
    from optimizer.control.decide import Settings
    from optimizer.control.executor import Executor, PlanBook
    from optimizer.store import database, live
    from optimizer.store.journal import Journal

    clock, path = SystemClock(), live.path_for(config.store.folder)
    stop_on_signals(clock)
    connection = database.connect(config.store.folder)
    with client_of(config) as client:
        battery, notes = battery_of(config, client)
        for note in notes:
            logging.getLogger(__name__).warning(note)
        control = config.control
        law = Settings(
            battery, config.grid.grid(config.pv.kwp), follow or control.follow, control.write
        )
        Executor(
            fems=client,
            book=PlanBook(connection),
            journal=Journal(connection),
            clock=clock,
            settings=law,
            interval_s=control.interval_s,
            shadow=shadow,
            on_cycle=lambda decision, seen: live.write(path, decision, seen, os.getpid()),
        ).run(seconds)
    connection.close()
