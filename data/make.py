"""Make the sample data: four weeks of spot prices, a house and its roof, all of it invented.

Each file draws from a random stream of its own, seeded by its name, so that one more week changes
no other file. The measures are those of an ordinary house and of Germany's power market in 2026.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SEED = 2026  # any number would do; it is part of the data's identity
SITE, GERMANY = (48.8, 13.1), (50.5, 10.5)  # latitude, longitude [degrees]: house; solar Germany
COLUMNS = {"prices": "spot_eur_per_mwh", "load": "load_w", "roof": "pv_w"}
COLUMNS |= {"load_forecast": "load_w", "roof_forecast": "pv_w"}
HEAD = "| week | quarters | spot min | mean | max | below 0 | load | roof | load_forecast |"
HEAD += " roof_forecast |\n|---" + "|--:" * 9 + "|\n"


class Week(NamedTuple):
    """Weather and market of a week; tuples hold one value per day, Monday first."""

    monday: str  # first local day
    demand: float  # German demand against January: less light and heating
    fuel: float  # price level of coal and gas against January
    dusk: float  # local hour at which the evening's demand is highest
    clear: float  # share of the sun's beam that passes the mist of the valley
    sun: tuple[float, ...]  # share of daylight in which no cloud is before the sun, above 0 to 1
    wind_gw: tuple[float, ...]  # German wind power: 2 is a calm, 45 a storm
    outside_c: tuple[float, ...]  # mean outdoor temperature [degrees C]
    evening_gw: tuple[float, ...]  # what stoves, coolers and neighbours ask for in the evening


# fmt: off
WEEKS = {
    "winter": Week("2026-01-12", 1.0, 1.0, 18.0, 0.56,  # Thu dark calm, Sat storm, Sun clear frost
                   (0.25, 0.5, 0.12, 0.01, 0.3, 0.45, 0.99), (19, 18, 14, 2, 19, 46, 15),
                   (1, 0.5, -2.5, -4, 0, 4, -3), (0, 1, 2, 1, 1, 0, 0)),
    "spring": Week("2026-03-23", 0.95, 1.05, 19.5, 1.0,  # Wed clear, Fri grey, Sun has 23 hours
                   (0.45, 0.6, 0.98, 0.5, 0.02, 0.65, 0.85), (10, 22, 9, 9, 11, 15, 9),
                   (5, 6.5, 7, 8, 5, 6, 8.5), (4, 3, 5, 4, 2, 4, 4)),
    "summer": Week("2026-06-22", 0.88, 1.15, 20.7, 1.0,  # Tue hot calm, Thu grey, clear weekend
                   (0.55, 0.93, 0.6, 0.02, 0.6, 0.9, 0.99), (8, 2, 15, 11, 7, 9, 10),
                   (18, 23, 20, 15.5, 17.5, 20, 22), (13, 20, 14, 10, 13, 14, 14)),
    "autumn": Week("2025-10-20", 0.93, 0.9, 18.5, 1.0,  # Tue clear, Thu storm, Fri grey, Sun 25 h
                   (0.5, 0.97, 0.45, 0.2, 0.02, 0.35, 0.5), (11, 7, 12, 44, 26, 18, 15),
                   (9.5, 8, 9, 11, 9, 8, 7.5), (2, 5, 4, 2, 2, 3, 3)),
}
DAYS, EVEN_HOURS = np.arange(7), np.arange(0, 24, 2)
DEMAND_GW = (50, 47, 48, 57, 66, 67, 68, 65, 66, 71, 63, 56)  # Germany, a workday in January
# Price [EUR/MWh] by demand less wind and sun [GW]: pay to stay on, nothing, lignite, gas, scarcity.
MERIT_GW = (-32, -18, -9, 2, 12, 20, 28, 36, 44, 52, 58, 62, 66, 72)
MERIT_EUR = (-420, -150, -25, -1, 1, 45, 76, 91, 107, 130, 170, 225, 330, 520)
# Usual starts [local hour] and their spread [h]; chance on a workday, at the weekend; [W], [min].
APPLIANCES = (
    ((6.6, 9.8, 15.6, 19.9), 0.6, 0.5, 0.6, ((1900, 5),)),  # kettle, toaster
    ((12.1,), 0.6, 0.3, 0.85, ((2400, 8), (1200, 30))),  # hob at noon
    ((18.3,), 0.5, 0.85, 0.7, ((2900, 12), (1300, 33))),  # hob in the evening
    ((18.1,), 0.4, 0.25, 0.45, ((2800, 14), (1200, 46))),  # oven
    ((19.9,), 0.6, 0.65, 0.7, ((60, 8), (2000, 13), (80, 40), (2000, 9))),  # dishwasher
    ((10.0, 17.2), 1.2, 0.2, 0.45, ((120, 5), (2050, 17), (160, 50), (420, 9))),  # washing
    ((5.0, 14.5), 0.3, 0.6, 0.6, ((1100, 50),)),  # the heat pump makes hot water
)
AWAKE_W = (25, 5, 5, 55, 50, 40, 60, 50, 70, 150, 210, 160)  # light and screens at even hours
# fmt: on
HEAT_W_PER_K, LIMIT_C = 215.0, 15.5  # an insulated house of 160 m2; above the limit no heating
LOWEST_W, BUFFER_WH = 500.0, 600.0  # slowest compressor; electric warmth owed before it starts
HISTORY_DAYS = 84  # twelve weeks: what a household programme has typically seen
PEAK_W, INVERTER_W = 9_900.0, 10_000.0  # panels under standard light; limit of the inverter
TILT, RIDGE = 30.0, 11.0  # [degrees]: panels, facing south; woods that hide January's low sun


class Steps:
    """The steps of whole local days, with the local clock [h] and the number of the day."""

    def __init__(self, monday: str, minutes: int, days: int = 7) -> None:
        """Lay out the steps: a local day has 92, 96 or 100 quarters."""
        start, length = pd.Timestamp(monday, tz="Europe/Berlin"), pd.Timedelta(minutes=minutes)
        self.index = pd.date_range(start, start + pd.DateOffset(days=days), freq=length)[:-1]
        self.middle = self.index + length / 2
        self.hour = self.index.hour.to_numpy() + self.index.minute.to_numpy() / 60
        self.day = pd.factorize(self.index.date)[0]
        self.weekend = (self.index.day_of_week.to_numpy() > 4).astype(int)
        self.count = len(self.day)
        self.noons = self.day + self.hour / 24 - 0.5  # where daily values are joined by lines


def wander(count: int, every: int, rng: np.random.Generator) -> Floats:
    """Return noise of variance 1 that forgets its value within `every` steps."""
    knots: Floats = rng.standard_normal(count // every + 2) * np.sqrt(1.5)  # lines cost a third
    return np.interp(np.arange(count) / every + rng.random(), range(len(knots)), knots)


def sin_height(at: pd.DatetimeIndex, latitude: float, longitude: float) -> Floats:
    """Return the sine of the sun's height above flat ground, 0 at night (Cooper's formula)."""
    days = np.asarray((at - pd.Timestamp("2026-03-22T00:00Z")) / pd.Timedelta(days=1), dtype=float)
    year, here = 2 * np.pi * days / 365.25, np.radians(latitude)
    sundial = 9.87 * np.sin(2 * year) - 7.53 * np.cos(year) - 1.5 * np.sin(year)  # [min] ahead
    turn = 2 * np.pi * (days - 0.5 + longitude / 360 + sundial / 1440)
    lean = np.radians(23.45) * np.sin(year)
    height: Floats = np.sin(lean) * np.sin(here) + np.cos(lean) * np.cos(here) * np.cos(turn)
    return np.clip(height, 0, None)


def prices(week: Week, rng: np.random.Generator) -> Floats:
    """Return the net day-ahead price [EUR/MWh]: what demand less wind and sun costs."""
    step = Steps(week.monday, 15)
    demand = np.interp(step.hour, EVEN_HOURS, DEMAND_GW, period=24) * week.demand
    demand *= np.where(step.weekend, 0.85, 1)  # factories stand still
    demand += np.array(week.evening_gw)[step.day] * np.exp(-((step.hour - week.dusk) ** 2) / 1.7)
    sky = 0.25 + 0.7 * np.array(week.sun)[step.day]  # elsewhere the weather is more average
    rest: Floats = demand - np.interp(step.noons, DAYS, week.wind_gw)
    rest -= 65 * sky * sin_height(step.middle, *GERMANY)  # [GW] if the sun stood straight above
    rest += 1.2 * wander(step.count, 16, rng) + 0.35 * rng.standard_normal(step.count)  # [GW]
    hour: Floats = rest.reshape(-1, 4).mean(axis=1).repeat(4)  # 2.3: few plants keep pace
    return week.fuel * np.interp(hour + 2.3 * (rest - hour), MERIT_GW, MERIT_EUR)


def heat_pump(outside_c: Floats, hour: Floats, rng: np.random.Generator) -> Floats:
    """Return the power of the heating [W] per minute: steady in frost, in turns else."""
    work = np.clip(LIMIT_C - outside_c, 0, None) / (3.1 + 0.07 * outside_c)  # COP, to a warm floor
    wanted = HEAT_W_PER_K * work * np.where((hour < 5) | (hour > 22), 0.75, 1.1)  # less at night
    power, owed_wh, running = np.zeros(len(wanted)), BUFFER_WH * rng.random(), wanted[0] > LOWEST_W
    for minute, watts in enumerate(wanted.tolist()):
        running = owed_wh > (0 if running else BUFFER_WH)
        power[minute] = max(LOWEST_W, watts + owed_wh / 3) if running else 0.0
        owed_wh += (watts - power[minute]) / 60
    return power * (1 + 0.07 * wander(len(power), 20, rng))


def appliances(step: Steps, rng: np.random.Generator) -> Floats:
    """Return the power of everything that somebody switches on [W] per minute."""
    power = np.zeros(step.count)
    for first in np.flatnonzero(np.diff(step.day, prepend=-1)):
        rest = step.weekend[first]  # people get up 1.6 h later
        for hours, spread_h, workday, weekend, phases in APPLIANCES:
            for usual in hours:
                start = usual + spread_h * rng.standard_normal() + 1.6 * (usual < 10) * rest
                at = first + int(np.argmax(step.hour[first : first + 1500] >= start))
                size, luck = 1 + 0.12 * rng.standard_normal(), rng.random()
                for watts, minutes in phases:
                    if luck < (weekend if rest else workday):
                        power[at : at + minutes] += watts * size
                    at += minutes
    return power


def load(week: Week, rng: np.random.Generator, days: int = 7) -> Floats:
    """Return what the house uses [W]: minutes, averaged over 15 as a meter does."""
    step = Steps(week.monday, 1, days)
    swing = (1.5 + 3.5 * np.resize(week.sun, days))[step.day]  # [K] more under a clear sky
    outside_c = np.interp(step.noons, np.arange(days), week.outside_c)
    outside_c += swing * np.cos((step.hour - 15) * np.pi / 12)
    active = 0.6 * wander(step.count, 200, rng) + 0.4 * step.weekend * (abs(step.hour - 13) < 5)
    power = np.interp(step.hour, EVEN_HOURS, AWAKE_W, period=24) * np.exp(active)
    power += 125 + 12 * wander(step.count, 240, rng)  # router, ventilation; then the fridge:
    power += 110 * ((np.arange(step.count) / 55 + 0.5 * wander(step.count, 180, rng)) % 1 < 0.4)
    power += appliances(step, rng) + heat_pump(outside_c, step.hour, rng)
    return np.asarray(power.reshape(-1, 15).mean(axis=1), dtype=float)


def load_forecast(week: Week, rng: np.random.Generator) -> Floats:
    """Return the mean of workdays or weekends by time of day [W], over the weeks before."""
    monday = f"{pd.Timestamp(week.monday) - pd.Timedelta(days=HISTORY_DAYS):%Y-%m-%d}"
    outside = np.mean(week.outside_c) + 2.5 * rng.standard_normal(HISTORY_DAYS)
    past = week._replace(monday=monday, outside_c=tuple(outside.tolist()))
    old, new = Steps(monday, 15, HISTORY_DAYS), Steps(week.monday, 15)
    key = old.weekend * 96 + (old.hour * 4).astype(int)
    mean = np.bincount(key, load(past, rng, HISTORY_DAYS)) / np.bincount(key)
    day = np.mean([np.roll(mean.reshape(2, 96), k, axis=1) for k in range(-2, 3)], axis=0)
    return np.asarray(day[new.weekend, (new.hour * 4).astype(int)], dtype=float)


def panels(week: Week, open_sky: Floats, white: Floats) -> Floats:
    """Return the roof's AC power [W] from the shares of the light past and through clouds."""
    step = Steps(week.monday, 5)
    height = sin_height(step.middle, *SITE)
    plane = sin_height(step.middle, SITE[0] - TILT, SITE[1])  # tilted = flat, further south
    beam = week.clear * 1361 * 0.7 ** ((1 / np.clip(height, 0.02, None)) ** 0.678) * (height > 0)
    blue = 0.11 * 1361 * height**0.7  # the clear sky itself [W/m2]
    free = np.clip((height - np.sin(np.radians(RIDGE))) / 0.03 + 0.5, 0, 1)  # of the woods
    around = np.convolve(np.pad(open_sky, 9, mode="edge"), np.full(19, 1 / 19), mode="valid")
    light = beam * plane * free * open_sky + blue * (0.4 + 0.6 * around)
    light += white * (beam * height + blue) * (1 - around)  # clouds beside the sun add light
    hotter = np.interp(step.noons, DAYS, week.outside_c) + 0.028 * light - 25  # than in the test
    power = PEAK_W * light / 1000 * (1 - 0.0035 * hotter) * 0.85 * 0.965  # dirt, wires; inverter
    return np.asarray(np.clip(power, 0, INVERTER_W).reshape(-1, 3).mean(axis=1), dtype=float)


