"""Solvers behind PuLP: HiGHS and CBC, and what they prove.

PuLP translates a whole problem at each solve, and reads duals and slacks that nobody asks for. Here
a column or row is translated once and all are passed at once. PuLP 3 also gathers the variables
from all rows whenever it is asked for them, and sorts them by name. Same columns, same rows, same
order: HiGHS sees the same problem from either PuLP and gives the same answer.

The way to PuLP and its solvers: HiGHS or CBC, and what they prove.

PuLP 3 and 4 share only part of their interface; what is used here works on both.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pulp
from numpy.typing import NDArray

from optimizer.errors import InfeasibleError
from optimizer.planning.lp import (
    NONE,
    Array,
    Constraints,
    LinearProblem,
    LinExpr,
    Mask,
    Places,
    Variables,
)

INFINITE = float("inf")
OLD = pulp.__version__ < "4"

OPTIMUM, NO_OPTIMUM = (
    (
        (pulp.LpStatusOptimal, pulp.LpSolutionOptimal),
        (pulp.LpStatusNotSolved, pulp.LpSolutionNoSolutionFound),
    )
    if OLD
    else ((pulp.LpSolveStatus.Optimal, True), (pulp.LpSolveStatus.NotSolved, False))
)
"""Status and what is known of the solution, as this PuLP takes them from a solver."""

TermList = list[tuple[Any, float]]
"""PuLP's variables, each at most once, with their factors."""


def expression(terms: TermList, constant: float = 0.0) -> Any:
    """PuLP's sum of terms and a constant."""
    make = pulp.LpAffineExpression if OLD else pulp.LpAffineExpression.from_list
    return make(terms, constant)


def constraint(terms: TermList, sense: int, limit: float) -> Any:
    """PuLP's constraint between a sum and a limit; the sum is made once and never copied."""
    if OLD:
        return pulp.LpConstraint(expression(terms), sense, rhs=limit)
    made = expression(terms, 0.0 - limit)
    made.sense = sense
    return made


@dataclass(slots=True)
class _Columns:
    """Variables as HiGHS takes them."""

    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)
    """Columns of whole numbers."""

    def add(self, variables: Iterable[Any]) -> None:
        """Add PuLP's variables."""
        for variable in variables:
            if variable.isInteger():
                self.whole.append(len(self.low))
            self.low.append(-INFINITE if variable.lowBound is None else variable.lowBound)
            self.high.append(INFINITE if variable.upBound is None else variable.upBound)

    def pass_to(self, model: Any, costs: NDArray[np.float64]) -> None:
        """Pass all of them in one call."""
        none = np.array([], dtype=np.int32)
        low, high = np.array(self.low, dtype=float), np.array(self.high, dtype=float)
        model.addCols(len(low), costs, low, high, 0, none, none, np.array([]))
        if self.whole:
            kinds = np.ones(len(self.whole), dtype=np.uint8)
            model.changeColsIntegrality(len(kinds), np.array(self.whole, dtype=np.int32), kinds)


@dataclass(slots=True)
class _Matrix:
    """Constraints as HiGHS takes them."""

    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)

    def add(self, rows: Iterable[Any]) -> None:
        """Add PuLP's constraints."""
        for row in rows:
            low, high, terms = row.getLb(), row.getUb(), row.items()
            self.low.append(-INFINITE if low is None else low)
            self.high.append(INFINITE if high is None else high)
            self.starts.append(len(self.places))
            self.places += [variable.id for variable, _ in terms]
            self.factors += [factor for _, factor in terms]

    def pass_to(self, model: Any) -> None:
        """Pass all of them in one call."""
        model.addRows(
            len(self.low), np.array(self.low), np.array(self.high), len(self.places),
            np.array(self.starts, dtype=np.int32), np.array(self.places, dtype=np.int32),
            np.array(self.factors),
        )  # fmt: skip


class _Problem(pulp.LpProblem):  # type: ignore[misc]
    """PuLP's problem.

    Variables and constraints may be added between two solves; those that are there stay as they
    are.
    """

    def __init__(self, *named: Any) -> None:
        super().__init__(*named)
        self._columns, self._matrix = _Columns(), _Matrix()

    def pass_to(self, model: Any) -> None:
        """Pass all to HiGHS; what an earlier solve has translated is not translated again."""
        columns, matrix, variables = self._columns, self._matrix, self.variables()
        columns.add(variables[len(columns.low) :])
        matrix.add(self.constraints()[len(matrix.low) :])
        costs = np.zeros(len(variables))
        for variable, factor in self.objective.items():
            costs[variable.id] = factor
        columns.pass_to(model, costs)
        matrix.pass_to(model)


class _Ordered(_Problem):
    """PuLP 3's problem with its variables in the order in which they were added, as in PuLP 4."""

    def add_variable(self, *described: Any) -> Any:
        """Add a variable, and number it."""
        made = super().add_variable(*described)
        made.id = len(self._variables)
        self._variables.append(made)
        return made

    def variables(self) -> list[Any]:
        """All that were added."""
        known: list[Any] = self._variables
        return known

    def _add_variables(self, variables: Iterable[Any]) -> None:
        """Gather the variables of a constraint: not needed, they are known."""


