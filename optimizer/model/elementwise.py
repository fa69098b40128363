"""Smallest, largest and clipped values, of numbers and of numpy arrays alike.

The executor's process has no numpy, the planner computes with arrays of many steps: formulas that
both need are written once with these functions. numpy is looked up where an array is given, so this
module does not import it.
"""

import sys
from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

Values = TypeVar("Values", float, "NDArray[float64]")
"""A number, or an array of numbers."""


def least(first: Values, *others: "float | Values") -> Values:
    """Smallest of the values, element by element where one of them is an array.

    >>> least(3.0, 2.0, 5.0)
    2.0
    """
    values: Any = (first, *others)
    for value in values:
        if not isinstance(value, float | int):
            values = (reduce(sys.modules["numpy"].minimum, values),)
            break
    smallest: Values = min(values) if len(values) > 1 else values[0]
    return smallest


def greatest(first: Values, *others: "float | Values") -> Values:
    """Largest of the values, element by element where one of them is an array.

    >>> greatest(3.0, 2.0, 5.0)
    5.0
    """
    values: Any = (first, *others)
    for value in values:
        if not isinstance(value, float | int):
            values = (reduce(sys.modules["numpy"].maximum, values),)
            break
    largest: Values = max(values) if len(values) > 1 else values[0]
    return largest


def beyond_rounding(value: Values, rounding: float) -> Values:
    """A value that is larger than what rounding may leave, else 0.

    >>> beyond_rounding(250.0, 1e-6), beyond_rounding(1e-9, 1e-6), beyond_rounding(-3.0, 1e-6)
    (250.0, 0.0, 0.0)
    """
    positive = greatest(value, 0.0)
    kept: Any = positive * (positive > rounding)
    result: Values = kept
    return result


def columns(rows: Sequence[tuple[float, ...]]) -> "list[NDArray[float64]]":
    """An array for each column of some rows of numbers, for callers that compute with arrays."""
    return list(sys.modules["numpy"].array(rows, dtype=float).T)
