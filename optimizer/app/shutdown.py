"""Signals: SIGTERM and Ctrl-C stop the clock, whose waiting loop then releases; SIGHUP reloads.

After a kill the service's `release --own` does so. For that an executor keeps a part of its
configuration in the service's runtime folder: the file may have been broken meanwhile.
"""

import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.config.sections import Config
    from optimizer.control.clock import SystemClock

LAST_RUN = "last-run.toml"


def reload_on_signal(ask: "Callable[[], None]") -> None:
    """Let SIGHUP request a reload of the configuration."""

    def asked(_number: int, _frame: object) -> None:
        ask()

    signal.signal(signal.SIGHUP, asked)


def stop_on_signals(clock: "SystemClock") -> None:
    """Let SIGTERM and SIGINT stop the clock."""

    def stop(_number: int, _frame: object) -> None:
        clock.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def note_run(path: Path, config: "Config") -> None:
    """Keep what a release needs of the configuration, where a service has a runtime folder."""
    from optimizer.config.loading import release_excerpt
    from optimizer.store.files import replace_private

    place, text = _last_run(), release_excerpt(path, config)
    if place is None or text is None:
        return
    try:
        replace_private(place, text)
    except OSError as error:
        logging.getLogger(__name__).warning("%s cannot be written: %s", place, error.strerror)


def last_run() -> Path | None:
    """The configuration that the service's executor ran with last, as far as a release needs it."""
    place = _last_run()
    return place if place is not None and place.is_file() else None


def _last_run() -> Path | None:
    folder = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(folder) / LAST_RUN if folder else None
