"""The back-test: what was known when, what it earns, and that nothing looks ahead."""

import functools
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from optimizer.backtest import (
    comparison,
    references,
    result_text,
    scenario_data,
    stored_plans,
    strategies,
    study_table,
)
from optimizer.backtest.information_set import InformationSet, PlanTimes, moments
from optimizer.backtest.scenario_data import Scenario, filled, spiky, strayed
from optimizer.control.law import ControlSettings
from optimizer.errors import DataError, UsageError
from optimizer.forecast import load_forecast, load_ratios, pv_forecast, tariff_prices
from optimizer.model import frames
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, OperatorLimit
from optimizer.model.snapshot import Channel
from optimizer.planning.arrays import forecast_steps
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.simulation import sample_data
from optimizer.simulation.plant import HeldPower, Plant

ZONE = ZoneInfo("Europe/Berlin")
QUARTER = timedelta(minutes=15)


@functools.cache
def house(days=23, ticks=1, begin=18, hybrid=True, flat=False):
    """A house in spring with a summer-time change in it; seeded."""
    chance = np.random.default_rng(3)
    start = datetime(2026, 3, 14, 23, tzinfo=UTC)
    index = pd.date_range(start, periods=days * 96, freq="15min")
    local = index.tz_convert(ZONE)
    hour = local.hour.to_numpy() + local.minute.to_numpy() / 60
    mean = 350 + 900 * np.exp(-((hour - 19) ** 2) / 6) + 300 * np.exp(-((hour - 7) ** 2) / 2)
    used = mean * chance.lognormal(0, 0.3, len(index))
    sky = np.repeat(chance.uniform(0.1, 1, days), 96)
    sun = 6_000 * sky * np.maximum(0, np.sin((index.hour + index.minute / 60 - 5) / 14 * np.pi))
    sun = np.asarray(sun * ((index.hour >= 5) & (index.hour < 19)))
    spot = 0.1 + 0.12 * np.cos((hour - 19) / 6 * np.pi)
    spot += np.repeat(chance.normal(0, 0.03, days * 24), 4)
    buy = np.full(len(index), 0.3) if flat else 1.19 * spot + 0.19
    battery = Battery(10_000, max_charge_w=5_000, max_discharge_w=5_000, hybrid=hybrid)
    return Scenario(
        "house", start, spiky(used, 15, 15 // ticks, 1), np.repeat(sun, ticks), buy,
        np.full(len(index), 0.08), battery, Grid(), ZONE, None, strayed(np.asarray(sun), local, 1),
        begin=begin * 96,
    )  # fmt: skip


def law(scenario, made, **settings):
    return strategies.ControlledStrategy(
        scenario, made, ControlSettings(scenario.battery, scenario.grid, **settings)
    )


def earned(scenario, made):
    """Beyond self-consumption [EUR]."""
    own, ours = (
        comparison.strategy_account(scenario, "", strategies.run_strategy(scenario, strategy))
        for strategy in (strategies.SelfConsumptionStrategy(scenario), made)
    )
    return own.total_eur - ours.total_eur


@functools.cache
def tried():
    return comparison.run(house(), comparison.Variant())


def test_everybody_lies_between_blind_and_all_known():
    found = tried()
    of = {item.name: item.extra_eur for item in found.outcomes}
    most = found.self_consumption_eur - found.attainable_eur
    assert all(extra < most for extra in of.values())
    assert of[comparison.BLIND] < 0 < of[comparison.OURS] <= of[comparison.PERFECT]
    assert of[comparison.BLIND] == min(of.values())
    assert found.self_consumption_eur < found.no_battery_eur


def test_shares_months_and_leads_are_of_one_account():
    found = tried()
    most = found.self_consumption_eur - found.attainable_eur
    ours = found.of(comparison.OURS)
    assert ours.share == pytest.approx(ours.extra_eur / most)
    assert sum(ours.months.values()) == pytest.approx(ours.extra_eur)
    assert ours.yearly.mean == pytest.approx(ours.extra_eur / found.days * 365)
    for name, lead in found.ahead:
        gap = ours.yearly.mean - found.of(name).yearly.mean
        assert lead.mean == pytest.approx(gap)


def test_money_is_bill_and_wear_less_stored_energy_at_one_price():
    scenario = house()
    strategy_run = strategies.run_strategy(scenario, strategies.SelfConsumptionStrategy(scenario))
    bill = (
        strategy_run.bought_wh * scenario.buy[scenario.begin :] - strategy_run.sold_wh * 0.08
    ).sum() / 1000
    kept = (
        (strategy_run.soc_wh[-1] - strategy_run.start_wh) / 1000 * comparison.fixed_value(scenario)
    )
    # 1 ct for each kWh out of the cells, as by default
    wear = strategy_run.discharged_wh.sum() / 0.95 / 1000 * 0.01
    assert wear > 0.1
    assert comparison.strategy_account(scenario, "", strategy_run).total_eur == pytest.approx(
        bill + wear - kept
    )


@functools.cache
def tried_with(wear_eur_per_kwh):
    """Strategies with another wear of the battery."""
    battery = replace(house().battery, wear_eur_per_kwh=wear_eur_per_kwh)
    return comparison.run(replace(house(), battery=battery), comparison.Variant())


def test_every_strategy_and_the_bound_pay_for_wear_and_who_knows_it_cycles_less():
    none, much = tried_with(0.0), tried_with(0.05)
    assert none.self_consumption_eur < tried().self_consumption_eur < much.self_consumption_eur
    assert none.attainable_eur < tried().attainable_eur < much.attainable_eur
    for name in (comparison.OURS, comparison.PERFECT, *comparison.RIVALS):
        assert none.of(name).cost_eur < tried().of(name).cost_eur < much.of(name).cost_eur
    for name in (comparison.OURS, comparison.PERFECT, comparison.EMHASS, comparison.EVCC,
                 comparison.BLIND):  # fmt: skip
        assert much.of(name).cycles < none.of(name).cycles, name
    # OpenEMS has no wear in its costs: the same powers, and their wear is paid
    assert much.of(comparison.OPENEMS).cycles == none.of(comparison.OPENEMS).cycles


def test_on_a_flat_tariff_nothing_is_earned_and_nothing_lost():
    scenario = house(flat=True)
    extra = earned(
        scenario,
        law(scenario, stored_plans.TablePlans(InformationSet(scenario, "learned"), PlanTimes())),
    )
    assert extra / scenario.days * 365 == pytest.approx(0.0, abs=0.2)


def test_days_without_a_new_plan_still_earn_something():
    scenario = house()
    stale = PlanTimes(hourly=False, every_days=3)
    assert (
        earned(
            scenario,
            law(scenario, stored_plans.TablePlans(InformationSet(scenario, "learned"), stale)),
        )
        > 0
    )


@pytest.mark.parametrize("hour", [9, 13, 22])
def test_nothing_looks_ahead(hour):
    """What comes after now is poison; what is done up to now stays the same."""
    scenario = house()
    now = scenario.begin + 3 * 96 + hour * 4
    published = max(at.end for at in moments(scenario, PlanTimes()) if at.first < now)
    spoilt = {name: getattr(scenario, name).copy() for name in ("load_w", "pv_w", "buy", "sell")}
    spoilt["load_w"][now:], spoilt["pv_w"][now:] = 33_333.0, np.nan
    spoilt["buy"][published:], spoilt["sell"][published:] = np.nan, 99.0
    strategy_run = []
    for one in (scenario, replace(scenario, **spoilt)):
        strategy, plant = law(one, stored_plans.TablePlans(_until(one, now), PlanTimes())), None
        plant = Plant(one.battery, one.grid, one.battery.min_wh)
        rows = []
        for quarter in range(one.begin, now):
            figures = one.load_w[quarter], one.pv_w[quarter]
            rows += strategy.tick(plant, quarter, 0, *map(float, figures))
        strategy_run.append(rows)
    assert strategy_run[0] == strategy_run[1]


class _until(InformationSet):  # noqa: N801 - reads as a phrase
    """Knowledge whose plans after a moment are not wanted."""

    def __init__(self, scenario, now):
        super().__init__(scenario, "learned")
        self.now = now

    def load_w(self, at):
        return super().load_w(at) if at.first < self.now else np.zeros(at.beyond - at.first)

    def pv_w(self, at):
        return super().pv_w(at) if at.first < self.now else np.zeros(at.beyond - at.first)

    def spread(self, at):
        return super().spread(at if at.first < self.now else moments(self.scenario, PlanTimes())[0])

    def prices(self, at):
        return super().prices(at) if at.first < self.now else (np.ones(at.beyond - at.first),) * 2


def frame(scenario, name, until):
    """A case's quarter-hours as a source gives them."""
    starts = [scenario.at(q) for q in range(until)]
    values = scenario.means(getattr(scenario, name))[:until].tolist()
    return frames.frame_of(starts, [at + QUARTER for at in starts], **{name: values})


@pytest.mark.parametrize("place", [0, 17, 53])
def test_plans_know_what_the_planner_would_have_known(place):
    """The batch's figures are those of the sources' own way, moment by moment."""
    scenario = house()
    information = InformationSet(scenario, "learned")
    at = moments(scenario, PlanTimes())[place * 2]
    now, end = scenario.at(at.first), scenario.at(at.beyond)
    history = frame(scenario, "load_w", len(scenario.buy))
    expected = load_forecast.load_forecast(history, now, end, now, ZONE, scenario.annual_kwh).frame
    np.testing.assert_allclose(information.load_w(at), expected["load_w"])
    spread = load_ratios.spread_of(history, now, ZONE, QUARTER)
    np.testing.assert_allclose(information.spread(at).ratios, spread.ratios)
    reported = frame(replace(scenario, pv_w=scenario.forecast_pv_w), "pv_w", len(scenario.buy))
    seen, limit = (
        frame(scenario, "pv_w", len(scenario.buy)),
        pv_forecast.PvSite(scenario.battery.max_ac_w),
    )
    right = pv_forecast.pv_forecast(reported, seen, now, end, now, limit).frame
    np.testing.assert_allclose(information.pv_w(at), right["pv_w"][: at.beyond - at.first])
    for published, ahead in zip((scenario.buy, scenario.sell), information.prices(at), strict=True):
        guess = tariff_prices.like_days(published[: at.end], at.beyond - at.end)
        np.testing.assert_allclose(ahead, [*published[at.first : at.end], *guess])


def _steps(scenario, information, at):
    """The plan's steps, and those of the day after."""
    starts = [scenario.at(q) for q in range(at.first, at.beyond)]
    buy, sell = information.prices(at)
    every = forecast_steps(
        frames.frame_of(
            starts,
            [s + QUARTER for s in starts],
            buy_eur_per_kwh=buy.tolist(),
            sell_eur_per_kwh=sell.tolist(),
            load_w=information.load_w(at).tolist(),
            pv_w=information.pv_w(at).tolist(),
        )
    )
    return every[: at.end - at.first], every[at.end - at.first :]


def test_light_plans_hold_the_planners_own_table():
    scenario, times = house(), PlanTimes()
    information = InformationSet(scenario, "learned")
    made = stored_plans.TablePlans(information, times)
    at = moments(scenario, times)[40]
    light = made.at(at.first, 5_000.0)
    steps, beyond = _steps(scenario, information, at)
    request = PlanRequest(
        scenario.at(at.first), "home", scenario.battery, scenario.grid, 50.0, beyond=beyond,
        spread=information.spread(at), pv_days=information.pv_days(at),
    )  # fmt: skip
    whole = make_plan(steps, request, lambda: 0.0)
    assert light.bounds == whole.bounds
    assert light.value_soc_wh == pytest.approx(whole.value_soc_wh)
    for mine, theirs in zip(light.steps, whole.steps, strict=False):
        assert (mine.start, mine.end) == (theirs.start, theirs.end)
        assert mine.buy_eur_per_kwh == pytest.approx(theirs.buy_eur_per_kwh, abs=1e-6)
        assert mine.values_eur_per_kwh == pytest.approx(theirs.values_eur_per_kwh, abs=1e-5)


def test_tomorrow_is_known_from_one_o_clock_on():
    scenario = house()
    for at in moments(scenario, PlanTimes()):
        hour = scenario.local[at.first].hour
        last = scenario.local[at.end - 1]
        days = (last.date() - scenario.local[at.first].date()).days
        if at.end < len(scenario.buy):
            assert (last.hour, last.minute) == (23, 45)
            assert days == (1 if hour >= 13 else 0)


def test_dimming_reaches_the_tables():
    scenario = house()
    begin = scenario.at(scenario.begin)
    dimmed = Grid(operator_limits=(OperatorLimit(begin, begin + timedelta(days=6), 1_000.0),))
    free, bound = (
        stored_plans.TablePlans(InformationSet(one, "perfect"), PlanTimes(hourly=False))
        for one in (scenario, replace(scenario, grid=dimmed))
    )
    pairs = zip(free.at(scenario.begin, 0).steps, bound.at(scenario.begin, 0).steps, strict=True)
    gaps = [b.values_eur_per_kwh[5] - a.values_eur_per_kwh[5] for a, b in pairs]
    assert max(gaps) > 0.01  # what cannot be bought in the cheap hours is worth more


@pytest.mark.parametrize("follow", ["intent", "power"])
def test_whole_plans_are_made_for_the_other_ways_to_follow(follow):
    scenario = house(days=20, begin=18)
    variant = comparison.Variant(
        follow=follow, times=PlanTimes(hourly=False), names=(comparison.OURS,)
    )
    found = comparison.run(scenario, variant).of(comparison.OURS)
    assert found.extra_eur != 0
    assert (found.extra_eur > 0) == (follow == "intent")


# The plant.


def plant(soc_wh=5_000.0, grid=None, **battery):
    return Plant(Battery(10_000, **battery), grid or Grid(), soc_wh)


def test_own_balancing_keeps_the_grid_at_zero_while_it_can():
    one = plant()
    assert one.run(1_000.0, 0.0, None, 1.0).grid_w == pytest.approx(0.0)
    assert one.run(1_000.0, 3_000.0, None, 1.0).battery_w == pytest.approx(-2_000.0)
    assert plant(500.0).run(1_000.0, 0.0, None, 1.0).grid_w == 1_000.0


def test_a_set_point_contains_the_roof_of_a_hybrid():
    flow = plant(hybrid=True).run(500.0, 3_000.0, HeldPower(1_000.0), 0.25)
    assert (flow.ess_w, flow.battery_w) == (1_000.0, -2_000.0)
    assert plant().run(500.0, 3_000.0, HeldPower(1_000.0), 0.25).battery_w == 1_000.0


def test_a_full_hybrid_throttles_its_roof_under_a_set_point_and_never_alone():
    full = plant(10_000.0, hybrid=True)
    assert full.run(500.0, 3_000.0, HeldPower(0.0), 0.25).pv_w == 0.0
    assert full.run(500.0, 3_000.0, HeldPower(0.0, Channel.GREATER_OR_EQUALS), 0.25).pv_w == 3_000.0
    assert full.run(500.0, 3_000.0, None, 0.25).grid_w == -2_500.0


def test_bounds_leave_the_balancing_alone_where_they_do_not_bind():
    one = plant()
    assert (
        one.run(1_000.0, 0.0, HeldPower(2_000.0, Channel.LESS_OR_EQUALS), 0.1).battery_w == 1_000.0
    )
    assert one.run(1_000.0, 0.0, HeldPower(200.0, Channel.LESS_OR_EQUALS), 0.1).battery_w == 200.0
    assert (
        one.run(1_000.0, 0.0, HeldPower(2_000.0, Channel.GREATER_OR_EQUALS), 0.1).battery_w
        == 2_000.0
    )


def test_feed_in_and_inverter_limits_throttle_the_roof_first():
    limited = plant(9_900.0, Grid(max_sell_w=1_000.0))
    flow = limited.run(0.0, 4_000.0, HeldPower(500.0), 0.1)
    assert (flow.grid_w, flow.pv_w, flow.battery_w) == (-1_000.0, 500.0, 500.0)
    small = plant(hybrid=True, max_ac_w=3_000.0, max_charge_w=1_000.0)
    assert small.run(8_000.0, 2_000.0, None, 0.1).ess_w == 3_000.0
    assert small.run(0.0, 5_000.0, None, 0.1).pv_w == 4_000.0


def test_a_battery_that_may_sell_gives_way_to_the_feed_in_limit_after_the_roof():
    flow = plant(9_000.0, Grid(max_sell_w=1_000.0)).run(500.0, 300.0, HeldPower(4_000.0), 0.1)
    assert (flow.grid_w, flow.pv_w, flow.battery_w) == (-1_000.0, 0.0, 1_500.0)


def test_meters_count_what_crosses_the_grid_and_nothing_else():
    scenario = house()
    strategy_run = strategies.run_strategy(scenario, strategies.SelfConsumptionStrategy(scenario))
    load_wh, pv_wh = (
        scenario.means(column)[scenario.begin :].sum() / 4
        for column in (scenario.load_w, scenario.pv_w)
    )
    battery = scenario.battery
    stored_wh = strategy_run.soc_wh[-1] - strategy_run.start_wh
    out_wh = strategy_run.discharged_wh.sum()
    in_wh = (stored_wh + out_wh / battery.discharge_efficiency) / battery.charge_efficiency
    net_wh = load_wh - pv_wh - out_wh + in_wh
    assert strategy_run.bought_wh.sum() - strategy_run.sold_wh.sum() == pytest.approx(net_wh)
    assert ((strategy_run.bought_wh == 0) | (strategy_run.sold_wh == 0)).all()
    assert (strategy_run.bought_wh[strategy_run.sold_wh > 0] == 0).all()
    assert (strategy_run.bought_wh == 0).sum() > 96


def test_the_table_says_what_everybody_earned_and_from_what():
    found = tried()
    lines = result_text.table(found)
    assert f"{found.self_consumption_eur:.2f}" in lines[2]
    row = next(line for line in lines if line.startswith(f"  {comparison.OURS}"))
    assert f"{found.of(comparison.OURS).extra_eur:8.2f}" in row
    assert "5 days are no year" in lines[-1]
    assert result_text.months(found)[1].startswith("    2026-04 +")
    year = replace(found, days=365.0)
    assert "no year" not in result_text.table(year)[-1]
    assert result_text.months(replace(found, outcomes=())) == []


def test_strategies_side_by_side_are_the_same():
    scenario = house(days=20)
    variant = comparison.Variant(names=(comparison.OURS, comparison.PERFECT))
    without_plan, together = (
        comparison.run(scenario, variant, study_table.side_by_side(jobs)) for jobs in (1, 2)
    )
    assert result_text.as_json(without_plan) == result_text.as_json(together)


def test_a_kept_band_draws_no_more_than_grid_and_inverter_allow():
    one = plant(1_000.0, Grid(max_buy_w=3_000.0))
    assert one.keep(1_000.0, 0.0, float("-inf"), -5_000.0, 0.1).grid_w == 3_000.0
    hybrid = plant(1_000.0, hybrid=True, max_ac_w=2_000.0)
    assert hybrid.keep(0.0, 0.0, float("-inf"), -5_000.0, 0.1).ess_w == -2_000.0
    assert one.keep(1_000.0, 0.0, float("-inf"), 0.0, 0.1).battery_w == 0.0


# Cases.


def test_bursts_keep_the_means():
    means = np.array([500.0, 2_000.0, 0.0, 80.0])
    for tick in (1, 5, 15):
        ticks = spiky(means, 60, tick, 4)
        np.testing.assert_allclose(ticks.reshape(4, -1).mean(axis=1), means)
    assert spiky(means, 60, 1, 4).max() > 2_500


def test_a_made_up_roof_forecast_strays_as_stated():
    local = pd.date_range("2026-01-01", periods=96 * 365, freq="15min", tz=ZONE)
    reported = strayed(np.full(len(local), 1_000.0), local, 9)
    hourly = reported.reshape(-1, 4).mean(axis=1)
    assert reported.mean() == pytest.approx(1_000.0, rel=0.02)
    assert np.abs(hourly / 1_000 - 1).mean() == pytest.approx(0.24, abs=0.02)
    assert np.abs(reported.reshape(-1, 96).mean(axis=1) / 1_000 - 1).mean() == pytest.approx(
        0.15, abs=0.02
    )


def test_holes_are_filled_with_the_nearest_day():
    series_w = np.array([1.0, np.nan, 3.0, 4.0, 5.0, np.nan])
    assert filled(series_w, 2).tolist() == [1.0, 4.0, 3.0, 4.0, 5.0, 4.0]
    with pytest.raises(DataError, match="nothing is known"):
        filled(np.array([np.nan]), 1)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"load_w": np.ones(7)}, "do not divide"),
        ({"pv_w": np.ones(3)}, "pv_w has 3 values"),
        ({"start": datetime(2026, 3, 14, 23, 7, tzinfo=UTC)}, "begins no quarter-hour"),
        ({"begin": 10_000}, "nothing is left"),
    ],
)
def test_a_case_that_does_not_fit_is_refused(changes, sentence):
    with pytest.raises(DataError, match=sentence):
        replace(house(), **changes)


