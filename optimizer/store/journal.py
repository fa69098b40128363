"""The executor's journal: a row whenever something changes, and a summary every quarter-hour.

An SD card lives long when it is written seldom: rows are kept in memory and committed together,
with each summary. A day has 96 of them: 40 kB of rows, but each commit costs SQLite three pages and
more, 1.6 MB a day altogether. What happens this very moment is in the live file.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta

from optimizer.model.plan import iso
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.model.snapshot import Decision, Snapshot
from optimizer.store import quarter_record
from optimizer.store.database import is_corrupt, transaction

SUMMARY = timedelta(minutes=15)

KEPT = 500
"""So many rows wait for a disk that cannot be written; then the oldest are given up."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One row; in a summary the powers are means over `seconds`."""

    kind: str
    """`change`, `summary`, or `event` for what happened beside the decisions."""
    at: str
    seconds: float
    soc_percent: float | None
    grid_w: float | None
    ess_w: float | None
    battery_w: float | None
    pv_w: float | None
    setpoint_w: int | None
    channel: str | None
    reason: str
    intent: str | None
    step: str | None
    applied_w: float | None
    held_share: float | None
    """Share of the time in which a set-point was held."""
    note: str


@dataclass(slots=True)
class _Mean:
    """Time-weighted mean of a reading; unknown moments do not count."""

    total: float = 0.0
    seconds: float = 0.0

    def add(self, value: float | None, seconds: float) -> None:
        if value is not None:
            self.total += value * seconds
            self.seconds += seconds

    def take(self) -> float | None:
        return self.total / self.seconds if self.seconds > 0 else None


MEANS = ("grid_w", "ess_w", "battery_w", "pv_w")


@dataclass(slots=True)
class Journal:
    """Collects ticks and writes them in batches."""

    connection: sqlite3.Connection
    writable: bool = True
    """Whether the connection can be written; rows wait until it can."""
    corrupt: bool = False
    """Whether the file was found damaged."""
    _rows: list[Tick] = field(default_factory=list)
    _quarters: list[QuarterEnergy] = field(default_factory=list)
    _before: Decision | None = None
    _quarter: datetime | None = None
    _last: datetime | None = None
    _means: dict[str, _Mean] = field(default_factory=dict)
    _held: _Mean = field(default_factory=_Mean)

    def take(self, connection: sqlite3.Connection, writable: bool) -> None:
        """Write to another file from now on, what waits too."""
        self.connection, self.writable, self.corrupt = connection, writable, False

    def note(self, decision: Decision, snapshot: Snapshot | None) -> None:
        """Note one cycle of the executor.

        All is remembered before the disk is asked: what it does not take now it gets later.
        """
        due = self._summarise(decision, snapshot)
        before, self._before = self._before, decision
        if before is None or (decision.reason, decision.intent, decision.setpoint_w is None) != (
            before.reason, before.intent, before.setpoint_w is None,
        ):  # fmt: skip
            self._rows.append(_row("change", decision, snapshot))
        if due or before is None:
            self.flush()

    def _summarise(self, decision: Decision, snapshot: Snapshot | None) -> bool:
        """Go on with the summary; whether one has become complete."""
        seconds = (decision.at - self._last).total_seconds() if self._last else 0.0
        self._last = decision.at
        for name in MEANS:
            value = None if snapshot is None else getattr(snapshot, name)
            self._means.setdefault(name, _Mean()).add(value, max(0.0, seconds))
        held = self._before is not None and self._before.setpoint_w is not None
        self._held.add(float(held), max(0.0, seconds))
        quarter = decision.at - timedelta(seconds=decision.at.timestamp() % SUMMARY.total_seconds())
        complete = self._quarter not in (None, quarter) and self._held.seconds > 0
        if complete:
            self._rows.append(self._summary(decision, snapshot))
            self._means, self._held = {}, _Mean()
        self._quarter = quarter
        return complete

    def _summary(self, decision: Decision, snapshot: Snapshot | None) -> Tick:
        row = _row("summary", decision, snapshot)
        values = {item.name: getattr(row, item.name) for item in fields(Tick)}
        values |= {name: mean.take() for name, mean in self._means.items()}
        values |= {"held_share": self._held.take(), "seconds": self._held.seconds}
        return Tick(**values)

    def event(self, decision: Decision, snapshot: Snapshot | None, note: str) -> None:
        """Note something that happened; it is written with the next summary or change."""
        self._rows.append(replace(_row("event", decision, snapshot), note=note))

    def quarter(self, quarter: QuarterEnergy) -> None:
        """Note a quarter-hour's exchange of battery and grid, or a part of it."""
        self._quarters.append(quarter)

    def flush(self) -> None:
        """Write what has been collected, in one transaction."""
        del self._rows[:-KEPT], self._quarters[:-KEPT]
        if not self.writable or not (self._rows or self._quarters):
            return
        try:
            self._write()
        except sqlite3.Error as error:
            self.corrupt = is_corrupt(error)
            raise

    def _write(self) -> None:
        names = [item.name for item in fields(Tick)]
        marks = ", ".join("?" for _ in names)
        with transaction(self.connection):
            self.connection.executemany(
                f"INSERT INTO tick ({', '.join(names)}) VALUES ({marks})",  # noqa: S608 own names
                [tuple(getattr(row, name) for name in names) for row in self._rows],
            )
            quarter_record.add(self.connection, self._quarters)
        self._rows.clear()
        self._quarters.clear()


