"""The axes of a study: homes, batteries, tariffs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import time
from pathlib import Path

from optimizer.analysis import sample
from optimizer.analysis.backtest import series
from optimizer.analysis.backtest.case import Case
from optimizer.errors import ConfigError
from optimizer.model.battery import Battery
from optimizer.model.tariff import Export, FeeWindow, Tariff

PARTS = Tariff(
    levies_eur_per_kwh=0.19 / 1.19 - 0.10,
    grid_fee_eur_per_kwh=0.10,
    vat_percent=19,
    export=Export(eur_per_kwh=0.08),
    zone=sample.ZONE,
)
"""1.19 x spot + 19 ct, of which 10 ct are the grid fee (net); 8 ct for the roof's energy."""

WINDOWS = (FeeWindow(time(0), time(6), 0.02), FeeWindow(time(17), time(21), 0.155))
"""Time-variable grid fees (section 14a, module 3), typical ones, all year; net."""

FLAT_EUR_PER_KWH = 0.30

TARIFFS = {
    "fix": PARTS,
    "neg0": replace(PARTS, export=Export(eur_per_kwh=0.08, zero_when_spot_negative=True)),
    "14a": replace(PARTS, windows=WINDOWS),
    "flat": PARTS,
}
"""Dynamic with a fixed feed-in pay; the same with none while the spot price is negative; with
time-variable grid fees; one price all year (30 ct), where nothing is to be earned."""


def battery(text: str) -> Battery:
    """A battery from its capacity and power.

    Raises
    ------
    ConfigError
        If it is no such text.

    Examples
    --------
    >>> battery("11/5").max_charge_w
    5000.0
    """
    size, _, power = text.partition("/")
    try:
        capacity_wh, power_w = float(size) * 1000, float(power or 10) * 1000
    except ValueError:
        capacity_wh = power_w = 0.0
    if not (0 < capacity_wh <= 1e6 and 0 < power_w <= 1e6):
        raise ConfigError(f"battery '{text}': write kWh, or kWh/kW, such as 22 or 11/5")
    return replace(
        sample.BATTERY, capacity_wh=capacity_wh, max_charge_w=power_w, max_discharge_w=power_w
    )


def tariff(name: str) -> Tariff:
    """A tariff by its name.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in TARIFFS:
        raise ConfigError(f"tariff '{name}' is not known: {', '.join(TARIFFS)}")
    return TARIFFS[name]


def cases(
    folders: Sequence[Path], batteries: Sequence[Battery], tariffs: Sequence[str],
    tick_minutes: int, seed: int, *, learned: bool,
) -> Iterator[Case]:  # fmt: skip
    """Every home with every battery and tariff."""
    chosen = [(name, tariff(name)) for name in tariffs]
    for path in folders:
        known = series.folder(path)
        for name, fees in chosen:
            for one in batteries:
                home = series.Home(one, sample.GRID, fees, sample.ZONE, tick_minutes, seed)
                title = f"{path.name}, {one.capacity_wh / 1000:g} kWh, {name}"
                case = series.case_of(title, known, home, learned=learned)
                yield at_one_price(case) if name == "flat" else case


def at_one_price(case: Case) -> Case:
    """The same home with one price all the time."""
    return replace(case, buy=0 * case.buy + FLAT_EUR_PER_KWH)
