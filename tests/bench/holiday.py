"""What a holiday costs after it is over: forecasts by day and euros, with and without its days.

    python tests/bench/holiday.py FOLDER [HOME ...]

Into the measured past of each home of `forecasts.py` absences of 14 days at 150 W are planted, one
after the other. "as one series" learns from every day, as the program once did; "without absence"
is the program, which leaves the days of an absence that is over out. Shown is tomorrow's forecast
mean over what came, by days at home, and the bill of the two weeks after the return beyond
self-consumption. The last line is the home's own time with nothing planted.
"""

import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from optimizer.forecast import load_faults, load_forecast
from optimizer.model import frames
from tests.bench import forecasts
from tests.bench.forecasts import DAY, FIXED, VARIABLE, ZONE, Home

AWAY, AWAY_W = 14, 150.0
"""Days of an absence, and the load in it [W]."""
AFTER = 14
"""Days after the return whose bill is compared."""
SHOWN = (0, 1, 2, 3, 4, 7, 10)
"""Days at home for which the forecast is shown."""
EVERY = 42
"""Days from one planted absence to the next."""
METHODS = ("as one series", "without absence")


@contextmanager
def method(name: str):
    """The forecast as it is, or with every day of the past in it."""
    if name == METHODS[1]:
        yield
        return
    everything = lambda starts, load_w, at: np.ones(len(load_w), dtype=bool)  # noqa: E731
    with patch.object(load_faults, "at_home", everything):
        yield


def loads(home: Home, plans) -> dict:
    """The load forecast of each plan on the steps ahead."""
    known = home.data[["load_w"]].dropna()
    known.insert(0, "end", known.index + home.step)
    result = {}
    for at in plans:
        ahead = forecasts._ahead(home, at)
        past = known[(known["end"] <= at) & (known.index > at - 40 * DAY)]
        end = ahead[-1].to_pydatetime() + home.step
        own = load_forecast.load_forecast(past, at, end, at, ZONE, 4000).frame
        fine = frames.on_steps(own, forecasts._steps(ahead, home))["load_w"]
        result[at] = fine.set_axis(ahead)
    return result


class Part(Home):
    """A home, of whose plans only some count."""

    plans: tuple = ()

    @property
    def days(self):
        return list(self.plans)


def part_of(home: Home, data: pd.DataFrame, plans) -> Part:
    part = Part(home.name, data, home.step, home.battery, home.warm_days)
    object.__setattr__(part, "plans", tuple(plans))
    return part


def extra(home: Home, load_w, pv_w) -> list[float]:
    """Euros beyond self-consumption under both tariffs."""
    return [
        forecasts.bill(home, money, None, {}) - forecasts.bill(home, money, load_w, pv_w)
        for money in (FIXED, VARIABLE)
    ]


def told_pv(home: Home, plans) -> dict:
    """The roof's forecast as it came."""
    return {
        at: home.data["pv_forecast_w"].reindex(forecasts._ahead(home, at)).fillna(0.0)
        for at in plans
    }


def planted(home: Home, back) -> pd.DataFrame:
    """The home's data with an absence that ends at a moment."""
    gone = (home.data.index >= back - AWAY * DAY) & (home.data.index < back)
    load_w = home.data["load_w"].where(~gone | home.data["load_w"].isna(), AWAY_W)
    ripple = 1 + 0.05 * np.sin(np.arange(len(load_w)))  # a meter that stands still is left out
    return home.data.assign(load_w=load_w.where(~gone, load_w * ripple))


def tomorrow(home: Home, series: pd.Series, at) -> float:
    """Mean of tomorrow's forecast over what came [1]."""
    ahead = series[series.index >= at + timedelta(hours=10)]
    came = home.data["load_w"].reindex(ahead.index)
    return float(ahead[came.notna()].mean() / came.mean())


def main() -> None:
    folder, chosen = Path(sys.argv[1]), sys.argv[2:]
    for home in forecasts.homes(folder):
        if chosen and home.name not in chosen:
            continue
        usual = home.days
        returns = usual[AWAY + 7 : -AFTER - 2 : EVERY]
        ratios = {name: {day: [] for day in SHOWN} for name in METHODS}
        euros = {name: np.zeros(2) for name in METHODS}
        for back in returns:
            data = planted(home, back)
            plans = [at for at in usual if back <= at < back + AFTER * DAY]
            part = part_of(home, data, plans)
            for name in METHODS:
                with method(name):
                    load_w = loads(part, plans)
                for day in SHOWN:
                    if day < len(plans):
                        at = plans[day]
                        ratios[name][day].append(tomorrow(part, load_w[at], at))
                euros[name] += extra(part, load_w, told_pv(part, plans))
        print(f"{home.name}: {len(returns)} absences of {AWAY} days")
        print(f"  {'forecast / came after days at home':36}", *(f"{day:5}" for day in SHOWN))
        for name in METHODS:
            means = [np.nanmean(ratios[name][day]) for day in SHOWN]
            per = euros[name] / len(returns)
            print(f"  {name:36}", *(f"{mean:5.2f}" for mean in means),
                  f"  extra of two weeks {per[0]:6.2f} {per[1]:6.2f} EUR", flush=True)  # fmt: skip
        for name in METHODS:
            with method(name):
                load_w = loads(home, usual)
            one, other = extra(home, load_w, told_pv(home, usual))
            print(f"  nothing planted, {name:19} extra of {len(usual)} days {one:7.2f} "
                  f"{other:7.2f} EUR", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
