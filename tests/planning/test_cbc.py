"""The second solver: CBC gives the same money, and steps in where highspy is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pulp
import pytest

from optimizer.errors import InfeasibleError
from optimizer.planning import program, solvers

CBC = solvers.cbc_solver()
needs_cbc = pytest.mark.skipif(CBC is None, reason="neither the PATH nor this PuLP brings CBC")

WITHOUT_HIGHSPY = """
import sys
sys.modules["highspy"] = None
from optimizer.errors import InfeasibleError
from optimizer.planning import solvers
try:
    print(solvers.solver()[1])
except InfeasibleError as error:
    print(error)
"""


def solver_without_highspy():
    root = str(Path(program.__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_HIGHSPY],
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


@needs_cbc
@pytest.mark.parametrize("tricky", [False, True], ids=["plain", "with binaries"])
def test_cbc_and_highs_agree_on_the_money(random_task, tricky):
    for seed in range(3000, 3006):
        task = random_task(seed, 24, tricky=tricky)
        ours, theirs = program.solve(task), program.solve(task, (CBC, "CBC"))
        assert (ours.solver[:5], theirs.solver) == ("HiGHS", "CBC")
        assert theirs.objective_eur == pytest.approx(ours.objective_eur, rel=0, abs=1e-4)


@needs_cbc
def test_without_highspy_cbc_is_taken():
    assert solver_without_highspy() == f"CBC (PuLP {pulp.__version__})"


@pytest.mark.skipif(CBC is not None, reason="CBC is there")
def test_without_any_solver_the_cure_is_named():
    assert "pip install highspy" in solver_without_highspy()


def test_a_solver_that_proves_nothing_is_refused_by_name(random_task):
    hurried = pulp.HiGHS(msg=False, threads=1, timeLimit=0.0)
    with pytest.raises(InfeasibleError, match="HiGHS in no time proved no optimum for 96 steps"):
        program.solve(random_task(1, 96, tricky=True), (hurried, "HiGHS in no time"))
