"""One case through all strategies."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from optimizer.analysis.backtest import references
from optimizer.analysis.backtest.case import Case
from optimizer.analysis.backtest.knowledge import HOURLY, Kind, Times, knowledge_of
from optimizer.analysis.backtest.living import INTERVAL_S, ByLaw, OwnUse, Strategy, live
from optimizer.analysis.backtest.outcome import (
    Account,
    Interval,
    Outcome,
    account,
    fixed_value,
    outcome,
    yearly,
)
from optimizer.analysis.backtest.plans import Plans, ProgramPlans, TablePlans
from optimizer.control.memory import Settings

Follow = Literal["value", "intent", "power"]
Write = Literal["equals", "bounds"]

OURS = "this program"
PERFECT = "perfect forecasts"
BLIND = "planned power, blindly"
OPENEMS, EMHASS, EVCC = "OpenEMS-like", "EMHASS-like", "evcc-like"
RIVALS = (OPENEMS, EMHASS, EVCC, BLIND)


@dataclass(frozen=True, slots=True)
class Way:
    """How a case is tried."""

    kind: Kind = "learned"
    times: Times = HOURLY
    follow: Follow = "value"
    write: Write = "equals"
    interval_s: float = INTERVAL_S
    names: tuple[str, ...] = (OURS, PERFECT, *RIVALS)
    """Strategies beside own use."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A case's results."""

    case: str
    days: float
    stored_eur_per_kwh: float
    """The one price at which stored energy is counted."""
    own_use_eur: float
    """Cost of the period with the battery left to itself, stored energy counted."""
    no_battery_eur: float
    attainable_eur: float
    """Least cost, with everything known."""
    outcomes: tuple[Outcome, ...]
    ahead: tuple[tuple[str, Interval], ...]
    """By how much this program is ahead of each other strategy, for a year."""

    @property
    def attainable_extra_eur(self) -> float:
        """What could have been earned beyond own use, for a year."""
        return (self.own_use_eur - self.attainable_eur) / self.days * 365

    def of(self, name: str) -> Outcome:
        """The outcome of a strategy."""
        return next(item for item in self.outcomes if item.name == name)


Each = Callable[[Callable[[str], Account], tuple[str, ...]], Iterable[Account]]
"""Calls a function for each name, in order; `map`, or the same on several processes."""


def run(case: Case, way: Way, each: Each = map) -> Trial:
    """Try a case.

    Parameters
    ----------
    each
        How the strategies are lived; by default one after the other.
    """
    start_wh = case.battery.min_wh
    own = account(case, "own use", live(case, OwnUse(case), start_wh))
    value = fixed_value(case)
    attainable = references.attainable_eur(case, start_wh, value)
    made = {item.name: item for item in each(partial(lived, case, way), way.names)}
    ours = made.get(OURS)
    ahead = () if ours is None else tuple(
        (name, yearly(other.cost_eur - ours.cost_eur))
        for name, other in made.items() if name in RIVALS
    )  # fmt: skip
    outcomes = tuple(outcome(case, own, other, attainable) for other in made.values())
    bare = references.no_battery_eur(case)
    return Trial(case.name, case.days, value, own.total_eur, bare, attainable, outcomes, ahead)


def lived(case: Case, way: Way, name: str) -> Account:
    """The money of a strategy."""
    return account(case, name, live(case, strategy(case, name, way), case.battery.min_wh))


def strategy(case: Case, name: str, way: Way) -> Strategy:
    """A strategy by its name."""
    knowledge = knowledge_of(case, "perfect" if name == PERFECT else way.kind)
    follow: Follow = "power" if name == BLIND else way.follow
    settings = Settings(case.battery, case.grid, follow, way.write)
    if name == OPENEMS:
        return references.OpenEmsLike(knowledge)
    plans: Plans
    if name == EMHASS:
        plans = references.EmhassLike(knowledge)
    elif name == EVCC:
        plans = references.evcc_like(knowledge)
    elif name == BLIND:
        plans = ProgramPlans(knowledge, Times(hourly=False))
    elif follow == "value":
        plans = TablePlans(knowledge, way.times)
    else:
        plans = ProgramPlans(knowledge, way.times)
    rivals = name in (EMHASS, EVCC)
    settings = Settings(case.battery, case.grid, "value", way.write) if rivals else settings
    return ByLaw(case, plans, settings, way.interval_s)
