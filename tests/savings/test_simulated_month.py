"""The ledger over a month of a house with faults and gaps, against the house's own meters."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from optimizer.app import quarter_export
from optimizer.cli.export_command import EARLIEST, LATEST
from optimizer.config.sections import BatterySection, Config, FemsSection, StoreSection
from optimizer.control.law import ControlSettings
from optimizer.model.moments import floor
from optimizer.savings import daily_accounts
from optimizer.savings.battery_path import AccountingRules
from optimizer.savings.energy_flows import EnergyFlows
from optimizer.simulation import minute_simulation, sample_data
from optimizer.simulation.minute_simulation import Disturbance, MinuteHouse, Trouble
from optimizer.store import database
from optimizer.text import account_text

# Four weeks of quarter-hours in one go: coverage would make them twice as long.
pytestmark = pytest.mark.no_cover

HOUSE = daily_accounts.AccountInputs(
    "sample house", AccountingRules(sample_data.BATTERY, sample_data.GRID), sample_data.ZONE
)
HOUR = timedelta(hours=1)
TROUBLES = {
    "winter": (
        (Disturbance.OUTAGE, 2, 3.0, 3.0),
        (Disturbance.STOPPED, 3, 8.1, 2.4),
        (Disturbance.FOREIGN, 4, 4.0, 2.0),
        (Disturbance.CORRECTED, 5, 2.05, 0.2),
    ),
    "spring": ((Disturbance.STOPPED, 4, 5.0, 30.0), (Disturbance.OUTAGE, 6, 0.5, 2.0)),
    "summer": ((Disturbance.FAULT, 1, 18.0, 5.0), (Disturbance.OUTAGE, 3, 11.0, 0.1)),
    "autumn": ((Disturbance.OUTAGE, 6, 1.0, 2.0), (Disturbance.FOREIGN, 2, 17.0, 3.0)),
}


@dataclass(slots=True)
class FlowMeters(MinuteHouse):
    """The house with a meter on each way that energy takes, read each quarter-hour [Wh]."""

    quarters: dict = field(init=False, default_factory=dict)  # a copy has meters of its own

    def _count(self, at, flow):
        MinuteHouse._count(self, at, flow)
        wh = self.quarters.setdefault(floor(at), dict.fromkeys(
            (*EnergyFlows._fields, "drawn_wh", "fed_wh", "charged_wh", "discharged_wh", "pv_wh"),
            0.0,
        ))  # fmt: skip
        bought, sold = max(0.0, flow.grid_w), max(0.0, -flow.grid_w)
        charged, discharged = max(0.0, -flow.battery_w), max(0.0, flow.battery_w)
        to_battery, to_grid = min(bought, charged), min(sold, discharged)
        pv_to_battery, pv_to_grid = charged - to_battery, sold - to_grid
        for name, power_w in (
            ("drawn_wh", bought), ("fed_wh", sold), ("charged_wh", charged),
            ("discharged_wh", discharged), ("pv_wh", flow.pv_w),
            ("grid_to_battery_wh", to_battery), ("grid_to_house_wh", bought - to_battery),
            ("pv_to_battery_wh", pv_to_battery), ("pv_to_grid_wh", pv_to_grid),
            ("pv_to_house_wh", flow.pv_w - pv_to_battery - pv_to_grid),
            ("battery_to_grid_wh", to_grid), ("battery_to_house_wh", discharged - to_grid),
        ):  # fmt: skip
            wh[name] += power_w / 60


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Folder of each sample week's store."""
    return {week: tmp_path_factory.mktemp(week) for week in TROUBLES}


@pytest.fixture(scope="module")
def metered():
    """Each week's quarter-hours by the meters of the simulated house; filled by `month`."""
    return {}


