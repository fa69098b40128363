"""What a forecast of load and roof is worth: errors and euros on real homes.

Run by hand: `python tests/bench/forecasts.py FOLDER`, where FOLDER holds the real series (their
README says which; they are not part of this project). Each home's battery is planned once a day at
14:00 with what was known then, and controlled by the worth of stored energy on what really came.

Honest limits: one value a step (15, 30 or 60 min as metered), so peaks within a step are missing;
roof forecasts of K16 and K17 are the measured roof times a seeded factor a day (sigma 0.25), E's is
the real one of its running system, A has no roof; the roof of F is the mean of the days before.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from optimizer.control import power_band
from optimizer.forecast import load_forecast, pv_forecast
from optimizer.model import frames
from optimizer.model.battery import Battery
from optimizer.model.currency import EUR, Currency
from optimizer.model.grid import Grid, Rule
from optimizer.model.plan import interpolate
from optimizer.planning import water_value_exact
from optimizer.planning.end_value import auto_end_value
from optimizer.planning.task import ForecastStep, Task

ZONE = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)
OWN = "this program's"


@dataclass(frozen=True)
class Home:
    """A home on one grid of steps; NaN where nothing is known."""

    name: str
    data: pd.DataFrame
    """`load_w, pv_w, pv_forecast_w, spot`, UTC."""
    step: timedelta
    battery: Battery
    warm_days: int

    @property
    def days(self) -> list[datetime]:
        """14:00 of each day on which a plan is made."""
        first, last = (self.data.index[n].tz_convert(ZONE).date() for n in (0, -1))
        count = (last - first).days - 1
        noon = [datetime.combine(first + n * DAY, time(14), ZONE) for n in range(count)]
        return [at.astimezone(UTC) for at in noon[self.warm_days :]]


def _read(folder: Path, name: str) -> pd.DataFrame:
    frame = pd.read_csv(folder / f"{name}.csv.gz")
    frame.index = pd.DatetimeIndex(pd.to_datetime(frame.pop("start"), utc=True), name="start")
    return frame.astype(float)


def _spot(folder: Path, step: timedelta) -> pd.Series:
    hours = _read(folder, "prices_DE-LU_60min_2020-2025").iloc[:, 0]
    quarters = _read(folder, "prices_DE-LU_15min_2025-2026").iloc[:, 0]
    fine = hours.resample("15min").ffill()
    both = pd.concat([fine[fine.index < quarters.index[0]], quarters])
    return both.resample(step).mean() / 1000


def _shifted(frame: pd.DataFrame, days: int) -> pd.DataFrame:
    """Other dates, same weekday and time on the wall."""
    local = frame.index.tz_convert(ZONE).tz_localize(None) + pd.Timedelta(days=days)
    moved = frame.set_axis(local.tz_localize(ZONE, ambiguous="NaT", nonexistent="NaT"))
    moved = moved[moved.index.notna() & ~moved.index.duplicated()]
    return moved.set_axis(moved.index.tz_convert("UTC"))


def homes(folder: Path) -> Iterator[Home]:
    """The five cases."""
    half, hour, quarter = (timedelta(minutes=n) for n in (30, 60, 15))
    large = Battery(capacity_wh=22_000)
    small = Battery(capacity_wh=10_000, max_charge_w=5_000, max_discharge_w=5_000)
    konstanz = _read(folder, "load_konstanz-res4_60min_2015-2017").join(
        _read(folder, "pv_konstanz-res4_60min_2015-2017")
    )
    chance = np.random.default_rng(16)
    for name, begin, end, days in (
        ("K16", "2015-12-18", "2016-12-31", 2912), ("K17", "2016-11-04", "2017-11-16", 2919),
    ):  # fmt: skip
        data = _shifted(konstanz[begin:end], days)
        day = pd.factorize(data.index.tz_convert(ZONE).date)[0]
        factors = np.exp(chance.normal(-0.03, 0.25, day.max() + 1))
        data["pv_forecast_w"] = data["pv_w"] * factors[day]
        yield Home(name, data.join(_spot(folder, hour).rename("spot")), hour, large, 14)
    pv_e = _read(folder, "pv_emhass-home_30min_2024-2025")
    data = _read(folder, "load_emhass-home_30min_2024-2025").join(pv_e)
    yield Home("E", data.join(_spot(folder, half).rename("spot")), half, small, 14)
    data = _read(folder, "load_salzburg-home_15min_2026")
    data[["pv_w", "pv_forecast_w"]] = 0.0
    yield Home("A", data.join(_spot(folder, quarter).rename("spot")), quarter, small, 14)
    data = _read(folder, "fems_home22kwh_15min_2022-11")[["load_w", "pv_w"]]
    by_time = data["pv_w"].groupby([data.index.hour, data.index.minute])
    past = by_time.transform(lambda series: series.shift().expanding().mean())
    data["pv_forecast_w"] = past
    yield Home("F", data.join(_spot(folder, quarter).rename("spot")), quarter, large, 4)


# Load: what others do, and this program. Each gets the past as days x time of day (the last row is
# today, NaN from now on) and gives today's and tomorrow's load.

Matrix = np.ndarray


def _filled(values: np.ndarray, days: Matrix) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nanmean(days))


def _flat(days: Matrix) -> Matrix:
    return np.full((2, days.shape[1]), np.nanmean(days[-28:]))


def _yesterday(days: Matrix) -> Matrix:
    today = np.where(np.isfinite(days[-1]), days[-1], days[-2])
    return np.vstack([days[-2], today])


def _weekdays(days: Matrix) -> Matrix:
    rows = [days[-8:-36:-7], days[-7:-35:-7]]
    return np.vstack([np.nanmean(part, axis=0) for part in rows])


def _mean_14(days: Matrix) -> Matrix:
    return np.vstack([np.nanmean(days[-15:], axis=0)] * 2)


def _level(days: Matrix, profile: np.ndarray) -> float:
    last = np.where(np.isfinite(days[-1]), days[-1], days[-2])
    known = np.isfinite(last) & np.isfinite(profile)
    return float(np.sqrt(last[known].sum() / profile[known].sum()))


def _smooth(days: Matrix, alpha: float) -> np.ndarray:
    profile = np.nanmean(days, axis=0)
    for row in days:
        profile = np.where(np.isfinite(row), profile + alpha * (row - profile), profile)
    return profile


def _ew(days: Matrix) -> Matrix:
    profile = _smooth(days[-60:], 0.08)
    return np.vstack([profile * _level(days, profile)] * 2)


NAIVE: dict[str, Callable[[Matrix], Matrix]] = {
    "flat mean of 28 days": _flat,
    "yesterday": _yesterday,
    "mean of 4 same weekdays": _weekdays,
    "mean of 14 days": _mean_14,
    "EW 0.08 x sqrt(level)": _ew,
}


def load_forecasts(home: Home) -> dict[str, dict[datetime, pd.Series]]:
    """For each method and plan the load on the steps ahead."""
    result: dict[str, dict[datetime, pd.Series]] = {name: {} for name in (*NAIVE, OWN, "perfect")}
    series = home.data["load_w"].where(home.data["load_w"] > 1)
    known = home.data[["load_w"]].dropna()
    known.insert(0, "end", known.index + home.step)
    local = series.index.tz_convert(ZONE)
    table = series.groupby([local.date, local.hour * 60 + local.minute]).mean().unstack()
    for at in home.days:
        ahead = _ahead(home, at)
        here = ahead.tz_convert(ZONE)
        today = here[0].date()
        rows = table[table.index <= today].to_numpy(copy=True)
        minutes = np.asarray(table.columns)
        rows[-1, minutes >= 14 * 60] = np.nan
        row = np.array([int(moment.date() > today) for moment in here])
        column = np.searchsorted(minutes, here.hour * 60 + here.minute)
        for name, method in NAIVE.items():
            values = _filled(method(rows), rows)[row, column]
            result[name][at] = pd.Series(values, ahead)
        own = load_forecast.load_forecast(
            known[known["end"] <= at], at, ahead[-1].to_pydatetime() + home.step, at, ZONE, 4000
        ).frame
        fine = frames.on_steps(own, _steps(ahead, home))["load_w"]
        result[OWN][at] = fine.set_axis(ahead)
        result["perfect"][at] = series[ahead].fillna(fine)
    return result


def _ahead(home: Home, at: datetime) -> pd.DatetimeIndex:
    """Steps from 14:00 to the end of tomorrow, where tomorrow's prices end."""
    tomorrow = at.astimezone(ZONE).date() + 2 * DAY
    end = datetime.combine(tomorrow, time(), ZONE).astimezone(UTC)
    index = home.data.index
    return index[(index >= at) & (index < end)]


