"""Local times for people."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

STAMP = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
"""A moment in UTC, as the rooms below write it into their sentences."""

OF_A_DAY = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
"""A time of the day, as people type it."""


def clock(moment: datetime, zone: tzinfo) -> str:
    """Local time; on days of 23 or 25 hours with the zone's abbreviation."""
    local = moment.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, fold=0)
    changes = midnight.utcoffset() != midnight.replace(hour=23).utcoffset()
    return f"{local:%H:%M}" + (f" {local:%Z}" if changes else "")


def clock_from(moment: datetime, seen_from: datetime, zone: tzinfo) -> str:
    """Local time, with the weekday if it is not that of `seen_from`."""
    local = moment.astimezone(zone)
    day = "" if local.date() == seen_from.astimezone(zone).date() else f"{local:%a} "
    return day + clock(moment, zone)


def clock_span(begin: datetime, end: datetime, zone: tzinfo) -> str:
    """Both local times of a span, with the weekday of its end if that lies beyond midnight.

    >>> from datetime import UTC
    >>> evening = datetime(2026, 1, 14, 22, tzinfo=UTC)
    >>> clock_span(evening, evening + timedelta(hours=2), UTC)
    '22:00-00:00'
    >>> clock_span(evening, evening + timedelta(hours=8), UTC)
    '22:00-Thu 06:00'
    """
    last = (end - timedelta.resolution).astimezone(zone)
    if last.date() == begin.astimezone(zone).date():
        return f"{clock(begin, zone)}-{clock(end, zone)}"
    return f"{clock(begin, zone)}-{end.astimezone(zone):%a} {clock(end, zone)}"


def in_local_time(text: str, zone: tzinfo) -> str:
    """A sentence for people: its moments in UTC become local ones, their offset is left out.

    >>> from zoneinfo import ZoneInfo
    >>> in_local_time("no plan covers 2026-07-14T22:00:00Z", ZoneInfo("Europe/Berlin"))
    'no plan covers 2026-07-15 00:00'
    """

    def local(found: re.Match[str]) -> str:
        try:
            moment = datetime.fromisoformat(found[0]).astimezone(zone)
        except (OverflowError, ValueError):  # no date, or one at the end of all time
            return found[0]
        seconds = f":{moment:%S}" if moment.second else ""
        day, _, zone_name = clock(moment, zone).partition(" ")
        return f"{moment:%Y-%m-%d} {day}{seconds}{' ' if zone_name else ''}{zone_name}"

    return STAMP.sub(local, text)


def next_time_of_day(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    """The next moment of a local time `HH:MM` (UTC); None for another text.

    >>> from zoneinfo import ZoneInfo
    >>> evening = datetime(2026, 1, 14, 20, tzinfo=UTC)
    >>> next_time_of_day("7:00", evening, ZoneInfo("Europe/Berlin")).isoformat()
    '2026-01-15T06:00:00+00:00'
    """
    found = OF_A_DAY.fullmatch(text.strip())
    if found is None:
        return None
    at, today = time(int(found[1]), int(found[2])), now.astimezone(zone).date()
    days = (datetime.combine(today + timedelta(days=n), at, zone) for n in range(3))
    return next(day for day in days if day > now).astimezone(UTC)
