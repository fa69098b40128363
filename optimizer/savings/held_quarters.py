"""State of control in each quarter-hour, held or not and why, from the journal's changes; pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from optimizer.model.moments import QUARTER, floor
from optimizer.store.journal import Tick


class HeldQuarter(NamedTuple):
    """State of control in a quarter-hour: the one that lasted longest."""

    held_s: float
    """Time in which a set-point was held [s]."""
    intent: str | None
    reason: str
    note: str


class _Span(NamedTuple):
    tick: Tick
    begin: datetime
    end: datetime


def held_quarters(ticks: Sequence[Tick], until: datetime) -> dict[datetime, HeldQuarter]:
    """State of each quarter-hour in which the journal noted or carried on one.

    Parameters
    ----------
    ticks
        Rows of the journal in order of time, from before the first quarter-hour on; only changes
        count, each lasts to the next.
    until
        End of the last one.
    """
    spans = dict[datetime, list[_Span]]()
    changes = [tick for tick in ticks if tick.kind == "change"]
    ends = [*(datetime.fromisoformat(tick.at) for tick in changes[1:]), until]
    for tick, end in zip(changes, ends, strict=False):
        for span in _by_quarter(tick, min(end, until)):
            spans.setdefault(floor(span.begin), []).append(span)
    return {start: _held(found) for start, found in spans.items()}


def _by_quarter(tick: Tick, end: datetime) -> Iterator[_Span]:
    """Parts of a change's time that lie in one quarter-hour each."""
    begin = datetime.fromisoformat(tick.at)
    while begin < end:
        part_end = min(floor(begin) + QUARTER, end)
        yield _Span(tick, begin, part_end)
        begin = part_end


def _held(spans: Sequence[_Span]) -> HeldQuarter:
    lasted = dict[tuple[str, str | None], float]()
    notes = dict[tuple[str, str | None], str]()
    held_s = 0.0
    for tick, begin, end in spans:
        seconds, state = (end - begin).total_seconds(), (tick.reason, tick.intent)
        held_s += seconds * (tick.setpoint_w is not None)
        lasted[state] = lasted.get(state, 0.0) + seconds
        notes[state] = tick.note
    longest = max(lasted, key=lasted.__getitem__)
    return HeldQuarter(held_s, longest[1], longest[0].lower(), notes[longest])
