"""Simulated time for an executor in front of a simulated FEMS."""

from datetime import UTC, datetime

START = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)


class SteppedClock:
    """Waiting lets the FEMS's seconds pass, counted from START.

    `each` sees every second; `events` are run at a second of theirs.
    """

    def __init__(self, fems, each=lambda second: None):
        self.fems, self.each, self.events, self.stopped = fems, each, {}, False

    def now(self):
        return self.fems.house.moment

    def monotonic(self):
        return (self.now() - START).total_seconds()

    def wait(self, seconds):
        for _ in range(round(seconds)):
            self.fems.advance(1)
            second = round(self.monotonic())
            self.each(second)
            self.events.pop(second, lambda: None)()
        return self.stopped

    def stop(self):
        self.stopped = True
