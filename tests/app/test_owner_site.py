"""The public API on an owner's configuration, whose store holds simulated days."""

import dataclasses
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

import optimizer
from optimizer.app import demo_run
from optimizer.errors import ConfigError, DataError, NoPlanError, UsageError
from optimizer.model.plan import Intent, Plan
from optimizer.simulation import minute_simulation, sample_data
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store import database

WEEK = sample_data.folder() / "winter"
CONFIG = f"""
[fems]
url = "http://127.0.0.1:9"
password = "owner"
[battery]
capacity_wh = 22_000
hybrid = false
[grid]
max_sell_w = 9_000
[prices]
sources = ["csv"]
file = "{WEEK}/prices.csv"
[tariff]
grid_fee_eur_per_kwh = 0.10
[tariff.export]
eur_per_kwh = 0.0778
[load]
source = "journal"
[store]
folder = "store"
"""
NOON = "2026-01-13T12:00+01:00"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A configuration with a store of four simulated days."""
    folder = tmp_path_factory.mktemp("owner")
    connection = database.connect(folder / "store")
    minute_simulation.simulate_minutes(connection, WEEK, days=4)
    connection.close()
    file = folder / "optimizer.toml"
    file.touch(mode=0o600)
    file.write_text(CONFIG)
    return file


@pytest.fixture(scope="module")
def site(path):
    return optimizer.Site(path)


def test_a_site_is_found_as_the_commands_find_it(site, path, monkeypatch, tmp_path):
    monkeypatch.setenv("OPTIMIZER_CONFIG", str(path))
    assert repr(optimizer.Site()) == repr(site)
    with pytest.raises(ConfigError, match="there is no configuration"):
        optimizer.Site(tmp_path / "elsewhere.toml")


def test_plans_come_from_the_store_and_what_ifs_never_get_there(site, path):
    plan = site.plan(NOON)
    assert plan.made_at == datetime(2026, 1, 12, 13, tzinfo=UTC)
    with pytest.raises(NoPlanError, match="no plan covers"):
        site.plan()
    stored = _plan_count(path)
    small = dataclasses.replace(site.battery, capacity_wh=11_000)
    own = site.make_plan(NOON)
    assert own.made_at == datetime(2026, 1, 13, 11, tzinfo=UTC)
    assert site.make_plan(NOON, battery=small).steps[-1].soc_wh <= 11_000
    roof_only = dataclasses.replace(site.grid, rule=optimizer.Rule.PV_ONLY)
    made = site.make_plan(NOON, grid=roof_only)
    assert not any(step.grid_w > 100 and step.battery_w < -100 for step in made.steps)
    assert _plan_count(path) == stored


def _plan_count(path):
    connection = database.connect(path.parent / "store")
    (count,) = connection.execute("SELECT count(*) FROM plan").fetchone()
    connection.close()
    return count


def test_another_tariff_meets_the_spot_prices_of_the_sources(site):
    dearer = dataclasses.replace(site.tariff, grid_fee_eur_per_kwh=0.20)
    first, other = (
        site.make_plan(NOON, 40).steps[0],
        site.make_plan(NOON, 40, tariff=dearer).steps[0],
    )
    assert other.buy_eur_per_kwh == pytest.approx(first.buy_eur_per_kwh + 0.10)
    assert other.start == first.start


def test_an_unknown_state_of_charge_has_to_be_given(site):
    with pytest.raises(UsageError, match=r"give soc_percent: .* 2026-01-10T11:00:00Z is stored"):
        site.make_plan("2026-01-10T12:00+01:00")


def test_a_plan_as_a_table_is_the_plan(site):
    plan = site.plan(NOON)
    frame = plan.frame()
    assert str(frame.index.tz) == "UTC"
    assert frame.index.tolist() == [pd.Timestamp(step.start) for step in plan.steps]
    assert frame["soc_wh"].tolist() == [step.soc_wh for step in plan.steps]
    assert set(frame["intent"]) <= {intent.value for intent in Intent}
    bill = (
        frame["grid_w"]
        / 4000
        * frame["buy_eur_per_kwh"].where(frame["grid_w"] > 0, frame["sell_eur_per_kwh"])
    )
    assert bill.sum() == pytest.approx(plan.cost_eur, abs=1e-4)


def test_the_forecast_of_then_is_what_the_plan_was_made_from(site):
    at = datetime(2026, 1, 13, 13, tzinfo=UTC)
    frame, steps = site.forecast(at), site.plan(at).steps
    assert frame["load_w"].tolist() == pytest.approx([step.load_w for step in steps])
    later = site.forecast(at + timedelta(minutes=7))
    assert later.index[0] == pd.Timestamp("2026-01-13T13:07Z")
    assert later.index[1:].equals(frame.index[1:])


def test_the_record_adds_up(site):
    begin, end = site.recorded_days(2)
    assert (begin, end) == (
        datetime(2026, 1, 13, 23, tzinfo=UTC),
        datetime(2026, 1, 15, 23, tzinfo=UTC),
    )
    assert site.recorded_days(99)[0] == datetime(2026, 1, 11, 23, tzinfo=UTC)
    quarters, journal = site.quarters(begin, end), site.journal(begin, end)
    assert len(quarters) == 192
    assert (journal["kind"] == "summary").sum() == 192
    measured = sample_data.measured(WEEK, begin, end)
    assert quarters["load_wh"].sum() == pytest.approx(measured["load_w"].sum() / 4, rel=0.01)
    assert quarters["pv_wh"].sum() == pytest.approx(measured["pv_w"].sum() / 4, rel=0.01)
    prices = site.prices(begin, end)
    bill = (quarters["drawn_wh"] * prices["buy_eur_per_kwh"]
            - quarters["fed_wh"] * prices["sell_eur_per_kwh"]).sum() / 1000  # fmt: skip
    savings = site.savings(begin, end)
    assert savings["bill_eur"].sum() == pytest.approx(bill)
    parts = savings[["planning_eur", "forecast_eur", "execution_eur"]].sum(axis=1)
    assert savings["saving_eur"].tolist() == pytest.approx(parts.tolist())
    assert savings["day"].tolist() == ["2026-01-14", "2026-01-15"]


def test_forecasts_are_compared_with_what_was_metered(site):
    begin, end = site.recorded_days(4)
    both = site.compare_forecasts(begin, end)
    expected = sample_data.forecast(WEEK, begin, end).loc[both.index]
    assert both["forecast_load_w"].tolist() == pytest.approx(expected["load_w"].tolist(), abs=1)
    errors = site.forecast_errors(begin, end)
    assert list(errors.index) == ["load_w", "pv_w"]
    assert errors.loc["load_w", "quarter_hour"] == pytest.approx(
        (both["load_w"] - both["forecast_load_w"]).abs().mean() / both["load_w"].mean()
    )


def test_spans_without_a_record_are_empty_tables_of_the_same_columns(site):
    ask = (site.journal, site.quarters, site.savings, site.prices, site.planned,
           site.compare_forecasts)  # fmt: skip
    for question in ask:
        full, empty = question("2026-01-13", "2026-01-14"), question("2027-01-13", "2027-01-14")
        assert not full.empty
        assert empty.empty
        assert list(full.columns) == list(empty.columns)
        assert str(empty.index.tz) == "UTC"
    assert site.forecast_errors("2027-01-13", "2027-01-14").empty


def test_moments_are_aware_or_dates(site):
    same = ["2026-01-13", date(2026, 1, 13), pd.Timestamp("2026-01-12T23:00Z")]
    tables = [site.quarters(begin, "2026-01-14") for begin in same]
    assert [len(table) for table in tables] == [96, 96, 96]
    with pytest.raises(UsageError, match="'soon' is not a moment such as 2026-01-14T18:00"):
        site.plan("soon")
    with pytest.raises(UsageError, match="has no offset from UTC: write"):
        site.plan(datetime(2026, 1, 13, 12))  # noqa: DTZ001 that is the fault
    with pytest.raises(DataError, match="recorded nothing yet"):
        _empty(site)


def _empty(site):
    other = object.__new__(optimizer.Site)
    store = dataclasses.replace(site._config.store, folder=site._config.store.folder / "other")
    other._config = dataclasses.replace(site._config, store=store)
    other.recorded_days()


def test_the_own_past_is_tried_again(site):
    result = site.backtest(forecast="learned").frame()
    assert result.index[0] == "this program"
    assert result.loc["perfect forecasts", "cost_eur"] <= result.loc["this program", "cost_eur"]
    table = site.what_if(
        {"own": site.battery},
        {"own": site.tariff, "flat": (0.30, 0.08)},
        "2026-01-12",
        "2026-01-16",
    )
    assert table.loc[("own", "flat"), "plan_gain_eur"] == pytest.approx(0, abs=0.5)
    assert table.loc[("own", "own"), "plan_gain_eur"] > 50
    with pytest.raises(DataError, match="are known from"):
        site.backtest("2026-01-01", "2026-01-14")


@pytest.mark.parametrize("week", ["winter", "spring", "summer", "autumn"])
def test_each_sample_week_is_a_site(week):
    site = optimizer.sample_site(week)
    begin, end = site.recorded_days(5)
    assert site.now == end
    savings = site.savings(begin, end)
    assert savings["counted"].tolist()[:3] == [95, 96, 96]  # its very first minute is not metered
    assert savings["unmeasured"].iloc[3] in (12, 13)
    assert isinstance(site.plan(), Plan)
    assert site.make_plan().made_at == end
    assert site.forecast().index[0] == pd.Timestamp(end)


def test_an_unknown_week_is_refused():
    with pytest.raises(UsageError, match="there is no sample week 'may': take one of winter"):
        optimizer.sample_site("may")


@pytest.fixture
def live(tmp_path):
    """A site whose FEMS answers, with prices and load of this hour and the next 35."""
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for name, column, value in (("prices", "spot_eur_per_mwh", 100), ("load", "load_w", 700)):
        rows = [f"{(begin + timedelta(hours=n)).isoformat()},{value}" for n in range(-2, 36)]
        (tmp_path / f"{name}.csv").write_text("\n".join([f"start,{column}", *rows]) + "\n")
    file = tmp_path / "optimizer.toml"
    file.touch(mode=0o600)
    with SimulatedFems(demo_run.house_now(WEEK, hybrid=False, soc_percent=64)) as fems:
        text = CONFIG.replace("http://127.0.0.1:9", fems.url).replace(f"{WEEK}/", f"{tmp_path}/")
        file.write_text(text.replace('"journal"', f'"csv"\nfile = "{tmp_path}/load.csv"'))
        yield optimizer.Site(file)


def test_without_a_moment_sources_and_fems_are_asked(live):
    before = datetime.now(UTC).replace(microsecond=0)
    frame, plan = live.forecast(), live.make_plan()
    assert before <= frame.index[0].to_pydatetime() <= plan.made_at <= datetime.now(UTC)
    assert set(frame["load_w"]) == {700.0}
    assert frame["buy_eur_per_kwh"].tolist() == pytest.approx([0.10 + 0.10] * len(frame))
    assert plan.start_soc_percent == 64
    with pytest.raises(NoPlanError, match="there is no plan yet"):
        live.plan()
