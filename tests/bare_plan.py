"""A plan without money of its own, for tests that are about its steps."""

from collections.abc import Sequence
from typing import Any

from optimizer.model.plan import Plan, Step


def bare_plan(steps: Sequence[Step], **fields: Any) -> Plan:
    """Steps as a plan in force from the first one on; `fields` are those that matter."""
    nothing = dict.fromkeys(
        (
            "gap_eur", "cost_eur", "self_consumption_cost_eur", "no_battery_cost_eur", "wear_eur",
            "self_consumption_wear_eur", "stored_value_eur", "self_consumption_stored_value_eur",
            "solve_s",
        ),
        0.0,
    )  # fmt: skip
    usual = {
        "made_at": steps[0].start, "site": "home", "bounds": "", "step_s": 900,
        "status": "optimal", "solver": "test", "start_soc_percent": 50.0,
        "end_value_eur_per_kwh": 0.1, "steps": tuple(steps),
    }  # fmt: skip
    return Plan(**(nothing | usual | fields))
