"""Findings about numbers that are hardly meant: kW for W, ct for EUR, 0.19 for 19 %.

Pure; shared by `init`, `check` and the start of `run`. Each warning names the likely meaning.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from optimizer.doctor.finding import Finding, Group
from optimizer.model.battery import Battery
from optimizer.model.currency import EUR, Currency
from optimizer.model.grid import Grid
from optimizer.model.tariff import Tariff

NUMBERS = Group("numbers")

LEAST_W = 200.0
"""Powers of a home battery below this are kW [W]."""

LEAST_WH = 1_000.0
"""Capacities below this are kWh [Wh]."""

LARGEST_PART_EUR = 0.5
"""Parts of a price above this are ct [EUR/kWh]; the dearest European grid fee is below 0.30."""

PARTS = ("markup", "levies", "tax", "concession", "grid_fee")

UNUSUAL_EUR = (-0.6, 1.0)
"""Prices of a kWh now outside of this range are hardly those of a bill [EUR/kWh]."""

OVERSIZED, UNDERSIZED = 2.0, 0.4
"""Usual range of a PV system's peak power beside its inverter's rating [1]."""


@dataclass(frozen=True, slots=True)
class StatedNumbers:
    """Numbers of a configuration."""

    battery: Battery
    grid: Grid
    tariff: Tariff | None
    kwp: float
    """Peak power of the PV system [kW]; 0 without one."""
    inverter_w: float
    annual_kwh: float
    money: Currency = EUR
    """Currency of the prices."""


def findings(stated: StatedNumbers) -> Iterator[Finding]:
    """Warnings about single numbers; none if all are plausible."""
    yield from _powers(stated)
    yield from _percentages(stated)
    if stated.tariff is not None:
        yield from _tariff(stated.tariff, stated.money)
    yield from _pv(stated)
    if 0 < stated.annual_kwh < 100:
        yield _meant("load", "annual_kwh", stated.annual_kwh, stated.annual_kwh * 1000, "kWh")


def _powers(stated: StatedNumbers) -> Iterator[Finding]:
    battery, grid = stated.battery, stated.grid
    powers = (
        ("battery", "max_charge_w", battery.max_charge_w),
        ("battery", "max_discharge_w", battery.max_discharge_w),
        ("battery", "max_ac_w", battery.max_ac_w),
        ("grid", "max_buy_w", grid.max_buy_w),
        ("grid", "max_sell_w", grid.max_sell_w),
        ("pv", "inverter_w", stated.inverter_w),
    )
    for section, key, watts in powers:
        if 0 < watts < LEAST_W:
            yield _meant(section, key, watts, watts * 1000, "W")
    if battery.capacity_wh < LEAST_WH:
        likely = battery.capacity_wh * 1000
        yield _meant("battery", "capacity_wh", battery.capacity_wh, likely, "Wh")


def _percentages(stated: StatedNumbers) -> Iterator[Finding]:
    percentages = [
        ("battery", "min_soc_percent", stated.battery.min_soc_percent),
        ("battery", "max_soc_percent", stated.battery.max_soc_percent),
    ]
    if stated.tariff is not None:
        percentages.append(("tariff", "vat_percent", stated.tariff.vat_percent))
    for section, key, percent in percentages:
        if 0 < percent <= 1:
            yield _meant(section, key, percent, percent * 100, "%")


def _tariff(tariff: Tariff, money: Currency) -> Iterator[Finding]:
    largest, unit = LARGEST_PART_EUR * money.size, f"{money.code}/kWh"
    for part in PARTS:
        key = f"{part}_eur_per_kwh"
        eur = getattr(tariff, key)
        if abs(eur) > largest:
            yield _meant("tariff", key, eur, eur / 100, unit)
    sold = tariff.export.eur_per_kwh
    if sold > largest:
        yield _meant("tariff.export", "eur_per_kwh", sold, sold / 100, unit)


def _pv(stated: StatedNumbers) -> Iterator[Finding]:
    kwp, inverter_kw = stated.kwp, stated.inverter_w / 1000
    if kwp <= 0 or stated.inverter_w < LEAST_W:
        return
    if kwp > 50 * inverter_kw:
        yield _meant("pv", "kwp", kwp, kwp / 1000, "kW")
    elif not UNDERSIZED * inverter_kw <= kwp <= OVERSIZED * inverter_kw:
        yield NUMBERS.warn(
            "pv kwp", f"{kwp:g} kWp of modules on an inverter of {inverter_kw:g} kW is unusual",
            "set [pv] inverter_w to its AC rating, and kwp to the modules' peak power in kW",
        )  # fmt: skip


def _meant(section: str, key: str, value: float, likely: float, unit: str) -> Finding:
    return NUMBERS.warn(
        key, f"[{section}] {key} is {value:g} {unit}: {likely:g} {unit} is likely meant",
        f"set [{section}] {key} = {likely:_.10g}",
    )  # fmt: skip


def price_now(
    buy_eur_per_kwh: float, sell_eur_per_kwh: float | None, spot_eur_per_kwh: float | None,
    tariff: Tariff | None, money: Currency = EUR,
) -> Finding:  # fmt: skip
    """The price of this moment with its parts, for comparison with the bill."""
    text = f"{money.price(buy_eur_per_kwh)}/kWh to buy"
    if spot_eur_per_kwh is not None:
        vat = 0.0 if tariff is None else tariff.vat_percent / 100
        net = buy_eur_per_kwh / (1 + vat)
        parts = (spot_eur_per_kwh, net - spot_eur_per_kwh, buy_eur_per_kwh - net)
        words = zip(("exchange", "fees", "VAT"), parts, strict=True)
        text += f" ({', '.join(f'{name} {money.number(eur)}' for name, eur in words)})"
    if sell_eur_per_kwh is not None:
        text += f", {money.number(sell_eur_per_kwh)} to sell"
    low, high = (bound * money.size for bound in UNUSUAL_EUR)
    if not low <= buy_eur_per_kwh <= high:
        return NUMBERS.warn("price now", text, "compare the parts in [tariff] with your bill")
    return NUMBERS.ok("price now", text)
