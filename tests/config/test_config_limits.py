"""Tapers, reserve, shares, dimming and peaks: from the file to the model, and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from optimizer.config.loading import load
from optimizer.errors import ConfigError
from optimizer.model.grid import OperatorLimit

WHOLE = """
charge_taper = [[90, 10_000], [100, 1_500]]
discharge_taper = [[0, 500], [10, 9_000]]
reserve_soc_percent = 20
reserve_eur_per_kwh_h = 0.02
full_charge_every_days = 30

[grid]
max_sell_share_of_kwp = 0.6
[[grid.operator_limits]]
start = 2026-01-14T17:00:00+01:00
end = "2026-01-14T19:00:00+01:00"

[pv]
planes = [{ kwp = 6.0 }, { kwp = 3.9 }]

[tariff]
time_zone = "Europe/Vienna"
[tariff.peak]
eur_per_kw = 5.5
reached_w = 3_000
usual_w = 2_500
"""


def test_keys_of_earlier_versions_are_still_read(read):
    former = WHOLE.replace("grid.operator_limits", "grid.dimming").replace(
        "max_sell_share_of_kwp = 0.6", "max_sell_share_of_kwp = 0.6\nrests_roof = true"
    )
    grid = read(former).grid.grid(9.9)
    assert grid == replace(read(WHOLE).grid.grid(9.9), price_curtailment=True)
    assert len(grid.operator_limits) == 1


def test_a_key_and_its_former_name_are_one_too_many(read):
    with pytest.raises(ConfigError, match=r"grid\.rests_roof"):
        read("[grid]\nrests_roof = true\nprice_curtailment = false\n")


@pytest.fixture
def read(small, config_file, environment):
    return lambda text: load(config_file(small + text), environment)


def test_all_of_it_reaches_the_model(read):
    config = read(WHOLE)
    battery, grid = config.battery.battery(hybrid=False), config.grid.grid(config.pv.kwp)
    assert battery.taper_w(22_000 * 0.95) == (5_750, 9_000)
    assert battery.taper_w(22_000 * 0.05)[1] == 4_750
    assert (battery.reserve_wh, battery.reserve_eur_per_kwh_h) == (4_400, 0.02)
    assert battery.full_charge_every_days == 30
    assert grid.max_sell_w == pytest.approx(5_940)
    start = datetime(2026, 1, 14, 16, tzinfo=UTC)
    assert grid.operator_limits == (OperatorLimit(start, start.replace(hour=18), 4_200),)
    peak = config.tariff.peak
    assert (peak.eur_per_kw, peak.period, peak.reached_w, peak.usual_w) == (
        5.5,
        "month",
        3e3,
        2.5e3,
    )
    assert peak.zone.key == "Europe/Vienna"


def test_a_share_never_raises_the_limit(read):
    text = "[grid]\nmax_sell_w = 1_000\nmax_sell_share_of_kwp = 1\n[pv]\nplanes = [{ kwp = 9 }]"
    config = read(text)
    assert config.grid.grid(config.pv.kwp).max_sell_w == 1_000


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[grid]\nmax_sell_share_of_kwp = 0.6", "the file sets grid.max_sell_share_of_kwp, which"),
        ("[grid]\nmax_sell_share_of_kwp = 60", "grid.max_sell_share_of_kwp should be at most"),
        ("charge_taper = [[90, 5000], [95, 1500]]", "battery.charge_taper has to fall and to end"),
        ("charge_taper = [[90, 500], [100, 1500]]", "battery.charge_taper has to fall and to end"),
        (
            "charge_taper = [[80, 9000], [90, 2000], [100, 1500]]",
            "battery.charge_taper has to bend one way",
        ),
        ("charge_taper = [[100, 5000], [100, 1500]]", "battery.charge_taper needs rising states"),
        (
            "discharge_taper = [[5, 0], [9, 900]]",
            "battery.discharge_taper has to rise and to begin",
        ),
        ("discharge_taper = [[0, 9], [9, 3]]", "battery.discharge_taper has to rise and to begin"),
        (
            "charge_efficiency = [[2000, 0.93], [10000, 0.97]]",
            "battery.charge_efficiency loses less of each further watt up to point 2 than before "
            "it (10000 W, 0.97): losses have to grow with power, fixed ones belong to standby_w",
        ),
        (
            "discharge_efficiency = [[2000, 0.97], [1000, 0.98]]",
            "battery.discharge_efficiency needs powers that rise from above 0 W, which point 2",
        ),
        ("charge_efficiency = [[2000, 0.1]]", "battery.charge_efficiency.0.1 should be at least"),
        ("charge_efficiency = 'good'", "battery.charge_efficiency should be a number (it is"),
        ("reserve_soc_percent = 99\nmax_soc_percent = 90", "reserve_soc_percent cannot be above"),
        ("full_charge_every_days = 30\nmax_soc_percent = 90", "needs max_soc_percent = 100"),
        (
            "[[grid.operator_limits]]\nstart = 2026-01-14T17:00:00\nend = 2026-01-14T19:00:00Z",
            "grid.operator_limits.0.start has no offset from UTC: write it as 2026-01-14T17:00:00+",
        ),
        (
            "[[grid.operator_limits]]\nstart = 2026-01-14T19:00:00Z\nend = 2026-01-14T17:00:00Z",
            "grid.operator_limits.0 end has to be after start",
        ),
        ("[tariff.peak]\neur_per_kw = 5\nperiod = 'week'", "tariff.peak.period should be 'month'"),
    ],
)
def test_what_cannot_be_is_one_sentence(read, text, sentence):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
