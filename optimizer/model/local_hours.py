"""Hours of the local week in which a fee or a price applies, and which of several ones counts.

Of windows that overlap the one with fewer hours a year counts: it is the exception from the other.
"""

import itertools
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from optimizer.model.ranges import Count, Range

Day = Literal["mo", "tu", "we", "th", "fr", "sa", "su"]
DAYS: tuple[Day, ...] = ("mo", "tu", "we", "th", "fr", "sa", "su")
"""Names of the days of the week, in the order of `date.weekday()`."""
MONTHS = tuple(range(1, 13))
MONTH_DAYS = (31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Mean length of the months [days]."""
SAME_H = 1e-6
ONE_DAY = timedelta(days=1)

Months = Annotated[tuple[Annotated[int, Range(1, 12)], ...], Count(12, 1)]
Days = Annotated[tuple[Day, ...], Count(7, 1)]
Cell = tuple[int, int, time]
"""Month, day of the week (0 is Monday) and beginning of a part of the day."""


def day_of(day: date, holidays: str | None) -> Day:
    """Name of a local day's kind: a public holiday counts as a Sunday.

    Parameters
    ----------
    holidays
        Country, perhaps with its part, whose holidays count; None for none.
    """
    if holidays is not None:
        from optimizer.model import public_holidays

        if public_holidays.is_holiday(day, holidays):
            return "su"
    return DAYS[day.weekday()]


class LocalHours:
    """Hours of some days in some months; hours that end at or before their begin end the next day.

    The dataclasses that inherit it have the fields, each with its own sentence.
    """

    __slots__ = ()
    if TYPE_CHECKING:
        from_: time
        to: time
        months: tuple[int, ...]
        days: tuple[Day, ...]

    def covers(self, local: datetime, holidays: str | None = None) -> bool:
        """Membership of a local moment."""
        if local.month not in self.months:
            return False
        today = day_of(local.date(), holidays)
        if self.from_ < self.to:
            return self._contains(local.time(), today, today)
        return self._contains(local.time(), today, day_of(local.date() - ONE_DAY, holidays))

    def _contains(self, clock: time, today: Day, yesterday: Day) -> bool:
        if self.from_ < self.to:
            return today in self.days and self.from_ <= clock < self.to
        late, early = clock >= self.from_, clock < self.to
        return (late and today in self.days) or (early and yesterday in self.days)

    def cells(self, cuts: Sequence[time]) -> set[Cell]:
        """Parts of the year that the hours cover, of those that begin at `cuts`."""
        return {
            (month, day, clock)
            for month, day, clock in itertools.product(self.months, range(7), cuts)
            if self._contains(clock, DAYS[day], DAYS[day - 1])
        }

    @property
    def hours_a_year(self) -> float:
        """Hours in which they apply, in a mean year without holidays [h]."""
        length_h = (_minutes(self.to) - _minutes(self.from_)) / 60
        days = sum(MONTH_DAYS[month - 1] for month in set(self.months)) * len(set(self.days)) / 7
        return days * (length_h if length_h > 0 else length_h + 24)

    def __str__(self) -> str:
        """Words such as `22:00 to 06:00, months 1, 2, days sa, su`."""
        text = f"{self.from_:%H:%M} to {'24:00' if self.to == time(0) else f'{self.to:%H:%M}'}"
        if set(self.months) != set(MONTHS):
            text += f", months {', '.join(map(str, sorted(set(self.months))))}"
        if set(self.days) != set(DAYS):
            text += f", days {', '.join(sorted(set(self.days), key=DAYS.index))}"
        return text


H = TypeVar("H", bound=LocalHours)


def applying(windows: Iterable[H], local: datetime, holidays: str | None = None) -> H | None:
    """The window that counts at a local moment: of those that cover it the one of fewest hours."""
    covering = [window for window in windows if window.covers(local, holidays)]
    return min(covering, key=lambda window: window.hours_a_year, default=None)


def check(windows: Sequence[LocalHours], key: str) -> None:
    """Refuse windows of which it cannot be said which one counts, and those that never count.

    Raises
    ------
    ValueError
        With a sentence that names both windows.
    """
    cuts = _cuts(windows)
    cells = [window.cells(cuts) for window in windows]
    for (one, first), (two, second) in itertools.combinations(enumerate(windows), 2):
        same = abs(first.hours_a_year - second.hours_a_year) < SAME_H
        if same and cells[one] & cells[two]:
            raise ValueError(
                f"{_name(key, one, first)} and {_name(key, two, second)} overlap and have as many "
                "hours a year: the one with fewer would count; make their hours differ"
            )
    for place, window in enumerate(windows):
        narrower = [
            n for n, other in enumerate(windows) if other.hours_a_year < window.hours_a_year
        ]
        if cells[place] and not cells[place].difference(*(cells[n] for n in narrower)):
            over = " and ".join(_name(key, n, windows[n]) for n in narrower
                                if cells[n] & cells[place])  # fmt: skip
            raise ValueError(
                f"{_name(key, place, window)} never applies: {over} with fewer hours a year "
                "always comes first; remove it or mend its hours"
            )


def uncovered(windows: Sequence[LocalHours]) -> str | None:
    """Words for the first part of the year that no window covers; None if there is none."""
    cuts = _cuts(windows)
    covered = set[Cell]().union(*(window.cells(cuts) for window in windows))
    for month, day, clock in itertools.product(MONTHS, range(7), cuts):
        if (month, day, clock) not in covered:
            return f"{clock:%H:%M} on '{DAYS[day]}' in month {month}"
    return None


def _cuts(windows: Sequence[LocalHours]) -> list[time]:
    """Times at which a window begins or ends, midnight among them."""
    return sorted({time(0), *(at for window in windows for at in (window.from_, window.to))})


def _name(key: str, place: int, window: LocalHours) -> str:
    return f"{key} {place + 1} ({window})"


def _minutes(at: time) -> float:
    return at.hour * 60 + at.minute + at.second / 60
