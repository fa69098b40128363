"""The ledger's parts by hand-made quarter-hours: figures that can be worked out on paper."""

import random
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, OperatorLimit, Rule
from optimizer.model.plan import Intent, Plan, Step
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.savings import account, battery_path, daily_accounts
from optimizer.savings.account import DayAccount, stored_price
from optimizer.savings.battery_path import AccountingRules, HouseQuarter
from optimizer.savings.measured_day import KnownQuarters, QuarterPrice
from optimizer.text import account_text
from tests.bare_plan import bare_plan

AT = datetime(2026, 1, 14, 23, tzinfo=UTC)
END = AT + timedelta(days=1)
QUARTER = timedelta(minutes=15)
BATTERY = Battery(
    10_000, charge_efficiency=0.8, discharge_efficiency=0.5, min_soc_percent=0, wear_eur_per_kwh=0.0
)

TERMS = AccountingRules(BATTERY, Grid())


def span(residual_load_wh=0.0, surplus_wh=0.0, buy=0.4, sell=0.1, pv_w=0.0, place=0):
    return HouseQuarter(AT + place * QUARTER, 0.25, residual_load_wh, surplus_wh, pv_w, buy, sell)


def quarter(place, *, seconds=900.0, first=5_000.0, last=5_000.0, **energies):
    start = AT + place * QUARTER
    values = {"first_soc_wh": first, "soc_wh": last} | energies
    return QuarterEnergy(start, start + QUARTER, seconds=seconds, **values)


def plan(
    *, value=0.3, buy=0.4, sell=0.1, load_w=0.0, steps=4, intent=Intent.SELF_CONSUMPTION, **of_step
):
    """A plan from AT on in which a stored kWh is worth the same throughout."""
    made = tuple(
        Step(
            start=AT + place * QUARTER, end=AT + (place + 1) * QUARTER, buy_eur_per_kwh=buy,
            sell_eur_per_kwh=sell, load_w=load_w, pv_w=0.0, ess_w=0.0, grid_w=0.0, curtailed_w=0.0,
            intent=intent, stored_value_eur_per_kwh=value, values_eur_per_kwh=(value, value),
            why="", **({"battery_w": 0.0, "soc_wh": 5_000.0, "lowest_w": -1e4, "highest_w": 1e4}
                       | of_step),
        )
        for place in range(steps)
    )  # fmt: skip
    return bare_plan(made, made_at=AT, end_value_eur_per_kwh=value, value_soc_wh=(2_000.0, 8_000.0))


def known(quarters, plans=None, prices=None):
    starts = [q.start for q in quarters]
    return KnownQuarters(
        quarters,
        dict.fromkeys(starts, QuarterPrice(0.4, 0.1)) if prices is None else prices,
        {} if plans is None else plans,
    )


def test_self_consumption_serves_and_stores_in_one_quarter_hour_with_both_losses():
    followed = battery_path.battery_path([span(residual_load_wh=100, surplus_wh=200)], 5_000, TERMS)
    assert followed.bill_eur == 0
    assert followed.soc_wh == pytest.approx((5_000 - 100 / 0.5 + 200 * 0.8,))
    assert followed.worn_wh == pytest.approx(200)


def test_an_empty_battery_buys_and_a_full_one_sells():
    assert battery_path.battery_path(
        [span(residual_load_wh=500)], 0, TERMS
    ).bill_eur == pytest.approx(0.5 * 0.4)
    assert battery_path.battery_path(
        [span(surplus_wh=500)], 10_000, TERMS
    ).bill_eur == pytest.approx(-0.5 * 0.1)
    assert battery_path.no_battery_eur([span(500, 300)], Grid()) == pytest.approx(
        0.5 * 0.4 - 0.3 * 0.1
    )


def test_what_may_not_be_sold_is_throttled():
    terms = AccountingRules(BATTERY, Grid(max_sell_w=1_000))
    followed = battery_path.battery_path([span(surplus_wh=500)], 10_000, terms)
    assert followed.bill_eur == pytest.approx(-0.25 * 0.1)
    assert battery_path.no_battery_eur([span(surplus_wh=500)], terms.grid) == pytest.approx(-0.025)


