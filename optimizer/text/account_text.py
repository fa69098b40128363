"""Accounts as sentences and tables in whole cents, whose printed figures add up."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from optimizer.model.currency import EUR, Currency
from optimizer.savings.account import DayAccount
from optimizer.savings.battery_path import AccountingRules

HALF_PERCENT = 0.005
"""Half the resolution of the state of charge that a FEMS reports [1]."""


@dataclass(frozen=True, slots=True)
class Cents:
    """Money in whole cents: the account's figures, which add up as they are printed.

    Self-consumption - bill + stored + wear + peak = saved = plan + override + forecast + execution.

    Rounding remainders go to the figures that are estimates anyway: stored energy and execution.
    """

    self_consumption: int = 0
    bill: int = 0
    no_battery: int = 0
    stored: int = 0
    wear: int = 0
    saved: int = 0
    planning: int = 0
    forecast: int = 0
    execution: int = 0
    override: int = 0
    peak: int = 0

    @classmethod
    def of(cls, day: DayAccount) -> Self:
        """Cents of one day's account."""
        self_consumption, bill = _cents(day.self_consumption_bill_eur), _cents(day.bill_eur)
        wear, saved = _cents(day.worn_eur), _cents(day.saving_eur)
        planning, forecast = _cents(day.planning_eur), _cents(day.forecast_eur)
        override, peak = _cents(day.override_eur), _cents(day.less_peak_eur)
        return cls(
            self_consumption=self_consumption,
            bill=bill,
            no_battery=_cents(day.no_battery_eur),
            stored=saved - self_consumption + bill - wear - peak,
            wear=wear,
            saved=saved,
            planning=planning,
            forecast=forecast,
            execution=saved - planning - forecast - override,
            override=override,
            peak=peak,
        )

    def __add__(self, other: "Cents") -> "Cents":
        return Cents(
            *(getattr(self, item.name) + getattr(other, item.name) for item in fields(Cents))
        )

    def as_json(self) -> dict[str, float]:
        """The figures in EUR, under keys that end in `_eur`."""
        return {f"{item.name}_eur": getattr(self, item.name) / 100 for item in fields(self)}


@dataclass(frozen=True, slots=True)
class ComparedCosts:
    """Both sides of a saving in whole cents, which add up as they are printed.

    `bill - stored + wear = cost` with control, `self_consumption_bill + self_consumption_wear =
    self_consumption_cost` of the battery left to itself, and their difference is `saved`. Bills
    have what the days add to a paid peak in them.
    """

    bill: int
    stored: int
    """Energy left in the battery beyond that of the battery left to itself."""
    wear: int
    self_consumption_bill: int
    self_consumption_wear: int
    saved: int

    @classmethod
    def of(cls, days: Sequence[DayAccount]) -> Self:
        """The sides of some days together."""
        sum_ = total(days)
        wear = sum(_cents(day.wear_eur) for day in days)
        peak = sum(_cents(day.peak_eur) for day in days)
        return cls(
            sum_.bill + peak, sum_.stored, wear, sum_.self_consumption + peak + sum_.peak,
            wear + sum_.wear, sum_.saved,
        )  # fmt: skip

    @property
    def cost(self) -> int:
        """Bill less stored energy, plus wear, with control."""
        return self.bill - self.stored + self.wear

    @property
    def self_consumption_cost(self) -> int:
        """Bill plus wear of the battery left to itself."""
        return self.self_consumption_bill + self.self_consumption_wear


def _cents(eur: float) -> int:
    return round(100 * eur)


def total(days: Sequence[DayAccount]) -> Cents:
    """The sum of days."""
    return sum((Cents.of(day) for day in days), Cents())


def eur(cents: int) -> str:
    """Cents as euros.

    >>> eur(-5), eur(123)
    ('-0.05', '1.23')
    """
    return f"{cents / 100:.2f}"


def unsure_eur(day: DayAccount, capacity_wh: float) -> float:
    """Uncertainty of a day's saving [EUR]: resolution of the charge, error of the model."""
    whole_wh = HALF_PERCENT * capacity_wh
    return (whole_wh + abs(day.model_off_wh)) / 1000 * abs(day.stored_eur_per_kwh)


def unsure_together_eur(days: Sequence[DayAccount], capacity_wh: float) -> float:
    """Uncertainty of the saving of some days together [EUR]; the days' errors are independent."""
    return float(sum(unsure_eur(day, capacity_wh) ** 2 for day in days) ** 0.5)


def verdict(saved: int, unsure: float, money: Currency = EUR) -> str:
    """The saving as one sentence, plain also when it is nothing or less.

    Examples
    --------
    >>> verdict(142, 0.03)
    'saved 1.42 EUR against the battery left to itself'
    >>> verdict(-12, 0.03)
    'saved nothing: it cost 0.12 EUR more than the battery left to itself'
    >>> verdict(2, 0.03)
    'saved nothing that differs from zero for sure (0.02 EUR, known to 0.03 EUR)'
    """
    if abs(saved) <= 100 * unsure:
        size = f"{eur(saved)} {money.code}, known to {money.amount(unsure)}"
        return f"saved nothing that differs from zero for sure ({size})"
    if saved < 0:
        more = f"{eur(-saved)} {money.code} more"
        return f"saved nothing: it cost {more} than the battery left to itself"
    return f"saved {eur(saved)} {money.code} against the battery left to itself"


