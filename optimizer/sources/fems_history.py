"""History of the FEMS itself: load, PV and grid power of the last weeks, over local JSON-RPC."""

from datetime import date, datetime, timedelta

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.fems import device_history
from optimizer.http.service_client import ServiceClient
from optimizer.model.moments import QUARTER
from optimizer.sources import parsing
from optimizer.sources.parsing import StepValue
from optimizer.sources.source_settings import LoadSettings, Span

ORIGIN = "the FEMS's history"


def fetch(settings: LoadSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """Quarter-hours of the local days that the span touches, up to its end."""
    if settings.rpc is None:
        raise ConfigError("load: the source 'fems' needs section [fems]")
    first: date = span.start.astimezone(span.zone).date()
    end: date = span.end.astimezone(span.zone).date() + timedelta(days=1)
    quarters = device_history.fetch_power(settings.rpc, first, end, span.zone, settings.without)
    return parse(quarters, span.end)


def parse(quarters: tuple[device_history.HistoryQuarter, ...], until: datetime) -> pd.DataFrame:
    """`load_w` [W] where it is known, with `pv_w` and `grid_w` [W], NaN where unknown.

    A load below 0 (the meters disagree for a moment) is unknown.
    """
    known = [
        item for item in quarters
        if item.load_w is not None and item.load_w >= 0 and item.start + QUARTER <= until
    ]  # fmt: skip
    rows = [StepValue(item.start, item.start + QUARTER, item.load_w) for item in known]
    frame = parsing.series_frame(rows, "load_w", ORIGIN)
    starts = pd.DatetimeIndex([item.start for item in known])
    for column in ("pv_w", "grid_w"):
        values = [getattr(item, column) for item in known]
        frame[column] = pd.Series(values, index=starts, dtype=float)
    return frame
