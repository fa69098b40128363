"""The one loop of all simulations: spans of time, each with a plan where one is due, under control.

What differs is the controller that carries its house through them: the real executor over HTTP
(`http_simulation.py`), the real law by the minute (`minute_simulation.py`), and the back-test's
strategies by the tick (`backtest/strategies.py`).
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from optimizer.simulation import sample_data

PUBLICATION_HOUR = 14
"""Local hour in which tomorrow's prices are known and the next plan of a sample week is made."""


class SimulatedSpan(NamedTuple):
    """Part of a simulated time."""

    begin: datetime
    until: datetime
    known_to: datetime | None = None
    """End of the prices known at `begin`; None where no plan is due."""


class Controller(Protocol):
    """Controller of a simulated house, which lets the house's time pass."""

    def plan(self, at: datetime, known_to: datetime) -> None:
        """Make the plan in force from `at` on, with prices known until `known_to`."""

    def run(self, until: datetime) -> None:
        """Control the house from where it stands to `until`."""


def simulate(
    controller: Controller,
    spans: Iterable[SimulatedSpan],
    after: Callable[[SimulatedSpan], None] | None = None,
) -> None:
    """Carry a controller's house through spans of time.

    Parameters
    ----------
    after
        Called when a span has passed, for whoever reads the meters.
    """
    for span in spans:
        if span.known_to is not None:
            controller.plan(span.begin, span.known_to)
        controller.run(span.until)
        if after is not None:
            after(span)


def sample_spans(
    start: datetime, end: datetime, last: datetime, *, daily: bool = False
) -> list[SimulatedSpan]:
    """Spans of a sample week: planned at the start and each day at the publication of prices.

    Parameters
    ----------
    last
        End of the sample week's prices.
    daily
        End a span at each local midnight too, without a plan.
    """
    begins, known_to = {start}, {start: min(sample_data.midnight(start, 1), last)}
    for day in range((end - start).days + 2):
        midnight = sample_data.midnight(start, day)
        publication = midnight.astimezone(sample_data.ZONE).replace(hour=PUBLICATION_HOUR)
        planned = max(start, publication.astimezone(UTC))
        if planned < end:
            known_to[planned] = min(sample_data.midnight(start, day + 2), last)
        if daily and start < midnight < end:
            begins.add(midnight)
    ordered = sorted(begins | known_to.keys())
    return [
        SimulatedSpan(begin, until, known_to.get(begin))
        for begin, until in zip(ordered, [*ordered[1:], end], strict=True)
    ]
