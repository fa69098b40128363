"""A client that counts: for the figures that an owner may look at, never for control."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from optimizer.errors import OptimizerError
from optimizer.fems.client import FemsClient
from optimizer.fems.writes import SetPoint
from optimizer.model.state import Snapshot


@dataclass(slots=True)
class Tally:
    """How often was written, and how quickly the FEMS answers."""

    taken: int = 0
    failed: int = 0
    read_s: float | None = None
    """Length of the last whole reading [s]; None if it failed."""

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Count what happens within as one write."""
        try:
            yield
        except OptimizerError:
            self.failed += 1
            raise
        self.taken += 1


class CountingClient(FemsClient):
    """A `FemsClient` whose `tally` can be set."""

    tally: Tally

    def snapshot(self, at: datetime) -> Snapshot:
        """One reading; its length is noted."""
        begun_s, self.tally.read_s = time.monotonic(), None
        seen = super().snapshot(at)
        self.tally.read_s = time.monotonic() - begun_s
        return seen

    def hold(self, channel: SetPoint, setpoint: float) -> None:
        """Hold a set-point; counted as one write."""
        with self.tally.writing():
            super().hold(channel, setpoint)

    def release(self, *, everything: bool = False) -> None:
        """Give back; counted as one write."""
        with self.tally.writing():
            super().release(everything=everything)
