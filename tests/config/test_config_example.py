"""The documented example loads, key by key, and each section builds its model object."""

from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import platformdirs
import pytest

from optimizer.config.loading import load
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, Rule
from optimizer.model.tariff import Export, ExportKind, FeeWindow, Tariff

EXAMPLE = """
[fems]
url = "http://192.168.0.23"
password = "file:fems-password"
ess = "ess0"

[battery]
capacity_wh = 22_000
min_soc_percent = 5
max_soc_percent = 100
max_charge_w = 10_000
max_discharge_w = 10_000
charge_efficiency = 0.95
discharge_efficiency = 0.95
wear_eur_per_kwh = 0.0
standby_w = 0
hybrid = "auto"
max_ac_w = 10_000

[grid]
max_buy_w = 20_000
max_sell_w = 9_000
rule = "grid_charge"

[prices]
sources = ["energy-charts", "smard"]
zone = "DE-LU"

[tariff]
valid_to = "2026-12-31"
markup_eur_per_kwh = 0.018
levies_eur_per_kwh = 0.02946
tax_eur_per_kwh = 0.0205
concession_eur_per_kwh = 0.0166
grid_fee_eur_per_kwh = 0.07
vat_percent = 19

[[tariff.window]]
months = [4, 5, 6, 7, 8, 9]
from = "10:00"
to = "15:00"
grid_fee_eur_per_kwh = 0.0047

[tariff.export]
kind = "fixed"
eur_per_kwh = 0.0778
zero_when_spot_negative = true

[pv]
source = "open-meteo"
latitude = 48.8
longitude = 13.1
inverter_w = 10_000
planes = [{ kwp = 9.9, tilt_degrees = 30, compass_degrees = 180 }]

[load]
source = "fems"
annual_kwh = 4000

[planning]
horizon_h = 48
step_minutes = 15
stored_value = "auto"

[control]
interval_s = 10
follow = "value"
write = "equals"

[store]
folder = "state"
"""


@pytest.fixture
def config(config_file, tmp_path):
    (tmp_path / "fems-password").write_text("xyzzy-plugh-42\n")
    return load(config_file(EXAMPLE, 0o644), {})


def test_the_battery_of_the_example(config):
    expected = Battery(22_000, 5, 100, 10_000, 10_000, 0.95, 0.95, 0.0, 0, True, 10_000)
    assert config.battery.battery(hybrid=True) == expected
    assert config.battery.battery(hybrid=False).hybrid is False
    assert config.battery.hybrid == "auto"


def test_the_grid_of_the_example(config):
    assert config.grid.grid(0) == Grid(20_000, 9_000, Rule.GRID_CHARGE)


def test_the_tariff_of_the_example(config):
    window = FeeWindow(time(10), time(15), 0.0047, (4, 5, 6, 7, 8, 9))
    tariff = config.tariff
    assert tariff == Tariff(
        0.018, 0.02946, 0.0205, 0.0166, 0.07, 19, (window,), Export(ExportKind.FIXED, 0.0778, True),
        date(2026, 12, 31), ZoneInfo("Europe/Berlin"),
    )  # fmt: skip
    noon = datetime(2026, 6, 15, 10, tzinfo=UTC)
    assert tariff.buy(0.05, noon) == pytest.approx((0.05 + 0.08456 + 0.0047) * 1.19)


def test_the_other_sections_of_the_example(config, tmp_path):
    assert (config.fems.url, config.fems.ess) == ("http://192.168.0.23", "ess0")
    assert config.fems.password.get_secret_value() == "xyzzy-plugh-42"
    assert (config.prices.sources, config.prices.zone) == (("energy-charts", "smard"), "DE-LU")
    assert (config.pv.source, config.pv.latitude, config.pv.longitude) == ("open-meteo", 48.8, 13.1)
    (plane,) = config.pv.planes
    assert (plane.kwp, plane.tilt_degrees, plane.compass_degrees) == (9.9, 30, 180)
    assert (config.load.source, config.load.annual_kwh) == ("fems", 4_000)
    planning = config.planning
    assert (planning.horizon_h, planning.step_minutes, planning.stored_value) == (48, 15, "auto")
    control = config.control
    assert (control.interval_s, control.follow, control.write) == (10, "value", "equals")
    assert config.store.folder == tmp_path / "state"


def test_the_least_configuration_has_the_documented_defaults(config_file, small, environment):
    config = load(config_file(small), environment)
    assert config.battery.battery(hybrid=False) == Battery(22_000)
    assert config.grid.grid(0) == Grid()
    assert config.tariff is None
    assert (config.site, config.fems.ess) == ("home", "ess0")
    assert (config.pv.source, config.pv.planes) == ("none", ())
    assert (config.planning.horizon_h, config.planning.step_minutes) == (48, 15)
    assert (config.control.follow, config.control.write) == ("value", "equals")
    assert config.store.folder == Path(platformdirs.user_state_path("optimizer"))


def test_an_empty_tariff_adds_nothing(config_file, small, environment):
    assert load(config_file(small + "[tariff]\n"), environment).tariff == Tariff(stated=False)


@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_is_known_by_its_name(config_file, small, environment, rule):
    config = load(config_file(f'{small}[grid]\nrule = "{rule.value}"\n'), environment)
    assert config.grid.grid(0).rule is rule


def test_a_number_may_stand_for_the_worth_of_stored_energy(config_file, small, environment):
    config = load(config_file(small + "[planning]\nstored_value = 0.15\n"), environment)
    assert config.planning.stored_value == 0.15


def test_windows_may_be_written_as_toml_times_and_cross_midnight(config_file, small, environment):
    text = (
        small + "[[tariff.window]]\nfrom = 22:00:00\nto = 06:00:00\ngrid_fee_eur_per_kwh = 0.01\n"
    )
    (window,) = load(config_file(text), environment).tariff.window
    assert window == FeeWindow(time(22), time(6), 0.01)


def test_a_trailing_slash_of_the_address_is_dropped(config_file, small, environment):
    text = small.replace("http://192.168.0.23", "https://fems.local:8084/")
    assert load(config_file(text), environment).fems.url == "https://fems.local:8084"


def test_a_configuration_cannot_be_changed(config):
    with pytest.raises(FrozenInstanceError):
        config.site = "elsewhere"
    with pytest.raises(FrozenInstanceError):
        config.battery.capacity_wh = 1
