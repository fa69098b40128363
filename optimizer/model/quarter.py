"""The quarter-hour that markets, meters and plans count by."""

from datetime import datetime, timedelta

QUARTER = timedelta(minutes=15)


def floor(moment: datetime, step: timedelta = QUARTER) -> datetime:
    """The start of the step that contains a moment, counted from midnight UTC.

    >>> from datetime import UTC
    >>> floor(datetime(2026, 1, 14, 13, 5, 12, tzinfo=UTC)).isoformat()
    '2026-01-14T13:00:00+00:00'
    """
    return moment - timedelta(seconds=moment.timestamp() % step.total_seconds())
