"""Local times for people."""

from datetime import datetime, tzinfo


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
