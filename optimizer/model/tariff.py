"""From the exchange's price to the owner's: cost of the next kWh, revenue of a sold one."""

import itertools
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from optimizer.model import local_hours
from optimizer.model.local_hours import DAYS, MONTHS, Days, LocalHours, Months, applying
from optimizer.model.ranges import (
    Check,
    Count,
    Derived,
    EndTimeOfDay,
    EurPerKwh,
    MoneyRange,
    Range,
    TimeOfDay,
    Watts,
)

BERLIN = ZoneInfo("Europe/Berlin")


class ExportKind(StrEnum):
    """Payment for energy fed in."""

    FIXED = "fixed"
    SPOT = "spot"
    SERIES = "series"


@dataclass(frozen=True, slots=True)
class FeeWindow(LocalHours):
    """A grid fee of certain hours; where windows overlap the one with fewer hours a year counts."""

    from_: TimeOfDay
    """First local time of the fee."""
    to: EndTimeOfDay
    """First local time after the fee, "24:00" at midnight; at or before `from` it is the next
    day's."""
    grid_fee_eur_per_kwh: EurPerKwh
    """Net grid fee in these hours, instead of the tariff's [EUR/kWh]."""
    months: Months = MONTHS
    """Months in which the fee applies."""
    days: Days = DAYS
    """Days of the week on which the hours begin."""


@dataclass(frozen=True, slots=True)
class Export:
    """Payment for energy fed in."""

    kind: ExportKind = ExportKind.FIXED
    """Kind of payment: `fixed`, the exchange's price (`spot`), or a `series` that a price source
    gives."""
    eur_per_kwh: EurPerKwh = 0.0
    """Payment for a kWh if `fixed` (where each quarter's reference price is paid, as in
    Switzerland, the last one, or the legal minimum if that is higher); deduction from the
    exchange's price if `spot` [EUR/kWh]."""
    zero_when_spot_negative: bool = False
    """Payment of nothing while the exchange's price is below 0."""

    def price(self, spot_eur_per_kwh: float) -> float:
        """Payment for a kWh at this exchange price [EUR/kWh]; may be negative for `spot`."""
        if self.zero_when_spot_negative and spot_eur_per_kwh < 0:
            return 0.0
        if self.kind is ExportKind.SPOT:
            return spot_eur_per_kwh - self.eur_per_kwh
        return self.eur_per_kwh


@dataclass(frozen=True, slots=True)
class Peak(LocalHours):
    """A price for the highest power drawn in a month or year, as a mean over a step."""

    eur_per_kw: Annotated[float, MoneyRange(0, 1_000)]
    """Price of the period's highest power, with VAT [EUR/kW]."""
    period: Literal["month", "year"] = "month"
    """Local calendar month or year whose highest power is paid."""
    reached_w: Watts = 0.0
    """Highest power so far in the current period [W]."""
    usual_w: Watts = 0.0
    """Highest power that every period reaches anyway [W], up to which drawing costs nothing more;
    at 0 the first days of a period are planned as if no peak would follow."""
    from_: TimeOfDay = time(0)
    """First local time of the hours that count."""
    to: EndTimeOfDay = time(0)
    """First local time after the hours that count; at or before `from` it is the next day's."""
    months: Months = MONTHS
    """Months that count."""
    days: Days = DAYS
    """Days of the week that count."""
    holidays: Annotated[str | None, Derived()] = None
    """Country whose public holidays count as Sundays: the tariff's."""
    zone: Annotated[ZoneInfo, Derived()] = BERLIN
    """Time zone of the periods: the tariff's."""

    def counts(self, at: datetime) -> bool:
        """Return true if the power at a moment counts for the peak."""
        return self.covers(at.astimezone(self.zone), self.holidays)

    def period_begin(self, at: datetime) -> datetime:
        """First moment of the month or year that a moment lies in, in local time."""
        local = at.astimezone(self.zone)
        month = local.month if self.period == "month" else 1
        return datetime(local.year, month, 1, tzinfo=self.zone)

    def period_of(self, at: datetime) -> tuple[int, int]:
        """Local year and month of a moment; the month is 0 where years count."""
        local = at.astimezone(self.zone)
        return local.year, local.month if self.period == "month" else 0


