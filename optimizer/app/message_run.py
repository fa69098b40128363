"""One run of the messages: look, remember, send what is due and what has not arrived yet.

What is due is stored before it is sent, and stays stored until every service has taken it: nothing
is lost when the network is away, and a service that has it does not get it again.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.errors import DataError, NoPlanError, NoStoreError
from optimizer.model.plan import iso
from optimizer.report.status_lines import Status
from optimizer.store import live_state, message_state, pause, plan_store, reading
from optimizer.store.pause import PauseKind
from optimizer.telemetry import owner_messages
from optimizer.telemetry.owner_messages import KindState, MessageKind, OwnerMessage, Situation

if TYPE_CHECKING:
    from optimizer.config.sections import Config, NotifySection
    from optimizer.telemetry.apprise_service import Service

log = logging.getLogger(__name__)

KEPT = timedelta(days=3)
"""Time for which a message is tried again."""

MOST_UNSENT = 40
"""Most messages that wait; the oldest are given up."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message that has not arrived everywhere yet."""

    message: OwnerMessage
    arrived: tuple[str, ...] = ()
    """Marks of the services that have it."""


@dataclass(frozen=True, slots=True)
class MessageRun:
    """Outcome of a run."""

    sent: Sequence[OwnerMessage]
    waiting: Sequence[OwnerMessage]
    failed: Sequence[str]
    """Names of the services that did not take a message."""


def situation_of(config: "Config", now: datetime) -> Situation:
    """Gather what the messages are about; nothing is written."""
    folder = config.store.folder
    live = live_state.read(live_state.path_for(folder))
    alive = None if live is not None and live_state.has_ended(live) else live
    running = Status(now, None, "", alive, config.battery.capacity_wh).running
    stored = pause.load(folder)
    in_force = stored if stored is not None and stored.in_force(now) else None
    seen = Situation(
        now, config.zone, live=live, running=running, paused=in_force is not None,
        stand_down=in_force.by if in_force and in_force.kind is PauseKind.STAND_DOWN else "",
        tariff_ends=None if config.tariff is None else config.tariff.ends,
    )  # fmt: skip
    return _with_store(seen, folder)


def _with_store(seen: Situation, folder: Path) -> Situation:
    """The same, with what the store says of plans, or with what is wrong with it."""
    try:
        with closing(reading.reader(folder)) as connection:
            end = plan_store.furthest_end(connection)
            try:
                steps = plan_store.in_force(connection, seen.now).steps
            except NoPlanError:
                steps = ()
        outdated = reading.is_outdated(folder)
    except NoStoreError:
        return seen
    except DataError as error:
        return replace(seen, store_fault=str(error))
    fault = (
        f"the update could not bring the store in {folder} into its new form (it is read as it "
        "was): look at the room on its disk, and at what 'optimizer plan' says"
    )
    return replace(seen, plan_end=end, steps=steps, store_fault=fault if outdated else "")


def due(config: "Config", notify: "NotifySection", now: datetime) -> Sequence[OwnerMessage]:
    """Messages that a run would send now, those that wait first; nothing is written."""
    waiting, result = _look(config, notify, now)
    return [*(one.message for one in waiting), *result.due]


def run(
    config: "Config", notify: "NotifySection", services: Sequence["Service"], now: datetime
) -> MessageRun:
    """Look, and send what is due.

    Raises
    ------
    DataError
        If what is sent cannot be remembered; then nothing is sent.
    """
    waiting, result = _look(config, notify, now)
    unsent = [*waiting, *map(Unsent, result.due)][-MOST_UNSENT:]
    folder, kinds = config.store.folder, _kinds_json(result.states)
    before = message_state.load(folder)
    if before != {"schema": message_state.SCHEMA, **_data(kinds, unsent)}:
        message_state.store(folder, _data(kinds, unsent))
    sent, left = list[OwnerMessage](), list[Unsent]()
    failed: dict[str, None] = {}
    for place, one in enumerate(unsent, start=1):
        tried = _send(one, services, failed)
        if {service.mark for service in services} <= set(tried.arrived):
            sent.append(tried.message)
        else:
            left.append(tried)
        if tried != one or not left:
            message_state.store(folder, _data(kinds, [*left, *unsent[place:]]))
    return MessageRun(sent, [one.message for one in left], list(failed))


def _look(
    config: "Config", notify: "NotifySection", now: datetime
) -> tuple[list[Unsent], owner_messages.Look]:
    """Messages that wait, and what is due now."""
    stored = message_state.load(config.store.folder)
    waiting = []
    for one in _unsent(stored):
        if now - one.message.at <= KEPT:
            waiting.append(one)
        else:
            log.warning("the message '%s' has not arrived in %s: given up", one.message.title, KEPT)
    result = owner_messages.look(
        situation_of(config, now), _kinds(stored), notify.allow, config.site
    )
    return waiting, result


def _send(one: Unsent, services: Sequence["Service"], failed: dict[str, None]) -> Unsent:
    """Send a message to the services that do not have it; those that refuse are added to `failed`.

    A service that has failed in this run is not asked again.
    """
    for service in services:
        if service.mark in one.arrived or service.name in failed:
            continue
        if service.send(one.message):
            one = replace(one, arrived=(*one.arrived, service.mark))
        else:
            failed[service.name] = None
    return one


def _data(kinds: Mapping[str, Any], unsent: Sequence[Unsent]) -> dict[str, Any]:
    rows = [
        {
            "kind": None if one.message.kind is None else one.message.kind.value,
            "at": iso(one.message.at), "title": one.message.title, "body": one.message.body,
            "arrived": list(one.arrived),
        }
        for one in unsent
    ]  # fmt: skip
    return {"kinds": kinds, "unsent": rows}


def _kinds_json(states: Mapping[MessageKind, KindState]) -> dict[str, Any]:
    return {
        kind.value: {
            "since": None if state.since is None else iso(state.since),
            "announced": state.announced,
            "announced_at": None if state.announced_at is None else iso(state.announced_at),
        }
        for kind, state in states.items()
    }


def _kinds(stored: Mapping[str, Any]) -> dict[MessageKind, KindState]:
    """Remembered states; an entry that cannot be understood is as at first."""
    found = {}
    for kind in MessageKind:
        try:
            entry = stored["kinds"][kind.value]
            since, announced_at = (_moment(entry[name]) for name in ("since", "announced_at"))
            found[kind] = KindState(since, entry["announced"] is True, announced_at)
        except (KeyError, TypeError, ValueError):
            continue
    return found


def _unsent(stored: Mapping[str, Any]) -> list[Unsent]:
    """Messages that wait; one that cannot be understood is left out."""
    rows = stored.get("unsent")
    found = []
    for row in rows if isinstance(rows, list) else []:
        try:
            kind, at = None if row["kind"] is None else MessageKind(row["kind"]), _moment(row["at"])
            if at is not None:
                message = OwnerMessage(kind, at, str(row["title"]), str(row["body"]))
                found.append(Unsent(message, tuple(map(str, row["arrived"]))))
        except (KeyError, TypeError, ValueError):
            continue
    return found


def _moment(text: str | None) -> datetime | None:
    moment = None if text is None else datetime.fromisoformat(text)
    if moment is not None and moment.tzinfo is None:
        raise ValueError("a moment without offset")
    return None if moment is None else moment.astimezone(UTC)
