"""The back-test's plant against the simulated FEMS with its real loop over a real socket."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from analysis.backtests import FixedPlans

from optimizer.analysis import living, sample
from optimizer.analysis.backtest import living as backtest
from optimizer.analysis.backtest.case import Case
from optimizer.analysis.demo import SCENES
from optimizer.control.memory import Settings

VALUE = 0.2
SEED = 1


def case_of(scene, ticks):
    """The scene's day with the same bursts, in ticks of a minute or more."""
    week = sample.folder() / scene.week
    start = sample.midnight(sample.days(week)[0], scene.day)
    end = start + timedelta(days=1)
    came = sample.measured(week, start, end)
    minutes = np.array(living.profile(came, "load_w").spiky(SEED).watts)
    return Case(
        "day", start, minutes.reshape(-1, 15 // ticks).mean(axis=1),
        np.repeat(came["pv_w"].to_numpy(), ticks), came["buy_eur_per_kwh"].to_numpy(),
        came["sell_eur_per_kwh"].to_numpy(), replace(sample.BATTERY, hybrid=scene.hybrid),
        sample.GRID, sample.ZONE,
    )  # fmt: skip


def money(case, lived):
    """The bill less what is left in the battery [EUR]."""
    bill = (lived.bought_wh * case.buy - lived.sold_wh * case.sell).sum() / 1000
    return bill - lived.soc_wh[-1] / 1000 * VALUE


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.week)
def test_a_day_costs_what_the_simulated_fems_makes_of_it(scene, tmp_path):
    made = []
    true = living.live(scene, sample.folder(), tmp_path, on_plan=made.append, seed=SEED)
    bills = [
        living.total_eur(quarters) - quarters[-1].reading.soc_wh / 1000 * VALUE
        for quarters in (true.own_use, true.quarters)
    ]
    gross = sum(q.reading.bought_wh * q.buy + q.reading.sold_wh * q.sell for q in true.own_use) / 1000
    for ticks in (15, 3, 1):
        case = case_of(scene, ticks)
        start_wh = case.battery.capacity_wh * scene.soc_percent / 100
        law = backtest.ByLaw(
            case, FixedPlans(case, made), Settings(case.battery, case.grid), living.INTERVAL_S
        )
        found = [
            money(case, backtest.live(case, strategy, start_wh))
            for strategy in (backtest.OwnUse(case), law)
        ]
        print(scene.week, ticks, bills, found, gross)
