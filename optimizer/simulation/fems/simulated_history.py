"""History of a simulated FEMS: five-minute means of the last 450 days, as the device keeps them.

Before the house began it lived by itself on its own profiles; since then its meters are noted.
"""

from collections import deque
from datetime import datetime, timedelta
from typing import NamedTuple

from optimizer.model.site import SitePhysics
from optimizer.simulation.fems.meters import Meters
from optimizer.simulation.fems.profile import Profile

PERIOD_S = 300
"""Length of a period [s]."""
KEPT_DAYS = 450
_PERIODS = KEPT_DAYS * 86_400 // PERIOD_S
_HOURS = PERIOD_S / 3600
_SAMPLES = 5


class HistoryRow(NamedTuple):
    """Means of one period [W]."""

    load_w: float
    produced_w: float
    battery_w: float
    ess_w: float
    grid_w: float
    soc_percent: float
    """State of charge at its end [%]."""


class History:
    """The rows of one house by period; a period is named by its number since 1970.

    Attributes
    ----------
    gaps
        Spans (from, to) in which nothing was recorded, to be filled at will.
    """

    def __init__(self, site: SitePhysics, load: Profile, pv: Profile, start: datetime) -> None:
        self.gaps: list[tuple[datetime, datetime]] = []
        self._site, self._load, self._pv = site, load, pv
        self._first = period_of(start)
        self._before: list[HistoryRow] = []
        self._since: deque[HistoryRow] = deque(maxlen=_PERIODS)
        self._dropped = 0
        self._noted = (start, Meters())

    def note(self, now: datetime, meters: Meters, soc_wh: float) -> None:
        """Add the period that ends now."""
        since, before = self._noted
        self._noted = (now, meters.copy())
        hours = (now - since) / timedelta(hours=1)
        battery_w = (meters.discharged_wh - before.discharged_wh) / hours
        battery_w -= (meters.charged_wh - before.charged_wh) / hours
        produced_wh = meters.pv_wh - meters.curtailed_wh - before.pv_wh + before.curtailed_wh
        bought_wh, sold_wh = meters.bought_wh - before.bought_wh, meters.sold_wh - before.sold_wh
        if len(self._since) == _PERIODS:
            self._dropped += 1
        self._since.append(
            HistoryRow(
                (meters.load_wh - before.load_wh) / hours,
                produced_wh / hours,
                battery_w,
                battery_w + (produced_wh / hours if self._site.battery.hybrid else 0.0),
                (bought_wh - sold_wh) / hours,
                100 * soc_wh / self._site.battery.capacity_wh,
            )
        )

    def row(self, period: int) -> HistoryRow | None:
        """The means of a period; None for gaps, the future and what is too old."""
        if period < self._first - _PERIODS or self._in_gap(period):
            return None
        if period < self._first:
            if not self._before:
                self._before = self._simulated()
            return self._before[period - self._first + _PERIODS]
        place = period - self._first - self._dropped
        return self._since[place] if 0 <= place < len(self._since) else None

    def _in_gap(self, period: int) -> bool:
        if not self.gaps:
            return False
        begin_s = period * PERIOD_S
        return any(a.timestamp() < begin_s + PERIOD_S and begin_s < b.timestamp()
                   for a, b in self.gaps)  # fmt: skip

    def _simulated(self) -> list[HistoryRow]:
        """Self-consumption of the house before its begin, from half a battery on."""
        battery = self._site.battery
        first = self._first - _PERIODS
        load, pv_means = _Means(self._load), _Means(self._pv)
        soc_wh = (battery.min_wh + battery.max_wh) / 2
        rows: list[HistoryRow] = []
        for period in range(first, self._first):
            load_w, pv_w = load.of(period), pv_means.of(period)
            battery_w, soc_wh = battery.step(soc_wh, load_w - pv_w, _HOURS)
            produced_w = pv_w - self._site.flow(load_w, pv_w, battery_w).curtailed_w
            grid_w = load_w - produced_w - battery_w
            ess_w = battery_w + produced_w if battery.hybrid else battery_w
            soc_percent = 100 * soc_wh / battery.capacity_wh
            rows.append(HistoryRow(load_w, produced_w, battery_w, ess_w, grid_w, soc_percent))
        return rows


class _Means:
    """Means of a profile over periods [W]; as it repeats, few have to be worked out."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._repeats_s = profile.step_s * len(profile.watts)
        self._start_s = int(profile.start.timestamp())
        self._known: dict[int, float] = {}

    def of(self, period: int) -> float:
        phase_s = (period * PERIOD_S - self._start_s) % self._repeats_s
        if phase_s not in self._known:
            moments = (
                self._profile.start + timedelta(seconds=phase_s + n * PERIOD_S / _SAMPLES)
                for n in range(_SAMPLES)
            )
            self._known[phase_s] = sum(map(self._profile.at, moments)) / _SAMPLES
        return self._known[phase_s]


def period_of(moment: datetime) -> int:
    """The number of the period that a moment lies in."""
    return int(moment.timestamp()) // PERIOD_S
