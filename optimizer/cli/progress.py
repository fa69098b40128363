"""Progress of work that takes its time, on a terminal alone; results and pipes never see it."""

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self


class Progress:
    """A line on standard error about work that takes its time: on a terminal alone, gone after it.

    It appears after `AFTER_S`, is written again each second with the time that has passed, and
    makes room for a result that is printed meanwhile (`hidden`).

    Examples
    --------
    >>> with Progress("planning") as progress:
    ...     progress.show("planning, 1 of 2")
    """

    AFTER_S = 0.5
    EVERY_S = 1.0

    def __init__(self, text: str) -> None:
        self._text, self._begun_s = text, time.monotonic()
        self._lock, self._over = threading.Lock(), threading.Event()
        self._shown = False

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._over.set()
            self._remove()

    def show(self, text: str) -> None:
        """Say something else from now on."""
        with self._lock:
            self._text = text
            if self._shown:
                self._write()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Keep the line away while something is printed."""
        with self._lock:
            self._remove()
            yield

    def _run(self) -> None:
        wait_s = self.AFTER_S
        while not self._over.wait(wait_s):
            with self._lock:
                if not self._over.is_set():
                    self._write()
            wait_s = self.EVERY_S

    def _write(self) -> None:
        seconds = time.monotonic() - self._begun_s
        line = f"{self._text} ... {seconds:.0f} s"[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write(f"\r{line}\x1b[K")
        sys.stderr.flush()
        self._shown = True

    def _remove(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False
