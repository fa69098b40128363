"""Ending in good order: SIGTERM and Ctrl-C stop the clock, and who waits on it releases."""

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.control.clock import SystemClock


def reload_on_signal(ask: "Callable[[], None]") -> None:
    """Let SIGHUP ask for the configuration to be read anew."""

    def asked(_number: int, _frame: object) -> None:
        ask()

    signal.signal(signal.SIGHUP, asked)


def stop_on_signals(clock: "SystemClock") -> None:
    """Let SIGTERM and SIGINT stop the clock."""

    def stop(_number: int, _frame: object) -> None:
        clock.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
