"""Steps of a table's rows: order, length, start or end, and UTC through both clock changes.

A row's stamp names the start or the end of its step. Whole days show which: stamps of 00:00 to
23:45 are starts, stamps of 00:15 to 24:00 ends; the header's word counts only where they do not.
Local time alone is ambiguous twice a year: on a day of a clock change whole days are counted (the
k-th row begins k steps after midnight), on a part of one the repeated hour is taken in order, and
rows of it that are there only once are left out.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

from optimizer.errors import DataError
from optimizer.sources.table_stamps import Stamp

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NOTHING = timedelta(0)
RUN = 4
"""Equal distances in a row that show a length of steps beside the most common one."""
CHANGES = (HOUR, timedelta(minutes=30))


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of rows, in their order."""

    starts: list[datetime | None]
    """UTC; None where the moment is ambiguous or does not exist."""
    lengths: list[timedelta]
    named: str
    """`start` or `end`: what a stamp names."""
    shown_by: str
    """Reason for it, in words."""
    notes: tuple[str, ...] = ()

    @property
    def step(self) -> timedelta:
        """The most common length."""
        return Counter(self.lengths).most_common(1)[0][0]


def steps_of(
    stamps: Sequence[Stamp], ends: Sequence[Stamp] | None, zone: ZoneInfo, place: str, *,
    word: str | None = None,
) -> Steps:  # fmt: skip
    """Steps of rows in rising order.

    Parameters
    ----------
    stamps
        The moment of each row; its start where `ends` are given.
    word
        `start` or `end`, where the header says so.
    place
        File, for messages.

    Raises
    ------
    DataError
        If the step cannot be known, or stamps do not follow the zone's clock.
    """
    offsets = {stamp.offset is None for stamp in stamps}
    if len(offsets) > 1:
        raise DataError(f"{place}: some stamps have an offset from UTC, others have none")
    aware = not offsets.pop()
    order = [stamp.utc if aware else stamp.local.replace(tzinfo=UTC) for stamp in stamps]
    moments = [at for at in order if at is not None]
    lengths = _lengths(moments, place)
    if ends is not None:
        named, shown_by = "start", "start and end are written"
        lengths = _written_lengths(stamps, ends, lengths)
    else:
        local = [at.astimezone(zone).replace(tzinfo=None) for at in moments] if aware else [
            stamp.local for stamp in stamps
        ]  # fmt: skip
        named, shown_by = _named(stamps, local, lengths, word)
    at_end = named == "end"
    if aware:
        starts: list[datetime | None] = [
            at - length if at_end else at for at, length in zip(moments, lengths, strict=True)
        ]
        return Steps(starts, lengths, named, shown_by)
    local_starts, notes = _utc([stamp.local for stamp in stamps], lengths, zone, place,
                               at_end=at_end)  # fmt: skip
    return Steps(local_starts, lengths, named, shown_by, notes)


def _lengths(moments: list[datetime], place: str) -> list[timedelta]:
    """Length of each row: the distance to the nearer neighbour, if that is an established one.

    A hole on both sides does not stretch a row: only the most common distance, and those that come
    four times in a row, are lengths.
    """
    gaps = [after - before for before, after in pairwise(moments)]
    known = Counter(gap for gap in gaps if gap > NOTHING)
    if not known:
        raise DataError(f"{place} has no rows: its step cannot be known from one moment")
    usual = max(known, key=lambda gap: (known[gap], -gap))
    runs = {gap for gap, run in groupby(gaps) if gap > NOTHING and len(list(run)) >= RUN}
    lengths = {usual} | {gap for gap in runs if gap % usual == NOTHING or usual % gap == NOTHING}
    fits = sorted(lengths, reverse=True)
    left, right = [timedelta.max, *gaps], [*gaps, timedelta.max]
    return [
        next((n for n in fits if n <= _nearer(before, after, usual)), usual)
        for before, after in zip(left, right, strict=True)
    ]


def _nearer(before: timedelta, after: timedelta, usual: timedelta) -> timedelta:
    positive = [gap for gap in (before, after) if gap > NOTHING]
    return min(positive, default=usual)


def _written_lengths(
    stamps: Sequence[Stamp], ends: Sequence[Stamp], lengths: list[timedelta]
) -> list[timedelta]:
    """Distance of the written ends, where no clock change lies between."""
    result = []
    for begin, end, length in zip(stamps, ends, lengths, strict=True):
        if begin.utc is not None and end.utc is not None:
            written = end.utc - begin.utc
        else:
            written = end.local - begin.local
            if any(abs(written - length) == change for change in CHANGES):
                written = length
        if written < NOTHING and end.local.time() == time():  # 23:45 to 00:00 of the same date
            written += DAY
        result.append(written if written > NOTHING else length)
    return result


