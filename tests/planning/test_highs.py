"""The quick way from PuLP to HiGHS is PuLP's own way: the same answer to the last bit."""

import pulp
import pytest

from optimizer.planning import highs, program


def made(kind):
    return kind(
        msg=False, threads=1, gapAbs=0.0, gapRel=0.0,
        primal_feasibility_tolerance=1e-9, dual_feasibility_tolerance=1e-9,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(52_000, 52_016))
def test_the_same_answer_to_the_last_bit(random_task, seed):
    task = random_task(seed, 48, tricky=seed % 2 == 0)
    quick = program.solve(task, (made(highs.HiGHS), "HiGHS"))
    assert quick == program.solve(task, (made(pulp.HiGHS), "HiGHS"))


def test_a_problem_without_bounds_and_with_a_whole_number():
    """Minimise -2 x - y, x whole and free, y <= 2.5: x + y <= 4.2 leaves x = 4, y = 0.2 or less."""
    problem = pulp.LpProblem("p", pulp.LpMinimize)
    x = problem.add_variable("x", None, None, "Integer")
    y = problem.add_variable("y", 0, 2.5)
    problem += -2 * x - y
    problem += x + y <= 4.2
    problem += x - y >= -7
    problem.solve(made(highs.HiGHS))
    assert (x.value(), y.value()) == (pytest.approx(4), pytest.approx(0.2))


def test_variables_come_in_the_order_in_which_they_were_added():
    """With other columns a solver would stop at another of several equal plans."""
    problem = highs.LpProblem("p", pulp.LpMinimize)
    added = [problem.add_variable(name, 0, 1) for name in ("late", "early", "a")]
    problem += added[2] + added[0] >= 1
    problem.setObjective(added[1] + added[0])
    assert [variable.name for variable in problem.variables()] == ["late", "early", "a"]
