"""The program handed to HiGHS as arrays: for many plans in one process.

`program.py` is written down once, in PuLP's words; for a back-test of hundreds of plans most of
the time would go into PuLP's objects. The few words that the program needs (a variable, a linear
expression, a row, an objective, solve) are spoken here too, by objects that only collect numbers.
So it is the same program, whatever is added to it; a test compares the two over hundreds of tasks.

Later solves of the same problem (the ties) start from the basis of the one before. A new plan
always starts cold: which of several equally good plans comes out does not hang on the one before.
"""

from importlib.metadata import version
from itertools import chain
from math import fsum
from typing import Any

import highspy
import numpy as np

OPTIONS = {
    "output_flag": False,
    "threads": 1,
    "mip_abs_gap": 0.0,
    "mip_rel_gap": 0.0,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
}
"""As PuLP's HiGHS is run in `program.py`."""

INFINITE = highspy.kHighsInf


class Column:
    """A variable."""

    __slots__ = ("_problem", "index", "name", "upBound")

    def __init__(self, problem: "Problem", index: int, name: str, most: float | None) -> None:
        self._problem, self.index, self.name = problem, index, name
        self.upBound = most  # PuLP's word for it

    @property
    def values(self) -> list[float]:
        """Those of all variables in the last solution."""
        return self._problem.values

    def value(self) -> float | None:
        """Its value in the last solution; None before the first."""
        values = self._problem.values
        return values[self.index] if self.index < len(values) else None

    @staticmethod
    def linear(terms: list[tuple["Column", float]]) -> "Expression":
        """A linear expression of such variables, each at most once."""
        return Expression(terms, 0.0)


class Row:
    """An expression between two bounds."""

    __slots__ = ("least", "most", "terms")

    def __init__(self, expression: "Expression", least: float, most: float) -> None:
        self.terms = expression.terms
        self.least, self.most = least - expression.constant, most - expression.constant


class Expression:
    """A sum of variables times factors, and a constant."""

    __slots__ = ("constant", "terms")

    def __init__(self, terms: list[tuple[Column, float]], constant: float) -> None:
        self.terms, self.constant = terms, constant

    def __add__(self, other: "Expression | float") -> "Expression":
        if isinstance(other, Expression):
            factors = dict.fromkeys((var for var, _ in self.terms + other.terms), 0.0)
            for var, factor in self.terms + other.terms:
                factors[var] += factor
            return Expression(list(factors.items()), self.constant + other.constant)
        return Expression(self.terms, self.constant + other)

    def __sub__(self, other: float) -> "Expression":
        return self + -other

    def __le__(self, most: float) -> Row:
        return Row(self, -INFINITE, most)

    def __ge__(self, least: float) -> Row:
        return Row(self, least, INFINITE)

    def __eq__(self, value: object) -> Row:  # type: ignore[override]
        number = float(value)  # type: ignore[arg-type]
        return Row(self, number, number)

    __hash__ = None  # type: ignore[assignment]

    def value(self) -> float:
        """What it comes to in the last solution."""
        if not self.terms:
            return self.constant
        values = self.terms[0][0].values
        return self.constant + fsum([factor * values[var.index] for var, factor in self.terms])


class Problem:
    """A problem of minimisation that grows as it is written down."""

    def __init__(self) -> None:
        self.solverModel = highspy.Highs()  # PuLP's word for it
        for name, value in OPTIONS.items():
            self.solverModel.setOptionValue(name, value)
        self.values: list[float] = []
        self.sol_status = 0
        # What HiGHS does not have yet; nothing here outlives its passing, so no circle of
        # references is left for the garbage collector.
        self._low: list[float] = []
        self._high: list[float] = []
        self._rows: list[Row] = []
        self._binary: list[int] = []
        self._objective: Any = None
        self._passed = 0

    def add_variable(
        self, name: str, low: float | None = None, high: float | None = None,
        kind: str = "Continuous",
    ) -> Column:  # fmt: skip
        """A new variable; no bound is none."""
        column = Column(self, self._passed + len(self._low), name, high)
        self._low.append(-INFINITE if low is None else low)
        self._high.append(INFINITE if high is None else high)
        if kind == "Binary":
            self._binary.append(column.index)
        return column

    def __iadd__(self, item: Row | Expression) -> "Problem":
        if isinstance(item, Row):
            self._rows.append(item)
        else:
            self._objective = item
        return self

    def setObjective(self, expression: Any) -> None:  # noqa: N802 - PuLP's word for it
        """Minimise something else from now on."""
        self._objective = expression

    def solve(self, _engine: object = None) -> int:
        """Hand over what is new, and solve; 1 if the optimum is proved."""
        self._pass_columns()
        self._pass_rows()
        self._pass_objective()
        model = self.solverModel
        model.run()
        proved = model.getModelStatus() == highspy.HighsModelStatus.kOptimal
        self.sol_status = int(proved)
        if proved:
            self.values = list(model.getSolution().col_value)
        return self.sol_status

    def _pass_objective(self) -> None:
        if self._objective is None:
            return
        terms = getattr(self._objective, "terms", ())
        index = np.array([column.index for column, _ in terms], dtype=np.intp)
        factors = np.array([factor for _, factor in terms], dtype=float)
        costs = np.bincount(index, factors, self._passed)
        every = np.arange(self._passed, dtype=np.int32)
        self.solverModel.changeColsCost(self._passed, every, costs)
        self._objective = None

    def _pass_columns(self) -> None:
        self.solverModel.addVars(len(self._low), np.array(self._low), np.array(self._high))
        if self._binary:
            whole = np.array(self._binary, dtype=np.int32)
            kinds = np.full(len(whole), int(highspy.HighsVarType.kInteger), dtype=np.uint8)
            self.solverModel.changeColsIntegrality(len(whole), whole, kinds)
        self._passed += len(self._low)
        self._low, self._high, self._binary = [], [], []

    def _pass_rows(self) -> None:
        new, self._rows = self._rows, []
        least = np.array([row.least for row in new])
        most = np.array([row.most for row in new])
        ends = np.cumsum([len(row.terms) for row in new], dtype=np.int32)
        starts = np.concatenate([np.zeros(1, dtype=np.int32), ends])[:-1]
        every = list(chain.from_iterable([row.terms for row in new]))
        index = [column.index for column, _ in every]
        factors = [factor for _, factor in every]
        self.solverModel.addRows(
            len(new), least, most, len(index), starts,
            np.array(index, dtype=np.int32), np.array(factors, dtype=float),
        )  # fmt: skip


class Direct:
    """Stands where a PuLP solver would; see `engine`."""

    new_problem = Problem


def engine() -> tuple[Direct, str]:
    """The direct way to HiGHS with its name, for `program.solve` and `planner.make_plan`."""
    return Direct(), f"HiGHS {version('highspy')}"
