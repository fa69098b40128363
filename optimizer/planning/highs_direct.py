"""The program handed to HiGHS as arrays: for many plans in one process.

`program.py` is written down once; PuLP would make an object of each of its variables and rows. For
a back-test of hundreds of plans that is most of the time, so here the arrays go to HiGHS as they
are. It is the same program, whatever is added to it; a test compares both over hundreds of tasks.

Later solves of the same problem (the ties) start from the basis of the one before. A new plan
always starts cold: which of several equally good plans comes out does not hang on the one before.
"""

from functools import cache
from typing import Any

import highspy
import numpy as np

from optimizer.planning.lp import NONE, Array, Constraints, LinearProblem, LinExpr, Variables

OPTIONS = {
    "output_flag": False,
    "threads": 1,
    "mip_abs_gap": 0.0,
    "mip_rel_gap": 0.0,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
}
"""How HiGHS is run, by PuLP too (`solvers.py`); rows and bounds hold to 1e-9 kW or kWh."""


class _OwnHighs(highspy.Highs):  # type: ignore[misc]
    """HiGHS that shares its process with other users of it.

    Its log is off before the first call that could write to descriptor 1: highspy 1.16 writes two
    lines when the constructor registers its callbacks, before anybody can set an option. And it
    solves after somebody else has solved: all models of a process share their threads, and one
    that asks for another number than the first is refused until these are ended.
    """

    def enableCallbacks(self) -> None:  # noqa: N802 - highspy's word for it
        """Register the callbacks, silently."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()

    def run(self) -> Any:
        """Solve; once more with threads of its own where those of the process are others."""
        status = super().run()
        if status != highspy.HighsStatus.kError:
            return status
        highspy.Highs.resetGlobalScheduler(True)
        return super().run()


def new_highs() -> Any:
    """An empty model of HiGHS with `OPTIONS`, for one thread."""
    model = _OwnHighs()
    for name, value in OPTIONS.items():
        model.setOptionValue(name, value)
    return model


def name() -> str:
    """HiGHS and its version."""
    return f"HiGHS {new_highs().version()}"


def optimum(model: Any) -> list[float] | None:
    """All variables' values at a proved optimum, else None."""
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    values: list[float] = model.getSolution().col_value
    return values


class Direct(LinearProblem):
    """A problem in HiGHS's own memory."""

    def __init__(self) -> None:
        super().__init__()
        self.model = new_highs()

    def _add_variables(self, new: Variables) -> None:
        count, known = len(new.least), self.model.getNumCol()
        self.model.addVars(count, new.least, new.most)
        if new.whole:
            which = np.arange(known, known + count, dtype=np.int32)
            kinds = np.full(count, int(highspy.HighsVarType.kInteger), dtype=np.uint8)
            self.model.changeColsIntegrality(count, which, kinds)

    def _add_rows(self, rows: Constraints) -> None:
        there = rows.terms()
        starts = np.zeros(len(there), dtype=np.int32)
        np.cumsum(there.sum(axis=1)[:-1], out=starts[1:])
        places, factors = rows.places[there], rows.factors[there]
        status = self.model.addRows(
            len(there), rows.least, rows.most, len(places), starts, places, factors
        )
        if status == highspy.HighsStatus.kError:
            raise ValueError("HiGHS refuses a row: is a variable in it twice?")

    def _set_cost(self, cost: LinExpr) -> None:
        places, factors = cost.places[0], cost.factors[0]
        costs = np.bincount(places - NONE, factors, self.size - NONE)[-NONE:]
        every = np.arange(self.size, dtype=np.int32)
        self.model.changeColsCost(self.size, every, costs)

    def _run(self) -> Array | None:
        self.model.run()
        values = optimum(self.model)
        return None if values is None else np.array(values)

    def _bound(self) -> float | None:
        return float(self.model.getInfo().mip_dual_bound)


class Engine:
    """Stands where a PuLP solver would; see `engine`."""

    new_problem = Direct


@cache
def engine() -> tuple[Engine, str]:
    """The direct way to HiGHS with its name, for `program.solve` and `planner.make_plan`."""
    return Engine(), name()
