"""Moments: aware, in UTC, and the quarter-hours that markets, meters and plans count by.

`datetime` ends at the years 1 and 9999; a moment near one of them overflows as soon as a time zone
or a day is added. Every moment that a person, a file or a service names is therefore checked here.
"""

from datetime import UTC, datetime, timedelta

FIRST = datetime(1970, 1, 1, tzinfo=UTC)
"""Earliest moment: the zero of Unix time."""
END = datetime(2200, 1, 1, tzinfo=UTC)
"""First moment after the last one."""


def utc(moment: datetime) -> datetime:
    """An aware moment from 1970 to 2199, in UTC.

    Raises
    ------
    ValueError
        With the rest of a sentence that begins with the moment.

    Examples
    --------
    >>> utc(datetime.fromisoformat("2026-01-14T13:00:00+01:00")).isoformat()
    '2026-01-14T12:00:00+00:00'
    """
    if moment.utcoffset() is None:
        raise ValueError("has no offset from UTC: write it as 2026-01-14T17:00:00+01:00")
    if not FIRST <= moment < END:
        raise ValueError(f"is not within the years {FIRST.year} to {END.year - 1}")
    return moment.astimezone(UTC)


QUARTER = timedelta(minutes=15)
"""The settlement period of markets and meters."""


def floor(moment: datetime, step: timedelta = QUARTER) -> datetime:
    """The start of the step that contains a moment, counted from midnight UTC.

    >>> from datetime import UTC
    >>> floor(datetime(2026, 1, 14, 13, 5, 12, tzinfo=UTC)).isoformat()
    '2026-01-14T13:00:00+00:00'
    """
    return moment - timedelta(seconds=moment.timestamp() % step.total_seconds())
