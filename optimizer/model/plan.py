"""The plan: for each step the forecast, the program's answer and what control may do."""

import functools
import hashlib
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from optimizer.errors import NoPlanError
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid


class Intent(StrEnum):
    """What a step is for; each is a band of battery power that control keeps to."""

    OWN_USE = "own_use"
    """Let the house be balanced: anything goes."""
    HOLD = "hold"
    """Do not discharge."""
    DEFER = "defer"
    """Do not charge: keep room."""
    CHARGE = "charge"
    """Charge at least this much."""
    LIMIT = "limit"
    """Charge at most this much."""
    DISCHARGE = "discharge"
    """Discharge at least this much."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan; powers are means over the step [W]."""

    start: datetime
    end: datetime
    buy_eur_per_kwh: float
    sell_eur_per_kwh: float
    load_w: float
    pv_w: float
    battery_w: float
    """Planned battery power: + discharges (AC-referred, without the roof)."""
    ess_w: float
    """The inverter's AC power: on hybrids the roof is in it."""
    grid_w: float
    curtailed_w: float
    soc_wh: float
    """Stored energy at the end of the step [Wh]."""
    intent: Intent
    lowest_w: float
    """Lower end of the band of battery power that control may use."""
    highest_w: float
    """Upper end of that band."""
    stored_value_eur_per_kwh: float
    """Worth of a stored kWh after this step, at the planned state of charge: of the last one
    stored, or where the step keeps or makes room, of the next one."""
    values_eur_per_kwh: tuple[float, ...]
    """The same at each of the plan's `value_soc_wh`."""
    why: str
    peak_w: float | None = None
    """Most that may be drawn without a dearer peak than the plan's own in the step's month or year;
    None where peaks cost nothing. Control does not charge above it."""
    price_from: str = ""
    """Where the prices came from: `published`, `cached` or `filled`, and a source's name."""

    @property
    def hours(self) -> float:
        """Length [h]."""
        return (self.end - self.start) / timedelta(hours=1)

    @property
    def need_w(self) -> float:
        """Battery power that would bring the forecast's grid power to zero [W]."""
        return self.load_w - self.pv_w

    @property
    def cost_eur(self) -> float:
        """Bill of the step [EUR]: bought energy minus pay for sold energy."""
        price = self.buy_eur_per_kwh if self.grid_w > 0 else self.sell_eur_per_kwh
        return self.grid_w * self.hours / 1000 * price


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan: contiguous steps, their money and where they came from."""

    made_at: datetime
    site: str
    bounds: str
    """Fingerprint of battery and grid limits: a plan of another battery is refused."""
    step_s: int
    status: str
    gap_eur: float | None
    """How far below the solver's proved bound may lie; None where the solver does not tell."""
    solver: str
    start_soc_percent: float
    cost_eur: float
    """Bill over the steps [EUR]; wear and stored energy are apart."""
    own_use_cost_eur: float
    """The same with the battery left to itself."""
    no_battery_cost_eur: float
    wear_eur: float
    own_use_wear_eur: float
    stored_value_eur: float
    """Worth of the energy left at the end."""
    own_use_stored_value_eur: float
    """Worth of the energy that the battery left to itself would have at the end."""
    end_value_eur_per_kwh: float
    """Worth of a kWh in the cells at the end of the horizon."""
    solve_s: float
    value_soc_wh: tuple[float, ...]
    """Stored energies of the value table [Wh], rising."""
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = field(default=())
    peak_w: float | None = None
    """Highest power drawn in the plan, as a mean over a step; None where peaks cost nothing."""
    peak_eur: float = 0.0
    """What new peaks cost beyond those already reached: apart from `cost_eur`."""
    own_use_peak_eur: float = 0.0
    """The same with the battery left to itself."""

    @property
    def saving_eur(self) -> float:
        """Saving against the battery left to itself; stored energy, wear and peaks counted."""
        own = self.own_use_cost_eur + self.own_use_wear_eur - self.own_use_stored_value_eur
        ours = self.cost_eur + self.wear_eur - self.stored_value_eur
        return own + self.own_use_peak_eur - (ours + self.peak_eur)

    def step_at(self, at: datetime) -> Step | None:
        """The step that covers a moment, or None: never the nearest one."""
        for step in self.steps:
            if step.start <= at < step.end:
                return step
        return None

    def value_at(self, step: Step, soc_wh: float) -> float:
        """Worth of one more stored kWh after `step` at this stored energy [EUR/kWh].

        Between the table's states of charge the value is interpolated, outside it is held.
        """
        return interpolate(soc_wh, self.value_soc_wh, step.values_eur_per_kwh)


def interpolate(x: float, xs: tuple[float, ...], ys: tuple[float, ...]) -> float:
    """Piecewise linear interpolation over rising `xs`, held flat outside.

    >>> interpolate(1.5, (1.0, 2.0), (10.0, 20.0))
    15.0
    """
    if x <= xs[0]:
        return ys[0]
    for left, right, low, high in zip(xs, xs[1:], ys, ys[1:], strict=False):
        if x <= right:
            return low + (high - low) * (x - left) / (right - left)
    return ys[-1]


@functools.lru_cache(maxsize=64)
def fingerprint(battery: Battery, grid: Grid) -> str:
    """Short stable hash of everything that bounds a plan.

    The coupling is left out: control takes it from the live readings, and where the configuration
    says "auto" the planner may have had to guess it. Control asks in every cycle: it is remembered.
    """
    text = repr(_plain([asdict(replace(battery, hybrid=False)), asdict(grid)]))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: object) -> object:
    """Equal values as one text: whether a limit was written 5 or 5.0 is no difference."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return str(value)


def iso(at: datetime) -> str:
    """A UTC moment as text with `Z`, to the second.

    >>> iso(datetime(2026, 1, 14, 13, 5, 12, tzinfo=UTC))
    '2026-01-14T13:05:12Z'
    """
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def check_contiguous(plan: Plan) -> None:
    """Refuse a plan without steps, with gaps or overlaps, or with a table of another size."""
    if not plan.steps:
        raise NoPlanError("the stored plan has no steps: make a new one with 'optimizer plan'")
    for before, after in zip(plan.steps, plan.steps[1:], strict=False):
        if before.end != after.start:
            raise NoPlanError(
                f"the stored plan has a gap or overlap at {iso(after.start)}: "
                "make a new one with 'optimizer plan'"
            )
    size = len(plan.value_soc_wh)
    for step in plan.steps:
        if step.end <= step.start or len(step.values_eur_per_kwh) != size or size == 0:
            raise NoPlanError(
                f"the stored plan's step {iso(step.start)} is damaged: "
                "make a new one with 'optimizer plan'"
            )
