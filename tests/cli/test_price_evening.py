"""18:35, the hour of the planner: services are up, down but one, and all down."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
import responses
from answers.prices import SERVICES, day_of, midnight
from typer.testing import CliRunner

from optimizer.app import forecast_inputs
from optimizer.app.source_diagnosis import price_sources
from optimizer.cli.app import app
from optimizer.cli.common_options import moment
from optimizer.config import loading
from optimizer.errors import DataError
from optimizer.sources import registry

DAY = date(2026, 11, 22)
AT = datetime(2026, 11, 22, 17, 35, tzinfo=UTC)
DOWN = {"status": 503, "body": "<html>maintenance</html>"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A configuration with three services, and load as a file."""
    begin = midnight(DAY - timedelta(days=2))
    hours = [begin + timedelta(hours=n) for n in range(144)]
    rows = "\n".join(f"{at.isoformat()},800" for at in hours)
    (tmp_path / "load.csv").write_text(f"start,load_w\n{rows}\n")
    (tmp_path / "optimizer.toml").write_text(
        f"""
[fems]
url = "http://127.0.0.1:9"
password = "env:FEMS_PASSWORD"
[battery]
capacity_wh = 10_000
hybrid = false
[prices]
sources = ["energy-charts", "smard", "awattar"]
patience_s = 0
[tariff]
grid_fee_eur_per_kwh = 0.10
vat_percent = 19
[load]
source = "csv"
file = "load.csv"
[store]
folder = "{tmp_path / "state"}"
"""
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FEMS_PASSWORD", "owner")
    monkeypatch.setattr(
        "optimizer.cli.plan_command.moment", lambda text: moment(text or AT.isoformat())
    )
    return tmp_path


def plan(*args, at=AT):
    done = CliRunner().invoke(app, ["plan", "--at", at.isoformat(), "--soc", "50", "--json", *args])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def steps_in(minutes, days):
    return [at for n in range(*days) for at in day_of(DAY + timedelta(days=n), minutes)]


def prices_of(starts):
    """Up and down through the day, no day like the other."""
    return [0.05 + 0.01 * ((at.hour * 5) % 24) + 0.0001 * (at.day % 7) for at in starts]


def charts(internet, days=(-35, 2)):
    starts = steps_in(15, days)
    internet.get(
        SERVICES["energy-charts"].url,
        json=SERVICES["energy-charts"].write(starts, 15, prices_of(starts)),
    )


def awattar(internet):
    starts = steps_in(60, (-35, 2))
    internet.get(
        SERVICES["awattar"].url, json=SERVICES["awattar"].write(starts, 60, prices_of(starts))
    )


def down(internet, *names):
    for name in names:
        url = SERVICES[name].url
        internet.get(f"{url}/index_quarterhour.json" if name == "smard" else url, **DOWN)


@pytest.fixture
def internet():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def test_all_is_well_and_only_the_first_is_asked(home, internet):
    charts(internet)
    made = json.loads(plan().stdout)
    assert made["steps"][-1]["end"] == "2026-11-23T23:00:00Z"
    assert {step["price_from"] for step in made["steps"]} == {"published energy-charts"}
    assert len(internet.calls) == 1
    first, second = made["notes"]
    assert first == "prices, load and roof are known to 2026-11-23T23:00:00Z: the plan ends there"
    assert second == (
        "the value of the energy left at the end comes from a forecast of the prices after "
        "2026-11-23T23:00:00Z by like days (31.6 ct on average); nothing is done at those prices"
    )


def test_a_second_plan_of_the_evening_asks_nobody(home, internet):
    charts(internet)
    first = json.loads(plan().stdout)
    again = json.loads(plan(at=AT + timedelta(minutes=5)).stdout)
    assert len(internet.calls) == 1
    assert {step["price_from"] for step in again["steps"]} == {"cached energy-charts"}
    money = [[step["buy_eur_per_kwh"] for step in made["steps"]] for made in (first, again)]
    assert money[0] == money[1]


def test_all_are_down_but_one(home, internet):
    down(internet, "energy-charts", "smard")
    awattar(internet)
    made = json.loads(plan().stdout)
    assert made["steps"][-1]["end"] == "2026-11-23T23:00:00Z"
    assert {step["price_from"] for step in made["steps"]} == {"published awattar"}
    assert made["notes"][:3] == [
        "price source 'energy-charts' was skipped: api.energy-charts.info does not work now (503): "
        "ask again later",
        "price source 'smard' was skipped: www.smard.de does not work now (503): ask again later",
        "awattar stands in with 118 quarter-hours of prices (hourly ones)",
    ]


def test_the_first_has_today_and_another_fills_in_tomorrow(home, internet):
    charts(internet, (-35, 1))
    down(internet, "smard")
    awattar(internet)
    made = json.loads(plan().stdout)
    origins = [step["price_from"] for step in made["steps"]]
    assert origins == ["published energy-charts"] * 22 + ["filled awattar"] * 96
    assert "awattar fills in 96 quarter-hours of prices (hourly ones)" in made["notes"]


def test_all_are_down_but_tomorrow_is_kept_since_the_afternoon(home, internet):
    charts(internet)
    plan(at=AT - timedelta(hours=4))
    internet.reset()
    down(internet, "energy-charts", "smard", "awattar")
    made = json.loads(plan().stdout)
    assert made["steps"][-1]["end"] == "2026-11-23T23:00:00Z"
    assert {step["price_from"] for step in made["steps"]} == {"cached energy-charts"}


def test_all_are_down_and_only_today_is_kept(home, internet):
    """The plan ends at midnight; like days only say what energy is worth that is left then."""
    charts(internet, (-35, 1))
    plan(at=AT - timedelta(hours=8))
    internet.reset()
    down(internet, "energy-charts", "smard", "awattar")
    made = json.loads(plan().stdout)
    assert made["steps"][-1]["end"] == "2026-11-22T23:00:00Z"
    assert {step["price_from"] for step in made["steps"]} == {"cached energy-charts"}
    fault = "does not work now (503): ask again later"
    assert made["notes"][:4] == [
        f"price source 'energy-charts': api.energy-charts.info {fault}; what was kept of it is "
        "used",
        f"price source 'smard' was skipped: www.smard.de {fault}",
        f"price source 'awattar' was skipped: api.awattar.de {fault}",
        "prices, load and roof are known to 2026-11-22T23:00:00Z: the plan ends there",
    ]
    assert "a forecast of the prices after 2026-11-22T23:00:00Z by like" in made["notes"][4]
    marginal_value = made["steps"][-1]["values_eur_per_kwh"]
    assert made["end_value_eur_per_kwh"] == pytest.approx(sum(marginal_value) / 25, abs=1e-6)
    dearest = max((price + 0.10) * 1.19 for price in prices_of(steps_in(15, (0, 1))))
    assert 0 < marginal_value[-1] < marginal_value[0] < 0.95 * dearest + 0.004


def test_a_store_that_cannot_be_opened_costs_no_dry_plan(home, internet):
    (home / "state").write_text("a file where the folder should be")
    charts(internet, (0, 2))
    made = json.loads(plan("--dry-run").stdout)
    assert {step["price_from"] for step in made["steps"]} == {"published energy-charts"}


def test_all_are_down_and_nothing_is_kept(home, internet):
    down(internet, "energy-charts", "smard", "awattar")
    with pytest.raises(DataError) as caught:
        plan()
    fault = "does not work now (503): ask again later"
    assert str(caught.value) == (
        "no price is known for 2026-11-22T17:35:00Z, so there is no new plan "
        f"(api.energy-charts.info {fault}; www.smard.de {fault}; api.awattar.de {fault}). A plan "
        "in force goes on to its end, then the FEMS balances the house by itself"
    )
    assert caught.value.exit_code == 8


def test_another_unit_is_not_believed_and_the_next_source_is_asked(home, internet):
    charts(internet, (-35, 1))
    plan(at=AT - timedelta(days=1))
    internet.reset()
    starts = steps_in(15, (0, 2))
    wrong = [price * 10 for price in prices_of(starts)]
    internet.get(
        SERVICES["energy-charts"].url, json=SERVICES["energy-charts"].write(starts, 15, wrong)
    )
    down(internet, "smard")
    awattar(internet)
    made = json.loads(plan().stdout)
    origins = [step["price_from"] for step in made["steps"]]
    assert origins == ["cached energy-charts"] * 22 + ["filled awattar"] * 96
    assert made["notes"][0] == (
        "price source 'energy-charts': energy-charts: its prices are 10 times what they were for "
        "the same hours: its unit has changed, so they are not used; what was kept of it is used"
    )


def test_the_plan_waits_for_a_busy_service_as_long_as_it_may(home, internet):
    """Retry-After is kept to; with the patience used up the plan is made from what there is."""
    path = home / "optimizer.toml"
    path.write_text(path.read_text().replace("patience_s = 0", "patience_s = 100"))
    waited = []

    def sleep(seconds):
        waited.append(seconds)
        if len(waited) == 2:
            internet.reset()
            charts(internet)

    internet.get(SERVICES["energy-charts"].url, status=429, headers={"Retry-After": "40"})
    down(internet, "smard", "awattar")
    config = loading.load(path)
    with forecast_inputs.sources_of(config, AT) as sources:
        costs = forecast_inputs.prices(config, sources, sleep)
    assert waited == [40, 40]
    assert set(costs.frame["origin"]) == {"published energy-charts"}


def test_the_version_names_whose_data_are_used():
    done = CliRunner().invoke(app, ["--version"])
    assert done.stdout.startswith("optimizer ")
    for source in registry.PRICES.values():
        assert source.attribution in done.stdout
    assert "Bundesnetzagentur | SMARD.de (CC BY 4.0)" in done.stdout


def test_the_doctor_asks_each_source(home, internet):
    """The FEMS is not there; that does not keep the sources from being asked."""
    down(internet, "energy-charts")
    awattar(internet)
    text = (home / "optimizer.toml").read_text()
    (home / "optimizer.toml").write_text(text.replace('"smard", ', ""))
    first, second, *_ = price_sources(loading.load(home / "optimizer.toml"), AT)
    assert first.text == "energy-charts: api.energy-charts.info does not work now (503)"
    assert second.text.startswith("awattar: 414 steps of 60 min, 06.11. 18:00 to 24.11. 00:00")
    assert second.text.endswith("29 h ahead")
