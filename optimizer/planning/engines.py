"""The way to PuLP and its solvers: HiGHS or CBC, and what they prove.

PuLP 3 and 4 share only part of their interface; what is used here works on both.
"""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
import pulp

from optimizer.errors import InfeasibleError
from optimizer.planning import highs
from optimizer.planning.words import NONE, Array, Places, Problem, Rows, Sum, Variables

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


class _Pulp(Problem):
    """A problem that PuLP hands to one of its solvers."""

    def __init__(self, engine: Any) -> None:
        super().__init__()
        self.problem = highs.LpProblem("plan", pulp.LpMinimize)
        self._engine, self._known = engine, list[Any]()

    def _add_variables(self, new: Variables) -> None:
        kind = pulp.LpInteger if new.whole else pulp.LpContinuous
        for index, least, most in zip(
            new.index.tolist(), new.least.tolist(), new.most.tolist(), strict=True
        ):
            name, bound = f"{new.name}_{index}", None if most == np.inf else most
            self._known.append(self.problem.add_variable(name, least, bound, kind))

    def _add_rows(self, rows: Rows) -> None:
        for expression, least, most in zip(
            self._expressions(rows.places, rows.factors), rows.least.tolist(), rows.most.tolist(),
            strict=True,
        ):  # fmt: skip
            if least == most:
                self.problem += expression == most
            elif least == -np.inf:
                self.problem += expression <= most
            else:
                self.problem += expression >= least

    def _expressions(self, places: Places, factors: Array) -> Iterator[Any]:
        known = self._known
        for row, by in zip(places.tolist(), factors.tolist(), strict=True):
            terms = zip(row, by, strict=True)
            yield _expression([(known[p], f) for p, f in terms if p != NONE and f != 0.0])

    def _set_cost(self, cost: Sum) -> None:
        self.problem.setObjective(next(self._expressions(cost.places, cost.factors)))

    def _run(self) -> Array | None:
        result = self.problem.solve(self._engine)
        status = getattr(result, "status", result)
        if status != 1 or getattr(self.problem, "sol_status", 1) != 1:
            return None
        return np.array([variable.value() or 0.0 for variable in self._known])

    def _bound(self) -> float | None:
        # CBC runs apart and does not tell
        model: Any = getattr(self.problem, "solverModel", None)
        return float(model.getInfo().mip_dual_bound) if hasattr(model, "getInfo") else None


# PuLP 4 builds expressions by a factory, PuLP 3 by the class itself.
_expression = getattr(pulp.LpAffineExpression, "from_list", pulp.LpAffineExpression)


def new_problem(engine: Any) -> Problem:
    """An empty problem of minimisation, of the engine's own kind if it has one (`direct.py`)."""
    make = getattr(engine, "new_problem", None)
    return _Pulp(engine) if make is None else make()


def gap_eur(problem: Problem, objective_eur: float, *, binaries: bool) -> float | None:
    """How far below the proved bound may lie after a solve [EUR]; None where it cannot be read.

    Without binaries the optimum of a linear program leaves no gap.
    """
    if not binaries:
        return 0.0
    bound = problem.bound()
    return None if bound is None else max(0.0, objective_eur - bound)
