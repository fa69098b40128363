"""The words that the program is written in: variables, sums and rows of all steps at once.

As in PuLP, `problem += charge <= limit` adds a constraint; but `charge` is the charging power of
all steps, `limit` a number or an array, and the line adds a row for each step. A problem collects
its contents as arrays. `solvers.py` hands them to PuLP, `highs_direct.py` straight to HiGHS.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Places = NDArray[np.int32]

NONE = -1
"""Place of a variable that is left out; it finds the 0 at the end of `LinearProblem.values`."""

HOLDS = 1e-9
"""A row without variables may be broken by this much, as HiGHS lets rows with some be."""


@dataclass(frozen=True, slots=True, eq=False)
class Constraints:
    """Constraints: sums between two bounds."""

    places: Places
    """(rows, terms): which variable of the problem; each at most once in a row."""
    factors: Array
    """(rows, terms)."""
    least: Array
    most: Array

    def where(self, mask: Mask) -> "Constraints":
        """Some of them."""
        return Constraints(self.places[mask], self.factors[mask], self.least[mask], self.most[mask])

    def terms(self) -> Mask:
        """Mask of the terms that count: (rows, terms)."""
        mask: Mask = (self.places != NONE) & (self.factors != 0.0)
        return mask

    def needed(self) -> "Constraints":
        """Without those that have no variable and hold anyway."""
        wanted = self.terms().any(axis=1) | (self.least > HOLDS) | (self.most < -HOLDS)
        return self if wanted.all() else self.where(wanted)


class LinExpr:
    """Variables times factors and a constant, a sum for each row."""

    __slots__ = ("constant", "factors", "places", "problem")
    __array_ufunc__ = None  # numpy leaves `array * sum` to the sum
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, problem: "LinearProblem", places: Places, factors: Array, constant: Array
    ) -> None:
        self.problem, self.places, self.factors = problem, places, factors
        self.constant = constant

    def __add__(self, other: "LinExpr | ArrayLike") -> "LinExpr":
        if not isinstance(other, LinExpr):
            return LinExpr(
                self.problem, self.places, self.factors, self.constant + np.asarray(other)
            )
        return LinExpr(
            self.problem,
            np.concatenate((self.places, other.places), axis=1),
            np.concatenate((self.factors, other.factors), axis=1),
            self.constant + other.constant,
        )

    def __mul__(self, number: ArrayLike) -> "LinExpr":
        by = np.asarray(number, dtype=float)
        factors = self.factors * (by[:, None] if by.ndim else by)
        return LinExpr(self.problem, self.places, factors, self.constant * by)

    __rmul__ = __mul__

    def __neg__(self) -> "LinExpr":
        return self * -1.0

    def __sub__(self, other: "LinExpr | ArrayLike") -> "LinExpr":
        return self + (-other if isinstance(other, LinExpr) else -np.asarray(other))

    def __le__(self, most: "LinExpr | ArrayLike") -> Constraints:
        return (self - most)._between(-np.inf, 0.0)

    def __ge__(self, least: "LinExpr | ArrayLike") -> Constraints:
        return (self - least)._between(0.0, np.inf)

    def __eq__(self, value: "LinExpr | ArrayLike") -> Constraints:  # type: ignore[override]
        return (self - value)._between(0.0, 0.0)

    def _between(self, least: float, most: float) -> Constraints:
        return Constraints(self.places, self.factors, least - self.constant, most - self.constant)

    def rows(self, which: Places | NDArray[np.intp]) -> "LinExpr":
        """Some of the rows."""
        return LinExpr(self.problem, self.places[which], self.factors[which], self.constant[which])

    def total(self) -> "LinExpr":
        """All rows in one."""
        constant = np.array([fsum(self.constant.tolist())])
        return LinExpr(
            self.problem, self.places.reshape(1, -1), self.factors.reshape(1, -1), constant
        )

    def merged(self) -> "LinExpr":
        """One row with each of its variables once."""
        places, which = np.unique(self.places[0], return_inverse=True)
        if len(places) == self.places.shape[1]:
            return self
        factors = np.bincount(which, self.factors[0]).astype(float)
        return LinExpr(self.problem, places[None, :], factors[None, :], self.constant)

    def amount(self) -> float:
        """Sum over all rows in the last solution."""
        parts = self.factors * self.problem.values[self.places]
        return fsum(self.constant.tolist() + parts.ravel().tolist())


class VariableArray(LinExpr):
    """Variables of one kind, one a step; one that could only be zero is left out."""

    __slots__ = ("most",)

    def __init__(self, problem: "LinearProblem", places: Places, most: Array) -> None:
        ones = np.ones((len(places), 1))
        super().__init__(problem, places[:, None], ones, np.zeros(len(places)))
        self.most = most
        """Upper bounds."""

    @property
    def there(self) -> Mask:
        """Mask of the variables that are not left out."""
        mask: Mask = self.places[:, 0] != NONE
        return mask

    @property
    def before(self) -> "VariableArray":
        """The variable of the step before; none before the first."""
        shifted = np.concatenate((np.full(1, NONE, dtype=np.int32), self.places[:-1, 0]))
        return VariableArray(self.problem, shifted, np.concatenate(([0.0], self.most[:-1])))

    def __getitem__(self, index: Any) -> "VariableArray":
        chosen = np.atleast_1d(np.arange(len(self.most))[index])
        return VariableArray(self.problem, self.places[chosen, 0], self.most[chosen])

    def value(self) -> Array:
        """Their values in the last solution, 0 for one that is left out."""
        return self.problem.values[self.places[:, 0]]


@dataclass(frozen=True, slots=True, eq=False)
class Variables:
    """New variables, as an engine takes them."""

    name: str
    index: NDArray[np.intp]
    """Their places in the series."""
    least: Array
    most: Array
    whole: bool


class LinearProblem(ABC):
    """A problem of minimisation that grows as it is written down."""

    def __init__(self) -> None:
        self.size = 0
        """Number of variables."""
        self.values: Array = np.zeros(1)
        """Those of the last solution, and a 0."""
        self._variables: list[Variables] = []
        self._rows: list[Constraints] = []
        self._cost: LinExpr | None = None
        self._constant = 0.0

    def variables(
        self, name: str, most: ArrayLike, least: ArrayLike = 0.0, *, whole: bool = False
    ) -> VariableArray:
        """New variables between two bounds; left out where the upper one is not above 0."""
        highest = np.atleast_1d(np.asarray(most, dtype=float))
        there = highest > 0.0
        lowest = np.broadcast_to(np.asarray(least, dtype=float), highest.shape)
        places = np.where(there, self.size - 1 + np.cumsum(there), NONE).astype(np.int32)
        if there.any():
            index = np.flatnonzero(there)
            self._variables.append(Variables(name, index, lowest[index], highest[index], whole))
        self.size += int(there.sum())
        return VariableArray(self, places, np.where(there, highest, 0.0))

    def __iadd__(self, rows: Constraints) -> "LinearProblem":
        self._rows.append(rows.needed())
        return self

    def minimise(self, cost: LinExpr) -> None:
        """Minimise this sum from now on; one row."""
        self._cost, self._constant = cost.merged(), float(cost.constant[0])

    def solve(self) -> bool:
        """Hand over what is new, and solve; whether the optimum is proved."""
        for new in self._variables:
            self._add_variables(new)
        for rows in self._rows:
            self._add_rows(rows)
        if self._cost is not None:
            self._set_cost(self._cost)
        self._variables, self._rows, self._cost = [], [], None
        found = self._run()
        if found is not None:
            self.values = np.append(found, 0.0)
        return found is not None

    def bound(self) -> float | None:
        """Proved lower bound of the cost with whole numbers; None if it is not reported."""
        found = self._bound()
        return None if found is None else found + self._constant

    @abstractmethod
    def _add_variables(self, new: Variables) -> None: ...

    @abstractmethod
    def _add_rows(self, rows: Constraints) -> None: ...

    @abstractmethod
    def _set_cost(self, cost: LinExpr) -> None: ...

    @abstractmethod
    def _bound(self) -> float | None: ...

    @abstractmethod
    def _run(self) -> Array | None:
        """All variables' values at a proved optimum, else None."""