def left_out(days: Sequence[DayAccount]) -> str:
    """Quarter-hours that the accounts leave out, as a sentence; "" if there are none."""
    reasons = (
        (sum(day.unmeasured for day in days), "without a measurement"),
        (sum(day.unpriced for day in days), "without a known price"),
        (sum(day.corrected for day in days), "in which the device corrected its state of charge"),
    )
    reported = [f"{count} {why}" for count, why in reasons if count]
    if not reported:
        return ""
    return f"left out on both sides, of {sum(day.quarters for day in days)} quarter-hours: " + (
        ", ".join(reported)
    )


def model(days: Sequence[DayAccount], money: Currency = EUR) -> str:
    """Error of the battery model over the days, as a sentence."""
    through = sum(day.model_through_wh for day in days)
    if through < 1:
        return "nothing went through the battery"
    off = sum(day.model_off_wh for day in days)
    amount = money.amount(sum(day.model_off_eur for day in days))
    return (
        f"the battery's model, fed with the measured power, misses the measured charge by "
        f"{100 * off / through:.1f} % of what went through it (worth {amount})"
    )


HEAD = (
    "day         no battery  to itself      bill    stored     wear     saved   "
    "= plan  forecast  execution"
)


def lines(days: Sequence[DayAccount], capacity_wh: float, money: Currency = EUR) -> list[str]:
    """The accounts as a table, with their sum, verdict and omissions."""
    if not days:
        return ["nothing can be accounted yet: no quarter-hour was measured under a plan"]
    rows = [(day.day, Cents.of(day)) for day in days]
    priced = any(cents.override for _, cents in rows)
    peaked = any(day.peak_eur or day.self_consumption_peak_eur for day in days)
    if len(days) > 1:
        rows.append(("together", total(days)))
    table = [
        f"{name:<10}  {eur(c.no_battery):>10}{eur(c.self_consumption):>10}{eur(c.bill):>10}"
        f"{eur(c.stored):>10}{eur(c.wear):>9}{eur(c.saved):>10}{eur(c.planning):>9}"
        f"{eur(c.forecast):>10}{eur(c.execution):>11}"
        + (f"{eur(c.override):>10}" if priced else "")
        + (f"{eur(c.peak):>8}" if peaked else "")
        for name, c in rows
    ]
    unsure = unsure_together_eur(days, capacity_wh)
    closing = [verdict(rows[-1][1].saved, unsure, money), model(days, money), left_out(days)]
    head = HEAD + "  override" * priced + "    peak" * peaked
    return [money.code, head, *table, "", *(line for line in closing if line)]


def as_json(days: Sequence[DayAccount]) -> dict[str, Any]:
    """The accounts for programs: each day's figures, and the sum in cents that add up."""
    return {"days": [day.as_json() for day in days], "total": total(days).as_json()}


FOOTNOTES = (
    ("no battery", "the house with its roof alone: measured shortage and surplus at their prices"),
    ("to itself", "the same house with the battery left to itself, quarter-hour by quarter-hour "
     "through the battery's model from the charge measured at midnight; again from the measured "
     "charge after a gap"),
    ("bill", "each quarter-hour's metered purchase and sale at the price last known for it"),
    ("stored", "energy stored beyond that of the battery left to itself at the day's end, and "
     "before a gap, priced by the plan in force: {stored} at the end of {day}"),
    ("wear", "{wear} for each kWh out of the cells: of the battery left to itself, less ours"),
    ("saved", "to itself - bill + stored + wear{peak}; also plan + forecast + execution{override}"),
    ("plan", "promised by the plans in force on their own forecasts{without}"),
    ("forecast", "the plans' rule on what came, less that promise"),
    ("execution", "what really happened, less the plans' rule on what came"),
)  # fmt: skip
"""Rule of each column; what stands in braces depends on the days."""

OVERRIDE_NOTE = (
    "override", "minus the price at which the owner's overrides were taken, spread over their time"
)  # fmt: skip
PEAK_NOTE = (
    "peak", "{price} for the highest quarter-hour of the {period}: what the battery left to itself "
    "would have added to it on the day, less what the meter added"
)  # fmt: skip


def footnotes(
    days: Sequence[DayAccount], rules: AccountingRules, money: Currency = EUR
) -> list[tuple[str, str]]:
    """Rule of each column of the table, as name and text; of columns that are not shown none."""
    if not days:
        return []
    cents, peak = [Cents.of(day) for day in days], rules.peak
    priced = any(one.override for one in cents)
    peaked = peak is not None and any(d.peak_eur or d.self_consumption_peak_eur for d in days)
    filled = {
        "stored": money.price(days[-1].stored_eur_per_kwh), "day": days[-1].day,
        "wear": money.price(rules.battery.wear_eur_per_kwh), "peak": " + peak" * peaked,
        "override": " + override" * priced,
        "without": ", without the price of overrides" * priced,
    }  # fmt: skip
    notes = [(name, text.format(**filled)) for name, text in FOOTNOTES]
    if priced:
        notes.append(OVERRIDE_NOTE)
    if peaked and peak is not None:
        price = f"{money.amount(peak.eur_per_kw)} a kW"
        notes.append((PEAK_NOTE[0], PEAK_NOTE[1].format(price=price, period=peak.period)))
    return notes