def test_a_case_without_what_was_told_says_so():
    with pytest.raises(DataError, match="no load forecast"):
        InformationSet(house(), "csv")
    with pytest.raises(DataError, match="no roof forecast"):
        InformationSet(replace(house(), forecast_pv_w=None), "learned")


def test_a_range_needs_weeks():
    assert np.isnan(comparison.yearly(np.ones(96 * 13)).low)
    week = np.repeat([0.0, 1.0, 2.0, 3.0], 7 * 96) / (7 * 96)
    found = comparison.yearly(week)
    assert found.low < found.mean < found.high
    assert found == comparison.yearly(week)
    assert found.mean == pytest.approx(1.5 * 365 / 7)


def test_less_than_ten_euros_have_no_share():
    scenario = house(flat=True)
    variant = comparison.Variant(names=(comparison.OURS,))
    assert comparison.run(scenario, variant).outcomes[0].share is None


def test_the_exact_search_over_modes_prefers_the_night():
    """Two prices: the cheap one charges what the dear one needs, and no more."""
    scenario = house(hybrid=False)
    rival = references.OpenEmsLike(InformationSet(scenario, "perfect"))
    assert {0, 1, 2} >= set(np.unique(rival._table)) >= {0, 1}
    assert earned(scenario, rival) > 0


