"""What some plans foresaw, as arrays for the planner's recursion over many plans at once."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from optimizer.analysis.backtest.case import Array, Case
from optimizer.analysis.backtest.knowledge import Knowledge, Moment
from optimizer.model.quarter import QUARTER
from optimizer.model.spread import LoadSpread, certain
from optimizer.planning import end_value, value_table
from optimizer.planning.forecasts import DayStates, Forecasts, day_states
from optimizer.planning.task import ForecastStep

BATCH = 512
"""Plans whose arrays are in memory at once."""


def in_batches(plans: list[Moment]) -> Iterator[list[Moment]]:
    """Parts of a list of plans, so that their arrays stay small."""
    for first in range(0, len(plans), BATCH):
        yield plans[first : first + BATCH]


def forecasts(
    knowledge: Knowledge, plans: list[Moment], end_values: Array | None = None, *,
    sure: bool = False,
) -> Forecasts:  # fmt: skip
    """Arrays of what some plans knew; shorter plans are filled up with steps of 0 h.

    Parameters
    ----------
    end_values
        Worth of a kWh at each plan's end [EUR/kWh], (plans, 1 or cells); as the planner's "auto"
        by default.
    sure
        Take the load's and the roof's forecast as certain.
    """
    learned = [certain(knowledge.case.zone.key) if sure else knowledge.spread(at) for at in plans]
    wide = {spread: spread.widened() for spread in dict.fromkeys(learned)}
    spreads = [wide[spread] for spread in learned]
    if end_values is None:
        end_values = _auto(knowledge, plans, spreads)
    made = _arrays(knowledge, plans, spreads, end_values, lambda at: (at.first, at.end))
    return made if sure else replace(made, days=_days(knowledge, plans, made.hours.shape[1]))


def _days(knowledge: Knowledge, plans: list[Moment], steps: int) -> DayStates | None:
    """The kinds of days that each plan's roof may have."""
    told = [knowledge.roof_days(at) for at in plans]
    kinds = [item for item in told if item is not None]
    if len(kinds) < len(plans):
        return None
    firsts, midnights = np.array([at.first for at in plans]), knowledge.case.midnights
    day = np.searchsorted(midnights, firsts[:, None] + np.arange(steps), side="right")
    return day_states(kinds, day)


def _auto(knowledge: Knowledge, plans: list[Moment], spreads: list[LoadSpread]) -> Array:
    """Worth of a kWh at each plan's end by the day after it (plans, cells)."""
    case = knowledge.case
    flat = np.array([[_mean_value(knowledge, at)] for at in plans])
    told = _arrays(knowledge, plans, spreads, flat, lambda at: (at.end, at.beyond))
    return end_value.falling(value_table.before(case.battery, case.grid, told))


def _mean_value(knowledge: Knowledge, at: Moment) -> float:
    """Worth of a kWh at the end of the day after a plan, the same for each [EUR/kWh]."""
    skipped = at.end - at.first if at.beyond > at.end else 0
    buy, sell = (float(series[skipped:].mean()) for series in knowledge.prices(at))
    start = knowledge.case.at(at.first)
    day = ForecastStep(start, start + QUARTER, buy, sell, 0.0, 0.0)
    return end_value.auto_end_value([day], knowledge.case.battery)


def _arrays(
    knowledge: Knowledge, plans: list[Moment], spreads: list[LoadSpread], end_values: Array,
    window: Callable[[Moment], tuple[int, int]],
) -> Forecasts:  # fmt: skip
    """Arrays of one window of each plan's foresight."""
    case = knowledge.case
    windows = [window(at) for at in plans]
    steps = max(1, *(end - first for first, end in windows))
    rows, hour = np.zeros((5, len(plans), steps)), case.local.hour.to_numpy()
    ratios = np.ones((len(plans), steps, max(len(item.ratios[0]) for item in spreads)))
    for row, (at, spread, (first, end)) in enumerate(zip(plans, spreads, windows, strict=True)):
        part, size = slice(first - at.first, end - at.first), end - first
        figures = (*knowledge.prices(at), knowledge.load_w(at), knowledge.pv_w(at))
        rows[0, row, :size] = 0.25
        rows[1:, row, :size] = [series[part] for series in figures]
        ratios[row, :size] = np.array(spread.ratios)[hour[first:end]]
    made = Forecasts(rows[0], rows[1], rows[2], rows[3], rows[4], ratios, end_values)
    if not case.grid.dimming:
        return made
    return replace(made, draw_w=_draw_w(case, [first for first, _ in windows], steps))


def _draw_w(case: Case, firsts: list[int], steps: int) -> Array:
    """Most that the storage unit may draw in each step [W]."""
    offset = min(firsts)
    every = [
        case.grid.draw_limit_w(case.at(q), case.at(q + 1))
        for q in range(offset, max(firsts) + steps)
    ]
    return np.array([every[first - offset : first - offset + steps] for first in firsts])
