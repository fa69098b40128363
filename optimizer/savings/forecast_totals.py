"""Energies of house and PV over a span: as the plans in force forecast them, and as metered."""

from dataclasses import dataclass

from optimizer.savings.measured_day import SEEN_S, KnownQuarters


@dataclass(frozen=True, slots=True)
class ForecastTotals:
    """Energies over the quarter-hours that were metered whole and had a plan [Wh]."""

    quarters: int
    load_forecast_wh: float
    load_wh: float
    pv_forecast_wh: float
    pv_wh: float


def forecast_totals(known: KnownQuarters) -> ForecastTotals | None:
    """Sum forecast and metered energies; None without a quarter-hour that has both."""
    rows = []
    for quarter in known.quarters:
        plan = known.plans.get(quarter.start)
        step = None if plan is None else plan.step_at(quarter.start)
        if step is None or quarter.seconds < SEEN_S or quarter.pv_wh is None:
            continue
        load_wh = quarter.pv_wh + quarter.residual_load_wh - quarter.surplus_wh
        hours = quarter.seconds / 3600
        rows.append((step.load_w * hours, load_wh, step.pv_w * hours, quarter.pv_wh))
    if not rows:
        return None
    return ForecastTotals(len(rows), *(sum(column) for column in zip(*rows, strict=True)))
