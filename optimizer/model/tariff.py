"""From the exchange's price to the owner's: what the next kWh costs, what a sold one earns."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo


class ExportKind(StrEnum):
    """How fed-in energy is paid."""

    FIXED = "fixed"
    SPOT = "spot"
    SERIES = "series"


@dataclass(frozen=True, slots=True)
class FeeWindow:
    """A time of day with its own grid fee: time-variable grid fees, double tariffs."""

    start: time
    """First local time inside."""
    end: time
    """First local time outside; at or before `start` means over midnight."""
    grid_fee_eur_per_kwh: float
    months: frozenset[int] = frozenset(range(1, 13))
    days: frozenset[int] = frozenset(range(7))
    """Days of the week on which it begins, Monday is 0."""

    def covers(self, local: datetime) -> bool:
        """Whether a local moment lies inside."""
        if local.month not in self.months:
            return False
        clock, day = local.time(), local.weekday()
        if self.start < self.end:
            return day in self.days and self.start <= clock < self.end
        late, early = clock >= self.start, clock < self.end
        return (late and day in self.days) or (early and (day - 1) % 7 in self.days)


@dataclass(frozen=True, slots=True)
class Export:
    """Pay for fed-in energy."""

    kind: ExportKind = ExportKind.FIXED
    eur_per_kwh: float = 0.0
    """`fixed`: the pay. `spot`: what is taken off the spot price."""
    zero_when_spot_negative: bool = False

    def price(self, spot_eur_per_kwh: float) -> float:
        """Pay for a kWh [EUR/kWh] at this spot price; may be negative for `spot`."""
        if self.zero_when_spot_negative and spot_eur_per_kwh < 0:
            return 0.0
        if self.kind is ExportKind.SPOT:
            return spot_eur_per_kwh - self.eur_per_kwh
        return self.eur_per_kwh


@dataclass(frozen=True, slots=True)
class Peak:
    """A price for the highest power drawn in a month or year, as a mean over a step."""

    eur_per_kw: float
    """With everything, for each month or year [EUR/kW]."""
    period: Literal["month", "year"] = "month"
    """Local calendar month or year."""
    reached_w: float = 0.0
    """The highest so far in the period that runs now [W]."""
    usual_w: float = 0.0
    """What a period reaches anyway [W]: up to here drawing costs nothing more. Without it the first
    days of a period are planned as if its remaining days would stay without any peak."""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Berlin"))

    def period_of(self, at: datetime) -> tuple[int, int]:
        """Local year and month of a moment; the month is 0 where years count."""
        local = at.astimezone(self.zone)
        return local.year, local.month if self.period == "month" else 0


@dataclass(frozen=True, slots=True)
class Tariff:
    """Net parts added to the spot price, then VAT; all in EUR/kWh.

    Notes
    -----
    German parts of 2026: levies 2.946 ct, electricity tax 2.05 ct, concession 1.32 to 2.39 ct by
    size of town, grid fee by the operator's price sheet, VAT 19 %. They belong into the plan: with
    15 ct of constant parts and 85 % round trip, trading at a 4.7 ct spread loses money.
    """

    markup_eur_per_kwh: float = 0.0
    levies_eur_per_kwh: float = 0.0
    tax_eur_per_kwh: float = 0.0
    concession_eur_per_kwh: float = 0.0
    grid_fee_eur_per_kwh: float = 0.0
    vat_percent: float = 0.0
    windows: tuple[FeeWindow, ...] = ()
    export: Export = field(default_factory=Export)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Berlin"))
    """Time zone of the windows."""
    valid_to: date | None = None
    """Last local day on which the parts hold."""
    peak: Peak | None = None
    valid_from: date | None = None
    """First local day on which they hold; for the first tariff there is none."""
    changes: tuple["Tariff", ...] = ()
    """Whole tariffs that follow, each with its `valid_from`, rising."""
    stated: bool = True
    """Whether the owner has stated the parts; without them a spot price says little of the bill."""

    def on(self, at: datetime) -> "Tariff":
        """The parts that hold at a moment: the last that has begun."""
        day = at.astimezone(self.zone).date()
        begun = [part for part in self.changes if part.valid_from and part.valid_from <= day]
        return begun[-1] if begun else self

    def sell(self, spot_eur_per_kwh: float, at: datetime) -> float:
        """What a sold kWh earns [EUR/kWh]."""
        return self.on(at).export.price(spot_eur_per_kwh)

    def grid_fee(self, at: datetime) -> float:
        """Grid fee at a moment [EUR/kWh, net]; the first window that covers it wins."""
        local, part = at.astimezone(self.zone), self.on(at)
        for window in part.windows:
            if window.covers(local):
                return window.grid_fee_eur_per_kwh
        return part.grid_fee_eur_per_kwh

    def buy(self, spot_eur_per_kwh: float, at: datetime) -> float:
        """What the next bought kWh costs [EUR/kWh, with everything].

        >>> from datetime import UTC
        >>> fees = Tariff(grid_fee_eur_per_kwh=0.1612, vat_percent=19)
        >>> round(fees.buy(0.0843, datetime(2026, 1, 15, 17, tzinfo=UTC)), 4)
        0.2921
        """
        part = self.on(at)
        net = (
            spot_eur_per_kwh
            + part.markup_eur_per_kwh
            + part.levies_eur_per_kwh
            + part.tax_eur_per_kwh
            + part.concession_eur_per_kwh
            + part.grid_fee(at)
        )
        return net * (1 + part.vat_percent / 100)

    def expired(self, at: datetime) -> bool:
        """Whether the parts no longer hold at a moment."""
        valid_to = self.on(at).valid_to
        return valid_to is not None and at.astimezone(self.zone).date() > valid_to

    @property
    def ends(self) -> date | None:
        """Last local day for which parts are known; None if they hold without an end."""
        return (self.changes[-1] if self.changes else self).valid_to