@dataclass(frozen=True, slots=True)
class TariffParts:
    """Net parts added to the exchange's price, then VAT; and the payment for export.

    Notes
    -----
    German parts of 2026: levies 2.946 ct, electricity tax 2.05 ct, concession 1.32 to 2.39 ct by
    size of town, grid fee by the operator's price sheet, VAT 19 %. A plan needs them: with 15 ct of
    constant parts and 85 % round trip, trading at a spread of 4.7 ct loses money.
    """

    markup_eur_per_kwh: EurPerKwh = 0.0
    """The supplier's addition to the exchange's price, net [EUR/kWh]."""
    levies_eur_per_kwh: EurPerKwh = 0.0
    """Levies, net [EUR/kWh]."""
    tax_eur_per_kwh: EurPerKwh = 0.0
    """Electricity tax, net [EUR/kWh]."""
    concession_eur_per_kwh: EurPerKwh = 0.0
    """Concession fee of the town, net [EUR/kWh]."""
    grid_fee_eur_per_kwh: EurPerKwh = 0.0
    """Grid operator's fee, net, where no window applies [EUR/kWh]."""
    vat_percent: Annotated[float, Range(0, 50)] = 0.0
    """VAT on the sum of all parts and the exchange's price [%]."""
    window: Annotated[tuple[FeeWindow, ...], Count(1_000)] = ()
    export: Export = Export()
    valid_to: date | None = None
    """Last local day on which the parts hold; a warning comes two weeks before."""

    def __post_init__(self) -> None:
        """Refuse windows of which it cannot be said which one counts."""
        local_hours.check(self.window, "window")


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffChange(TariffParts):
    """Parts that are new from a day on; those that are not named stay as they were."""

    valid_from: date
    """First local day on which the parts hold."""


def _checked_holidays(code: str | None) -> str | None:
    """A country, or a part of one, whose holidays are known."""
    if code is not None:
        from optimizer.model import public_holidays

        public_holidays.check(code)
    return code


@dataclass(frozen=True, slots=True)
class Tariff(TariffParts):
    """Net parts that make the exchange's price the owner's, and the payment for energy fed in.

    Raises
    ------
    ValueError
        If the changes are out of order; with a sentence.
    """

    time_zone: ZoneInfo = BERLIN
    """Time zone of windows, days and peaks."""
    grid_operator: str | None = None
    """German grid operator whose dated fees of module 3 (EnWG 14a) stand for grid fee and windows;
    the names are in [grid_fees.toml](grid_fees.toml)."""
    holidays: Annotated[str | None, Check(_checked_holidays)] = None
    """Country, or country and part (`DE-BY`), whose public holidays count as Sundays in `days`;
    needs the extra `holidays`."""
    peak: Peak | None = None
    change: Annotated[tuple[TariffChange, ...], Count(1_000)] = ()
    operator_fees_to: Annotated[date | None, Derived()] = None
    """Last local day of the grid operator's fees; afterwards its windows count no more, and its
    standard fee holds in all hours."""
    stated: Annotated[bool, Derived()] = True
    """The owner has stated the parts; without them an exchange price says little of the bill."""

    def __post_init__(self) -> None:
        """Refuse windows as in `TariffParts`, and changes out of order."""
        TariffParts.__post_init__(self)
        if any(a.valid_from >= b.valid_from for a, b in itertools.pairwise(self.change)):
            raise ValueError("change: name each valid_from once, the earliest first")

    def on(self, at: datetime) -> TariffParts:
        """Parts that hold at a moment: the last that have begun."""
        return self._on_day(at.astimezone(self.time_zone).date())

    def _on_day(self, day: date) -> TariffParts:
        begun = [part for part in self.change if part.valid_from <= day]
        return begun[-1] if begun else self

    def window_at(self, at: datetime) -> FeeWindow | None:
        """The window whose grid fee holds at a moment; None where it is the tariff's own."""
        if self.operator_fees_over(at):
            return None
        return applying(self.on(at).window, at.astimezone(self.time_zone), self.holidays)

    def holiday(self, at: datetime) -> str | None:
        """Name of the public holiday on a moment's local day; None if it is none that counts."""
        if self.holidays is None:
            return None
        from optimizer.model import public_holidays

        return public_holidays.name_of(at.astimezone(self.time_zone).date(), self.holidays)

    def grid_fee(self, at: datetime) -> float:
        """Grid fee at a moment [EUR/kWh, net]."""
        window = self.window_at(at)
        return (self.on(at) if window is None else window).grid_fee_eur_per_kwh

    def sell(self, spot_eur_per_kwh: float, at: datetime) -> float:
        """Revenue of a sold kWh [EUR/kWh]."""
        return self.on(at).export.price(spot_eur_per_kwh)

    def buy(self, spot_eur_per_kwh: float, at: datetime) -> float:
        """Cost of the next bought kWh [EUR/kWh, all-in].

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
            + self.grid_fee(at)
        )
        return net * (1 + part.vat_percent / 100)

    def operator_fees_over(self, at: datetime) -> bool:
        """End of the grid operator's windows before a moment's local day, without newer ones."""
        last = self.operator_fees_to
        if last is None or at.astimezone(self.time_zone).date() <= last:
            return False
        return self.on(at).window == self._on_day(last).window

    def expired(self, at: datetime) -> bool:
        """Expiry of the parts before a moment's local day."""
        valid_to = self.on(at).valid_to
        return valid_to is not None and at.astimezone(self.time_zone).date() > valid_to

    @property
    def ends(self) -> date | None:
        """Last local day for which parts are known; None if they hold without an end."""
        return (self.change[-1] if self.change else self).valid_to