def test_a_hybrids_inverter_passes_roof_and_battery_together():
    hybrid = AccountingRules(
        Battery(10_000, hybrid=True, max_ac_w=5_000, min_soc_percent=0), Grid()
    )
    # 8 kW are missing beyond 4 kW of roof: the battery may add 1 kW
    short = battery_path.battery_path([span(residual_load_wh=2_000, pv_w=4_000)], 9_000, hybrid)
    assert short.bill_eur == pytest.approx(1.75 * 0.4)
    # full, and 7 kW to spare of 8 kW: only 5 kW leave the inverter, 2 kW are throttled
    spare = battery_path.battery_path([span(surplus_wh=1_750, pv_w=8_000)], 10_000, hybrid)
    assert spare.bill_eur == pytest.approx(-(1.75 - 0.75) * 0.1)


def test_the_ideal_charge_keeps_fuse_peak_dimming_and_rule():
    charge = plan(value=1.0, steps=1)
    spans = [span(residual_load_wh=250)]

    def drawn_wh(grid, of_plan=charge):
        terms = AccountingRules(BATTERY, grid)
        law = battery_path.by_plan([of_plan], spans, terms)
        return battery_path.battery_path(spans, 0, terms, law).bill_eur / 0.4 * 1000

    assert drawn_wh(Grid(max_buy_w=30_000)) == pytest.approx(2_750)
    assert drawn_wh(Grid(max_buy_w=4_000)) == pytest.approx(1_000)
    assert drawn_wh(Grid(), plan(value=1.0, steps=1, peak_w=3_000.0)) == pytest.approx(750)
    operator_limits = (OperatorLimit(AT, AT + QUARTER, 2_000),)
    assert drawn_wh(Grid(operator_limits=operator_limits)) == pytest.approx(750)
    assert drawn_wh(Grid(rule=Rule.PV_ONLY)) == pytest.approx(250)


@pytest.mark.parametrize(
    ("follow", "soc_wh"), [("value", 5_000.0), ("intent", 5_000.0), ("power", 4_750.0)]
)
def test_the_law_is_the_one_that_the_owner_follows(follow, soc_wh):
    """Self-consumption by value, hold by intent, 0.5 kW out of the battery by power."""
    steps = plan(value=0.2, intent=Intent.HOLD, highest_w=0.0, battery_w=500.0, steps=1)
    terms = AccountingRules(BATTERY, Grid(rule=Rule.MIXED), follow)
    law = battery_path.by_plan([steps], [span()], terms)
    assert battery_path.battery_path([span()], 5_000, terms, law).soc_wh == pytest.approx((soc_wh,))


def test_a_day_on_paper():
    """1 kWh is bought at 40 ct into the battery, self-consumption would have bought nothing.

    0.8 kWh are stored of it, each worth 45 ct: 4 ct are lost. The plan expected just that.
    """
    quarters = [
        quarter(0, last=5_800.0, drawn_wh=1_000.0, charged_wh=1_000.0),
        quarter(1, first=5_800.0, last=5_800.0),
    ]
    charges = plan(value=0.45, steps=2, intent=Intent.CHARGE, battery_w=-4_000.0)
    terms = AccountingRules(BATTERY, Grid(), "power")
    one = known(quarters[:1], {AT: charges})
    day = account.account(date(2026, 1, 15), AT, END, one, terms)
    assert (day.counted, day.unmeasured, day.unplanned) == (1, 95, 0)
    assert (day.bill_eur, day.self_consumption_bill_eur) == pytest.approx((0.4, 0.0))
    assert (day.stored_wh, day.stored_eur) == pytest.approx((800, 0.36))
    assert day.saving_eur == pytest.approx(-0.04)
    assert (day.planning_eur, day.forecast_eur) == pytest.approx((-0.04, 0.0))
    assert day.execution_eur == pytest.approx(0, abs=1e-12)
    assert day.model_off_wh == pytest.approx(0)
    assert account_text.verdict(account_text.Cents.of(day).saved, 0.0).startswith(
        "saved nothing: it cost 0.04"
    )


def test_what_was_expected_too_little_is_the_forecasts():
    """The plan keeps its charge for a house that then needs 1 kWh."""
    quarters = [quarter(0, drawn_wh=1_000.0, residual_load_wh=1_000.0)]
    keeps = plan(value=2.0, intent=Intent.HOLD, highest_w=0.0)
    terms = AccountingRules(BATTERY, Grid(), "intent")
    day = account.account(date(2026, 1, 15), AT, END, known(quarters, {AT: keeps}), terms)
    # 2 kWh of the cells at 2 EUR were kept, 1 kWh at 0.4 EUR was bought
    assert day.saving_eur == pytest.approx(4 - 0.4)
    assert (day.planning_eur, day.execution_eur) == pytest.approx((0, 0), abs=1e-12)
    assert day.forecast_eur == pytest.approx(3.6)