def _steps(ahead: pd.DatetimeIndex, home: Home) -> pd.DataFrame:
    return pd.DataFrame({"end": ahead + home.step}, index=ahead)


# Roof: as told, corrected by one factor, corrected by hour (this program).


def pv_forecasts(home: Home) -> dict[str, dict[datetime, pd.Series]]:
    """For each method and plan the roof on the steps ahead; today's measured past is known."""
    place = pv_forecast.PvSite(inverter_w=home.battery.max_ac_w)
    reported = home.data[["pv_forecast_w"]].dropna().set_axis(["pv_w"], axis=1)
    seen = home.data[["pv_w"]].dropna()
    for frame in (reported, seen):
        frame.insert(0, "end", frame.index + home.step)
    result: dict[str, dict[datetime, pd.Series]] = {
        name: {} for name in ("as told", "one factor", OWN, "own mean of 14 days", "perfect")
    }
    for at in home.days:
        ahead = _ahead(home, at)
        mean = pv_forecast.from_own_past(seen, at, ahead[-1].to_pydatetime() + home.step, at)
        fine = pd.Series(0.0, ahead)
        if mean is not None:
            fine = frames.on_steps(mean, _steps(ahead, home))["pv_w"].set_axis(ahead)
        raw = reported["pv_w"].reindex(ahead)
        correction = pv_forecast.learn_correction(reported, seen, at, place)
        hours = np.array(correction.factors)[ahead.hour]
        result["as told"][at] = raw.fillna(fine)
        result["one factor"][at] = (raw * correction.whole).fillna(fine)
        result[OWN][at] = (raw * hours).fillna(fine)
        result["own mean of 14 days"][at] = fine
        result["perfect"][at] = home.data["pv_w"].reindex(ahead).fillna(fine)
    return result


