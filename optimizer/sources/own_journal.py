"""The executor's own journal: its measurements by quarter-hour."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.http.service_client import ServiceClient
from optimizer.sources import parsing
from optimizer.sources.parsing import StepValue
from optimizer.sources.source_settings import LoadSettings, Span
from optimizer.store import journal
from optimizer.store.journal import Tick

ORIGIN = "the journal"
LEAST_S, MOST_S = 600.0, 1_000.0
"""Shortest and longest time of a mean [s]: the others miss a part, or span a pause."""


def fetch(settings: LoadSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """The summaries of the span."""
    if settings.journal is None:
        raise ConfigError("load: the source 'journal' needs a store that can be read")
    ticks = journal.ticks(settings.journal, span.start, "summary")
    return parse([tick for tick in ticks if datetime.fromisoformat(tick.at) <= span.end])


def parse(ticks: Sequence[Tick]) -> pd.DataFrame:
    """`load_w` [W] from the balance grid + battery + PV, with `pv_w` and `grid_w` [W].

    A summary is written with the first reading after its quarter-hour. A load below 0 (the meters
    disagree for a moment) is unknown.
    """
    rows: list[StepValue] = []
    known: list[Tick] = []
    for tick in ticks:
        parts = (tick.grid_w, tick.battery_w, tick.pv_w)
        if None in parts or not LEAST_S <= tick.seconds <= MOST_S:
            continue
        load_w = sum(part for part in parts if part is not None)
        at = datetime.fromisoformat(tick.at)
        end = at - timedelta(seconds=at.timestamp() % journal.SUMMARY.total_seconds())
        if load_w >= 0 and (not rows or end > rows[-1].end):
            rows.append(StepValue(end - journal.SUMMARY, end, load_w))
            known.append(tick)
    frame = parsing.series_frame(rows, "load_w", ORIGIN)
    starts = pd.DatetimeIndex([row.start for row in rows])
    frame["pv_w"] = pd.Series([tick.pv_w for tick in known], index=starts, dtype=float)
    frame["grid_w"] = pd.Series([tick.grid_w for tick in known], index=starts, dtype=float)
    return frame