def pv(week: Week, rng: np.random.Generator) -> Floats:
    """Return what the roof gives [W]: slow weather, with single clouds passing."""
    step = Steps(week.monday, 5)
    cloud = 0.75 * wander(step.count, 4, rng) + 0.66 * wander(step.count, 15, rng)
    lit = sin_height(step.middle, *SITE) > 0.1
    mean = np.bincount(step.day[lit], cloud[lit]) / np.bincount(step.day[lit])
    edge = np.array([np.log(share / (1 - share)) / 1.7 for share in week.sun])  # of a bell curve
    open_sky = 1 / (1 + np.exp((cloud - (mean + edge)[step.day]) / 0.25))  # soft edges
    white = 0.3 * wander(step.count, 24, rng) + 0.15 * wander(step.count, 4, rng)
    return panels(week, open_sky, (0.11 + 0.22 * np.array(week.sun)[step.day]) * np.exp(white))


def pv_forecast(week: Week, actual: Floats, rng: np.random.Generator) -> Floats:
    """Return the roof [W] with the right sun and the wrong clouds, as the evening before."""
    count = len(actual)
    clear, window = panels(week, np.ones(3 * count), np.zeros(3 * count)), np.full(17, 1 / 17)
    fronts = np.convolve(actual, window, "same") / (np.convolve(clear, window, "same") + 1)
    error = (0.22 * rng.standard_normal(7))[Steps(week.monday, 15).day]
    error = np.exp((error + 0.3 * wander(count, 12, rng)) * (1.3 - fronts))  # fine days are sure
    return np.asarray(clear * np.clip(fronts * error, 0.05, 1.0), dtype=float)


