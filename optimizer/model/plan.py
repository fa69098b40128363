"""The plan: for each step the forecast, the planned powers and the band for control."""

import functools
import hashlib
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from optimizer.errors import NoPlanError
from optimizer.model.battery import Battery
from optimizer.model.currency import CURRENCIES, EUR, Currency
from optimizer.model.grid import Grid
from optimizer.model.override import Override

if TYPE_CHECKING:
    import pandas as pd


class Intent(StrEnum):
    """Purpose of a step; each is a band of battery power for control."""

    SELF_CONSUMPTION = "self_consumption"
    """Leave the battery to the FEMS, which balances the house."""
    HOLD = "hold"
    """Do not discharge."""
    DEFER = "defer"
    """Do not charge, to keep room."""
    CHARGE = "charge"
    """Charge with at least the planned power."""
    LIMIT = "limit"
    """Charge with at most the planned power."""
    DISCHARGE = "discharge"
    """Discharge with at least the planned power."""


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
    """Planned battery power: + discharges (AC-referred, without PV)."""
    ess_w: float
    """AC power of the storage unit; on hybrids with PV."""
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
    """Marginal value of a stored kWh after this step at the planned state of charge [EUR/kWh]: of
    the last one stored, or where the step keeps or makes room, of the next one."""
    values_eur_per_kwh: tuple[float, ...]
    """Marginal values at each of the plan's `value_soc_wh` [EUR/kWh]."""
    why: str
    peak_w: float | None = None
    """Grid power up to which no peak beyond the plan's own costs money in the step's month or year;
    None where peaks cost nothing. Control does not charge above it."""
    price_from: str = ""
    """Origin of the prices: `published`, `cached` or `filled`, and a source's name."""

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
        """Bill of the step [EUR]: cost of bought energy minus revenue of sold energy."""
        price = self.buy_eur_per_kwh if self.grid_w > 0 else self.sell_eur_per_kwh
        return self.grid_w * self.hours / 1000 * price


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan: contiguous steps, their costs and their origin."""

    made_at: datetime
    site: str
    bounds: str
    """Fingerprint of battery and grid limits: a plan of another battery is refused."""
    step_s: int
    """Nominal length of a step [s]; the first one is shorter where the plan begins within it."""
    status: str
    gap_eur: float | None
    """Distance to the solver's proved bound [EUR]; None where the solver does not report it."""
    solver: str
    start_soc_percent: float
    cost_eur: float
    """Bill over the steps [EUR]; wear and stored energy are apart."""
    self_consumption_cost_eur: float
    """Bill with the battery left to itself [EUR]."""
    no_battery_cost_eur: float
    wear_eur: float
    self_consumption_wear_eur: float
    stored_value_eur: float
    """Value of the energy left at the end [EUR]."""
    self_consumption_stored_value_eur: float
    """Value of the energy left at the end with the battery left to itself [EUR]."""
    end_value_eur_per_kwh: float
    """Value of a kWh in the cells at the end of the horizon."""
    solve_s: float
    value_soc_wh: tuple[float, ...]
    """Stored energies of the value table [Wh], rising."""
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = field(default=())
    peak_w: float | None = None
    """Highest power drawn in the plan, as a mean over a step; None where peaks cost nothing."""
    peak_eur: float = 0.0
    """Cost of peaks beyond those already reached [EUR]; apart from `cost_eur`."""
    self_consumption_peak_eur: float = 0.0
    """Cost of such peaks with the battery left to itself [EUR]."""
    override: Override | None = None
    """The owner's override that the plan obeys; None without one."""
    value_kink_wh: float | None = None
    """Stored energy that an override demands: there the values fall at once, so that they are not
    interpolated across it [Wh]; None without one."""
    currency: str = "EUR"
    """Currency of all prices and amounts, whatever the fields' names say."""

    @property
    def money(self) -> Currency:
        """The currency, for texts."""
        return CURRENCIES.get(self.currency, EUR)

    @property
    def objective_eur(self) -> float:
        """Bill, wear and peaks minus the value of the energy left, as plans are compared [EUR]."""
        return self.cost_eur + self.wear_eur + self.peak_eur - self.stored_value_eur

    @property
    def saving_eur(self) -> float:
        """Saving against the battery left to itself; stored energy, wear and peaks counted."""
        own = (
            self.self_consumption_cost_eur
            + self.self_consumption_wear_eur
            - self.self_consumption_stored_value_eur
        )
        return own + self.self_consumption_peak_eur - self.objective_eur

    def step_at(self, at: datetime) -> Step | None:
        """Step that covers a moment, or None; never the nearest one."""
        for step in self.steps:
            if step.start <= at < step.end:
                return step
        return None

    def override_at(self, at: datetime) -> Override | None:
        """The override that is in force at a moment."""
        return self.override if self.override is not None and self.override.in_force(at) else None

    def soc_wh_at(self, at: datetime, capacity_wh: float) -> float | None:
        """Planned stored energy at a moment [Wh], interpolated within its step.

        None outside the plan.
        """
        step = self.step_at(at)
        if step is None:
            return None
        passed_wh = [earlier.soc_wh for earlier in self.steps if earlier.end <= at]
        before_wh = passed_wh[-1] if passed_wh else capacity_wh * self.start_soc_percent / 100
        share = (at - step.start) / (step.end - step.start)
        return before_wh + (step.soc_wh - before_wh) * share

    def frame(self) -> "pd.DataFrame":
        """The steps as a table; imports pandas.

        Returns
        -------
        pandas.DataFrame
            A row a step, index `start` (UTC); columns are the fields of `Step` but the value table:
            `end`, prices [EUR/kWh], powers [W], `soc_wh` at the step's end [Wh], `intent` as text.
        """
        import pandas as pd

        names = [item.name for item in fields(Step) if item.name != "values_eur_per_kwh"]
        rows = [[getattr(step, name) for name in names] for step in self.steps]
        table = pd.DataFrame(rows, columns=names)
        table["intent"] = [step.intent.value for step in self.steps]
        table["peak_w"] = table["peak_w"].astype(float)
        return table.set_index("start")

    def value_at(self, step: Step, soc_wh: float) -> float:
        """Marginal value of a stored kWh after `step` at this stored energy [EUR/kWh].

        Interpolated between the table's states of charge, constant outside.
        """
        kink_wh, levels_wh, values = self.value_kink_wh, self.value_soc_wh, step.values_eur_per_kwh
        if kink_wh is None:
            return interpolate(soc_wh, levels_wh, values)
        below = sum(level_wh < kink_wh for level_wh in levels_wh)
        side = slice(below) if soc_wh < kink_wh and below else slice(below, None)
        return interpolate(soc_wh, levels_wh[side] or levels_wh, values[side] or values)


def interpolate(x: float, xs: tuple[float, ...], ys: tuple[float, ...]) -> float:
    """Piecewise linear interpolation over rising `xs`, constant outside.

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
    """Short stable hash of all limits that a plan obeys.

    The coupling is left out: control takes it from the live readings, and with "auto" in the
    configuration the planner may have assumed it. An update that adds a limit makes the stored
    plans another battery's: control asks for a new one. Cached, since control asks in every cycle.
    """
    text = repr(_plain([asdict(replace(battery, hybrid=False)), asdict(grid)]))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: object) -> object:
    """Equal values in one form: 5 and 5.0 are the same limit."""
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
