"""The battery is recovered from what a simulated device remembers of it, over its own interface."""

import math
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimizer.doctor import battery_findings
from optimizer.doctor.battery_learning import CounterStep, Estimate, Learned, learn
from optimizer.doctor.finding import Level
from optimizer.errors import DataError
from optimizer.fems import device_history
from optimizer.fems.client import FemsClient
from optimizer.model.battery import Battery
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store.journal import Tick

ZONE = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 4, 1, tzinfo=UTC)
DAYS = 30


def house(battery, seed):
    """A house with bursts of load and days of different sun."""
    chance, quarters = random.Random(seed), 96 * DAYS  # noqa: S311 - repeatable, no secret
    begin = AT - timedelta(days=DAYS + 1)
    sunny = [chance.uniform(0.1, 1) for _ in range(DAYS + 1)]
    load = [chance.choice((200.0, 300.0, 400.0, 900.0, 2500.0)) for _ in range(quarters)]
    pv = [
        4_500 * sunny[n // 96] * max(0.0, math.sin((n % 96 - 24) / 48 * math.pi))
        for n in range(quarters)
    ]
    profiles = Profile(begin, 900, tuple(load)), Profile(begin, 900, tuple(pv))
    return SimulatedHouse(battery, *profiles, AT, 50)


def remembered(battery, seed, days=DAYS):
    with SimulatedFems(house(battery, seed)) as fems, FemsClient(fems.url, "owner") as client:
        first = (AT - timedelta(days=days)).date()
        return device_history.fetch_counters(client.rpc, first, AT.date(), ZONE)


@pytest.mark.parametrize(
    ("seed", "battery"),
    [
        (1, Battery(22_000, charge_efficiency=0.95, discharge_efficiency=0.95, standby_w=60)),
        (2, Battery(10_000, charge_efficiency=0.97, discharge_efficiency=0.9, hybrid=True)),
        (3, Battery(15_000, min_soc_percent=10, charge_efficiency=0.9, discharge_efficiency=0.9,
                    standby_w=25)),
    ],
    ids=["with standby", "hybrid, uneven, without standby", "small losses each way"],
)  # fmt: skip
def test_a_known_battery_is_recovered(seed, battery):
    learned = learn(battery_findings.rows_of_device(remembered(battery, seed)))
    round_trip = battery.charge_efficiency * battery.discharge_efficiency
    assert learned.round_trip.value == pytest.approx(round_trip, abs=0.01)
    assert learned.standby_w.value == pytest.approx(battery.standby_w, abs=5)
    # the split is taken as even, which asks for this capacity
    evened = battery.capacity_wh * math.sqrt(
        battery.discharge_efficiency / battery.charge_efficiency
    )
    assert learned.capacity_wh.value == pytest.approx(evened, rel=0.01)
    assert learned.efficiency == pytest.approx(math.sqrt(round_trip), abs=0.01)
    assert learned.days == pytest.approx(DAYS, abs=1)
    assert learned.counters_ratio < learned.round_trip.value + 0.01
    assert learned.round_trip.error < 0.01


def rows(days, charge_w=2_000.0, soc=lambda n: 50 + 40 * math.sin(n / 96 * 2 * math.pi)):
    """A battery that goes up and down each day, exactly, with 90 % each way and 10 kWh."""
    made = []
    for n in range(96 * days):
        change_wh = (soc(n + 0.5) - soc(n - 0.5)) * 100
        charged, discharged = max(0.0, change_wh) / 0.9, max(0.0, -change_wh) * 0.9
        start = AT + timedelta(minutes=15 * n)
        made.append(CounterStep(start, 0.25, charged, discharged, soc(n)))
    return made


def test_exact_rows_give_the_exact_battery():
    learned = learn(rows(20))
    assert learned.round_trip.value == pytest.approx(0.81, abs=0.002)
    assert learned.capacity_wh.value == pytest.approx(10_000, rel=0.005)
    assert learned.standby_w is None  # it never stood still


def test_gaps_end_windows_and_take_nothing_along():
    made = rows(20)
    holes = [
        CounterStep(row.start, row.hours, None, None, None) if n % 500 < 60 else row
        for n, row in enumerate(made)
        if not 900 < n < 1000
    ]
    assert learn(holes).round_trip.value == pytest.approx(0.81, abs=0.004)


@pytest.mark.parametrize(
    "record",
    [[], rows(5), rows(20, soc=lambda n: 50 + n / 1e4)],
    ids=["nothing", "too short", "too calm"],
)
def test_little_is_no_answer(record):
    assert learn(record) is None


def test_counters_that_run_backwards_are_no_answer():
    turned = [
        CounterStep(r.start, r.hours, r.discharged_wh, r.charged_wh, r.soc_percent)
        for r in rows(20)
    ]
    assert learn(turned) is None


def test_the_devices_counters_are_asked_for_a_month_at_most(hybrid_day):
    with pytest.raises(DataError, match="1 to 31 days can"):
        device_history.fetch_counters(None, AT.date(), AT.date(), ZONE)
    assert len(hybrid_day) == 92  # the day on which summer time begins


@pytest.fixture
def hybrid_day():
    fems = SimulatedFems(house(Battery(10_000, hybrid=True), 1))
    with fems, FemsClient(fems.url, "owner") as client:
        day = datetime(2026, 3, 29, tzinfo=UTC).date()
        return device_history.fetch_counters(client.rpc, day, day + timedelta(days=1), ZONE)


class Rpc:
    """A device of another kind: recorded answers, in order."""

    def __init__(self, *data):
        self.data = list(data)

    def call(self, _method, params):
        stamps = [f"{params['fromDate']}T00:{m:02}:00+02:00" for m in (0, 15)]
        return {"timestamps": stamps, "data": self.data.pop(0)}


def test_without_counters_the_mean_power_is_taken():
    means = {device_history.BATTERY: [400, -800], device_history.SOC: [50, None]}
    day = datetime(2026, 4, 1, tzinfo=UTC).date()
    first, second, third, *_ = device_history.fetch_counters(
        Rpc(means, {}), day, day + timedelta(days=1), ZONE
    )
    assert (first.charged_wh, first.discharged_wh, first.soc_percent) == (0, 100, 50)
    assert (second.charged_wh, second.discharged_wh, second.soc_percent) == (200, 0, None)
    assert third.charged_wh is None  # unknown is not 0


LEARNED = Learned(30.0, Estimate(17_000, 200), Estimate(0.88, 0.004), Estimate(65, 4), 0.8)
BATTERY = Battery(22_000)


def reported(learned, battery=BATTERY, saving=None):
    return {item.name: item for item in battery_findings.findings(learned, battery, saving)}


def test_the_doctor_names_what_differs_with_the_cure_and_its_effect():
    found = reported(LEARNED, saving=lambda battery: battery.capacity_wh / 10_000)
    assert found["usable capacity"].level is Level.WARN
    assert found["usable capacity"].fix == "set [battery] capacity_wh = 17000"
    assert found["round trip"].level is Level.WARN
    assert "88.0% ± 0.8% in 30 days, configured are 90.2%" in found["round trip"].text
    assert "charge_efficiency = 0.938" in found["round trip"].fix
    assert found["standby"].fix == "set [battery] standby_w = 65"
    assert "expects to save 1.70 EUR a day, as configured 2.20 EUR" in found["effect"].text
    assert "nothing is changed by itself" in found["effect"].text


def test_the_doctor_is_content_with_what_agrees():
    battery = Battery(17_300, charge_efficiency=0.94, discharge_efficiency=0.94, standby_w=60)
    assert {item.level for item in reported(LEARNED, battery).values()} == {Level.OK}
    learned = battery_findings.as_learned(LEARNED, battery)
    assert (learned.capacity_wh, learned.standby_w) == (17_000, 65)


def test_the_doctor_says_what_is_not_known_yet():
    assert "nothing yet" in reported(None)["learned"].text
    vague = Learned(7.0, Estimate(17_000, 900), Estimate(1.01, 0.05), None, 0.9)
    found = reported(vague)
    assert found["round trip"].text.endswith("too vague yet")
    assert "not seen yet" in found["standby"].text
    assert battery_findings.as_learned(vague, BATTERY).charge_efficiency == 1.0
    assert battery_findings.as_learned(vague, BATTERY).standby_w == BATTERY.standby_w


def tick(n, soc, battery_w):
    at = (AT + timedelta(minutes=15 * n)).isoformat()
    return Tick("summary", at, 900.0, soc, None, None, battery_w, None, None, None,
                "SELF_CONSUMPTION", None,
                None, None, 0.0, "")  # fmt: skip


def test_the_journal_is_a_record_too():
    first, second, third = battery_findings.rows_of_journal(
        [tick(1, 50, -800), tick(2, 52, 400), tick(3, 51, None)]
    )
    assert first.soc_percent is None
    assert (first.start, first.charged_wh, first.discharged_wh) == (AT, 200, 0)
    assert (second.discharged_wh, second.soc_percent) == (100, 51)
    assert third.charged_wh is None
