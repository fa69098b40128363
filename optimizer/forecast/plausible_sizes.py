"""Plausible sizes of a house's figures: the one place that knows what looks like another unit.

Sources refuse what no connection can carry (`model/ranges.py`). Here are figures that a house can
have for a moment and not for a year: `read`, `check`, `init` and the planner's notes use the same
sentences. Bounds: a flat of one person draws 600 kWh a year, a farm with electric heating 45,000;
PV in Europe yields 600 to 1,900 kWh a year for each kWp (PVGIS, 35 to 70 degrees north), and its
best quarter-hour stays below 1.3 times the peak power. Prices to end customers in Europe, all-in,
were 5 to 70 ct/kWh on average over a month of 2019 to 2026; the exchange's own 0.4 to 90 ct.
"""

from datetime import timedelta

import pandas as pd

from optimizer.model import frames
from optimizer.model.currency import EUR, Currency
from optimizer.sources import price_checks

YEAR_H = 8_766.0
LOAD_KWH = (400.0, 60_000.0)
"""Energy that a house uses in a year [kWh]."""
PV_MOST_TIMES = 1.5
"""Highest plausible quarter-hour of PV against its peak power."""
PRICE_EUR_PER_KWH = (0.004, 0.9)
"""Mean of absolute prices over a day or more, spot or all-in [EUR/kWh]."""
ALL_IN_EUR_PER_KWH = (0.04, 0.9)
"""The same of prices that nobody gets without fees and VAT [EUR/kWh]."""
TENFOLD = 3.0
"""Times the highest mean from which on prices look like ct rather than like ten times too much."""
LEAST_SPAN = timedelta(days=1)
"""Shorter series say nothing about a year."""


def annual_kwh(series: "pd.Series[float]", frame: pd.DataFrame) -> float:
    """Energy of a year at the mean of the known steps [kWh].

    Parameters
    ----------
    series
        Power of each step of the frame [W], NaN where unknown.
    """
    hours = (frame["end"] - frame.index).dt.total_seconds() / 3600
    known = series.notna()
    if not known.any():
        return float("nan")
    return float((series[known] * hours[known]).sum() / hours[known].sum() * YEAR_H / 1000)


def load_warning(kwh: float, where: str = "the load") -> str | None:
    """Sentence about a year's load that no house has, with the likely unit; None if it is usual.

    >>> load_warning(180, "load.field_")
    '180 kWh a year: is load.field_ in kW?'
    >>> load_warning(400_000)
    '400 000 kWh a year: is the load in W (or Wh), and not in kW (or kWh)?'
    >>> load_warning(4_000)
    """
    least, most = LOAD_KWH
    if least <= kwh <= most:
        return None
    unit = "kW" if kwh < least else "W (or Wh), and not in kW (or kWh)"
    return f"{_spaced(kwh)} kWh a year: is {where} in {unit}?"


def pv_warning(highest_w: float, kwp: float) -> str | None:
    """Sentence about PV power beyond, or far below, what the modules can give.

    Parameters
    ----------
    highest_w
        Highest mean of a step [W].
    kwp
        Peak power of the modules [kW]; 0 if it is unknown.

    >>> pv_warning(9.1, kwp=10)
    'at most 9.1 W from modules of 10 kWp: is the PV power in kW? It is read as W'
    """
    if not kwp:
        return None
    share = highest_w / (kwp * 1000)
    if share > PV_MOST_TIMES:
        return (
            f"up to {_spaced(highest_w)} W from modules of {kwp:g} kWp: another system's data, or "
            "Wh for W?"
        )
    if 0 < share < 0.01:
        return (
            f"at most {highest_w:g} W from modules of {kwp:g} kWp: is the PV power in kW? It is "
            "read as W"
        )
    return None


def price_warning(
    mean_eur_per_kwh: float, money: Currency = EUR, limits: tuple[float, float] = PRICE_EUR_PER_KWH
) -> str | None:
    """Sentence about a mean of absolute prices that looks like another unit.

    >>> price_warning(28.4)
    'prices of 2840 ct/kWh on average: are they in ct/kWh? They are read as EUR/kWh'
    >>> price_warning(0.03, limits=ALL_IN_EUR_PER_KWH)
    'prices of 3 ct/kWh on average: are they a tenth of what they should be?'
    """
    least, most = (bound * money.size for bound in limits)
    unit = money.price_unit
    if least <= mean_eur_per_kwh <= most:
        return None
    mean = f"{money.in_price_units(mean_eur_per_kwh):.4g} {unit}/kWh"
    code = money.code
    if least <= 10 * mean_eur_per_kwh <= most or most < mean_eur_per_kwh < TENFOLD * most:
        words = "ten times" if mean_eur_per_kwh > most else "a tenth of"
        return f"prices of {mean} on average: are they {words} what they should be?"
    guess = f"{code}/kWh (read as {code}/MWh)" if mean_eur_per_kwh < least else f"{unit}/kWh"
    ending = "" if mean_eur_per_kwh < least else f" They are read as {code}/kWh"
    return f"prices of {mean} on average: are they in {guess}?{ending}"


def warnings(
    frame: pd.DataFrame, kwp: float = 0.0, where: str = "the load", money: Currency = EUR
) -> tuple[str, ...]:
    """Sentences about every value column of a frame; none for spans below a day."""
    if frame.empty or frames.ends_of(frame)[-1] - frames.starts_of(frame)[0] < LEAST_SPAN:
        return ()
    found: list[str | None] = []
    if "load_w" in frame.columns:
        found.append(load_warning(annual_kwh(frame["load_w"], frame), where))
    if "pv_w" in frame.columns and frame["pv_w"].notna().any():
        found.append(pv_warning(float(frame["pv_w"].max()), kwp))
    return tuple(text for text in (*found, *_price_warnings(frame, money)) if text)


def _price_warnings(frame: pd.DataFrame, money: Currency) -> list[str]:
    """Sentences about the size and the digits of prices; the first that is one says enough."""
    names = ("spot_eur_per_kwh", "energy_eur_per_kwh", "buy_eur_per_kwh")
    prices = [frame[name].astype(float) for name in names if name in frame.columns]
    found = [price_checks.doubt(series, money) for series in prices]
    for series in prices:
        with_fees = not any((series == other).all() for other in prices[:-1])
        all_in = series.name == names[-1] and with_fees
        limits = ALL_IN_EUR_PER_KWH if all_in else PRICE_EUR_PER_KWH
        found.append(price_warning(float(series.abs().mean()), money, limits))
    return [text for text in found if text][:1]


def _spaced(number: float) -> str:
    return f"{number:,.0f}".replace(",", " ")
