"""Phases of a plan: what the battery does from when to when, in at most eight lines a day.

Steps become phases by merging. Two neighbours, or a phase between two alike, are merged where the
common name misdescribes energy of less than a cent; further ones only while more than `MOST_A_DAY`
begin on one local day or, on average, in 24 h; those first that matter least. The names are for
people: control follows the steps.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import Enum
from itertools import groupby

from optimizer.model.currency import EUR, Currency
from optimizer.model.plan import Intent, Plan, Step
from optimizer.text.local_time import clock_from, clock_span

MOST_A_DAY = 8
"""Largest number of phases that begin on one local day, and of those in 24 h on average."""

SMALL_EUR = 0.01
"""Money below which a difference between neighbours is not worth a line [EUR]."""

FORCED_EUR = 1.0
"""Penalty of a merger that dates a charge or a sale too early or too late [EUR]."""

LONGEST_PAUSE = timedelta(hours=2)
"""Longest time between two charges that are one phase."""

VISIBLE = 0.02
"""Share of the capacity by which the charge has to change to be named."""

SAME_W = 1.0
"""Powers below this are zero [W]."""


class Activity(Enum):
    """Activity of the battery: the step's intent, for self-consumption with its direction."""

    CHARGE = Intent.CHARGE
    HOLD = Intent.HOLD
    KEEP_ROOM = Intent.DEFER
    CHARGE_GENTLY = Intent.LIMIT
    SELL = Intent.DISCHARGE
    CARRY = "carry"
    """The battery supplies the house."""
    STORE = "store"
    """The surplus of PV charges the battery."""
    FULL = "full"
    """The battery takes no more of the surplus."""
    EMPTY = "empty"
    """The battery has nothing to give."""

    @property
    def intent(self) -> Intent:
        """The intent that the activity stands for."""
        return self.value if isinstance(self.value, Intent) else Intent.SELF_CONSUMPTION


DATED = (Activity.CHARGE, Activity.SELL, Activity.CHARGE_GENTLY)
"""Activities whose phases begin and end with a step of their own."""

IDLE = (Activity.HOLD, Activity.KEEP_ROOM, Activity.FULL, Activity.EMPTY)


def activity(step: Step) -> Activity:
    """The activity of one step."""
    if step.intent is not Intent.SELF_CONSUMPTION:
        return Activity(step.intent)
    if step.battery_w > SAME_W:
        return Activity.CARRY
    if step.need_w < -SAME_W:
        return Activity.STORE if step.battery_w < -SAME_W else Activity.FULL
    return Activity.EMPTY if step.need_w > SAME_W else Activity.CARRY