def _row(kind: str, decision: Decision, snapshot: Snapshot | None) -> Tick:
    seen = snapshot or Snapshot(at=decision.at)
    return Tick(
        kind=kind,
        at=iso(decision.at),
        seconds=0.0,
        soc_percent=seen.soc_percent,
        grid_w=seen.grid_w,
        ess_w=seen.ess_w,
        battery_w=seen.battery_w,
        pv_w=seen.pv_w,
        setpoint_w=decision.setpoint_w,
        channel=None if decision.setpoint_w is None else decision.channel.value,
        reason=decision.reason.name,
        intent=decision.intent.value,
        step=None if decision.step is None else iso(decision.step),
        applied_w=seen.applied_w,
        held_share=None,
        note=decision.note,
    )


def last_full(connection: sqlite3.Connection) -> datetime | None:
    """Moment at which the journal last saw the battery full; None if it never did."""
    (at,) = connection.execute("SELECT max(at) FROM tick WHERE soc_percent >= 100").fetchone()
    return None if at is None else datetime.fromisoformat(at)


def ticks(connection: sqlite3.Connection, since: datetime, kind: str) -> Sequence[Tick]:
    """Rows of a kind since a moment, oldest first."""
    names = ", ".join(item.name for item in fields(Tick))
    rows = connection.execute(
        f"SELECT {names} FROM tick WHERE kind = ? AND at >= ? ORDER BY id",  # noqa: S608 own names
        (kind, iso(since.astimezone(UTC))),
    )
    return [Tick(*row) for row in rows]


def soc_before(connection: sqlite3.Connection, at: datetime) -> tuple[float, datetime] | None:
    """The last state of charge noted at or before a moment [%], and when; None if there is none."""
    row = connection.execute(
        "SELECT soc_percent, at FROM tick WHERE at <= ? AND soc_percent IS NOT NULL "
        "ORDER BY at DESC, id DESC LIMIT 1",
        (iso(at.astimezone(UTC)),),
    ).fetchone()
    return None if row is None else (float(row[0]), datetime.fromisoformat(row[1]))


def ticks_between(connection: sqlite3.Connection, begin: datetime, end: datetime) -> Sequence[Tick]:
    """All rows of a span, in order of time."""
    names = ", ".join(item.name for item in fields(Tick))
    rows = connection.execute(
        f"SELECT {names} FROM tick WHERE at >= ? AND at < ? ORDER BY at, id",  # noqa: S608 own names
        (iso(begin.astimezone(UTC)), iso(end.astimezone(UTC))),
    )
    return [Tick(*row) for row in rows]
