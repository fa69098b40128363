"""What each legal rule lets the battery do, as a table."""

from math import inf

import pytest

from optimizer.model.grid import Grid, Rule

NEED, SPARE, EVEN = 800.0, -1_500.0, 0.0

TABLE = {
    # rule: band when the house lacks 800 W, when the roof has 1,500 W to spare, when even
    "pv_only": ((0, NEED), (SPARE, 0), (0, 0)),
    "grid_charge": ((-inf, NEED), (-inf, 0), (-inf, 0)),
    "green_export": ((0, inf), (SPARE, inf), (0, inf)),
    "mixed": ((-inf, inf), (-inf, inf), (-inf, inf)),
}


@pytest.mark.parametrize("rule", TABLE)
def test_the_band_of_battery_power_by_rule(rule):
    grid = Grid(rule=Rule(rule))
    assert tuple(grid.battery_limits(need) for need in (NEED, SPARE, EVEN)) == TABLE[rule]


def test_the_table_knows_every_rule():
    assert set(TABLE) == set(Rule)


@pytest.mark.parametrize(
    ("rule", "charges", "exports"),
    [
        ("pv_only", False, False),
        ("grid_charge", True, False),
        ("green_export", False, True),
        ("mixed", True, True),
    ],
)
def test_what_a_rule_allows(rule, charges, exports):
    assert (Rule(rule).grid_charging, Rule(rule).battery_export) == (charges, exports)


def test_standing_still_is_always_allowed():
    for rule in Rule:
        for need in (NEED, SPARE, EVEN):
            low, high = Grid(rule=rule).battery_limits(need)
            assert low <= 0 <= high
