"""What people read: blocks, tables, sparklines, money, the five lines of status, the report."""

import itertools
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import optimizer
from optimizer.app import demo_run
from optimizer.model.battery import Battery
from optimizer.model.currency import EUR
from optimizer.model.grid import Grid
from optimizer.model.plan import Intent, iso
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.task import ForecastStep
from optimizer.report import demo_report, plots
from optimizer.report.status_lines import Status
from optimizer.simulation import http_simulation, sample_data
from optimizer.text import local_time, phases, plan_table

ZONE = ZoneInfo("Europe/Berlin")
START = datetime(2026, 1, 15, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
PRICES = [0.30, 0.10, 0.12, 0.40, 0.45, 0.30]


@pytest.fixture
def plan():
    steps = tuple(
        ForecastStep(START + n * HOUR, START + (n + 1) * HOUR, buy, 0.08, 1_000.0, 0.0)
        for n, buy in enumerate(PRICES)
    )
    battery = Battery(capacity_wh=10_000, wear_eur_per_kwh=0.0)
    request = PlanRequest(START, "home", battery, Grid(), 20.0)
    return make_plan(steps, request, lambda: 0.0)


def test_phases_cover_the_plan_and_keep_its_energy_and_money(plan):
    made = phases.phases(plan, 10_000, ZONE)
    assert (made[0].start, made[-1].end) == (START, START + 6 * HOUR)
    assert sum(phase.cost_eur for phase in made) == pytest.approx(plan.cost_eur)
    for before, after in itertools.pairwise(made):
        assert before.end == after.start
        assert before.soc_after_wh == after.soc_before_wh
        assert before.activity is not after.activity
    charge = next(phase for phase in made if phase.intent is Intent.CHARGE)
    assert charge.buy_range == (0.10, 0.10)
    assert charge.battery_w < -4_000


def test_phases_say_what_the_battery_does(plan):
    words = [phase.words(ZONE) for phase in phases.phases(plan, 10_000, ZONE)]
    assert words == [
        "carries the house, 20→9 %, grid at 30.0 ct",
        "charges to 100 % for 0.95 EUR, at 10.0 ct",
        "keeps 100 % for 06:00 (45.0 ct), now 12.0 ct",
        "carries the house, 100→68 %, grid at 30.0 to 45.0 ct",
    ]


def stepped(plan, *changes):
    """The plan's last step repeated with changed fields, an hour each."""
    last = plan.steps[-1]
    steps = tuple(
        replace(last, start=START + n * HOUR, end=START + (n + 1) * HOUR, **change)
        for n, change in enumerate(changes)
    )
    return replace(plan, steps=steps)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"intent": Intent.HOLD, "battery_w": 0.0}, "keeps 60 %, the house buys at 30.0 ct"),
        ({"intent": Intent.DEFER, "battery_w": 0.0, "pv_w": 4_000.0, "grid_w": -3_000.0},
         "keeps room, 3.0 kWh sold for 0.24 EUR"),
        ({"intent": Intent.LIMIT, "battery_w": -500.0}, "charges gently to 60 %"),
        ({"intent": Intent.DISCHARGE, "battery_w": 5_000.0, "grid_w": -4_000.0},
         "sells down to 60 %, 4.0 kWh sold for 0.32 EUR"),
        ({"battery_w": -3_000.0, "pv_w": 4_000.0}, "stores the sun, 20→60 %"),
        ({"battery_w": 0.0, "pv_w": 4_000.0, "grid_w": -3_000.0},
         "is full: the roof carries the house, 3.0 kWh sold for 0.24 EUR"),
        ({"battery_w": 0.0}, "is empty: the house buys at 30.0 ct"),
        ({"intent": Intent.CHARGE, "battery_w": -4_000.0, "grid_w": 5_000.0,
          "buy_eur_per_kwh": -0.05}, "charges to 60 % and is paid 0.20 EUR, at -5.0 ct"),
    ],
)  # fmt: skip
def test_every_activity_has_its_sentence(plan, change, sentence):
    same = {"intent": Intent.SELF_CONSUMPTION, "pv_w": 0.0, "grid_w": 0.0, "soc_wh": 6_000.0}
    start = 60.0 if change.get("battery_w") == 0.0 else plan.start_soc_percent
    made = replace(stepped(plan, same | change), start_soc_percent=start)
    (phase,) = phases.phases(made, 10_000, ZONE)
    assert phase.words(ZONE) == sentence


