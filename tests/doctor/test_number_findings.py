"""Numbers that are hardly meant: each warning names the likely one; plausible ones pass."""

from dataclasses import replace

import pytest

from optimizer.doctor import number_findings
from optimizer.doctor.finding import Level
from optimizer.doctor.number_findings import StatedNumbers
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.tariff import Export, Tariff

TARIFF = Tariff(markup_eur_per_kwh=0.018, grid_fee_eur_per_kwh=0.07, vat_percent=19)
USUAL = StatedNumbers(Battery(capacity_wh=22_000), Grid(), TARIFF, 9.9, 10_000.0, 4_000.0)


@pytest.mark.parametrize(
    "usual",
    [
        USUAL,
        replace(USUAL, tariff=None, kwp=0.0),
        replace(USUAL, grid=Grid(max_sell_w=0)),  # zero export
        replace(USUAL, battery=Battery(capacity_wh=4_000, max_charge_w=2_000, max_ac_w=3_000)),
        replace(USUAL, tariff=Tariff(vat_percent=0, markup_eur_per_kwh=-0.05)),
        replace(USUAL, kwp=15.0),
    ],
)
def test_plausible_numbers_pass(usual):
    assert list(number_findings.findings(usual)) == []


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (replace(USUAL, battery=Battery(capacity_wh=22_000, max_charge_w=10)),
         "[battery] max_charge_w is 10 W: 10000 W is likely meant"),
        (replace(USUAL, battery=Battery(capacity_wh=22)),
         "[battery] capacity_wh is 22 Wh: 22000 Wh is likely meant"),
        (replace(USUAL, battery=Battery(capacity_wh=22_000, min_soc_percent=0.05)),
         "[battery] min_soc_percent is 0.05 %: 5 % is likely meant"),
        (replace(USUAL, tariff=replace(TARIFF, vat_percent=0.19)),
         "[tariff] vat_percent is 0.19 %: 19 % is likely meant"),
        (replace(USUAL, tariff=replace(TARIFF, markup_eur_per_kwh=1.8)),
         "[tariff] markup_eur_per_kwh is 1.8 EUR/kWh: 0.018 EUR/kWh is likely meant"),
        (replace(USUAL, tariff=replace(TARIFF, export=Export(eur_per_kwh=0.778))),
         "[tariff.export] eur_per_kwh is 0.778 EUR/kWh: 0.00778 EUR/kWh is likely meant"),
        (replace(USUAL, kwp=990.0), "[pv] kwp is 990 kW: 0.99 kW is likely meant"),
        (replace(USUAL, kwp=30.0), "30 kWp of modules on an inverter of 10 kW is unusual"),
        (replace(USUAL, annual_kwh=4.0), "[load] annual_kwh is 4 kWh: 4000 kWh is likely meant"),
        (replace(USUAL, grid=Grid(max_buy_w=20)),
         "[grid] max_buy_w is 20 W: 20000 W is likely meant"),
    ],
)  # fmt: skip
def test_each_slip_has_one_warning_with_the_likely_number(wrong, text):
    (found,) = number_findings.findings(wrong)
    assert (found.level, found.text) == (Level.WARN, text)
    assert found.fix.startswith("set [")


def test_the_price_now_shows_its_parts():
    found = number_findings.price_now(TARIFF_PRICE, 0.0778, 0.0843, TARIFF)
    assert (found.level, found.text) == (
        Level.OK, "20.5 ct/kWh to buy (exchange 8.4, fees 8.8, VAT 3.3), 7.8 to sell"
    )  # fmt: skip
    assert number_findings.price_now(0.31, None, None, None).text == "31.0 ct/kWh to buy"
    assert number_findings.price_now(3.1, None, None, None).level is Level.WARN


TARIFF_PRICE = (0.0843 + 0.018 + 0.07) * 1.19
