"""Gains of control day by day against a battery left to itself for weeks on end, on paper."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.model.tariff import Peak
from optimizer.savings.battery_path import AccountingRules
from optimizer.savings.daily_gains import daily_gains
from optimizer.savings.measured_day import KnownQuarters, QuarterPrice

AT = datetime(2026, 1, 15, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
BATTERY = Battery(
    10_000, charge_efficiency=1.0, discharge_efficiency=1.0, min_soc_percent=0, wear_eur_per_kwh=0.0
)
RULES = AccountingRules(BATTERY, Grid())


def day(number, *changes, soc_wh=0.0):
    """A day of idle quarter-hours; a change is (place, battery discharges [Wh], load [Wh])."""
    quarters, changed = [], {place: (wh, load_wh) for place, wh, load_wh in changes}
    for place in range(96):
        given_wh, load_wh = changed.get(place, (0.0, 0.0))
        start, drawn_wh = AT + timedelta(days=number) + place * QUARTER, load_wh - given_wh
        after_wh = soc_wh - given_wh
        quarters.append(QuarterEnergy(
            start, start + QUARTER, seconds=900.0, drawn_wh=max(0.0, drawn_wh),
            fed_wh=max(0.0, -drawn_wh), charged_wh=max(0.0, -given_wh),
            discharged_wh=max(0.0, given_wh), residual_load_wh=load_wh, first_soc_wh=soc_wh,
            soc_wh=after_wh,
        ))  # fmt: skip
        soc_wh = after_wh
    return quarters


def known(*days, buy=lambda place: 0.3, override=()):
    quarters = [quarter for one in days for quarter in one]
    prices = {
        q.start: QuarterPrice(buy((q.start.hour * 60 + q.start.minute) // 15), 0.1)
        for q in quarters
    }
    return KnownQuarters(quarters, prices, {}, dict.fromkeys(override, 0.0))


def gains(found, rules=RULES):
    return [round(gain.eur, 9) for gain in daily_gains(found, rules, UTC)]


def dear_evening(place):
    return 0.5 if place >= 80 else 0.1


def test_energy_bought_cheap_and_used_dear_is_gained_when_it_is_used():
    """1 kWh at 10 ct instead of 50 ct; in between it is worth what lies between the prices."""
    bought = day(0, (10, -1_000.0, 0.0))
    used = day(1, (85, 1_000.0, 1_000.0), soc_wh=1_000.0)
    first, second = gains(known(bought, used, buy=dear_evening))
    mean = (80 * 0.1 + 16 * 0.5) / 96
    assert first == pytest.approx((mean + 0.1) / 2 - 0.1)
    assert first + second == pytest.approx(0.5 - 0.1)


def test_stored_energy_that_is_never_used_is_credited_once_and_not_every_day():
    """A battery that is kept full for weeks earns nothing by it, whatever its plan thinks of it."""
    filled = day(0, (10, -9_000.0, 0.0), (90, 0.0, 1_000.0))
    kept = [day(number, (90, 0.0, 1_000.0), soc_wh=9_000.0) for number in range(1, 15)]
    found = gains(known(filled, *kept))
    assert found[0] == pytest.approx(9 * (0.2 - 0.3))
    assert found[1:] == pytest.approx([0.0] * 14)


def test_a_battery_that_is_held_from_the_evenings_load_loses_its_price_each_day():
    """The roof's energy of the day stays in the battery; self-consumption would have used it."""
    held = [day(0, (90, 0.0, 1_000.0), soc_wh=5_000.0), day(1, (90, 0.0, 1_000.0), soc_wh=5_000.0)]
    assert gains(known(*held, buy=dear_evening)) == pytest.approx(
        [(80 * 0.1 + 16 * 0.5) / 96 / 2 + 0.05 - 0.5] * 2
    )


def test_what_was_stored_more_before_a_gap_is_stored_more_after_it():
    bought = day(0, (10, -1_000.0, 0.0))
    used = day(1, (85, 1_000.0, 1_000.0), soc_wh=1_000.0)
    whole = known(bought, used)
    gap = known(bought[:40] + bought[44:], used[:20] + used[60:])
    assert gains(gap) == pytest.approx(gains(whole))
    assert gains(whole) == pytest.approx([0.2 - 0.3, 0.3 - 0.2])


def test_days_with_an_override_are_left_out_and_carried_over():
    ordered = day(0, (10, -1_000.0, 0.0))
    used = day(1, (85, 1_000.0, 1_000.0), soc_wh=1_000.0)
    found = known(ordered, used, buy=dear_evening, override=(AT + 10 * QUARTER,))
    (only,) = daily_gains(found, RULES, UTC)
    assert only.day.day == 16
    mean = (80 * 0.1 + 16 * 0.5) / 96
    assert only.eur == pytest.approx(0.5 - (mean + 0.1) / 2)


def test_losses_beyond_the_model_are_no_loss_of_control():
    """The house is balanced as self-consumption would; the battery loses a fifth more than stated.

    Charged by the roof and discharged into the load each day, as the battery left to itself does.
    """
    days = []
    for number in range(12):
        quarters = day(number)
        for place in range(40, 60):
            quarters[place] = replace(quarters[place], charged_wh=500.0, surplus_wh=500.0)
        for place in range(72, 92):
            quarters[place] = replace(
                quarters[place], discharged_wh=400.0, residual_load_wh=500.0, drawn_wh=100.0
            )
        soc_wh = 0.0
        for place, quarter in enumerate(quarters):
            after_wh = soc_wh + quarter.charged_wh * 0.8 - quarter.discharged_wh
            quarters[place] = replace(quarter, first_soc_wh=soc_wh, soc_wh=after_wh)
            soc_wh = after_wh
        days.append(quarters)
    found = gains(known(*days))
    # until two capacities have been discharged it counts as lost, afterwards at the stored price
    assert found[0] == pytest.approx(-2 * 0.3, abs=0.01)
    assert min(found[4:]) > -0.25


def test_a_peak_that_control_raises_is_lost_on_the_day():
    charged = day(0, (10, -1_000.0, 0.0), (50, 0.0, 500.0))
    rules = replace(RULES, peak=Peak(10.0))
    without, paid = gains(known(charged)), gains(known(charged), rules)
    assert without[0] - paid[0] == pytest.approx((4_000 - 2_000) / 1_000 * 10)


def test_wear_counts_and_nothing_measured_is_no_day():
    worn = replace(RULES, battery=replace(BATTERY, wear_eur_per_kwh=0.05))
    used = known(day(0, (85, 1_000.0, 0.0), soc_wh=1_000.0))
    assert gains(used)[0] - gains(used, worn)[0] == pytest.approx(0.05)
    assert daily_gains(known(), RULES, UTC) == []
    assert daily_gains(KnownQuarters(day(0), {}, {}), RULES, UTC) == []
