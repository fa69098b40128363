"""The way to PuLP and its solvers: linear expressions, HiGHS or CBC, and what they prove.

PuLP 3 and 4 share only part of their interface; what is used here works on both.
"""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import pulp

from optimizer.errors import InfeasibleError
from optimizer.planning import highs

FEASIBILITY = 1e-9
"""Largest violation of a row or bound that HiGHS may leave [kW, kWh]."""


def solver() -> tuple[Any, str]:
    """The first available of HiGHS and CBC, with its name and version."""
    engine = highs.HiGHS(
        msg=False,
        threads=1,
        gapAbs=0.0,
        gapRel=0.0,
        primal_feasibility_tolerance=FEASIBILITY,
        dual_feasibility_tolerance=FEASIBILITY,
    )
    if engine.available():
        return engine, f"HiGHS {version('highspy')}"
    cbc = cbc_solver()
    if cbc is not None:
        return cbc, f"CBC (PuLP {pulp.__version__})"
    raise InfeasibleError("no solver is installed: 'pip install highspy' brings one")


def cbc_solver() -> Any | None:
    """CBC from the PATH, or the one that PuLP 3 brings, or None."""
    bundled = getattr(getattr(pulp.apis, "coin_api", None), "pulp_cbc_path", None)
    for path in (None, bundled):
        cbc = pulp.COIN_CMD(path=path, msg=False, threads=1, gapRel=0.0, gapAbs=0.0)
        if cbc.available():
            return cbc
    return None


def new_problem(engine: Any) -> Any:
    """An empty problem of minimisation, of the engine's own kind if it has one (`direct.py`)."""
    make = getattr(engine, "new_problem", None)
    return _InOrder("plan", pulp.LpMinimize) if make is None else make()


class _InOrder(pulp.LpProblem):  # type: ignore[misc]
    """A problem whose variables come to the solver in the order in which they were added.

    PuLP 3 sorts them by name, PuLP 4 does not, and with other columns a solver stops at another of
    several equal optima.
    """

    def add_variable(self, name: str, *bounds: Any) -> Any:
        """Add a variable under a name that sorts behind all before it."""
        self.added = getattr(self, "added", 0) + 1
        return super().add_variable(f"x{self.added:06}_{name}", *bounds)


# PuLP 4 builds expressions by a factory, PuLP 3 by the class itself.
_expression = getattr(pulp.LpAffineExpression, "from_list", pulp.LpAffineExpression)


def linear(terms: Iterable[tuple[Any, float]]) -> Any:
    """A linear expression; zero coefficients are left out."""
    parts = [(var, factor) for var, factor in terms if factor != 0.0]
    # The variables of `direct.py` have their own kind of expressions.
    make = getattr(parts[0][0], "linear", _expression) if parts else _expression
    return make(parts)


def proves(problem: Any, engine: Any) -> bool:
    """Solve; true if the optimum is proved."""
    result = problem.solve(engine)
    status = getattr(result, "status", result)
    return bool(status == 1 and getattr(problem, "sol_status", 1) == 1)


def gap_eur(problem: Any, objective_eur: float, *, binaries: bool) -> float | None:
    """How far below the proved bound may lie after a solve [EUR]; None where it cannot be read.

    Without binaries the optimum of a linear program leaves no gap. CBC is asked for none, but runs
    apart and does not tell its bound.
    """
    if not binaries:
        return 0.0
    model: Any = getattr(problem, "solverModel", None)
    if not hasattr(model, "getInfo"):
        return None
    return max(0.0, objective_eur - float(model.getInfo().mip_dual_bound))