@dataclass(frozen=True, slots=True)
class Phase:
    """Neighbouring steps under one name."""

    steps: tuple[Step, ...]
    activity: Activity
    capacity_wh: float
    soc_before_wh: float
    peak: Step | None = None
    """Dearest later step that the battery serves before it is charged from the grid again."""
    money: Currency = EUR
    """Currency of prices and amounts."""

    @property
    def start(self) -> datetime:
        """Start of the first step."""
        return self.steps[0].start

    @property
    def end(self) -> datetime:
        """End of the last step."""
        return self.steps[-1].end

    @property
    def intent(self) -> Intent:
        """The intent that most of the phase follows."""
        return self.activity.intent

    @property
    def soc_after_wh(self) -> float:
        """Stored energy at the end [Wh]."""
        return self.steps[-1].soc_wh

    @property
    def battery_w(self) -> float:
        """Mean battery power [W]."""
        hours = sum(step.hours for step in self.steps)
        return sum(step.battery_w * step.hours for step in self.steps) / hours

    @property
    def cost_eur(self) -> float:
        """Bill of the phase [EUR]."""
        return sum(step.cost_eur for step in self.steps)

    @property
    def buy_range(self) -> tuple[float, float]:
        """Lowest and highest buying price of the steps that the name is about [EUR/kWh]."""
        prices = [step.buy_eur_per_kwh for step in self._named()]
        return min(prices), max(prices)

    @property
    def why(self) -> str:
        """Reason of the first step that has the phase's name."""
        return self._named()[0].why

    def words(self, zone: tzinfo) -> str:
        """The phase as a sentence without a subject, which is the battery.

        A charge names the cost of the grid's energy that goes into the battery, a sale the revenue.
        """
        match self.activity:
            case Activity.CHARGE:
                return self._charges()
            case Activity.HOLD:
                return self._keeps(zone)
            case Activity.KEEP_ROOM:
                return f"keeps room{self._room(zone)}{self._moved}{self._sold()}"
            case Activity.CHARGE_GENTLY:
                return f"charges gently to {self._after} %{self._sold()}"
            case Activity.SELL:
                return f"sells down to {self._after} %{self._sold()}"
            case Activity.CARRY:
                return f"carries the house, {self._from_to}, grid at {self._prices}"
            case Activity.STORE:
                return f"stores the sun, {self._from_to}{self._sold()}"
            case Activity.FULL:
                why = "takes nothing" if self._may_not(charge=True) else "is full"
                return f"{why}: the roof carries the house{self._sold()}"
            case Activity.EMPTY:
                why = "gives nothing" if self._may_not(charge=False) else "is empty"
                return f"{why}: the house buys at {self._prices}"

    def _may_not(self, *, charge: bool) -> bool:
        """True where the limits of the battery itself leave no power in that direction."""
        if charge:
            return all(step.lowest_w >= -SAME_W for step in self._named())
        return all(step.highest_w <= SAME_W for step in self._named())

    def _charges(self) -> str:
        drawn = [min(max(step.grid_w, 0.0), -min(step.battery_w, 0.0)) for step in self.steps]
        eur = sum(
            watts * step.hours / 1000 * step.buy_eur_per_kwh
            for watts, step in zip(drawn, self.steps, strict=True)
        )
        money = self.money.amount(abs(eur))
        money = f"for {money}" if eur > -0.005 else f"and is paid {money}"
        return f"charges to {self._after} % {money}, at {self._prices}"

    def _keeps(self, zone: tzinfo) -> str:
        peak = self.peak
        text = f"keeps {self._after} %" if not self._moved else f"keeps its charge{self._moved}"
        if peak is None:
            return f"{text}, the house buys at {self._prices}"
        at = clock_from(peak.start, self.start, zone)
        return f"{text} for {at} ({self.money.price(peak.buy_eur_per_kwh)}), now {self._prices}"

    def _room(self, zone: tzinfo) -> str:
        """The time for which room is kept: when the battery takes what sells for less by then."""
        taken = next((step for step in self.steps if step.battery_w < -SAME_W), self.steps[0])
        before = [step.sell_eur_per_kwh for step in self.steps if step.start < taken.start]
        if not before or taken.sell_eur_per_kwh >= max(before):
            return ""
        at = clock_from(taken.start, self.start, zone)
        return f" for {at} (selling pays {self.money.price(taken.sell_eur_per_kwh)})"

    def _sold(self) -> str:
        sold = [step for step in self.steps if step.grid_w < -SAME_W]
        kwh = sum(-step.grid_w * step.hours for step in sold) / 1000
        if kwh < 0.05:
            return ""
        eur = -sum(step.cost_eur for step in sold)
        return f", {kwh:.1f} kWh sold for {self.money.amount(eur)}"

    @property
    def _prices(self) -> str:
        low, high = map(self.money.number, self.buy_range)
        unit = self.money.price_unit
        return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"

    @property
    def _after(self) -> str:
        return f"{100 * self.soc_after_wh / self.capacity_wh:.0f}"

    @property
    def _moved(self) -> str:
        """Change of the charge under a name that promises none, where it can be seen."""
        seen = abs(self.soc_after_wh - self.soc_before_wh) > VISIBLE * self.capacity_wh
        return f", {self._from_to}" if seen else ""

    @property
    def _from_to(self) -> str:
        return f"{100 * self.soc_before_wh / self.capacity_wh:.0f}→{self._after} %"

    def _named(self) -> list[Step]:
        return [step for step in self.steps if activity(step) is self.activity] or list(self.steps)


def phases(plan: Plan, capacity_wh: float, zone: tzinfo) -> list[Phase]:
    """The plan's phases in order of time, at most `MOST_A_DAY` on each local day of `zone`."""
    before, result = capacity_wh * plan.start_soc_percent / 100, []
    for group in _merged(plan.steps, plan.money.size, zone):
        peak = _peak(plan.steps, group.steps[-1])
        result.append(Phase(tuple(group.steps), group.name, capacity_wh, before, peak, plan.money))
        before = group.steps[-1].soc_wh
    return result


def span(phase: Phase, zone: tzinfo) -> str:
    """Times of a phase, such as `01:00-04:15` or `22:00-Thu 06:00`."""
    return clock_span(phase.start, phase.end, zone)