def errors(home: Home, forecasts: dict[datetime, pd.Series], column: str) -> str:
    """Hourly and daily mean absolute error and bias of tomorrow, as shares of the mean."""
    rows = []
    for at, series in forecasts.items():
        tomorrow = series.index >= at + timedelta(hours=10)
        actual = home.data[column].reindex(series.index)
        rows.append(pd.DataFrame({"reported": series, "came": actual})[tomorrow])
    pair = pd.concat(rows).dropna()
    hourly = pair.groupby(pair.index.floor("h")).mean()
    daily = pair.groupby(pair.index.tz_convert(ZONE).date).mean()
    mean = pair["came"].mean()
    parts = [(frame["reported"] - frame["came"]).abs().mean() / mean for frame in (hourly, daily)]
    return f"{parts[0]:6.3f} {parts[1]:6.3f} {pair['reported'].mean() / mean - 1:+6.3f}"


# Money.


@dataclass(frozen=True)
class Money:
    """A tariff in short."""

    name: str
    variable: bool
    sell: float = 0.08

    def buy(self, spot: float, at: pd.Timestamp) -> float:
        """Price of the next kWh [EUR/kWh]."""
        if not self.variable:
            return 1.19 * spot + 0.19
        fee = 0.02 if at.hour < 6 else 0.155 if 17 <= at.hour < 21 else 0.10
        return 1.19 * (spot + fee + 0.07)


FIXED, VARIABLE = Money("fix", False), Money("14a", True)


@dataclass(frozen=True)
class _Table:
    """What `power_band.by_value` asks a plan for."""

    soc_wh: tuple[float, ...]
    override: None = None
    value_kink_wh: None = None
    money: Currency = EUR

    def value_at(self, step: "_Now", soc_wh: float) -> float:
        return interpolate(soc_wh, self.soc_wh, step.values)


@dataclass(frozen=True)
class _Now:
    buy_eur_per_kwh: float
    sell_eur_per_kwh: float
    values: tuple[float, ...]


