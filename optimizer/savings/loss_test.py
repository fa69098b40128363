"""Sequential test of the daily gains: does control lose against the battery left to itself? Pure.

A bet against control, with a false alarm rate that holds whenever one looks:

- The null hypothesis is that no day's gain, bounded at -c and +c, has a negative mean given the
  days before. Then a stake that is multiplied each day by `1 - b * gain / c` for a fixed share
  `0 < b < 1` is a non-negative supermartingale, and so is the mean over several `b` (testing by
  betting: Waudby-Smith and Ramdas, J. R. Stat. Soc. B 86 (2024) 1, arXiv:2010.09686). No
  independence and no distribution is assumed.
- A new stake of 1 is laid each Monday, so that good months before a fault do not have to be lost
  again first. The sum of the stakes minus their number is a supermartingale (e-detector of
  Shiryaev-Roberts type: Shin, Ramdas and Rinaldo, New Engl. J. Stat. Data Sci. 2 (2024) 2,
  arXiv:2203.03532). By Ville's inequality the chance that the sum of a year's stakes ever reaches
  53 / 1 % is at most 1 %.

Both bounds keep heavy tails from deciding. That at -c only weakens the evidence, since it raises
the mean. That at +c is an assumption: of a day on which control gains more than c, only c counts
for it. A control that lost a little on most days and won it back on very few would be taken for one
that loses. On measured homes two thirds to nine tenths of the gain lie within the bounds
(`tests/bench/stand_down.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from optimizer.savings.daily_gains import DailyGain

ERROR = 0.01
"""Highest chance of a false alarm within a year."""

STAKES_A_YEAR = 53
"""Mondays, at most."""

THRESHOLD = STAKES_A_YEAR / ERROR

BETS = (0.2, 0.4, 0.8)
"""Shares of the stake that are bet; small losses show to small bets, large ones to large bets. What
0.1 would win in 13 weeks of the greatest loss is less than the threshold."""

LOOKED_BACK = timedelta(weeks=13)
"""Days that are judged: longer ago is another season, and other software."""

FULL_PRICE_SHARE = 1 / 3
"""The bound c, as a share of what a full battery costs at the mean price of buying. Half of it
finds faults in two thirds of the time, but took the bad months of one measured home for a loss in
4 % of the drawn years instead of 0.4 %."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Control that loses beyond chance."""

    since: date
    """Day from which on it lost most."""
    until: date
    """Last day that was judged."""
    days: int
    eur: float
    """Loss over these days, a positive amount [EUR]."""


def bound_eur(usable_wh: float, mean_buy_eur_per_kwh: float) -> float:
    """The bound c of a day's gain [EUR]."""
    return usable_wh / 1000 * max(mean_buy_eur_per_kwh, 0.01) * FULL_PRICE_SHARE


def evidence(gains: Iterable[DailyGain], bound: float) -> Iterator[float]:
    """Sum of the stakes after each day; control loses beyond chance from `THRESHOLD` on."""
    stakes, week = [0.0] * len(BETS), None
    for gain in gains:
        share = min(max(gain.eur / bound, -1.0), 1.0)
        monday = gain.day - timedelta(days=gain.day.weekday())
        laid = float(monday != week)
        week = monday
        stakes = [
            (stake + laid) * (1 - bet * share) for stake, bet in zip(stakes, BETS, strict=True)
        ]
        yield sum(stakes) / len(BETS)


def judged(gains: Sequence[DailyGain], bound: float) -> Loss | None:
    """Judge the last days; None unless control loses beyond chance."""
    if not gains:
        return None
    last = gains[-1].day
    recent = [gain for gain in gains if gain.day > last - LOOKED_BACK]
    *_, last_evidence = evidence(recent, bound)
    if last_evidence < THRESHOLD:
        return None
    sums = [sum(gain.eur for gain in recent[place:]) for place in range(len(recent))]
    place = min(range(len(recent)), key=sums.__getitem__)
    return Loss(recent[place].day, last, len(recent) - place, -sums[place])