def _peak(steps: Sequence[Step], last: Step) -> Step | None:
    best = None
    for step in steps[steps.index(last) + 1 :]:
        if step.intent is Intent.CHARGE:
            break
        if step.battery_w > SAME_W and (
            best is None or step.buy_eur_per_kwh > best.buy_eur_per_kwh
        ):
            best = step
    return best


@dataclass(slots=True)
class _Group:
    """Steps that are merged so far, their name, and the money by which it misdescribes them."""

    steps: list[Step]
    name: Activity
    loss_eur: float = 0.0
    added_eur: float = 0.0
    """Part of the loss that the last merger added."""


_Candidate = tuple[int, int, _Group]
"""Position, number and result of a possible merger."""


def _merged(steps: Sequence[Step], size: float, zone: tzinfo) -> list[_Group]:
    """Groups of steps; `size` is about one EUR in the plan's currency."""
    groups = [_Group(list(part), name) for name, part in groupby(steps, key=activity)]
    while (best := _next_merger(groups, size, zone)) is not None:
        at, count, merged = best
        groups[at : at + count] = [merged]
    return groups


def _next_merger(groups: Sequence[_Group], size: float, zone: tzinfo) -> _Candidate | None:
    """The merger that adds least: any small one, else one that a limit asks for; None at last."""
    candidates = sorted(_candidates(groups, size), key=lambda item: item[2].added_eur)
    if not candidates or candidates[0][2].added_eur < SMALL_EUR * size:
        return candidates[0] if candidates else None
    days = [group.steps[0].start.astimezone(zone).date() for group in groups]
    full: set[date] = {day for day, count in Counter(days).items() if count > MOST_A_DAY}
    if full:  # a merger leaves out the beginnings of all groups but its first
        return next(item for item in candidates if full & set(days[item[0] + 1 : sum(item[:2])]))
    hours = (groups[-1].steps[-1].end - groups[0].steps[0].start) / timedelta(hours=1)
    return candidates[0] if len(groups) > MOST_A_DAY * max(1, -(-int(hours) // 24)) else None


def _candidates(groups: Sequence[_Group], size: float) -> list[_Candidate]:
    """Position, number and result of each possible merger; two of one name take what is between."""
    pairs = [(at, 2, _join(groups[at : at + 2], size)) for at in range(len(groups) - 1)]
    triples = [
        (at, 3, _join(groups[at : at + 3], size))
        for at in range(len(groups) - 2)
        if groups[at].name is groups[at + 2].name
    ]
    return triples + pairs


def _join(groups: Sequence[_Group], size: float) -> _Group:
    """One group of several, under the name of theirs that loses least, then that lasts longest."""
    steps = [step for group in groups for step in group.steps]
    lost_eur = sum(group.loss_eur for group in groups)
    results = []
    for name in dict.fromkeys(group.name for group in groups):
        loss_eur = sum(_misdescribed_eur(step, name) for step in steps)
        added_eur = loss_eur - lost_eur + (0.0 if _dated_well(groups, name) else FORCED_EUR * size)
        results.append(_Group(steps, name, loss_eur, added_eur))
    return min(results, key=lambda group: (group.added_eur, -_hours(steps, group.name)))


def _dated_well(groups: Sequence[_Group], name: Activity) -> bool:
    """True where a charge or a sale begins and ends with one, with short pauses only."""
    if name not in DATED:
        return True
    pauses = [group for group in groups if group.name is not name]
    outside = groups[0].name is not name or groups[-1].name is not name
    return not outside and all(
        group.steps[-1].end - group.steps[0].start <= LONGEST_PAUSE for group in pauses
    )


def _hours(steps: Sequence[Step], name: Activity) -> float:
    return sum(step.hours for step in steps if activity(step) is name)


def _misdescribed_eur(step: Step, name: Activity) -> float:
    """Money by which a name misdescribes a step [EUR].

    The energy that goes elsewhere than the name says, times the difference between the price and
    the value of a stored kWh; in self-consumption times the price, since the name is about the
    house. A pause between charges moves none: end, charge and cost of the phase are exact.
    """
    if activity(step) is name:
        return 0.0
    price = step.buy_eur_per_kwh if step.need_w > 0 else step.sell_eur_per_kwh
    stake = price - step.stored_value_eur_per_kwh
    if name in DATED or name in IDLE:
        return abs(step.battery_w * step.hours / 1000 * stake)
    if step.intent is Intent.SELF_CONSUMPTION:
        return abs(step.need_w * step.hours / 1000 * step.buy_eur_per_kwh)
    return abs((step.need_w - step.battery_w) * step.hours / 1000 * stake)