def _named(
    stamps: Sequence[Stamp], local: list[datetime], lengths: list[timedelta], word: str | None
) -> tuple[str, str]:
    """`start` or `end`, and what shows it."""
    if any(stamp.at_24 for stamp in stamps):
        return "end", "24:00 is an end"
    usual = Counter(lengths).most_common(1)[0][0]
    first, last = (at - datetime.combine(at, time()) for at in (local[0], local[-1]))
    if local[-1] - local[0] >= DAY - usual - HOUR:
        if first == NOTHING and last == DAY - usual:
            return "start", f"whole days from {local[0]:%H:%M} to {local[-1]:%H:%M}"
        if first == usual and last == NOTHING:
            return "end", f"whole days from {local[0]:%H:%M} to {local[-1]:%H:%M}"
    if word is not None:
        return word, "the header's word"
    return "start", "nothing shows it: assumed"


def _utc(
    local: list[datetime], lengths: list[timedelta], zone: ZoneInfo, place: str, *, at_end: bool
) -> tuple[list[datetime | None], tuple[str, ...]]:
    """Starts in UTC, and notes about rows that are left out."""
    result: list[datetime | None] = []
    notes: list[str] = []
    begins = [at - length if at_end else at for at, length in zip(local, lengths, strict=True)]
    rows = list(zip(begins, local, lengths, strict=True))
    for day, group in groupby(rows, key=lambda row: row[0].date()):
        of_day = list(group)
        begin, end = _midnight(day, zone), _midnight(day, zone, 1)
        if end - begin == DAY:
            result += [at.replace(tzinfo=zone).astimezone(UTC) for at, _, _ in of_day]
        elif _fills(of_day, end - begin):
            result += _counted(begin, of_day)
        else:
            part = _in_order(of_day, zone, at_end=at_end)
            result += part
            _refuse_other_clock(of_day, part, day, zone, place)
            missing = part.count(None)
            if missing:
                notes.append(
                    f"{missing} rows of {day:%d.%m.%Y} are left out: the clock changes there and "
                    "their moments are not certain"
                )
    return result, tuple(notes)


_RowTimes = tuple[datetime, datetime, timedelta]
"""Start and stamp, both local and naive, and length."""


def _fills(rows: Sequence[_RowTimes], length: timedelta) -> bool:
    return sum((row[2] for row in rows), NOTHING) == length


def _counted(begin: datetime, rows: Sequence[_RowTimes]) -> list[datetime]:
    starts = []
    for _, _, length in rows:
        starts.append(begin)
        begin += length
    return starts


def _in_order(
    rows: Sequence[_RowTimes], zone: ZoneInfo, *, at_end: bool
) -> list[datetime | None]:  # fmt: skip
    """UTC of the stamps of a part of a day, the second of two equal ones in the later hour."""
    stamps = [stamp for _, stamp, _ in rows]
    counts, seen = Counter(stamps), Counter[datetime]()
    result: list[datetime | None] = []
    for _, stamp, length in rows:
        late = stamp.replace(tzinfo=zone, fold=1).astimezone(UTC)
        early = stamp.replace(tzinfo=zone, fold=0).astimezone(UTC)
        ambiguous, at = early != late, late if seen[stamp] else early
        seen[stamp] += 1
        exists = at.astimezone(zone).replace(tzinfo=None, fold=0) == stamp
        if not exists or (ambiguous and counts[stamp] != 2):
            result.append(None)
        else:
            result.append(at - length if at_end else at)
    return result


def _refuse_other_clock(
    rows: Sequence[_RowTimes], made: Sequence[datetime | None], day: date, zone: ZoneInfo,
    place: str,
) -> None:  # fmt: skip
    """Refuse a day that has the full 24 hours of another clock, or hours that do not exist."""
    begin, end = _midnight(day, zone), _midnight(day, zone, 1)
    if end - begin < DAY and _fills(rows, DAY) and made.count(None) > 1:
        raise DataError(
            f"{place}: on {day:%d.%m.%Y} it has an hour that {zone.key} does not have: its stamps "
            "are in another zone, or in winter time all year; save it with local time or with "
            "offsets from UTC"
        )


def _midnight(day: date, zone: ZoneInfo, later: int = 0) -> datetime:
    return datetime.combine(day + timedelta(days=later), time(), zone).astimezone(UTC)
