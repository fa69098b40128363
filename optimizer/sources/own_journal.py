"""The executor's own journal: what it measured, quarter-hour by quarter-hour."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.sources import power
from optimizer.sources.http import Http
from optimizer.sources.series import Point
from optimizer.sources.settings import LoadSettings, Span
from optimizer.store import journal
from optimizer.store.journal import Tick

ORIGIN = "the journal"
LEAST_S, MOST_S = 600.0, 1_000.0
"""A mean over less of its quarter-hour, or over a pause of the executor, is not believed."""


def fetch(settings: LoadSettings, span: Span, http: Http) -> pd.DataFrame:
    """The summaries of the span."""
    if settings.journal is None:
        raise ConfigError("load: the source 'journal' needs a store that can be read")
    ticks = journal.ticks(settings.journal, span.start, "summary")
    return parse([tick for tick in ticks if datetime.fromisoformat(tick.at) <= span.end])


def parse(ticks: Sequence[Tick]) -> pd.DataFrame:
    """`load_w` from the balance grid + battery + roof; `pv_w` and `grid_w` beside it [W].

    A summary is written with the first reading after its quarter-hour. A load below 0 (the meters
    disagree for a moment) is unknown.
    """
    rows: list[Point] = []
    known: list[Tick] = []
    for tick in ticks:
        parts = (tick.grid_w, tick.battery_w, tick.pv_w)
        if None in parts or not LEAST_S <= tick.seconds <= MOST_S:
            continue
        load_w = sum(part for part in parts if part is not None)
        at = datetime.fromisoformat(tick.at)
        end = at - timedelta(seconds=at.timestamp() % journal.SUMMARY.total_seconds())
        if load_w >= 0 and (not rows or end > rows[-1].end):
            rows.append(Point(end - journal.SUMMARY, end, load_w))
            known.append(tick)
    frame = power.frame(rows, "load_w", ORIGIN)
    frame["pv_w"] = [tick.pv_w for tick in known]
    frame["grid_w"] = [tick.grid_w for tick in known]
    return frame
