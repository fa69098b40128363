"""Installation of a simulated FEMS, and conditions that may change while it runs."""

from dataclasses import dataclass
from enum import StrEnum

from optimizer.fems.channels import API
from optimizer.model.snapshot import FAULT, ON_GRID

LIMITER = "ctrlEssLimiter14a0"
RESERVE = "ctrlEmergencyCapacityReserve0"
MODBUS = "ctrlApiModbusTcp0"
GRID_OPTIMIZED = "ctrlGridOptimizedCharge0"
TIME_OF_USE = "ctrlEssTimeOfUseTariff0"
PEAK_SHAVING = "ctrlPeakShaving0"
BALANCING = "ctrlBalancing0"

CENTRAL_ORDER = (
    LIMITER,
    RESERVE,
    MODBUS,
    API,
    GRID_OPTIMIZED,
    TIME_OF_USE,
    PEAK_SHAVING,
    BALANCING,
)
"""The FEMS's own order of priority; the first one wins (contract, section 2.5)."""

DIMMED_W = -4_200
"""Lowest power that is left while the relay of section 14a EnWG is on [W]."""

OFF_GRID = 2
"""`GridMode` of a system that supplies the house by itself."""


class ControlMode(StrEnum):
    """Mode in which a hybrid's inverter takes set-points (`controlMode`)."""

    SMART = "SMART"
    """By itself when the set-point is what balances the house, else as commanded."""
    REMOTE = "REMOTE"
    """Always as commanded."""
    INTERNAL = "INTERNAL"
    """Never as commanded: it balances the house by itself, and nothing shows it."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The components of an Edge and their settings, as `getEdgeConfig` tells them."""

    order: tuple[str, ...] = (API, BALANCING)
    """The scheduler's controllers, the first one first; only these are installed."""
    control_mode: ControlMode = ControlMode.SMART
    read_only: bool = False
    """True if the REST app is the one that only reads."""
    without: frozenset[str] = frozenset()
    """Ids of components that are not there."""
    max_apparent_va: int | None = None
    """`MaxApparentPower` [VA]; None for the battery's own rating."""
    reserve_soc_percent: int = 20
    """State of charge that the emergency reserve keeps [%]."""
    peak_shaving_w: int = 20_000
    fuse_a: int = 32
    """Fuse at the house's connection [A]."""
    charge_from_grid_allowed: bool = True

    def with_controllers(self, *ids: str) -> tuple[str, ...]:
        """The order with further controllers in their usual places."""
        wanted = {*self.order, *ids}
        return tuple(one for one in CENTRAL_ORDER if one in wanted)


@dataclass(slots=True)
class DeviceConditions:
    """Conditions that may change from one second to the next; free to be set at any time."""

    dimmed: bool = False
    """True if the relay of section 14a is on."""
    modbus_w: int | None = None
    """Power that another program holds over Modbus [W]; it stands above REST."""
    state: int = 0
    """`State` of the site and its unit: 0 ok, 1 info, 2 warning, 3 fault."""
    grid_mode: int = ON_GRID
    counters_ahead_wh: float = 0.0
    """Jump of all energy counters [Wh]: values of a second inverter that is not ready."""
    unknown: str = ""
    """Pattern of the addresses ("ess0/Soc") whose value is null."""

    @property
    def faulty(self) -> bool:
        """Return true if the inverter is off."""
        return self.state == FAULT
