"""What PuLP 4 does and PuLP 3 does not: a problem that knows its variables, handed over at once.

PuLP 3 gathers the variables from all rows whenever it is asked for them, sorts them by name, and
passes a column and a row at a time. With PuLP 4 its own classes are taken as they are. Same
columns, same rows, same order: HiGHS sees the same problem and gives the same answer.
"""

from typing import Any

import numpy as np
import pulp

INFINITE = float("inf")


class _Knowing(pulp.LpProblem):  # type: ignore[misc]
    """PuLP 3's problem with its variables in the order in which they were added."""

    def __init__(self, *named: Any) -> None:
        super().__init__(*named)
        self._known: list[Any] = []

    def add_variable(self, *described: Any) -> Any:
        """Add a variable, and remember it."""
        self._known.append(super().add_variable(*described))
        return self._known[-1]

    def variables(self) -> list[Any]:
        """All that were added."""
        return self._known


class _AtOnce(pulp.HiGHS):  # type: ignore[misc]
    """PuLP 3's HiGHS with its slowest part replaced."""

    def buildSolverModel(self, lp: Any) -> None:  # noqa: N802 - PuLP's word for it
        """Pass all columns, then all rows."""
        columns, model = lp.variables(), lp.solverModel
        costs = np.zeros(len(columns))
        for index, column in enumerate(columns):
            column.index = index
        for column, factor in lp.objective.items():
            costs[column.index] = factor
        low = [-INFINITE if item.lowBound is None else item.lowBound for item in columns]
        high = [INFINITE if item.upBound is None else item.upBound for item in columns]
        count, nothing = len(columns), np.array([], dtype=np.int32)
        model.addCols(
            count, costs, np.array(low, dtype=float), np.array(high, dtype=float),
            0, nothing, nothing, np.array([]),
        )  # fmt: skip
        whole = np.array([column.index for column in columns if column.isInteger()], dtype=np.int32)
        if len(whole):
            model.changeColsIntegrality(len(whole), whole, np.ones(len(whole), dtype=np.uint8))
        self._rows(lp, model)

    @staticmethod
    def _rows(lp: Any, model: Any) -> None:
        rows = lp.constraints()
        low, high, starts = [], [], []
        places: list[int] = []
        factors: list[float] = []
        for index, row in enumerate(rows):
            row.index = index
            least, most = row.getLb(), row.getUb()
            low.append(-INFINITE if least is None else least)
            high.append(INFINITE if most is None else most)
            starts.append(len(places))
            places += [column.index for column in row]
            factors += row.values()
        model.addRows(
            len(rows), np.array(low), np.array(high), len(places),
            np.array(starts, dtype=np.int32), np.array(places, dtype=np.int32), np.array(factors),
        )  # fmt: skip


OLD = pulp.__version__ < "4"

HiGHS = _AtOnce if OLD and pulp.HiGHS().available() else pulp.HiGHS
"""The class to make a solver from."""

LpProblem = _Knowing if OLD else pulp.LpProblem
"""The class to make a problem from."""
