"""The words of the program mean what they say, to PuLP and to HiGHS alike."""

import numpy as np
import pytest

from optimizer.planning import highs_direct, solvers
from optimizer.planning.lp import NONE

CBC = solvers.cbc_solver()
ENGINES = {
    "PuLP": solvers.solver()[0],
    "direct": highs_direct.engine()[0],
    **({} if CBC is None else {"CBC": CBC}),
}


@pytest.fixture(params=ENGINES)
def problem(request):
    return solvers.new_problem(ENGINES[request.param])


def test_a_store_is_filled_where_that_costs_least(problem):
    """3 kWh are wanted at the end, 2 fit into a step; the second step's flow is left out."""
    fill = problem.variables("fill", [2.0, 0.0, 2.0])
    stored = problem.variables("stored", np.full(3, np.inf), [0.0, 0.0, 3.0])
    problem += stored - stored.before - fill == [0.5, 0.0, 0.0]
    cost = (np.array([0.3, 0.1, 0.2]) * fill).total() + 7.0
    problem.minimise(cost)
    assert problem.solve()
    assert fill.there.tolist() == [True, False, True]
    assert fill.value() == pytest.approx([0.5, 0, 2])
    assert stored.value() == pytest.approx([1, 1, 3])
    assert cost.amount() == pytest.approx(7.0 + 0.15 + 0.4)


def test_another_wish_comes_after_the_first_is_settled(problem):
    """Where the cost is the same, the second objective decides; a row keeps the first one's."""
    use = problem.variables("use", [4.0, 4.0])
    problem += use.total() >= 5.0
    cost = 2.0 * use.total() - 1.0
    problem.minimise(cost)
    assert problem.solve()
    assert cost.amount() == pytest.approx(9.0)
    problem += cost <= cost.amount() + 1e-9
    more = problem.variables("more", np.inf)
    problem += use[1] + more >= 3.0
    problem.minimise((use * [0.0, 1.0]).total() + 2.0 * more.total())
    assert problem.solve()
    assert use.value() == pytest.approx([2, 3])
    assert more.value() == pytest.approx([0])


def test_whole_numbers_stay_whole_and_their_bound_is_told(problem):
    """Least of 3 a + 2 b + 4, a + 2 b >= 3, b <= 1.5: a = b = 1 costs 9; in part 7 would do."""
    pick = problem.variables("pick", [9.0, 1.5], whole=True)
    problem += pick[0] + 2.0 * pick[1] >= 3.0
    cost = (pick * np.array([3.0, 2.0])).total() + 4.0
    problem.minimise(cost)
    assert problem.solve()
    assert pick.value() == pytest.approx([1, 1])
    bound, gap = problem.bound(), solvers.gap_eur(problem, 9.5, binaries=True)
    assert (bound, gap) == (None, None) or (bound, gap) == pytest.approx((9.0, 0.5))


def test_some_rows_only(problem):
    use = problem.variables("use", [9.0, 9.0, 9.0])
    problem += (use >= [1.0, 2.0, 3.0]).where(np.array([True, False, True]))
    problem += -use[[0, 2]] >= -use[[2, 1]] - 4.0
    problem.minimise(use.total())
    assert problem.solve()
    assert use.value() == pytest.approx([1, 0, 3])


@pytest.mark.parametrize(("limit", "proved"), [(0.0, True), (1e-10, True), (0.1, False)])
def test_a_row_without_a_variable_is_not_forgotten(problem, limit, proved):
    none = problem.variables("none", [0.0])
    some = problem.variables("some", [1.0])
    problem += none >= limit
    problem.minimise(some.total())
    assert (problem.size, none.places.tolist()) == (1, [[NONE]])
    assert problem.solve() is proved


def test_what_cannot_be_has_no_answer(problem):
    use = problem.variables("use", [1.0])
    problem += use >= 2.0
    problem.minimise(use.total())
    assert not problem.solve()


def test_a_variable_twice_in_a_row_is_refused():
    """HiGHS would leave the row out, and say so only in passing."""
    problem = highs_direct.Direct()
    use = problem.variables("use", [1.0])
    problem += use + use >= 1.0
    problem.minimise(use.total())
    with pytest.raises(ValueError, match="twice"):
        problem.solve()
