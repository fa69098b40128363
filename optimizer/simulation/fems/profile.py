"""Power over time, for a simulated house: what the house draws, what the roof gives."""

import math
import random
from dataclasses import dataclass
from datetime import datetime

from optimizer.errors import DataError

_MINUTE_S = 60
_BURSTS = ((2_200.0, 2), (1_800.0, 1), (900.0, 3), (3_000.0, 1))
"""Bursts of a home: power [W] and length [min]. A kettle; an oven and a hob that cycle with their
thermostats; a heater or a vacuum cleaner. Usual nameplate figures, rounded."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Mean powers of equal steps [W] that repeat for ever, backwards as well.

    Raises
    ------
    DataError
        If there are no steps, a power is negative or no number, or `start` has no time zone.

    Examples
    --------
    >>> from datetime import UTC
    >>> day = Profile(datetime(2026, 1, 14, tzinfo=UTC), 3_600, (300.0,) * 18 + (1_200.0,) * 6)
    >>> day.at(datetime(2026, 3, 1, 19, 30, tzinfo=UTC))
    1200.0
    """

    start: datetime
    """Start of the first step."""
    step_s: int
    """Length of a step [s]."""
    watts: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "watts", tuple(map(float, self.watts)))
        if self.start.tzinfo is None:
            raise DataError("A profile's start needs a time zone: give it in UTC.")
        if not self.watts or self.step_s < 1:
            raise DataError("A profile needs at least one step of at least one second.")
        for place, power_w in enumerate(self.watts):
            if not 0 <= power_w < math.inf:
                raise DataError(f"Step {place} of a profile is {power_w} W: powers are 0 or more.")

    def at(self, moment: datetime) -> float:
        """Power at `moment` [W]."""
        return self.piece(moment)[0]

    def piece(self, moment: datetime) -> tuple[float, float]:
        """Power at `moment` [W], and for how long it still lasts [s]."""
        step, into_s = divmod((moment - self.start).total_seconds(), self.step_s)
        return self.watts[int(step) % len(self.watts)], self.step_s - into_s

    def spiky(self, seed: int, *, share: float = 0.5) -> "Profile":
        """The same means in steps of a minute, with the bursts that a real home shows.

        A planner sees the means, a battery meets the bursts: without them a simulated house
        flatters every controller that holds a planned power.

        Parameters
        ----------
        seed
            The same seed gives the same bursts.
        share
            Part of each step's energy that comes in bursts [1].

        Raises
        ------
        DataError
            If the steps are not whole minutes, or `share` is not in 0..1.
        """
        minutes, rest_s = divmod(self.step_s, _MINUTE_S)
        if rest_s or not 0 <= share <= 1:
            raise DataError("Bursts need steps of whole minutes and a share from 0 to 1.")
        chance = random.Random(seed)  # noqa: S311 - a repeatable simulation, no secret
        watts: list[float] = []
        for mean_w in self.watts:
            watts += _with_bursts(mean_w, minutes, share, chance)
        return Profile(self.start, _MINUTE_S, tuple(watts))


def _with_bursts(mean_w: float, minutes: int, share: float, chance: random.Random) -> list[float]:
    """Powers of each minute [W] whose mean is `mean_w`."""
    watts = [mean_w * (1 - share)] * minutes
    left_w = mean_w * share * minutes  # energy still to be spent, in W times minutes
    while left_w > 0:
        burst_w, length = chance.choice(_BURSTS)
        first = chance.randrange(minutes)
        for minute in range(first, min(first + length, minutes)):
            spent_w = min(burst_w, left_w)
            watts[minute] += spent_w
            left_w -= spent_w
    return watts
