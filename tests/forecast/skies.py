"""A roof under a clear sky, and what else a test makes of it."""

import math
from datetime import UTC, datetime, timedelta

from optimizer.forecast.pv_forecast import PvSite
from optimizer.model import frames

AT = datetime(2026, 6, 14, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLACE = PvSite(inverter_w=10_000, latitude=48.8, longitude=13.1, kwp=9.9)


def bell(at):
    """A clear day, UTC: up to 6 kW at 11:30."""
    return max(0.0, 6_000 * math.cos((at.hour + at.minute / 60 + 0.5 - 11.5) / 14 * math.pi))


def series(begin_days, end_days, what=bell, minutes=60, **more):
    step = timedelta(minutes=minutes)
    count = round(timedelta(days=end_days - begin_days) / step)
    starts = [AT + timedelta(days=begin_days) + n * step for n in range(count)]
    columns = {"pv_w": [what(at) for at in starts]}
    columns |= {name: [how(at) for at in starts] for name, how in more.items()}
    return frames.frame_of(starts, [at + step for at in starts], **columns)


def times(factor):
    return lambda at: bell(at) * factor