def test_a_folder_makes_a_case_and_holes_are_told(tmp_path):
    known = scenario_data.folder(sample_data.folder() / "spring")
    home = scenario_data.HouseSettings(
        sample_data.BATTERY, sample_data.GRID, sample_data.TARIFF, sample_data.ZONE, 5, 1
    )
    scenario = scenario_data.scenario_of("spring", known, home, learned=False)
    assert (scenario.ticks, len(scenario.buy), scenario.begin) == (3, 668, 0)
    assert scenario.load_w.mean() == pytest.approx(known.load["load_w"].mean())
    late = scenario_data.scenario_of("spring", known, home)
    assert late.begin == 3 * 96
    torn = replace(known, prices=known.prices.drop(known.prices.index[100]))
    with pytest.raises(DataError, match="prices have a hole at"):
        scenario_data.scenario_of("spring", torn, home)
    with pytest.raises(DataError, match="are known from"):
        scenario_data.scenario_of("spring", known, home, datetime(2020, 1, 1, tzinfo=UTC))


def test_the_axes_of_a_study_are_named():
    with pytest.raises(UsageError, match="battery 'big'"):
        study_table.battery("big")
    with pytest.raises(UsageError, match="fix, neg0, 14a, flat"):
        study_table.tariff("dear")
    (scenario,) = study_table.scenarios(
        [sample_data.folder() / "winter"],
        [study_table.battery("11/5")],
        ["flat"],
        15,
        1,
        learned=False,
    )
    assert set(scenario.buy) == {0.30}


# Commands.


def run(*args):
    return subprocess.run(
        [sys.executable, "-m", "optimizer", *args], capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def test_the_command_prints_json_and_a_page(tmp_path):
    page = tmp_path / "page.html"
    done = run("backtest", "--data", str(sample_data.folder() / "winter"), "--forecast", "csv",
               "--json", "--html", str(page))  # fmt: skip
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["trials"]
    ours = next(item for item in found["outcomes"] if item["name"] == comparison.OURS)
    assert ours["share"] >= 0.75
    assert all(item["mean"] > 0 for item in found["ahead_eur_per_year"].values())
    assert "<svg" in page.read_text()
    assert "not_a_number" not in done.stdout
    assert "NaN" not in done.stdout


def test_a_folder_that_lacks_a_file_is_named(tmp_path):
    done = run("backtest", "--data", str(tmp_path))
    assert done.returncode == 8
    assert "prices.csv cannot be read" in done.stderr
