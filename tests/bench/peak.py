"""Money and peak of a month with a price for its highest quarter-hour; by hand, not in CI.

    python tests/bench/peak.py [--days 28] [--eur-per-kw 10] [--usual-w 0] [--seed 0]

The sample winter house with bursts by the minute, its week again and again, a plan every hour on
the sample forecast, the control law every minute. Compared are: no peak control (the plan knows
no price of peaks), the plan alone (it knows the price, control does not), the plan with the guard
of the meter (`control/peak_guard.py`), and the plan with perfect foresight of the load by
quarter-hours. With a seed the house strays from its measured quarter-hours, and with them from the
forecast: another house for each seed. Choose on some, confirm on others.
"""

import argparse
import math
import random
import time
from dataclasses import replace
from datetime import timedelta

from optimizer.control.law import ControlSettings, ControlState, decide
from optimizer.model.moments import QUARTER
from optimizer.model.tariff import Peak
from optimizer.planning.arrays import forecast_steps
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.simulation import sample_data
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.http_simulation import profile
from optimizer.simulation.plant import Plant, held_power

MINUTE = timedelta(minutes=1)
HOURS = 1 / 60
WEEK = sample_data.folder() / "winter"


STRAYS, KEEPS = 0.35, 0.6
"""Deviation of the logarithm of a quarter-hour's load, and the part of it that the next one keeps:
about as far as a home strays from a forecast of its own past."""


def straying(load: Profile, seed: int) -> Profile:
    """The load of another house for each seed; 0 leaves it as it is."""
    if not seed:
        return load
    chance, off, watts = random.Random(seed), 0.0, []  # noqa: S311
    for mean_w in load.watts:
        off = KEEPS * off + math.sqrt(1 - KEEPS**2) * chance.gauss(0, STRAYS)
        watts.append(mean_w * math.exp(off - STRAYS**2 / 2))
    return Profile(load.start, load.step_s, tuple(watts))


def quarter_means(load: Profile, frame):
    """The frame with the load's true means of quarter-hours [W]."""
    means = [
        sum(load.at(at + minute * MINUTE) for minute in range(15)) / 15
        for at in (stamp.to_pydatetime() for stamp in frame.index)
    ]
    return frame.assign(load_w=means)


def plan_of(start, end, soc_percent, peak, load, *, perfect):
    known = sample_data.forecast(WEEK, start, end)
    if perfect:
        known = quarter_means(load, known)
    request = PlanRequest(
        start, "bench", sample_data.BATTERY, sample_data.GRID, soc_percent, peak=peak
    )
    return make_plan(forecast_steps(known), request, time.perf_counter)


def month(days, load, pv, *, planned, guarded, perfect=False):
    """(bill [EUR], highest quarter-hour [W], stored energy at the end [Wh])."""
    begin, last = sample_data.days(WEEK)
    battery, grid = sample_data.BATTERY, sample_data.GRID
    settings = ControlSettings(battery, grid, peak=guarded)
    plant, memory, plan = Plant(battery, grid, 0.5 * battery.capacity_wh), ControlState(), None
    bill, drawn_wh, reached, held = 0.0, 0.0, 0.0, None
    prices = sample_data.prices(WEEK)
    for hour in range(24 * days):
        start = sample_data.midnight(begin, 0) + timedelta(hours=hour % 144)
        if hour % 144 == 0:
            memory = replace(memory, quarter=None)  # the week begins again
        soc = min(max(100 * plant.soc_wh / battery.capacity_wh, 0.0), 100.0)
        peak = None if planned is None else replace(planned, reached_w=reached)
        end = min(start + timedelta(hours=36), last)
        plan = plan_of(start, end, soc, peak, load, perfect=perfect)
        for minute in range(60):
            at = start + minute * MINUTE
            flow = plant.run(load.at(at), pv.at(at), held, HOURS)
            drawn_wh += max(0.0, flow.grid_w) * HOURS
            row = prices.loc[at.replace(minute=at.minute // 15 * 15)]
            price = row["buy_eur_per_kwh"] if flow.grid_w > 0 else row["sell_eur_per_kwh"]
            bill += flow.grid_w * HOURS / 1000 * price
            if minute % 15 == 14:
                reached, drawn_wh = max(reached, drawn_wh / 0.25), 0.0
            seen = plant.snapshot(at + MINUTE, flow, HOURS)
            seen = replace(seen, soc_percent=float(round(seen.soc_percent)))
            decision, memory = decide(at + MINUTE, plan, seen, memory, settings)
            held = held_power(decision)
    return bill, reached, plant.soc_wh


def main() -> None:
    """Print a line for each way."""
    options = argparse.ArgumentParser()
    options.add_argument("--days", type=int, default=28)
    options.add_argument("--eur-per-kw", type=float, default=10.0)
    options.add_argument("--usual-w", type=float, default=0.0)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    first, last = sample_data.days(WEEK)
    came = sample_data.measured(WEEK, first, last)
    house = straying(profile(came, "load_w"), given.seed)
    load, pv = house.spiky(given.seed or 3), profile(came, "pv_w")
    peak = Peak(given.eur_per_kw, usual_w=given.usual_w)
    ways = {
        "no peak control": {"planned": None, "guarded": None},
        "plan alone": {"planned": peak, "guarded": None},
        "plan and meter": {"planned": peak, "guarded": peak},
        "load foreseen, and meter": {"planned": peak, "guarded": peak, "perfect": True},
    }
    print(f"{given.days} days, {given.eur_per_kw:g} EUR/kW, {QUARTER.seconds // 60} min")
    for name, way in ways.items():
        bill, highest, left_wh = month(given.days, load, pv, **way)
        stored = left_wh / 1000 * 0.25
        cost = highest / 1000 * given.eur_per_kw
        print(
            f"{name:26} bill {bill:8.2f}  peak {highest / 1000:6.2f} kW {cost:7.2f} EUR  "
            f"together {bill + cost - stored:8.2f} EUR"
        )


if __name__ == "__main__":
    main()