def test_short_pauses_belong_to_a_charge_and_long_ones_do_not(plan):
    charge = {"intent": Intent.CHARGE, "battery_w": -4_000.0, "grid_w": 5_000.0}
    pause = {"intent": Intent.HOLD, "battery_w": 0.0, "grid_w": 1_000.0}
    short = phases.phases(stepped(plan, charge, pause, pause, charge), 10_000, ZONE)
    assert [phase.intent for phase in short] == [Intent.CHARGE]
    long = phases.phases(stepped(plan, charge, pause, pause, pause, charge), 10_000, ZONE)
    assert [phase.intent for phase in long] == [Intent.CHARGE, Intent.HOLD, Intent.CHARGE]


def test_a_restless_day_has_eight_phases_at_most(plan):
    """24 alternations, each of which matters by much more than a cent."""
    carry = {"intent": Intent.SELF_CONSUMPTION, "battery_w": 1_000.0, "pv_w": 0.0}
    store = {"intent": Intent.SELF_CONSUMPTION, "battery_w": -3_000.0, "pv_w": 4_000.0}
    made = phases.phases(stepped(plan, *([carry, store] * 12)), 10_000, ZONE)
    assert len(made) <= phases.MOST_A_DAY
    assert (made[0].start, made[-1].end) == (START, START + 24 * HOUR)


def test_keeping_room_names_the_time_for_which_it_is_kept(plan):
    """The roof's surplus is sold for 8 ct first, and stored when selling pays nothing."""
    room = {"intent": Intent.DEFER, "battery_w": 0.0, "pv_w": 4_000.0, "grid_w": -3_000.0}
    taken = {"intent": Intent.DEFER, "battery_w": -3_000.0, "pv_w": 4_000.0, "grid_w": 0.0,
             "sell_eur_per_kwh": 0.0}  # fmt: skip
    (phase,) = phases.phases(stepped(plan, room, room, taken), 10_000, ZONE)
    at = (START + 2 * HOUR).astimezone(ZONE)
    assert phase.words(ZONE).startswith(f"keeps room for {at:%H:%M} (selling pays 0.0 ct)")
    (phase,) = phases.phases(
        stepped(plan, room, room, taken | {"sell_eur_per_kwh": 0.08}), 10_000, ZONE
    )
    assert "for" not in phase.words(ZONE).partition(",")[0]


@pytest.mark.parametrize("week", ["winter", "spring", "summer", "autumn"])
def test_the_sample_weeks_plans_are_short_and_fit_a_terminal(week):
    begin, _ = sample_data.days(sample_data.folder() / week)
    site, at = optimizer.sample_site(week), begin + timedelta(days=2)
    for wear_eur_per_kwh, most in ((0.0, 11), (0.01, 2 * phases.MOST_A_DAY)):  # two days
        battery = replace(site.battery, wear_eur_per_kwh=wear_eur_per_kwh)
        plan = site.make_plan(at, soc_percent=30, battery=battery)
        made = phases.phases(plan, 22_000, ZONE)
        assert len(made) <= most
        days = Counter(phase.start.astimezone(ZONE).date() for phase in made)
        assert max(days.values()) <= phases.MOST_A_DAY
        text = plan_table.plan_text(plan, 22_000, ZONE)
        assert max(len(line) for line in text.splitlines()) <= plan_table.WIDTH


def test_the_present_phase_is_marked(plan):
    lines = plan_table.phase_lines(plan, 10_000, ZONE, START + HOUR)
    assert lines[0] == "Thu 15 Jan"
    (now,) = [line for line in lines if line.startswith(">")]
    assert now == "> 03:00-04:00  charges to 100 % for 0.95 EUR, at 10.0 ct"


def test_the_wide_table_has_every_step_and_its_reason(plan):
    lines = plan_table.plan_text(plan, 10_000, ZONE, START + HOUR, wide=True).splitlines()
    assert lines[0] == plan_table.head(EUR)
    (now,) = [line for line in lines if line.startswith(">")]
    assert "03:00-04:00  charge " in now
    assert "cheap before the peak (" in now
    assert "a kWh stored now costs 10.5 ct" in now
    assert sum(line[1:].startswith("0") for line in lines) == len(plan.steps)


def test_local_time_tells_the_offset_on_days_that_change():
    autumn = datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    shown = [local_time.clock(autumn + n * HOUR, ZONE) for n in range(3)]
    assert shown == ["02:30 CEST", "02:30 CET", "03:30 CET"]
    assert local_time.clock(START, ZONE) == "02:00"


