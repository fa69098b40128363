"""Terms of an override on a planner's task: limits of power and stored energy of each step."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.model.override import Override

Array = NDArray[np.float64]

OVERRIDE_EUR_PER_KWH = 8.0
"""Price of each kWh below the demanded charge in the marginal values: above what a tariff can ask
for a kWh, below the price of an overload, which an override does not cause."""

EASE_WH = 0.01
"""Stored energies may miss a demanded path by this: both are rounded sums [Wh]."""

ROUNDED_WH = 0.05
"""So far a plan's stored energies may be from the demanded path: both are rounded [Wh]."""


@dataclass(frozen=True, slots=True)
class OverrideTerms:
    """Limits that an override puts on the steps of a task; one value a step, infinite for none."""

    override: Override
    charge_w: tuple[float, ...]
    """Most that the battery may draw; PV surplus may always be stored [W]."""
    discharge_w: tuple[float, ...]
    """Most that the battery may give [W]."""
    least_wh: tuple[float, ...] = ()
    """Least stored energy after each step [Wh]."""
    most_wh: tuple[float, ...] = ()
    """Most stored energy after each step [Wh]."""
    level_wh: float | None = None
    """Stored energy that a charge demands [Wh]."""
    demanded: tuple[bool, ...] = ()
    """True for the steps after which a charge demands it: those that hold its moment."""

    def from_step(self, at: int) -> "OverrideTerms":
        """The terms from one of the steps on, at the plan's rounded stored energy there."""
        rest = self._of(slice(at, None))
        return replace(
            rest,
            least_wh=tuple(wh - ROUNDED_WH for wh in rest.least_wh),
            most_wh=tuple(wh + ROUNDED_WH for wh in rest.most_wh),
        )

    def first_step(self) -> "OverrideTerms":
        """The terms of the first step alone."""
        return self._of(slice(1))

    def _of(self, part: slice) -> "OverrideTerms":
        return OverrideTerms(
            self.override,
            self.charge_w[part],
            self.discharge_w[part],
            self.least_wh[part],
            self.most_wh[part],
            self.level_wh,
            self.demanded[part],
        )

    def without_limits(self) -> "OverrideTerms":
        """The terms without limits of the stored energy; values still price what is demanded."""
        return replace(self, least_wh=(), most_wh=())

    @property
    def last_demand(self) -> int | None:
        """Index of the last step after which the charge is demanded; None without one."""
        return max((at for at, demanded in enumerate(self.demanded) if demanded), default=None)


def narrowed(
    limits_w: tuple[Any, Any], need_w: Any, standby_w: float, caps_w: tuple[Any, Any]
) -> tuple[Any, Any]:
    """Limits of the battery power under an override [W], arrays of any one shape.

    Parameters
    ----------
    limits_w
        Lowest and highest battery power without it.
    need_w
        Battery power that would bring the grid to zero: a surplus may be stored beyond the cap.
    caps_w
        Most that may be charged from the grid, and most that may be discharged.
    """
    (low, high), (charge_w, discharge_w) = limits_w, caps_w
    capped = np.minimum(np.minimum(-charge_w, need_w), -standby_w)
    return np.maximum(low, capped), np.maximum(np.minimum(high, discharge_w), -standby_w)
