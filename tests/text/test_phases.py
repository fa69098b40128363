"""The limit of a plan's phases: eight on every local day, whatever the plan and the clock do."""

import itertools
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from bare_plan import bare_plan

from optimizer.model.plan import Intent, Step
from optimizer.text import phases, plan_table

QUARTER = timedelta(minutes=15)
BERLIN = ZoneInfo("Europe/Berlin")
CAPACITY_WH = 10_000
SPRING, AUTUMN = datetime(2026, 3, 29, tzinfo=BERLIN), datetime(2025, 10, 26, tzinfo=BERLIN)


def a_day(made, zone):
    """Number of phases that begin on each local day."""
    return Counter(phase.start.astimezone(zone).date() for phase in made)


def step(start, chance):
    """A step of any intent, whose name matters by some cents."""
    intent = chance.choice(list(Intent))
    pv_w = chance.choice([0.0, 0.0, 4_000.0])
    battery_w = chance.choice([-4_000.0, -1_000.0, 0.0, 1_000.0, 3_000.0])
    return Step(
        start, start + QUARTER, chance.uniform(-0.05, 0.6), 0.08, 1_000.0, pv_w, battery_w,
        battery_w, 1_000.0 - pv_w - battery_w, 0.0, chance.uniform(0, CAPACITY_WH), intent,
        -10_000.0, 10_000.0, chance.uniform(0.0, 0.4), (0.1, 0.1), "",
    )  # fmt: skip


def restless(begin, steps, chance, calm_until=None):
    """A plan that changes its mind in each step from a moment on."""
    start, made = begin.astimezone(UTC), []
    for n in range(steps):
        at = start + n * QUARTER
        quiet = calm_until is not None and at < calm_until
        made.append(step(at, Random(1) if quiet else chance))  # noqa: S311
    return bare_plan(made, value_soc_wh=(0.0, CAPACITY_WH))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe"])
@pytest.mark.parametrize("day", [SPRING, AUTUMN, datetime(2026, 1, 15, tzinfo=BERLIN)])
def test_no_day_of_a_random_plan_has_more_than_eight_phases(day, zone):
    """Plans of up to two days around a change of the clock, with busy and with calm days."""
    chance, local = Random(f"{day} {zone}"), ZoneInfo(zone)  # noqa: S311
    for hours, busy_from_h in ((3, None), (30, None), (48, 34)):
        begin = day - timedelta(hours=chance.choice([0, 10, 24]))
        calm_until = None if busy_from_h is None else begin + timedelta(hours=busy_from_h)
        plan = restless(begin, 4 * hours, chance, calm_until)
        made = phases.phases(plan, CAPACITY_WH, local)
        assert max(a_day(made, local).values()) <= phases.MOST_A_DAY
        assert sum((phase.steps for phase in made), ()) == plan.steps
        for before, after in itertools.pairwise(made):
            assert before.end == after.start


def test_a_calm_day_lends_none_of_its_lines_to_a_restless_one():
    """One long phase, then two hours that alternate: eight lines on a heading, not sixteen."""
    begin = datetime.combine(AUTUMN.date(), time(), BERLIN).astimezone(UTC)
    plan = restless(begin, 196, Random(5), begin + timedelta(hours=30))  # noqa: S311
    made = phases.phases(plan, CAPACITY_WH, BERLIN)
    counts = a_day(made, BERLIN)
    assert counts[AUTUMN.date()] == 1
    assert counts[AUTUMN.date() + timedelta(days=1)] == phases.MOST_A_DAY
    lines = plan_table.phase_lines(plan, CAPACITY_WH, BERLIN)
    monday = lines[lines.index("Mon 27 Oct") + 1 :]
    assert sum(not line.startswith("   ") for line in monday) == phases.MOST_A_DAY


def test_what_differs_by_less_than_a_cent_is_one_phase_however_few_there_are():
    dear = {"buy_eur_per_kwh": 0.30, "stored_value_eur_per_kwh": 0.20}
    hold = step(SPRING.astimezone(UTC), Random(1))  # noqa: S311
    values = [(Intent.HOLD, 0.0), (Intent.SELF_CONSUMPTION, 100.0), (Intent.HOLD, 0.0)]
    made = []
    for n, (intent, battery_w) in enumerate(values):
        at = hold.start + n * QUARTER
        made.append(replaced(hold, at, intent, battery_w, **dear))
    (phase,) = phases.phases(bare_plan(made, value_soc_wh=(0.0, 1.0)), CAPACITY_WH, BERLIN)
    assert phase.intent is Intent.HOLD  # 0.025 kWh at 10 ct are a quarter of a cent
    made[1] = replaced(hold, made[1].start, Intent.SELF_CONSUMPTION, 1_000.0, **dear)
    assert len(phases.phases(bare_plan(made, value_soc_wh=(0.0, 1.0)), CAPACITY_WH, BERLIN)) == 3


def replaced(like, at, intent, battery_w, **prices):
    values = {name: getattr(like, name) for name in like.__dataclass_fields__}
    values |= {"start": at, "end": at + QUARTER, "intent": intent, "battery_w": battery_w}
    values |= {"pv_w": 0.0, "grid_w": 1_000.0 - battery_w, "load_w": 1_000.0}
    return Step(**values | prices)
