"""`explain` under an override: reasons and alternatives that do not speak of prices alone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.override import Override, OverrideKind
from optimizer.planning import planner, why_not
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.task import ForecastStep
from optimizer.report.explanation import Explanation

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 1, 14, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)
CT = (40, 42, 45, 38, 30, 25, 22, 20, 20, 22, 30, 40, 42, 38, 30, 28)
HOLD, SELF, CHARGE = OverrideKind.HOLD, OverrideKind.SELF_CONSUMPTION, OverrideKind.CHARGE
ROOF_ONLY = "the override lets only the roof charge, and nothing discharge"
TO_FEMS = "the override leaves it to the FEMS"
AT_ONCE = "the override charges as fast as is allowed"
MISSED = "the override's charge would not be reached"


@pytest.fixture
def explained():
    """Lines of a step under an override of some hours, by their first word."""

    def explain(kind, index=0, hours=6, soc=50.0, pv_w=0.0, **order):
        steps = tuple(
            ForecastStep(AT + n * HOUR, AT + (n + 1) * HOUR, ct / 100, 0.08, 900.0, pv_w)
            for n, ct in enumerate(CT)
        )
        override = Override(1, kind, AT, AT + hours * HOUR, "owner", **order)
        battery = Battery(10_000, max_charge_w=4_000, max_discharge_w=4_000)
        request = PlanRequest(AT, "home", battery, Grid(), soc, override=override)
        plan, task = make_plan(steps, request, lambda: 0.0), planner.task_of(steps, request)
        found = tuple(why_not.alternatives(task, plan, index))
        lines = Explanation(AT, plan, index, battery, Grid(), found).lines(BERLIN)
        words = dict(line.split(maxsplit=1) for line in lines[1:] if line != "why not")
        return {name: text.strip() for name, text in words.items()}

    return explain


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ({"kind": HOLD}, "the house buys, nothing is discharged"),
        ({"kind": HOLD, "soc": 0.0}, "the battery is empty: the house buys"),
        ({"kind": HOLD, "pv_w": 3_000.0}, "the roof covers the house, the rest is stored"),
        ({"kind": SELF}, "the battery carries the house"),
        ({"kind": SELF, "soc": 3.0}, "the battery is empty: the house buys"),
        (
            {"kind": CHARGE, "hours": 24, "soc_percent": 90.0, "at_once": True},
            "as fast as allowed, a kWh stored now costs 42.1 ct",
        ),
        (
            {"kind": CHARGE, "hours": 3, "soc_percent": 90.0},
            "for the charge that is demanded, a kWh stored now costs 42.1 ct",
        ),
    ],
)
def test_the_reason_is_the_override_and_no_price_that_does_not_count(explained, order, why):
    said = explained(**order)["why"]
    assert said.startswith("override (")
    assert said.partition("): ")[2].startswith(why)
    assert "cheaper" not in said
    assert "keep for" not in said


@pytest.mark.parametrize(
    ("order", "forbidden", "note"),
    [
        ({"kind": HOLD}, ("charge", "discharge"), ROOF_ONLY),
        ({"kind": HOLD, "pv_w": 3_000.0}, ("charge", "hold", "discharge"), ROOF_ONLY),
        ({"kind": SELF}, ("charge", "hold"), TO_FEMS),
        (
            {"kind": CHARGE, "hours": 24, "soc_percent": 90.0, "at_once": True},
            ("hold", "discharge", "self-consumption"), AT_ONCE,
        ),
        (
            {"kind": CHARGE, "hours": 3, "index": 2, "soc_percent": 90.0},
            ("discharge", "self-consumption"), MISSED,
        ),
    ],
)  # fmt: skip
def test_what_an_override_forbids_names_the_override(explained, order, forbidden, note):
    lines = explained(**order)
    assert {name: lines[name] for name in forbidden} == dict.fromkeys(
        forbidden, f"not possible: {note}"
    )


def test_no_price_is_said_to_count_where_none_does(explained):
    for kind in (HOLD, SELF):
        assert explained(kind)["stored"] == "kWh  no price counts: the override alone decides"
    kept = explained(CHARGE, index=2, hours=3, soc_percent=90.0)["stored"]
    assert kept.endswith("it is needed for the charge that the override demands")
    later = explained(HOLD, index=8)["stored"]
    assert later.startswith("kWh  worth ")


def test_the_owners_own_power_is_a_limit_with_a_name(explained):
    lines = explained(CHARGE, hours=24, soc_percent=90.0, at_once=True, power_w=1_000.0)
    assert lines["charge"] == "1 000 W            is the plan (at most: the override's own limit)"
