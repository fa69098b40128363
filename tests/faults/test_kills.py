"""Real processes that end and die: executors while they hold, planners while they store.

By hand and longer: `python -m tests.faults.kills --term 200 --kill 200` and
`python -m tests.faults.storing --kills 1000` (about ten minutes each).
"""

import pytest

from tests.faults import kills, storing

pytestmark = pytest.mark.no_cover


def test_executors_that_end_or_die_leave_a_free_fems():
    outcomes = kills.campaign(terms=20, kills=20)
    print(kills.reported(outcomes))
    assert {name: len(some) for name, some in outcomes.items()} == {"SIGTERM": 20, "SIGKILL": 20}
    assert [one for some in outcomes.values() for one in some if one.broken] == []
    assert all(sum(one.held for one in some) >= 15 for some in outcomes.values())


def test_planners_that_are_killed_while_they_store_leave_whole_plans(tmp_path):
    found = storing.campaign(tmp_path, kills=50)
    assert [one.wrong for one in found if one.wrong] == []
    assert sum(one.hit for one in found) >= 30