def _tables(home: Home, money: Money, load_w: dict[datetime, pd.Series],
            pv_w: dict[datetime, pd.Series]) -> dict[datetime, tuple[_Table, _Now]]:  # fmt: skip
    """The worth of stored energy for each step, from the newest plan."""
    result = {}
    for at, loads in load_w.items():
        spots = home.data["spot"].reindex(loads.index)
        ahead = tuple(
            ForecastStep(start.to_pydatetime(), start.to_pydatetime() + home.step,
                         money.buy(spot, start.tz_convert(ZONE)), money.sell, max(watts, 0.0), sun)
            for start, spot, watts, sun in zip(loads.index, spots, loads, pv_w[at], strict=True)
        )  # fmt: skip
        marginal_value = auto_end_value(ahead, home.battery)
        task = Task(
            ahead, home.battery, Grid(rule=Rule.GRID_CHARGE), home.battery.min_wh, (marginal_value,)
        )
        found = water_value_exact.water_values(task)
        table = _Table(found.soc_wh)
        for step, values in zip(ahead, found.table, strict=True):
            result[step.start] = (table, _Now(step.buy, step.sell, values))
    return result


def bill(home: Home, money: Money, load_w: dict[datetime, pd.Series] | None,
         pv_w: dict[datetime, pd.Series]) -> float:  # fmt: skip
    """Cost of the whole span [EUR], energy left counted at 20 ct; None is self-consumption."""
    tables = {} if load_w is None else _tables(home, money, load_w, pv_w)
    battery, hours = home.battery, home.step / timedelta(hours=1)
    soc_wh, total = battery.min_wh, 0.0
    first, last = home.days[0], home.days[-1]
    span = home.data[(home.data.index >= first) & (home.data.index < last + DAY)]
    for start, watts, sun, spot in zip(
        span.index.to_pydatetime(), span["load_w"], span["pv_w"], span["spot"], strict=True
    ):
        if not np.isfinite([watts, sun, spot]).all():
            continue
        need = watts - sun
        low, high = -battery.max_charge_w, battery.max_discharge_w
        if start in tables:
            found = power_band.by_value(*tables[start], soc_wh, battery, Rule.GRID_CHARGE)
            low, high = max(low, found.lowest_w), min(high, found.highest_w)
        wanted = min(max(need, low), high, max(need, 0.0))
        battery_w, soc_wh = battery.step(soc_wh, wanted, hours)
        grid = need - battery_w
        price = money.buy(spot, pd.Timestamp(start).tz_convert(ZONE)) if grid > 0 else money.sell
        total += grid * hours / 1000 * price
    return total - 0.20 * (soc_wh - battery.min_wh) / 1000


def main() -> None:
    """Print both tables for each home."""
    folder = Path(sys.argv[1])
    chosen = sys.argv[2:]
    for home in homes(folder):
        if chosen and home.name not in chosen:
            continue
        pv_systems, loads = pv_forecasts(home), load_forecasts(home)
        print(f"{home.name}: {len(home.days)} days, mean load {home.data['load_w'].mean():.0f} W")
        without_plan = {money.name: bill(home, money, None, {}) for money in (FIXED, VARIABLE)}
        print(f"  {'load, MAE of hours, of days, bias; extra EUR':45} fix, 14a")
        reported = pv_systems["as told"] if home.name != "A" else pv_systems["perfect"]
        for name, forecasts in loads.items():
            _line(home, name, forecasts, reported, without_plan, errors(home, forecasts, "load_w"))
        if home.data["pv_w"].max() > 0:
            print(f"  {'roof, MAE of hours, of days, bias; extra EUR':45} fix, 14a")
            for name, forecasts in pv_systems.items():
                text = errors(home, forecasts, "pv_w")
                _line(home, name, loads[OWN], forecasts, without_plan, text)


def _line(
    home: Home,
    name: str,
    load_w: dict[datetime, pd.Series],
    pv_w: dict[datetime, pd.Series],
    without_plan: dict[str, float],
    text: str,
) -> None:
    extra = [
        without_plan[money.name] - bill(home, money, load_w, pv_w) for money in (FIXED, VARIABLE)
    ]
    print(f"    {name:24} {text}   {extra[0]:7.2f} {extra[1]:7.2f}", flush=True)


if __name__ == "__main__":
    main()
