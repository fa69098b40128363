"""Gain of control day by day, against a battery left to itself for weeks on end; pure.

The account of a day (`account.py`) starts self-consumption anew from each day's measured charge and
prices what is stored more by the plan's own values. That explains a day. It cannot judge control: a
planner that values stored energy too highly would be credited with it every day. Here

- self-consumption runs on from day to day, so that what is stored more or less is carried along and
  is counted once, when it is used. After a gap it starts again from the measured charge plus what
  it had more or less before the gap;
- what is stored more at a day's end is priced by measured prices alone: half-way between the mean
  price of buying and of selling in the last seven days;
- what the battery loses beyond its model (its measured charge against the model fed with the
  measured power, since the first day) is lost by both sides, for each Wh that goes in or out: an
  efficiency that is stated too high is no loss of control by itself;
- days on which an override of the owner was in force are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from zoneinfo import ZoneInfo

from optimizer.model.moments import QUARTER
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.savings.account import metered_bill_eur, taken_out_wh
from optimizer.savings.battery_path import (
    AccountingRules,
    BatteryPath,
    HouseQuarter,
    battery_path,
)
from optimizer.savings.measured_day import (
    GaplessSpan,
    KnownQuarters,
    charge,
    gapless_spans,
    model_off_wh,
    select,
)
from optimizer.savings.paid_peak import PeakCost

PRICED_QUARTERS = 7 * 96
"""Quarter-hours whose mean prices value stored energy."""

LEAST_CYCLES = 2.0
"""Full cycles before the battery's own losses are distinguished from rounding."""


@dataclass(frozen=True, slots=True)
class DailyGain:
    """Gain of control on a local day against the battery left to itself [EUR]."""

    day: date
    eur: float
    """Bill, wear, paid peak and stored energy; negative: lost."""
    quarters: int
    """Quarter-hours that were counted."""


@dataclass(slots=True)
class _Baseline:
    """Self-consumption from span to span, and what the battery loses beyond its model."""

    known: KnownQuarters
    rules: AccountingRules
    more_wh: float = 0.0
    """Stored beyond self-consumption at the end of the last span."""
    off_wh: float = 0.0
    through_wh: float = 0.0
    prices: list[float] = field(default_factory=list)
    _peak: PeakCost = field(init=False)
    _own_peak: PeakCost = field(init=False)

    def __post_init__(self) -> None:
        self._peak, self._own_peak = PeakCost(self.rules.peak), PeakCost(self.rules.peak)

    def gain_eur(self, part: GaplessSpan) -> float:
        """Gain of control over quarter-hours without a gap [EUR]."""
        battery, quarters = self.rules.battery, part.quarters
        first_wh, last_wh = (charge(wh) for wh in (quarters[0].first_soc_wh, quarters[-1].soc_wh))
        self.off_wh += model_off_wh(quarters, self.rules)
        self.through_wh += sum(quarter.charged_wh + quarter.discharged_wh for quarter in quarters)
        self.prices += [(span.buy + span.sell) / 2 for span in part.spans]
        lowest_wh, highest_wh = min(battery.min_wh, first_wh), max(battery.max_wh, first_wh)
        start_wh = min(max(first_wh - self.more_wh, lowest_wh), highest_wh)
        path = self._path(part.spans, start_wh, lowest_wh, highest_wh)
        self.more_wh = last_wh - path.soc_wh[-1]
        stored_wh = self.more_wh - (first_wh - start_wh)
        starts = [span.start for span in part.spans]
        own = path.bill_eur + self._own_peak.together_eur(zip(starts, path.drawn_wh, strict=True))
        ours = metered_bill_eur(quarters, self.known.prices) + self._peak.together_eur(
            (quarter.start, quarter.drawn_wh) for quarter in quarters
        )
        worn_wh = path.worn_wh - taken_out_wh(quarters, battery)
        return own - ours + (worn_wh * battery.wear_eur_per_kwh + stored_wh * self._price) / 1000

    def _path(
        self, spans: Sequence[HouseQuarter], start_wh: float, lowest_wh: float, highest_wh: float
    ) -> BatteryPath:
        """Self-consumption, with what the battery loses beyond its model in each quarter-hour."""
        paths, soc_wh, lost = list[BatteryPath](), start_wh, self._lost_share
        charges = list[float]()
        for span in spans:
            path = battery_path([span], soc_wh, self.rules)
            left_wh = path.soc_wh[-1] - lost * path.through_wh
            soc_wh = min(max(left_wh, lowest_wh), highest_wh)
            paths.append(path)
            charges.append(soc_wh)
        return BatteryPath(
            sum(path.bill_eur for path in paths),
            sum(path.worn_wh for path in paths),
            sum(path.through_wh for path in paths),
            tuple(charges),
            tuple(path.drawn_wh[0] for path in paths),
        )

    @property
    def _lost_share(self) -> float:
        """Energy that the battery loses beyond its model, for each one that goes in or out."""
        if self.through_wh < 2 * LEAST_CYCLES * self.rules.battery.capacity_wh:
            return 0.0
        return self.off_wh / self.through_wh

    @property
    def _price(self) -> float:
        """Price of stored energy [EUR/kWh]."""
        last = self.prices[-PRICED_QUARTERS:]
        return sum(last) / len(last)


def daily_gains(known: KnownQuarters, rules: AccountingRules, zone: ZoneInfo) -> list[DailyGain]:
    """Gains of the local days of which something can be counted, oldest first.

    Parameters
    ----------
    known
        Measurements, prices and prices of overrides; its plans are not looked at.
    """
    if not known.quarters:
        return []
    begin, end = known.quarters[0].start, known.quarters[-1].start + QUARTER
    counted = select(begin, end, known, rules).counted
    baseline = _Baseline(known, rules)
    taken = {at.astimezone(zone).date() for at in known.override_eur}
    gains = list[DailyGain]()
    for day, quarters in _by_day(counted, zone):
        eur = sum(baseline.gain_eur(part) for part in gapless_spans(quarters, known.prices))
        if day not in taken:
            gains.append(DailyGain(day, eur, len(quarters)))
    return gains


def _by_day(
    quarters: Sequence[QuarterEnergy], zone: ZoneInfo
) -> Iterator[tuple[date, list[QuarterEnergy]]]:
    for day, found in groupby(quarters, key=lambda one: one.start.astimezone(zone).date()):
        yield day, list(found)