def make(name: str) -> dict[str, pd.Series[float]]:
    """Return the five columns of a week by file, rounded as they are written."""
    week = WEEKS[name]
    rng = {file: np.random.default_rng([SEED, *f"{name}/{file}".encode()]) for file in COLUMNS}
    made = {"prices": prices(week, rng["prices"]).round(2) + 0.0}  # no -0.00
    made |= {"load": load(week, rng["load"]).round(), "roof": pv(week, rng["roof"]).round()}
    made["load_forecast"] = load_forecast(week, rng["load_forecast"]).round()
    made["roof_forecast"] = pv_forecast(week, made["roof"], rng["roof_forecast"]).round()
    start = pd.Index([at.isoformat() for at in Steps(week.monday, 15).index], name="start")
    return {file: pd.Series(made[file], start, name=COLUMNS[file]) for file in COLUMNS}


def main() -> None:
    """Write `<week>/<file>.csv`, or print the table of README.md [EUR/MWh, kWh]."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, metavar="DIR")
    parser.add_argument("--describe", action="store_true", help="print the table, write nothing")
    chosen, table = parser.parse_args(), HEAD
    for name in WEEKS:
        made = make(name)
        spot, *powers = made.values()
        cells = [f"{value:.2f}" for value in (spot.min(), spot.mean(), spot.max())]
        cells += [f"{(spot < 0).sum()}", *(f"{watts.sum() / 4000:.1f}" for watts in powers)]
        table += f"| {name} | {len(spot)} | {' | '.join(cells)} |\n"
        for file, values in made.items() if not chosen.describe else ():
            path, form = chosen.out / name / f"{file}.csv", "%.2f" if file == "prices" else "%.0f"
            path.parent.mkdir(parents=True, exist_ok=True)
            values.to_csv(path, float_format=form, lineterminator="\n")
    print(table if chosen.describe else "", end="")


if __name__ == "__main__":
    main()
