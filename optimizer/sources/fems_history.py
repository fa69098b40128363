"""The FEMS's own memory: load, roof and grid of the last weeks, over JSON-RPC in your network."""

from datetime import date, datetime, timedelta

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.fems import history
from optimizer.fems.jsonrpc import JsonRpc
from optimizer.model.quarter import QUARTER
from optimizer.sources import power
from optimizer.sources.http import Http
from optimizer.sources.series import Point
from optimizer.sources.settings import LoadSettings, Span

ORIGIN = "the FEMS's history"


def fetch(settings: LoadSettings, span: Span, http: Http) -> pd.DataFrame:
    """Quarter-hours of the local days that the span touches, up to its end."""
    if not isinstance(settings.rpc, JsonRpc):
        raise ConfigError("load: the source 'fems' needs section [fems]")
    first: date = span.start.astimezone(span.zone).date()
    end: date = span.end.astimezone(span.zone).date() + timedelta(days=1)
    quarters = history.fetch(settings.rpc, first, end, span.zone, settings.without)
    return parse(quarters, span.end)


def parse(quarters: tuple[history.Quarter, ...], until: datetime) -> pd.DataFrame:
    """`load_w` where it is known; `pv_w` and `grid_w` beside it, NaN where they are not [W].

    A load below 0 (the meters disagree for a moment) is unknown.
    """
    known = [
        item for item in quarters
        if item.load_w is not None and item.load_w >= 0 and item.start + QUARTER <= until
    ]  # fmt: skip
    rows = [Point(item.start, item.start + QUARTER, item.load_w) for item in known]
    frame = power.frame(rows, "load_w", ORIGIN)
    for column in ("pv_w", "grid_w"):
        values = [getattr(item, column) for item in known]
        frame[column] = pd.Series(values, index=frame.index, dtype=float)
    return frame
