"""The quick way from PuLP to HiGHS is PuLP's own way: the same answer to the last bit."""

import ctypes

import pulp
import pytest

from optimizer.planning import program, solvers


def pulps_own():
    return pulp.HiGHS(
        msg=False, threads=1, gapAbs=0.0, gapRel=0.0,
        primal_feasibility_tolerance=1e-9, dual_feasibility_tolerance=1e-9,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(52_000, 52_016))
def test_the_same_answer_to_the_last_bit(random_task, seed):
    task = random_task(seed, 48, tricky=seed % 2 == 0)
    quick = program.solve(task, (solvers.HiGHS(), "HiGHS"))
    assert quick == program.solve(task, (pulps_own(), "HiGHS"))


def test_a_problem_without_bounds_and_with_a_whole_number():
    """Minimise -2 x - y, x whole and free, y <= 2.5: x + y <= 4.2 leaves x = 4, y = 0.2 or less."""
    problem = solvers.LpProblem("p", pulp.LpMinimize)
    x = problem.add_variable("x", None, None, "Integer")
    y = problem.add_variable("y", 0, 2.5)
    problem += -2 * x - y
    problem += x + y <= 4.2
    problem += x - y >= -7
    problem.solve(solvers.HiGHS())
    assert (x.value(), y.value()) == (pytest.approx(4), pytest.approx(0.2))


def test_variables_come_in_the_order_in_which_they_were_added():
    """With other columns a solver would stop at another of several equal plans."""
    problem = solvers.LpProblem("p", pulp.LpMinimize)
    added = [problem.add_variable(name, 0, 1) for name in ("late", "early", "a")]
    problem += added[2] + added[0] >= 1
    problem.setObjective(added[1] + added[0])
    assert [variable.name for variable in problem.variables()] == ["late", "early", "a"]


def test_what_is_added_after_a_solve_counts_in_the_next():
    """Minimise x + y: 2 x + y >= 4, then y >= 1 too, then over z <= 3 instead, x + z >= 5."""
    problem = solvers.LpProblem("p", pulp.LpMinimize)
    x, y = (problem.add_variable(name, 0, 9) for name in "xy")
    problem.setObjective(solvers.expression([(x, 1.0), (y, 1.0)]))
    problem.addConstraint(solvers.constraint([(x, 2.0), (y, 1.0)], pulp.LpConstraintGE, 4.0))
    problem.solve(solvers.HiGHS())
    assert (x.value(), y.value()) == (pytest.approx(2), pytest.approx(0))
    problem.addConstraint(solvers.constraint([(y, 1.0)], pulp.LpConstraintEQ, 1.0))
    problem.solve(solvers.HiGHS())
    assert (x.value(), y.value()) == (pytest.approx(1.5), pytest.approx(1))
    z = problem.add_variable("z", 0, 3)
    problem.addConstraint(solvers.constraint([(x, -1.0), (z, -1.0)], pulp.LpConstraintLE, -5.0))
    problem.setObjective(solvers.expression([(x, 1.0), (z, 0.5)], 7.0))
    problem.solve(solvers.HiGHS())
    assert [item.value() for item in (x, y, z)] == pytest.approx([2, 1, 3])


def test_what_cannot_be_gives_no_values():
    problem = solvers.LpProblem("p", pulp.LpMinimize)
    x = problem.add_variable("x", 0, 1)
    problem.setObjective(solvers.expression([(x, 1.0)]))
    problem.addConstraint(solvers.constraint([(x, 1.0)], pulp.LpConstraintGE, 2.0))
    result = problem.solve(solvers.HiGHS())
    assert int(getattr(result, "status", result)) != 1


def test_a_solver_that_takes_no_options_refuses_them():
    with pytest.raises(TypeError):
        solvers.HiGHS(timeLimit=1.0)


@pytest.mark.parametrize("engine", [solvers.solver(), solvers.for_many_plans()], ids=["PuLP", "-"])
def test_not_a_word_is_written_while_a_plan_is_made(random_task, capfd, engine):
    """For notebooks and scripts, whose descriptors are left to them."""
    program.solve(random_task(1, 24), engine)
    ctypes.CDLL(None).fflush(None)
    assert capfd.readouterr() == ("", "")