class HiGHS(pulp.HiGHS):  # type: ignore[misc]
    """PuLP's HiGHS with the options of `highs_direct.py`, for problems of this module.

    `available()` tells whether highspy is installed; nothing else may be called without it.
    """

    def __init__(self) -> None:
        super().__init__(msg=False)

    def createAndConfigureSolver(self, lp: Any) -> None:  # noqa: N802 - PuLP's word for it
        """Make HiGHS's own model."""
        from optimizer.planning import highs_direct

        lp.solverModel = highs_direct.new_highs()

    def buildSolverModel(self, lp: _Problem) -> None:  # noqa: N802 - likewise
        """Pass the problem to it."""
        lp.pass_to(lp.solverModel)

    def findSolutionValues(self, lp: _Problem) -> tuple[int, Any]:  # noqa: N802 - likewise
        """Status and variables' values of a proved optimum; neither duals nor slacks."""
        from optimizer.planning import highs_direct

        values = highs_direct.optimum(lp.solverModel)
        if values is None:
            return NO_OPTIMUM
        for variable, value in zip(lp.variables(), values, strict=True):
            variable.varValue = value
        return OPTIMUM


LpProblem = _Ordered if OLD else _Problem
"""The class to make a problem from."""


def solver() -> tuple[Any, str]:
    """The first available of HiGHS and CBC, with its name and version."""
    engine = HiGHS()
    if engine.available():
        from optimizer.planning import highs_direct

        return engine, highs_direct.name()
    cbc = cbc_solver()
    if cbc is not None:
        return cbc, f"CBC (PuLP {pulp.__version__})"
    raise InfeasibleError("no solver is installed: 'pip install highspy' brings one")


def for_many_plans() -> tuple[Any, str]:
    """The quickest way for hundreds of plans in one process: HiGHS without PuLP, or `solver()`."""
    if not HiGHS().available():
        return solver()
    from optimizer.planning import highs_direct

    return highs_direct.engine()


def cbc_solver() -> Any | None:
    """CBC from the PATH, or the one that PuLP 3 brings, or None."""
    bundled = getattr(getattr(pulp.apis, "coin_api", None), "pulp_cbc_path", None)
    for path in (None, bundled):
        cbc = pulp.COIN_CMD(path=path, msg=False, threads=1, gapRel=0.0, gapAbs=0.0)
        if cbc.available():
            return cbc
    return None


class _Pulp(LinearProblem):
    """A problem that PuLP hands to one of its solvers."""

    def __init__(self, engine: Any) -> None:
        super().__init__()
        self.problem = LpProblem("plan", pulp.LpMinimize)
        self._engine, self._known = engine, list[Any]()

    def _add_variables(self, new: Variables) -> None:
        kind = pulp.LpInteger if new.whole else pulp.LpContinuous
        for index, least, most in zip(
            new.index.tolist(), new.least.tolist(), new.most.tolist(), strict=True
        ):
            name, bound = f"{new.name}_{index}", None if most == np.inf else most
            self._known.append(self.problem.add_variable(name, least, bound, kind))

    def _add_rows(self, rows: Constraints) -> None:
        limits = zip(rows.least.tolist(), rows.most.tolist(), strict=True)
        for terms, (least, most) in zip(
            self._terms(rows.places, rows.factors, rows.terms()), limits, strict=True
        ):
            sense, limit = pulp.LpConstraintLE, most
            if least == most:
                sense = pulp.LpConstraintEQ
            elif least != -np.inf:
                sense, limit = pulp.LpConstraintGE, least
            self.problem.addConstraint(constraint(terms, sense, limit))

    def _terms(self, places: Places, factors: Array, there: Mask) -> Iterator[TermList]:
        """TermList of each row, without those that do not count."""
        variables = map(self._known.__getitem__, places[there].tolist())
        terms = list(zip(variables, factors[there].tolist(), strict=True))
        ends = np.cumsum(there.sum(axis=1)).tolist()
        for begin, end in pairwise([0, *ends]):
            yield terms[begin:end]

    def _set_cost(self, cost: LinExpr) -> None:
        there = (cost.places != NONE) & (cost.factors != 0.0)
        (terms,) = self._terms(cost.places, cost.factors, there)
        # PuLP adds a variable of its own to an objective that has none: all prices may be zero
        self.problem.setObjective(expression(terms or [(self._known[0], 0.0)]))

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


def new_problem(engine: Any) -> LinearProblem:
    """An empty problem of minimisation, of the engine's own kind if it has one."""
    make = getattr(engine, "new_problem", None)
    return _Pulp(engine) if make is None else make()


def gap_eur(problem: LinearProblem, objective_eur: float, *, binaries: bool) -> float | None:
    """Distance of the objective from its proved bound [EUR]; None where it cannot be read.

    Without binaries the optimum of a linear program leaves no gap.
    """
    if not binaries:
        return 0.0
    bound = problem.bound()
    return None if bound is None else max(0.0, objective_eur - bound)