def test_sparklines_average_down_to_their_width():
    assert len(plan_table.sparkline(list(range(192)))) == 48
    assert plan_table.sparkline([5.0, 5.0]) == "▁▁"


def test_the_money_is_told_with_what_is_left_and_worn(plan):
    lines = plan_table.money_lines(replace(plan, wear_eur=0.5, stored_value_eur=1.0))
    assert lines[0].startswith("expected saving of the plan ")
    shown = [float(text) for text in re.findall(r"(-?[0-9.]+) EUR", lines[0])]
    assert shown[0] == pytest.approx(shown[2] - shown[1], abs=0.011)
    assert "bill with this plan" in lines[1]
    assert "EUR more is left in the battery at the end" in lines[2]
    assert lines[3] == "wear of the battery +0.50 EUR"
    whole = plan_table.plan_text(replace(plan, notes=("look here",)), 10_000, ZONE)
    assert whole.endswith("note: look here")
    assert "price  " in whole


def test_nothing_saved_and_nothing_paid_has_no_sign(plan):
    same = replace(plan, stored_value_eur=plan.self_consumption_stored_value_eur, wear_eur=0.0)
    lines = plan_table.money_lines(
        replace(same, cost_eur=-0.004, self_consumption_cost_eur=-0.0041)
    )
    assert lines[0].startswith("expected saving of the plan 0.00 EUR: 0.00 EUR with it, 0.00 EUR")
    assert lines[1].startswith("bill with this plan 0.00 EUR, battery left to itself 0.00 EUR")


LIVE = {
    "schema": "live/1", "pid": 1, "at": "2026-01-15T02:10:14Z", "setpoint_w": -9_000,
    "channel": "SetActivePowerEquals", "reason": "holding", "intent": "charge",
    "note": "a stored kWh is worth 30.0 ct", "soc_percent": 41.0, "battery_w": -9_000,
    "grid_w": 10_000, "pv_w": None, "allowed_charge_w": -9_500, "allowed_discharge_w": 10_000,
    "read_s": 0.0123,
}  # fmt: skip
NOW = START + HOUR + timedelta(minutes=10, seconds=20)


def status(plan, now=NOW, no_plan="", **live):
    return Status(now, plan, no_plan, LIVE | live if live is not None else None, 10_000)


def test_status_of_a_held_charge(plan):
    lines = status(plan).lines(ZONE)
    held = "FOLLOWING   charge: -9 000 W at the inverter until 04:00 (plan of "
    assert lines[0].startswith(held)
    assert lines[0].endswith(")   FEMS 12 ms, decided 6 s ago")
    assert lines[1].startswith("battery     41 % (planned ")
    assert lines[1].endswith("allowed -9 500 to +10 000 W   battery -9 000 W   grid +10 000 W")
    assert "now 10.0 ct, low 10.0 at 03:00, high 45.0 at 06:00" in lines[2]
    assert lines[3] == "why         carrying out the plan; a stored kWh is worth 30.0 ct"
    assert lines[4].startswith("next        04:00 keeps 100 % for 06:00 (45.0 ct), now 12.0 ct ")
    wrapped = status(plan).text(ZONE).splitlines()
    assert max(len(line) for line in wrapped) <= plan_table.WIDTH
    assert [line[:12] for line in wrapped if not line.startswith(" ")] == [
        line[:12] for line in lines
    ]


def test_status_of_self_consumption_and_of_doubt(plan):
    own = status(plan, setpoint_w=None, reason="self_consumption", note="")
    assert own.lines(ZONE)[0].startswith("SELF-CONSUMPTION  nothing is held, the FEMS ")
    assert own.lines(ZONE)[3].startswith(
        "why         self-consumption: the FEMS balances the house; a stored"
    )
    doubt = status(plan, setpoint_w=None, reason="off_grid", note="")
    assert doubt.lines(ZONE)[0].startswith("RELEASED    nothing is held")
    assert doubt.lines(ZONE)[3].startswith("why         the house is not on the grid; a stored kWh")
    deaf = status(plan, setpoint_w=None, reason="unreachable", note="", read_s=None)
    assert "   FEMS no answer, decided 6 s ago" in deaf.lines(ZONE)[0]


def test_status_without_a_plan_says_why():
    lines = status(None, setpoint_w=None, reason="no_plan", note="", no_plan="make one").lines(ZONE)
    assert lines[3] == "why         make one"
    assert lines[2] == "price       unknown: no plan covers this moment"
    assert lines[4] == "next        'optimizer plan' makes a plan"


