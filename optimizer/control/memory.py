"""What the law goes by, and what one cycle tells the next."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from optimizer.control.limits import Peak
from optimizer.control.reading import Past
from optimizer.control.timekeeping import Timekeeping
from optimizer.model.battery import Battery
from optimizer.model.exchange import Quarter
from optimizer.model.grid import Grid
from optimizer.model.plan import Intent


@dataclass(frozen=True, slots=True)
class Settings:
    """What the law goes by."""

    battery: Battery
    grid: Grid
    follow: Literal["value", "intent", "power"] = "value"
    write: Literal["equals", "bounds"] = "equals"
    site: str | None = None
    """The plan's site; None takes any."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What one cycle tells the next."""

    good_cycles: int = 0
    past: Past = field(default_factory=Past)
    peak: Peak | None = None
    full: bool = False
    """Whether the owner's upper limit of charge was reached, and 1 % below it is not yet."""
    empty: bool = False
    """The same at the lower limit."""
    intent: Intent | None = None
    """What is done in the step `step`."""
    step: datetime | None = None
    held_w: float | None = None
    """The set-point that is held [W, AC]; None for none."""
    quarter: Quarter | None = None
    """The running record of what went between battery and grid."""
    clocks: Timekeeping | None = None

    def doubtful(self) -> "Memory":
        """The memory after a cycle without a good reading: steadiness has to be proved again."""
        return replace(self, good_cycles=0, peak=None, intent=None, step=None, held_w=None)