def test_wear_counts_on_both_sides():
    worn = AccountingRules(Battery(10_000, discharge_efficiency=0.5, wear_eur_per_kwh=0.1), Grid())
    half = quarter(0, last=4_000.0, drawn_wh=500.0, discharged_wh=500.0, residual_load_wh=1_000.0)
    terms = replace(worn, battery=replace(worn.battery, capacity_wh=40_000))
    day = account.account(date(2026, 1, 15), AT, END, known([half]), terms)
    assert (day.self_consumption_wear_eur, day.wear_eur) == pytest.approx((0.2, 0.1))
    assert day.worn_eur == pytest.approx(0.1)
    # without a plan: 0.5 kWh at 0.4 EUR would be saved by what is left, at 0.1 EUR of wear
    assert (day.bill_eur, day.stored_wh, day.stored_eur) == pytest.approx((0.2, 1_000, 0.1))
    parts = day.planning_eur + day.forecast_eur + day.execution_eur
    assert parts == pytest.approx(day.saving_eur)


def test_an_unconfigured_battery_pays_one_cent_for_each_kwh_out_of_its_cells():
    """0.95 kWh are given where self-consumption would have given 1.95 kWh."""
    half = quarter(0, last=4_000.0, drawn_wh=1_000.0, discharged_wh=950.0, residual_load_wh=1_950.0)
    usual, bare = (
        account.account(date(2026, 1, 15), AT, END, known([half]),
                        AccountingRules(Battery(10_000, **battery), Grid()))
        for battery in ({}, {"wear_eur_per_kwh": 0.0})
    )  # fmt: skip
    assert usual.wear_eur == pytest.approx(1.0 * 0.01)
    assert usual.self_consumption_wear_eur == pytest.approx(1.950 / 0.95 * 0.01)
    assert (bare.wear_eur, bare.self_consumption_wear_eur) == (0, 0)
    # A kWh that is left has its wear before it: its price is 1 ct less.
    assert bare.stored_eur_per_kwh - usual.stored_eur_per_kwh == pytest.approx(0.01)
    less = bare.saving_eur - usual.saving_eur
    assert less == pytest.approx(usual.stored_wh / 1000 * 0.01 - usual.worn_eur)


def test_a_gap_starts_all_runs_from_the_measured_charge_again():
    before = quarter(0, last=5_800.0, drawn_wh=1_000.0, charged_wh=1_000.0)
    after = quarter(2, first=5_800.0, last=5_800.0, residual_load_wh=100.0, drawn_wh=100.0)
    quarters = [before, after]
    day = account.account(date(2026, 1, 15), AT, END, known(quarters), TERMS)
    price = 0.4 * 0.5  # no plan: what a stored kWh saves at the mean price
    assert day.stored_eur_per_kwh == pytest.approx(price)
    assert day.stored_wh == pytest.approx(800 + 200)
    assert (day.counted, day.unmeasured, day.unplanned) == (2, 94, 2)
    assert day.self_consumption_bill_eur == 0
    plans = {AT: plan(value=0.3), after.start: plan(value=0.5)}
    priced = account.account(date(2026, 1, 15), AT, END, known(quarters, plans), TERMS)
    assert priced.stored_eur == pytest.approx(0.8 * 0.3 + 0.2 * 0.5)
    assert priced.stored_eur_per_kwh == 0.5


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"seconds": 854.0}, "unmeasured"),
        ({"first": None}, "unmeasured"),
        ({"last": None}, "unmeasured"),
        ({"last": 5_301.0}, "corrected"),
        ({"last": 4_699.0}, "corrected"),
    ],
)
def test_what_cannot_be_counted_is_left_out_and_said(changed, field):
    quarters = [quarter(0, **changed), quarter(1)]
    day = account.account(date(2026, 1, 15), AT, AT + 2 * QUARTER, known(quarters), TERMS)
    assert (day.quarters, day.counted, getattr(day, field)) == (2, 1, 1)
    assert "1 " in account_text.left_out([day])