def test_status_for_programs(plan):
    data = status(plan).as_json()
    assert (data["schema"], data["state"]) == ("status/1", "following")
    assert data["held_until"] == "2026-01-15T03:00:00Z"
    assert (data["next_at"], data["plan_steps_left"]) == (data["held_until"], 5)
    before, after = plan.steps[0].soc_wh, plan.steps[1].soc_wh
    passed = (NOW - plan.steps[1].start) / HOUR
    expected = (before + passed * (after - before)) / 100
    assert data["planned_soc_percent"] == pytest.approx(expected, abs=0.05)


def test_what_the_live_prices_hold_is_known_to_the_steps_end_only(plan):
    assert status(plan, intent="hold").until == plan.steps[1].end
    last = status(plan, now=plan.steps[-1].start, at="2026-01-15T06:00:00Z",
                  intent=plan.steps[-1].intent.value)  # fmt: skip
    assert last.until == plan.steps[-1].end
    assert "to the plan's end" in last.lines(ZONE)[4]


@pytest.mark.parametrize("change", [{"reason": "stopped"}, {"at": "2026-01-15T02:05:00Z"}])
def test_status_of_an_executor_that_is_gone(plan, change):
    gone = status(plan, **change)
    assert gone.state == "not_running"
    lines = gone.lines(ZONE)
    assert lines[0].startswith("NOT RUNNING nothing is held by us (plan of ")
    assert "no executor is running since 2026-01-15 03:" in lines[3]
    assert lines[1].startswith("battery     unknown (planned ")
    never = Status(NOW, plan, "", None, 10_000)
    assert "no executor is running: 'optimizer run' starts one" in never.why


@pytest.mark.parametrize(
    ("at", "live", "why"),
    [
        (  # planned as "charge"
            NOW,
            {"setpoint_w": None, "reason": "self_consumption", "intent": "self_consumption",
             "note": "a stored kWh is worth 10.9 ct"},
            "self-consumption although planned as charge: a stored kWh is worth 10.9 ct",
        ),
        (
            NOW, {"intent": "hold", "note": ""},
            "holding although planned as charge: carrying out the plan",
        ),
        (  # planned as self-consumption
            START,
            {"intent": "charge", "note": "a stored kWh is worth 30.0 ct, stored from the grid 9 ct",
             "at": iso(START)},
            "charging although planned as self-consumption: a stored kWh is worth 30.0 ct, stored "
            "from the grid 9 ct",
        ),
        # nothing is held: what it would do in case is not done
        (
            NOW,
            {"setpoint_w": None, "reason": "self_consumption", "intent": "hold", "note": ""},
            "self-consumption: the FEMS balances the house",
        ),
    ],
)  # fmt: skip
def test_status_says_what_is_done_and_why_where_it_is_not_what_was_planned(plan, at, live, why):
    shown = status(plan, now=at, **live)
    assert shown.why == why
    assert why in shown.lines(ZONE)[3]


def test_status_as_json_is_whole(plan):
    data = status(plan).as_json()
    assert json.loads(json.dumps(data)) == data
    assert (data["state"], data["intent"], data["buy_eur_per_kwh"]) == ("following", "charge", 0.1)
    assert status(None, no_plan="x").as_json()["planned_soc_wh"] is None


def test_the_last_intent_lasts_to_the_plans_end(plan):
    last = status(plan, now=START + 6 * HOUR - timedelta(minutes=1)).lines(ZONE)[4]
    assert "to the plan's end" in last


def test_the_picture_shows_every_intent_once(plan):
    figure = plots.plan_figure(plan, 10_000, ZONE)
    stored = figure.axes[2]
    labels = stored.get_legend_handles_labels()[1]
    assert sorted(labels) == sorted(set(labels))
    assert "charge" in labels


@pytest.fixture
def scene(plan):
    """A lived day made by hand: what the report needs, without a simulation."""
    from optimizer.simulation.bill import PricedQuarter
    from optimizer.simulation.fems.meters import MeterReading

    quarters = tuple(
        PricedQuarter(
            MeterReading(
                start=START + n * QUARTER, end=START + (n + 1) * QUARTER,
                load_w=500.0, pv_w=0.0, curtailed_w=0.0, battery_w=-100.0, grid_w=600.0,
                bought_wh=150.0, sold_wh=0.0, discharged_wh=190.0, soc_wh=5_000.0 + n,
            ),
            0.3, -0.05,
        )
        for n in range(8)
    )  # fmt: skip
    title = demo_run.DemoDay("<script>alert(1)</script>", "winter", 0, hybrid=False, soc_percent=20)
    return http_simulation.SimulationResult(
        title, Battery(capacity_wh=10_000), plan, quarters, quarters[:8], 0.2
    )


