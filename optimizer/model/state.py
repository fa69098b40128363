"""One instant: what was read from the FEMS (Snapshot), what was decided (Decision)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from optimizer.model.plan import Intent

ON_GRID = 1
"""`GridMode` of a system that hangs on the grid."""
FAULT = 3
"""`State` of a system that does not work."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One reading of the FEMS; `None` is unknown, never 0."""

    at: datetime
    """When it was read (UTC)."""
    soc_percent: float | None = None
    grid_w: float | None = None
    """Grid power [W]: + buys, - sells."""
    ess_w: float | None = None
    """AC power of the storage unit [W], on hybrids with the roof: + leaves it."""
    battery_w: float | None = None
    """Battery alone [W]: + discharges."""
    pv_w: float | None = None
    """Whole production of the roof [W]."""
    allowed_charge_w: float | None = None
    """Lowest AC power that the FEMS allows for the battery now [W], <= 0."""
    allowed_discharge_w: float | None = None
    """Highest AC power that the FEMS allows now [W], >= 0; on hybrids with the roof."""
    grid_mode: int | None = None
    state: int | None = None
    applied_w: float | None = None
    """AC power that the FEMS's solver applied last (`DebugSetActivePower`) [W]."""
    writers: str | None = None
    """What the REST app says it hands over (`ApiWorkerLog`)."""


class Channel(StrEnum):
    """The data points of the storage unit that can hold an active power [W, AC]."""

    EQUALS = "SetActivePowerEquals"
    LESS_OR_EQUALS = "SetActivePowerLessOrEquals"
    GREATER_OR_EQUALS = "SetActivePowerGreaterOrEquals"


class Reason(StrEnum):
    """Why a decision was taken; the words are what the owner reads."""

    OWN_USE = "own use: the FEMS balances the house"
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
    MISHAP = "a fault of this program"
    FAULT = "the FEMS reports a fault"
    NO_ROOM = "the battery is nearly full: a set-point would throttle the roof"
    YIELDED = "another program writes to the battery"
    STOPPED = "the executor has stopped"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to hold from now on: `setpoint_w` on `channel`, or nothing when it is None."""

    at: datetime
    setpoint_w: int | None
    reason: Reason
    intent: Intent = Intent.OWN_USE
    channel: Channel = Channel.EQUALS
    step: datetime | None = None
    """Start of the plan's step that was followed."""
    note: str = ""
    """The figures behind the reason, in words."""
    until: datetime | None = None
    """End of the step that was followed."""

    @property
    def sentence(self) -> str:
        """The decision as one line for people.

        >>> Decision(datetime(2026, 1, 14), None, Reason.NO_PLAN).sentence
        'nothing is held: no plan'
        """
        if self.setpoint_w is None:
            return f"nothing is held: {self.reason.value}"
        sign = {Channel.LESS_OR_EQUALS: "at most ", Channel.GREATER_OR_EQUALS: "at least "}
        intent = self.intent.value.replace("_", " ")
        return f"{intent}: {sign.get(self.channel, '')}{self.setpoint_w} W held at the inverter"