@pytest.fixture(scope="module")
def month(stores, metered):
    """Each sample week: its days and the truth about them."""
    found = {}
    for week, befalls in TROUBLES.items():
        connection = database.connect(stores[week])
        folder = sample_data.folder() / week
        first, _ = sample_data.days(folder)
        troubles = [
            Trouble(kind, first + (24 * day + hour) * HOUR, first + (24 * day + hour + long) * HOUR)
            for kind, day, hour, long in befalls
        ]
        houses = []

        def house(*given, kept=houses, **named):
            kept.append(FlowMeters(*given, **named))
            return kept[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(minute_simulation, "MinuteHouse", house)
            truths = minute_simulation.simulate_minutes(connection, folder, troubles=troubles)
        metered[week] = houses[0].quarters
        dates = [truth.start.astimezone(sample_data.ZONE).date() for truth in truths]
        now = truths[-1].start + timedelta(days=2)
        days = {day: daily_accounts.of_day(connection, HOUSE, day, now) for day in dates}
        found[week] = list(zip(days.values(), truths, strict=True))
        connection.close()
    return found


@pytest.fixture
def all_days(month):
    return [pair for pairs in month.values() for pair in pairs if pair[0] is not None]


def test_the_account_closes_on_every_day(all_days):
    assert len(all_days) == 28
    for day, _ in all_days:
        parts = day.planning_eur + day.forecast_eur + day.execution_eur
        assert parts == pytest.approx(day.saving_eur, abs=1e-9), day.day
        assert day.saving_eur == pytest.approx(
            day.self_consumption_bill_eur - day.bill_eur + day.worn_eur + day.stored_eur, abs=1e-9
        )
        c = account_text.Cents.of(day)
        assert c.self_consumption - c.bill + c.stored + c.wear == c.saved
        assert c.planning + c.forecast + c.execution == c.saved
        assert abs(c.stored - 100 * day.stored_eur) <= 2
        assert abs(c.execution - 100 * day.execution_eur) <= 2


def test_the_bill_is_the_houses_own_meters(all_days):
    whole = [(day, truth) for day, truth in all_days if day.counted == day.quarters]
    assert len(whole) >= 16
    for day, truth in whole:
        assert day.drawn_wh == pytest.approx(truth.drawn_wh, abs=0.5), day.day
        assert day.fed_wh == pytest.approx(truth.fed_wh, abs=0.5), day.day


def test_the_saving_is_what_a_twin_of_the_house_would_have_paid_more(all_days):
    """Bill and stored energy of a twin that nobody wrote to, minute by minute; wear is apart.

    The ledger knows the charge in whole percents only: 1 % of 22 kWh is worth some cents.
    """
    for day, truth in all_days:
        if day.counted < day.quarters:
            continue
        more_wh = truth.soc_wh - truth.self_consumption_soc_wh
        more_eur = more_wh / 1000 * day.stored_eur_per_kwh
        true_eur = truth.self_consumption_bill_eur - truth.bill_eur + more_eur
        assert day.saving_eur - day.worn_eur == pytest.approx(true_eur, abs=0.06), day.day
        assert day.bill_eur == pytest.approx(truth.bill_eur, abs=0.001), day.day
        assert day.self_consumption_bill_eur == pytest.approx(
            truth.self_consumption_bill_eur, abs=0.06
        ), day.day
        assert day.stored_wh == pytest.approx(more_wh, abs=260), day.day
        assert day.model_off_percent < 2


def exported(folder):
    """Rows of `optimizer export quarters`, numbers as numbers."""
    settings = Config(
        fems=FemsSection(url="http://127.0.0.1:9", password=SecretStr("owner")),
        battery=BatterySection(22_000, hybrid=False), store=StoreSection(folder=folder),
    )  # fmt: skip
    return quarter_export.quarter_table(settings, EARLIEST, LATEST).rows


def test_the_exported_quarter_hours_are_the_houses_meters_to_the_watt_hour(month, stores, metered):
    """Each way of the energy in each quarter-hour, and the month's sums; rules of MiSpeL too."""
    sums, count = {}, 0
    for week, folder in stores.items():
        for row in exported(folder):
            if row["seconds"] < 900:
                continue  # an outage: part of it is not known
            count += 1
            truth = metered[week][datetime.fromisoformat(row["start"])]
            for name, wh in truth.items():
                assert row[name] == pytest.approx(wh, abs=0.01), (row["start"], name)
                known, came = sums.get(name, (0.0, 0.0))
                sums[name] = known + row[name], came + wh
            assert row["mispel_1_wh"] == min(row["drawn_wh"], row["charged_wh"])
            assert row["mispel_2_wh"] + row["mispel_23_wh"] == pytest.approx(row["fed_wh"])
            assert row["cost_eur"] == pytest.approx(
                (row["drawn_wh"] * row["buy_eur_per_kwh"] - row["fed_wh"] * row["sell_eur_per_kwh"])
                / 1000
            )
    assert count > 2_500
    for name, (known, came) in sums.items():
        assert known == pytest.approx(came, abs=0.5), name
    assert min(sums["grid_to_battery_wh"][0], sums["pv_to_battery_wh"][0]) > 10_000
    grid, pv = sums["grid_to_battery_wh"][0], sums["pv_to_battery_wh"][0]
    assert grid + pv == pytest.approx(sums["charged_wh"][0])


def test_the_exported_quarter_hours_say_what_was_held_and_why(month, stores):
    rows = {row["start"]: row for row in exported(stores["winter"])}
    reasons = {row["reason"] for row in rows.values()}
    assert {"holding", "self_consumption", "yielded"} <= reasons
    held = [row for row in rows.values() if row["held_s"] > 0 and row["seconds"] >= 900]
    assert held
    assert all(row["held_s"] <= 900 for row in held)
    assert {row["intent"] for row in held if row["held_s"] == 900} >= {"charge", "hold"}
    whole = [row for row in held if row["held_s"] == 900]
    assert all(row["reason"] == "holding" and row["note"] for row in whole)
    bought = sum(row["held_bought_wh"] for row in rows.values() if not row["held_s"])
    assert bought == pytest.approx(0, abs=0.01)


def test_gaps_are_left_out_on_both_sides_and_counted(month):
    winter = [day for day, _ in month["winter"]]
    assert winter[0].unmeasured == 1  # the executor's first reading comes after a minute
    assert winter[2].unmeasured == 13
    assert winter[3].unmeasured == 10
    assert (winter[4].unmeasured, winter[4].execution_eur < -0.05) == (0, True)
    spring = [day for day, _ in month["spring"]]
    assert spring[4].counted < 24
    assert spring[5].counted == 96 - 44


def test_a_corrected_charge_is_neither_saved_nor_lost(month):
    day, truth = month["winter"][5]
    assert (day.corrected, day.counted) == (1, 95)
    phantom_eur = (
        minute_simulation.CORRECTION
        * sample_data.BATTERY.capacity_wh
        / 1000
        * day.stored_eur_per_kwh
    )
    assert phantom_eur > 0.2
    more_eur = (truth.soc_wh - truth.self_consumption_soc_wh) / 1000 * day.stored_eur_per_kwh
    assert abs(day.stored_eur - more_eur) < 0.1


def test_days_of_23_and_25_hours_have_their_quarters(month):
    assert month["spring"][6][0].quarters == 92
    assert month["autumn"][6][0].quarters == 100


def test_other_programs_and_faults_are_execution_not_planning(month):
    foreign, _ = month["autumn"][2]
    fault, _ = month["summer"][1]
    assert foreign.execution_eur < -0.3
    assert fault.execution_eur < -0.3
    assert abs(foreign.planning_eur) + abs(foreign.forecast_eur) < 0.3


def test_without_surprises_only_the_plan_is_left(tmp_path):
    """What comes is what was expected, evenly: nobody but the plan answers for anything."""
    connection = database.connect(tmp_path)
    week = sample_data.folder() / "winter"
    truths = minute_simulation.simulate_minutes(
        connection, week, days=3, forecast=sample_data.measured, spiky=False, soc_percent=30
    )
    now = truths[-1].start + timedelta(days=2)
    for truth in truths:
        day = daily_accounts.of_day(
            connection, HOUSE, truth.start.astimezone(sample_data.ZONE).date(), now
        )
        assert abs(day.forecast_eur) < 0.005
        assert abs(day.execution_eur) < 0.12
    assert day.planning_eur > 1
    connection.close()


def test_a_house_left_alone_saves_nothing(tmp_path):
    """Plans are in the store, but of another site: the law never holds anything."""
    connection = database.connect(tmp_path)
    settings = ControlSettings(sample_data.BATTERY, sample_data.GRID, site="another house")
    truths = minute_simulation.simulate_minutes(
        connection, sample_data.folder() / "autumn", settings, days=2
    )
    now = truths[-1].start + timedelta(days=2)
    for truth in truths:
        day = daily_accounts.of_day(
            connection, HOUSE, truth.start.astimezone(sample_data.ZONE).date(), now
        )
        assert abs(day.saving_eur) < account_text.unsure_eur(day, 22_000) + 0.01
        assert "nothing that differs from zero for sure" in account_text.verdict(
            account_text.Cents.of(day).saved, account_text.unsure_eur(day, 22_000)
        )
        assert day.execution_eur == pytest.approx(
            day.saving_eur - day.planning_eur - day.forecast_eur
        )
    connection.close()
