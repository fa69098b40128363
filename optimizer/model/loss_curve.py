"""Conversion losses that grow with power: what arrives in, or leaves, the cells at an AC power.

A curve is given by points (AC power [W], efficiency there [1]). Between (0, 0) and the points
P * efficiency(P) the power in the cells is a straight line, and beyond the last point it goes on.
Charging, each further watt has to bring no more into the cells than the one before (concave);
discharging, each further watt has to take no less out of them (convex). So the cheapest way to
move energy is always the physical one, and a planner needs no binaries for it. A loss that is there
at any power belongs to `standby_w`.
"""

from bisect import bisect_right
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from optimizer.model.elementwise import Values, greatest, least

CurvePoints = tuple[tuple[float, float], ...]
"""Points of a curve: (AC power [W], efficiency there [1]), rising in power."""

SAME_SLOPE = 1e-9
"""Slopes that differ by no more are one."""

INFINITE = float("inf")


class LossCurve(NamedTuple):
    """Power in the cells over AC power, both as magnitudes: a line in pieces from (0, 0) on."""

    starts_w: tuple[float, ...]
    """AC power at which each piece begins; the last one has no end."""
    cells_starts_w: tuple[float, ...]
    """Power in the cells there."""
    slopes: tuple[float, ...]
    """Power in the cells for each further watt of AC power [1]."""

    def cells_w(self, power_w: Values) -> Values:
        """Power in the cells at an AC power >= 0 [W].

        >>> curve = charging_curve(((2_000, 0.97), (10_000, 0.93)))
        >>> curve.cells_w(2_000.0), curve.cells_w(10_000.0)
        (1940.0, 9300.0)
        """
        if isinstance(power_w, float | int):
            at = max(bisect_right(self.starts_w, power_w) - 1, 0)
            return self.cells_starts_w[at] + (power_w - self.starts_w[at]) * self.slopes[at]
        sizes = [end - start for start, end in pairwise([*self.starts_w, INFINITE])]
        total = least(power_w, sizes[0]) * self.slopes[0]
        further = zip(self.starts_w[1:], sizes[1:], self.slopes[1:], strict=True)
        for start_w, size_w, slope in further:
            total = total + least(greatest(power_w - start_w, 0.0), size_w) * slope
        return total

    def power_w(self, cells_w: float) -> float:
        """AC power at a power in the cells >= 0 [W]: the inverse of `cells_w`.

        >>> charging_curve(((2_000, 0.97), (10_000, 0.93))).power_w(9_300.0)
        10000.0
        """
        at = max(bisect_right(self.cells_starts_w, cells_w) - 1, 0)
        return self.starts_w[at] + (cells_w - self.cells_starts_w[at]) / self.slopes[at]


def _curve(points_w: tuple[tuple[float, float], ...]) -> LossCurve:
    """The curve through (0, 0) and points (AC power, power in the cells)."""
    starts, cells, slopes = list[float](), list[float](), list[float]()
    for (last_w, last_cells_w), (power_w, cells_w) in pairwise([(0.0, 0.0), *points_w]):
        slope = (cells_w - last_cells_w) / (power_w - last_w)
        if not slopes or abs(slope - slopes[-1]) > SAME_SLOPE:
            starts.append(last_w)
            cells.append(last_cells_w)
            slopes.append(slope)
    return LossCurve(tuple(starts), tuple(cells), tuple(slopes))


@cache
def charging_curve(points: CurvePoints) -> LossCurve:
    """Power into the cells over the AC power that charges."""
    return _curve(tuple((power_w, power_w * share) for power_w, share in points))


@cache
def discharging_curve(points: CurvePoints) -> LossCurve:
    """Power out of the cells over the AC power that is discharged."""
    return _curve(tuple((power_w, power_w / share) for power_w, share in points))


EXAMPLE = "[[2000, 0.97], [10000, 0.93]]"


def checked_charge_curve(points: CurvePoints) -> CurvePoints:
    """Points of a charging curve: concave, and more power brings more into the cells.

    Raises
    ------
    ValueError
        With the rest of a sentence that begins with the curve's name; it names the first point.
    """
    _check_powers(points)
    for number, ((last_w, last_share), (power_w, share)) in enumerate(pairwise(points), start=2):
        gain_w = power_w * share - last_w * last_share
        if gain_w <= SAME_SLOPE * (power_w - last_w):
            raise ValueError(
                f"brings no more into the cells at point {number} ({_text(power_w, share)}) than "
                "at the one before: more power has to charge faster"
            )
    _check_bend([(w, w * share) for w, share in points], points, sign=1.0)
    return points


def checked_discharge_curve(points: CurvePoints) -> CurvePoints:
    """Points of a discharging curve: convex.

    Raises
    ------
    ValueError
        With the rest of a sentence that begins with the curve's name; it names the first point.
    """
    _check_powers(points)
    _check_bend([(w, w / share) for w, share in points], points, sign=-1.0)
    return points


def _check_powers(points: CurvePoints) -> None:
    """Refuse powers that do not rise from above 0 W."""
    if not points:
        raise ValueError(f"needs a number or at least one point: {EXAMPLE}")
    before_w = 0.0
    for number, (power_w, share) in enumerate(points, start=1):
        if power_w <= before_w:
            raise ValueError(
                f"needs powers that rise from above 0 W, which point {number} "
                f"({_text(power_w, share)}) does not: {EXAMPLE}"
            )
        before_w = power_w


def _check_bend(cells: list[tuple[float, float]], points: CurvePoints, sign: float) -> None:
    """Refuse a curve on which a further watt loses less than the one before.

    `cells` are (AC power, power in the cells) at the points [W]; the sign is + for charging.
    """
    slopes = [(b - a) / (v - u) for (u, a), (v, b) in pairwise([(0.0, 0.0), *cells])]
    for number, (last, slope) in enumerate(pairwise(slopes), start=2):
        if sign * (slope - last) > SAME_SLOPE:
            raise ValueError(
                f"loses less of each further watt up to point {number} than before it "
                f"({_text(*points[number - 1])}): losses have to grow with power, fixed ones "
                "belong to standby_w"
            )


def _text(power_w: float, share: float) -> str:
    return f"{power_w:g} W, {share:g}"
