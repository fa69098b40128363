"""Exported history of Home Assistant: `entity_id,state,last_changed`, a row for each change.

A state holds until the next one: powers become time-weighted means of quarter-hours. A meter's
readings become means of their rises, each spread over the time between two changes; a fall is a
restart, hence a hole, and so is a longer silence. The export does not name the unit.
"""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from optimizer.errors import ConfigError, DataError
from optimizer.model import frames
from optimizer.model.moments import QUARTER
from optimizer.sources import parsing, table_columns, table_stamps
from optimizer.sources.parsing import StepValue
from optimizer.sources.table_columns import Unit
from optimizer.sources.table_text import Row, TableText

HEADER = ("entity_id", "state", "last_changed")
UNKNOWN = ("", "unknown", "unavailable", "none")
LONGEST_RISE = timedelta(hours=6)
"""Time between two readings over which their rise is spread."""
UNITS = {"w": "W", "kw": "kW", "wh": "Wh", "kwh": "kWh"}
"""Ends of an entity's name that are units."""
SHOWN = 8


class StateChange(NamedTuple):
    """A state from a moment on; None is unknown."""

    at: datetime
    value: float | None


class EntityHistory(NamedTuple):
    """The changes of one entity."""

    entity: str
    unit: Unit
    states: list[StateChange]


def is_history(text: TableText) -> bool:
    """Test for the header of such an export."""
    return bool(text.rows) and [str(c).strip().lower() for c in text.rows[0].cells] == list(HEADER)


def read(text: TableText, column: str | None) -> EntityHistory:
    """The entity of the owner's choice, or the only one.

    Parameters
    ----------
    column
        Name of the entity, perhaps with its unit: `sensor.house_power [W]`.

    Raises
    ------
    ConfigError, DataError
        If there are several entities, no such one, or its unit is unknown.
    """
    rows: dict[str, list[Row]] = {}
    for row in text.rows[1:]:
        if len(row.cells) != len(HEADER):
            raise DataError(f"{text.place(row.line)}: {len(row.cells)} cells where 3 are wanted")
        rows.setdefault(str(row.cells[0]).strip(), []).append(row)
    wanted = (column or "").partition("[")[0].strip().lower()
    fitting = [name for name in rows if not wanted or name.lower() == wanted]
    names = ", ".join(list(rows)[:SHOWN]) + (", ..." if len(rows) > SHOWN else "")
    if wanted and not fitting:
        raise ConfigError(f"{text.path} has no entity '{wanted}'; there are: {names}")
    if not fitting:
        raise DataError(f"{text.path} has no rows")
    if len(fitting) > 1:
        raise DataError(
            f"{text.path} has {len(fitting)} entities: {names}: name the house's: "
            f'column = "{fitting[0]} [W]"'
        )
    unit = table_columns.unit_of(column or "") or _unit_of(fitting[0])
    if unit is None or unit.kind == "price":
        raise DataError(
            f"{text.path}: an exported history does not name its unit: write it behind the "
            f'entity: column = "{fitting[0]} [W]" (or [kW], [Wh], [kWh])'
        )
    states = [_state(row, text) for row in rows[fitting[0]]]
    return EntityHistory(fitting[0], unit, sorted(states, key=lambda state: state.at))


def _unit_of(entity: str) -> Unit | None:
    unit = UNITS.get(entity.lower().rpartition("_")[2])
    return None if unit is None else table_columns.unit_of(f"[{unit}]")


def _state(row: Row, text: TableText) -> StateChange:
    _, value, changed = (str(cell).strip() for cell in row.cells)
    try:
        at = table_stamps.stamp(changed).utc
        if at is None:
            raise ValueError("no offset")
    except ValueError as error:
        raise DataError(
            f"{text.place(row.line)}: '{changed}' is not a moment with an offset such as "
            "2026-01-14T18:00:00.000Z"
        ) from error
    if value.lower() in UNKNOWN:
        return StateChange(at, None)
    try:
        return StateChange(at, parsing.number(float(value)))
    except ValueError as error:
        raise DataError(f"{text.place(row.line)}: '{value}' is not a number") from error


def quarters(history: EntityHistory, name: str, origin: str) -> pd.DataFrame:
    """Means of the quarter-hours that are wholly known, as a checked frame.

    Raises
    ------
    DataError
        If there are none.
    """
    parts = list(_parts(history))
    if not parts:
        raise DataError(f"{origin}: the history of {history.entity} has no two known states")
    changes = frames.frame_of([p.start for p in parts], [p.end for p in parts],
                              value=[float(p.value or 0.0) for p in parts])  # fmt: skip
    steps = frames.steps(parts[0].start, parts[-1].end, QUARTER)
    means = frames.on_steps(changes, steps).dropna()
    if means.empty:
        raise DataError(f"{origin}: the history of {history.entity} fills no quarter-hour")
    points = [
        StepValue(start, end, value)
        for start, end, value in zip(
            frames.starts_of(means), frames.ends_of(means), means["value"].tolist(), strict=True
        )
    ]
    return parsing.series_frame(points, name, origin)


def _parts(history: EntityHistory) -> list[StepValue]:
    """Power [W] between two changes, unknown times left out."""
    factor, energy = history.unit.factor, history.unit.kind == "energy"
    made = []
    for one, other in pairwise(history.states):
        span = other.at - one.at
        if one.value is None or span <= timedelta(0):
            continue
        if not energy:
            made.append(StepValue(one.at, other.at, one.value * factor))
        elif other.value is not None and other.value >= one.value and span <= LONGEST_RISE:
            watts = (other.value - one.value) * factor / (span / timedelta(hours=1))
            made.append(StepValue(one.at, other.at, watts))
    return made
