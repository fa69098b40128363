"""Cost of the highest power of a month or year, as it grows from quarter-hour to quarter-hour."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from optimizer.model.moments import QUARTER
from optimizer.model.tariff import Peak

QUARTER_H = QUARTER.total_seconds() / 3600


@dataclass(slots=True)
class PeakCost:
    """The peak that one side of an account has reached in the current period."""

    peak: Peak | None
    """The tariff's price; None costs nothing."""
    reached_w: float = 0.0
    """Highest mean power of a quarter-hour in the period so far [W]; at first that of the first
    quarter-hour's period."""
    _period: tuple[int, int] | None = None

    def added_eur(self, start: datetime, drawn_wh: float) -> float:
        """Cost that a quarter-hour adds by exceeding the highest one before it [EUR].

        Power up to `Peak.usual_w` costs nothing more: every period reaches it anyway.
        """
        peak = self.peak
        if peak is None or not peak.counts(start):
            return 0.0
        period = peak.period_of(start)
        if self._period not in (None, period):
            self.reached_w = 0.0
        self._period = period
        before_w = max(self.reached_w, peak.usual_w)
        self.reached_w = max(self.reached_w, drawn_wh / QUARTER_H)
        return max(0.0, self.reached_w - before_w) / 1000 * peak.eur_per_kw

    def together_eur(self, quarters: Iterable[tuple[datetime, float]]) -> float:
        """Cost that quarter-hours add [EUR], each by its start and the energy drawn [Wh]."""
        return sum(self.added_eur(start, drawn_wh) for start, drawn_wh in quarters)


def highest_w(peak: Peak | None, quarters: Iterable[tuple[datetime, float]]) -> float:
    """Highest mean power of the quarter-hours that count [W]; 0 where peaks cost nothing."""
    if peak is None:
        return 0.0
    return max((wh / QUARTER_H for start, wh in quarters if peak.counts(start)), default=0.0)