def test_the_report_is_one_file_without_script_or_network(scene):
    html = demo_report.render([scene])
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "http" not in html.replace("http-equiv", "").replace("over HTTP", "").replace(
        "http://www.w3.org", ""
    )
    assert f"{scene.bill_eur:.2f} EUR" in html
    assert html.count('class="picture wide"') == html.count('class="picture narrow"') == 1
    assert "a kWh stored now costs" in html


def test_the_demos_words_add_up(scene):
    words = "\n".join(demo_run.bill_lines(scene))
    assert "bill with the plan" in words
    assert "left in the battery" not in words  # both ended alike
    assert "wear of the battery" not in words  # and gave alike
    data = demo_run.as_json(scene)
    assert data["saving_eur"] == pytest.approx(
        data["self_consumption_bill_eur"] - data["bill_eur"] + data["stored_difference_eur"]
    )


def test_the_demo_pays_for_what_is_taken_out_of_the_cells(scene):
    idle = tuple(
        replace(quarter, reading=replace(quarter.reading, discharged_wh=0.0))
        for quarter in scene.quarters
    )
    worn = replace(scene, self_consumption=idle)
    # 8 quarter-hours of 0.19 kWh, 1.6 kWh out of the cells in all, at 1 ct
    assert worn.worn_eur == pytest.approx(-8 * 0.19 / 0.95 * 0.01)
    assert worn.saving_eur == pytest.approx(scene.saving_eur + worn.worn_eur)
    words = demo_run.bill_lines(worn)
    assert "wear of the battery           -0.02 EUR (against left to itself)" in words
    assert demo_run.as_json(worn)["worn_difference_eur"] == -0.016


def test_the_sample_house_is_found_beside_the_package(monkeypatch, tmp_path):
    assert (sample_data.folder() / "summer" / "roof.csv").is_file()
    from optimizer.errors import DataError

    monkeypatch.setattr(sample_data, "__file__", str(tmp_path / "a" / "b" / "c.py"))
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(tmp_path))
    with pytest.raises(DataError, match="the sample data are not in"):
        sample_data.folder()


@pytest.mark.parametrize(
    ("hours", "shown"),
    [
        (22, "02:00-00:00"), (23, "02:00-Fri 01:00"), (46, "02:00-Sat 00:00"),
        (47, "02:00-Sat 01:00"), (1, "02:00-03:00"),
    ],
)  # fmt: skip
def test_a_phase_that_ends_on_another_day_names_it(plan, hours, shown):
    """START is Thursday, 02:00 local time."""
    phase = phases.phases(stepped(plan, *[{}] * hours), 10_000, ZONE)[0]
    assert phase.end - phase.start == hours * HOUR
    assert phases.span(phase, ZONE) == shown
    line = plan_table.phase_lines(stepped(plan, *[{}] * hours), 10_000, ZONE)[1]
    assert line.startswith(f"  {shown}  ")


def test_sentences_for_people_have_local_times():
    text = "known to 2026-03-29T00:30:00Z, then 2026-07-01T12:00:30Z; 2026-99-01T00:00:00Z"
    assert local_time.in_local_time(text, ZONE) == (
        "known to 2026-03-29 01:30 CET, then 2026-07-01 14:00:30; 2026-99-01T00:00:00Z"
    )
    far = "9999-12-31T23:59:59Z"
    assert local_time.in_local_time(far, ZONE) == far


def test_notes_of_a_plan_have_local_times(plan):
    noted = replace(plan, notes=("known to 2026-01-16T23:00:00Z",))
    assert "note: known to 2026-01-17 00:00" in plan_table.plan_text(noted, 10_000, ZONE)


def test_a_status_names_the_day_of_what_is_not_today(plan):
    """The plan of the evening before, and a next phase beyond midnight."""
    old = replace(plan, made_at=plan.made_at - 20 * HOUR)
    assert "(plan of Wed " in status(old).lines(ZONE)[0]
    assert "(plan of 0" in status(plan).lines(ZONE)[0]