def test_without_prices_there_is_no_account():
    quarters = [quarter(0), quarter(1)]
    nothing = known(quarters, prices={})
    assert account.account(date(2026, 1, 15), AT, END, nothing, TERMS) is None
    half = known(quarters, prices={AT: QuarterPrice(0.4, 0.1)})
    day = account.account(date(2026, 1, 15), AT, AT + 2 * QUARTER, half, TERMS)
    assert (day.counted, day.unpriced) == (1, 1)
    assert account_text.lines([], 10_000)[0].startswith("nothing can be accounted yet")


def test_stored_energy_is_priced_between_what_is_and_what_would_have_been():
    made = plan()
    table = made.steps[0]
    falling = Plan(**{
        name: getattr(made, name) for name in made.__dataclass_fields__ if name != "steps"
    } | {"steps": tuple(
        Step(**{
            name: getattr(table, name) for name in table.__dataclass_fields__
        } | {"values_eur_per_kwh": (0.5, 0.2), "start": s.start, "end": s.end})
        for s in made.steps
    )})  # fmt: skip
    last = quarter(0, last=8_000.0)
    price = stored_price(last, 2_000.0, known([last], {AT: falling}), TERMS)
    assert price == pytest.approx(0.35)
    later = quarter(9, last=2_000.0)
    price = stored_price(later, 2_000.0, known([later], {AT: falling}), TERMS)
    assert price == pytest.approx(0.5)


def test_cents_add_up_whatever_the_figures():
    dice = random.Random(1)  # noqa: S311 not a secret
    names = [n for n in DayAccount.__dataclass_fields__ if n.endswith("_eur")]
    for _ in range(300):
        figures = {name: dice.uniform(-9, 9) for name in names}
        day = DayAccount("2026-01-15", 96, 96, 0, 0, 0, **figures)
        parts = day.saving_eur - day.planning_eur - day.forecast_eur - day.override_eur
        day = DayAccount("2026-01-15", 96, 96, 0, 0, 0, **figures | {"execution_eur": parts})
        c = account_text.Cents.of(day)
        assert (
            c.self_consumption - c.bill + c.stored + c.wear + c.peak
            == c.saved
            == round(100 * day.saving_eur)
        )
        assert c.planning + c.override + c.forecast + c.execution == c.saved
        assert abs(c.execution - 100 * parts) <= 2.01
        assert abs(c.stored - 100 * day.stored_eur) <= 2.01


def test_the_table_sums_its_columns_and_says_what_to_think():
    days = [
        DayAccount("2026-01-14", 96, 90, 6, 0, 0, bill_eur=1.0, self_consumption_bill_eur=2.004,
            planning_eur=1.004, stored_eur_per_kwh=0.3, model_off_wh=10, model_through_wh=1_000),
        DayAccount("2026-01-15", 96, 96, 0, 0, 0, bill_eur=1.0, self_consumption_bill_eur=2.004,
            planning_eur=1.004, stored_eur_per_kwh=0.3, model_off_wh=10, model_through_wh=1_000),
    ]  # fmt: skip
    lines = account_text.lines(days, 20_000)
    assert lines[2].split() == [
        "2026-01-14", "0.00", "2.00", "1.00", "0.00", "0.00", "1.00", "1.00", "0.00", "0.00",
    ]  # fmt: skip
    assert lines[4].split()[:4] == ["together", "0.00", "4.00", "2.00"]
    assert lines[6] == "saved 2.00 EUR against the battery left to itself"
    assert "1.0 % of what went through it (worth 0.01 EUR)" in lines[7]
    assert lines[8] == "left out on both sides, of 192 quarter-hours: 6 without a measurement"
    assert account_text.unsure_eur(days[0], 20_000) == pytest.approx(0.033)
    assert account_text.as_json(days)["total"]["saved_eur"] == 2.0
    idle = DayAccount("2026-01-15", 96, 96, 0, 0, 0)
    assert account_text.model([idle]) == "nothing went through the battery"
    assert idle.model_off_percent is None
    assert account_text.lines([idle], 20_000)[-1] == "nothing went through the battery"


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2025, 10, 26), 25), (date(2026, 1, 1), 24)]
)
def test_a_local_day_has_its_hours(day, hours):
    from optimizer.simulation import sample_data

    begin, end = daily_accounts.bounds(day, sample_data.ZONE)
    assert (end - begin) / timedelta(hours=1) == hours


def test_the_ledger_needs_none_of_the_heavy_libraries():
    code = (
        "import sys, optimizer.savings.daily_accounts, optimizer.report.status_lines; "
        "print([n for n in ('numpy', 'pandas', 'pulp', 'jinja2') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
