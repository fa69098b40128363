"""The plans of a case, as control would have found them in the store."""

import time
from typing import Protocol

import numpy as np

from optimizer.analysis.backtest.case import Array, Case
from optimizer.analysis.backtest.foreseen import forecasts, in_batches
from optimizer.analysis.backtest.knowledge import Knowledge, Moment, Times, moments
from optimizer.model.plan import Intent, Plan, Step, fingerprint
from optimizer.model.quarter import QUARTER
from optimizer.planning import direct, value_table
from optimizer.planning.forecasts import Forecasts
from optimizer.planning.planner import Request, make_plan
from optimizer.planning.task import ForecastStep
from optimizer.planning.value import TABLE_SIZE

SITE = "back-test"


class Plans(Protocol):
    """Whoever knows the plan in force."""

    def at(self, quarter: int, soc_wh: float) -> Plan | None:
        """The plan in force in a quarter-hour; a new one starts from this stored energy."""


class TablePlans:
    """Plans that hold what `follow = "value"` reads: prices and value tables.

    The tables do not depend on the state of charge, so all plans are made at once, by the
    planner's own recursion.

    Parameters
    ----------
    end_values
        Worth of a kWh at each plan's end [EUR/kWh], one for each; as the planner's "auto" by
        default.
    sure
        Take the load's forecast as certain.
    """

    def __init__(
        self, knowledge: Knowledge, times: Times, *,
        end_values: Array | None = None, sure: bool = False,
    ) -> None:  # fmt: skip
        self.case, self._moments = knowledge.case, moments(knowledge.case, times)
        keep = max(min(at.until, at.end) - at.first for at in self._moments)
        parts, done = list[Array](), 0
        for part in in_batches(self._moments):
            size = len(part)
            ends = None if end_values is None else end_values[done : done + size, None]
            parts.append(self.tables(forecasts(knowledge, part, ends, sure=sure), keep))
            done += size
        self._tables: Array = np.concatenate(parts)
        self._place, self._plan = -1, light_plan(self.case, self._moments[0], self._tables[0])

    def tables(self, told: Forecasts, keep: int) -> Array:
        """Tables of some plans: (plans, keep, cells)."""
        found = value_table.tables(self.case.battery, self.case.grid, told, keep=keep)
        missing = keep - found.shape[1]
        return np.pad(found, ((0, 0), (0, missing), (0, 0)))

    def at(self, quarter: int, soc_wh: float) -> Plan | None:
        """The plan in force."""
        place = max(self._place, 0)
        while place + 1 < len(self._moments) and self._moments[place + 1].first <= quarter:
            place += 1
        if place != self._place:
            at = self._moments[place]
            self._place = place
            self._plan = light_plan(self.case, at, self.table(place, soc_wh))
        return self._plan

    def table(self, place: int, soc_wh: float) -> Array:
        """Table of a plan that starts from some stored energy: (steps, cells)."""
        table: Array = self._tables[place]
        return table


def light_plan(case: Case, at: Moment, table: Array) -> Plan:
    """A plan's steps up to the next plan, with what `control.decide` reads by value.

    Powers that only people and the other ways to follow read are left at what own use would do.
    """
    battery, count = case.battery, min(at.until, at.end) - at.first
    cell = (battery.max_wh - battery.min_wh) / TABLE_SIZE
    buy, sell = (
        series[at.first :].tolist() for series in (case.buy[: at.end], case.sell[: at.end])
    )
    rows = np.round(table[:count], 6).tolist()
    start, steps = case.at(at.first), []
    for index in range(count):
        begin = start + index * QUARTER
        steps.append(
            Step(
                begin, begin + QUARTER, buy[index], sell[index], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
                battery.min_wh, Intent.OWN_USE, -battery.max_charge_w, battery.max_discharge_w,
                rows[index][0], tuple(rows[index]), "",
            )
        )  # fmt: skip
    middles = tuple(battery.min_wh + cell * (index + 0.5) for index in range(TABLE_SIZE))
    return Plan(
        made_at=start, site=SITE, bounds=fingerprint(battery, case.grid), step_s=900,
        status="optimal", gap_eur=None, solver="", start_soc_percent=0.0, cost_eur=0.0,
        own_use_cost_eur=0.0, no_battery_cost_eur=0.0, wear_eur=0.0, own_use_wear_eur=0.0,
        stored_value_eur=0.0, own_use_stored_value_eur=0.0, end_value_eur_per_kwh=0.0, solve_s=0.0,
        value_soc_wh=middles, steps=tuple(steps),
    )  # fmt: skip


class ProgramPlans:
    """Whole plans by `make_plan`, each from the state of charge of its moment."""

    def __init__(self, knowledge: Knowledge, times: Times) -> None:
        self._knowledge, self._engine = knowledge, direct.engine()
        self._ahead = moments(knowledge.case, times)[::-1]
        self._plan: Plan | None = None

    def at(self, quarter: int, soc_wh: float) -> Plan | None:
        """The plan in force."""
        while self._ahead and self._ahead[-1].first <= quarter:
            self._plan = self._made(self._ahead.pop(), soc_wh)
        return self._plan

    def _made(self, at: Moment, soc_wh: float) -> Plan:
        knowledge, case = self._knowledge, self._knowledge.case
        figures = (*knowledge.prices(at), knowledge.load_w(at), knowledge.pv_w(at))
        rows = zip(range(at.first, at.beyond), *(row.tolist() for row in figures), strict=True)
        every = tuple(ForecastStep(case.at(q), case.at(q + 1), *row) for q, *row in rows)
        steps, beyond = every[: at.end - at.first], every[at.end - at.first :]
        request = Request(
            made_at=case.at(at.first),
            site=SITE,
            battery=case.battery,
            grid=case.grid,
            soc_percent=min(100 * soc_wh / case.battery.capacity_wh, 100.0),
            beyond=beyond,
            spread=knowledge.spread(at),
            roof_days=knowledge.roof_days(at),
            time_zone=case.zone.key,
        )
        return make_plan(steps, request, time.perf_counter, self._engine)
