"""One cycle of control: the reading (Snapshot) and the decision (Decision)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from optimizer.model.plan import Intent

ON_GRID = 1
"""`GridMode` of a system that is connected to the grid."""
FAULT = 3
"""`State` of a system with a fault."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One reading of the FEMS; `None` is unknown, never 0."""

    at: datetime
    """Moment of the reading (UTC)."""
    soc_percent: float | None = None
    grid_w: float | None = None
    """Grid power [W]: + buys, - sells."""
    ess_w: float | None = None
    """AC power of the storage unit [W], on hybrids with PV: + leaves it."""
    battery_w: float | None = None
    """Power of the battery alone [W]: + discharges."""
    pv_w: float | None = None
    """PV power of the whole house [W]."""
    allowed_charge_w: float | None = None
    """Lowest AC power that the FEMS allows the battery now [W], <= 0."""
    allowed_discharge_w: float | None = None
    """Highest AC power that the FEMS allows now [W], >= 0; on hybrids with PV."""
    grid_mode: int | None = None
    state: int | None = None
    applied_w: float | None = None
    """AC power that the FEMS's solver applied last (`DebugSetActivePower`) [W]."""
    writers: str | None = None
    """Set-points that the REST app reports to pass on (`ApiWorkerLog`)."""


class Channel(StrEnum):
    """Data points of the storage unit that hold an active power [W, AC]."""

    EQUALS = "SetActivePowerEquals"
    LESS_OR_EQUALS = "SetActivePowerLessOrEquals"
    GREATER_OR_EQUALS = "SetActivePowerGreaterOrEquals"


class Reason(StrEnum):
    """Reason of a decision, in the words that the owner reads."""

    SELF_CONSUMPTION = "self-consumption: the FEMS balances the house"
    HOLDING = "carrying out the plan"
    NO_PLAN = "no plan"
    NO_STEP = "the plan does not cover this moment"
    FOREIGN_PLAN = "the plan was made for another battery or other limits"
    STARTING = "waiting for steady readings"
    UNREACHABLE = "the FEMS does not answer"
    REFUSED = "the FEMS refuses"
    STALE = "the last reading is too old"
    UNKNOWN = "a reading is missing"
    OFF_GRID = "the house is not on the grid"
    BACK_ON_GRID = "waiting after an outage"
    JUMPED = "the state of charge jumped"
    FROZEN = "the grid meter always shows the same"
    RULE = "the house swings too much to keep the legal rule with a set-point"
    CLOCK_UNSURE = "the time is not sure yet"
    CLOCK_JUMPED = "the clock jumped"
    CLOCK_SKEW = "the clocks of FEMS and computer differ by more than 120 s"
    STRANGER = "another FEMS than before answers"
    INTERNAL_ERROR = "a fault of this program"
    FAULT = "the FEMS reports a fault"
    NO_ROOM = "the battery is nearly full: a set-point would throttle the roof"
    CONTRADICTION = "the FEMS allows less than the sun gives: its limits contradict each other"
    YIELDED = "another program writes to the battery"
    PAUSED = "paused by the owner"
    STOOD_DOWN = "standing down: control loses against the battery left to itself"
    STOPPED = "the executor has stopped"


CALM = frozenset(
    {Reason.SELF_CONSUMPTION, Reason.HOLDING, Reason.STARTING, Reason.NO_ROOM, Reason.RULE}
)
"""Reasons that need no attention while the executor runs."""

ORDERED = frozenset({Reason.PAUSED, Reason.STOOD_DOWN})
"""Reasons that come before every other: nothing is held until `optimizer resume`."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Set-point to hold from now on: `setpoint_w` on `channel`; None holds nothing."""

    at: datetime
    setpoint_w: int | None
    reason: Reason
    intent: Intent = Intent.SELF_CONSUMPTION
    channel: Channel = Channel.EQUALS
    step: datetime | None = None
    """Start of the plan's step that is followed."""
    note: str = ""
    """Figures behind the reason, in words."""
    until: datetime | None = None
    """End of the step that is followed."""

    @property
    def sentence(self) -> str:
        """Line for people.

        >>> Decision(datetime(2026, 1, 14), None, Reason.NO_PLAN).sentence
        'nothing is held: no plan'
        """
        if self.setpoint_w is None:
            return f"nothing is held: {self.reason.value}"
        sign = {Channel.LESS_OR_EQUALS: "at most ", Channel.GREATER_OR_EQUALS: "at least "}
        intent = self.intent.value.replace("_", "-")
        return f"{intent}: {sign.get(self.channel, '')}{self.setpoint_w} W held at the inverter"
