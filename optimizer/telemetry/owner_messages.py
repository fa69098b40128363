"""Messages to the owner: what is worth one, its words, and when it is due. No I/O, no clock.

A `Situation` is looked at every few minutes. An incident that has lasted for its kind's time
(`PATIENCE`) is reported once when it begins and once when it is over, and begins at most once on a
local day. A new kind is a member of `MessageKind`, its words in `TITLES` and `OVER`, and a finder
in `FINDERS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from enum import Enum, StrEnum
from typing import Any

from optimizer.model.plan import Intent, Step
from optimizer.model.snapshot import CALM, Reason
from optimizer.text.local_time import clock_from, in_local_time


class MessageKind(StrEnum):
    """Kinds of messages, by their names in the configuration."""

    NO_PLAN = "no_plan"
    NOTHING_HELD = "nothing_held"
    FEMS_UNREACHABLE = "fems_unreachable"
    TARIFF_ENDS = "tariff_ends"
    STAND_DOWN = "stand_down"
    UPDATE_REFUSED = "update_refused"


TITLES = {
    MessageKind.NO_PLAN: "no plan for tomorrow",
    MessageKind.NOTHING_HELD: "nothing is held although the plan wants it",
    MessageKind.FEMS_UNREACHABLE: "the FEMS does not answer",
    MessageKind.TARIFF_ENDS: "the tariff's parts end",
    MessageKind.STAND_DOWN: "control stands down",
    MessageKind.UPDATE_REFUSED: "the store and this version do not fit",
}

OVER = {
    MessageKind.NO_PLAN: "There is a plan again.",
    MessageKind.NOTHING_HELD: "The plan is carried out again.",
    MessageKind.FEMS_UNREACHABLE: "The FEMS answers again.",
    MessageKind.TARIFF_ENDS: "The tariff is known for longer now.",
    MessageKind.STAND_DOWN: "Control follows the plan again.",
    MessageKind.UPDATE_REFUSED: "The store can be used again.",
}
"""First sentence of the message that an incident is over."""

PATIENCE = {
    MessageKind.NOTHING_HELD: timedelta(hours=1),
    MessageKind.FEMS_UNREACHABLE: timedelta(minutes=30),
    MessageKind.UPDATE_REFUSED: timedelta(minutes=30),
}
"""Time that an incident has to last before it is reported; others are at once."""

PLAN_BY = time(22)
"""Local time by which there has to be a plan for the next day."""

PLAN_UNTIL = time(12)
"""Local time of that day up to which it has to reach."""

SOON = timedelta(days=14)
"""Time before the end of the tariff's parts at which it is reported."""

FREE = "Without one nothing is held and the FEMS looks after itself, as without this program."


@dataclass(frozen=True, slots=True)
class Situation:
    """State of one moment, as far as it is known: plan, executor, tariff and store."""

    now: datetime
    zone: tzinfo
    plan_end: datetime | None = None
    """End of the plan that reaches furthest; None without one."""
    steps: Sequence[Step] = ()
    """Steps of the plan in force."""
    live: Mapping[str, Any] | None = None
    """The executor's live file; None without one."""
    running: bool = False
    """True where an executor runs."""
    paused: bool = False
    """True while control is paused, by the owner or by a stand-down."""
    tariff_ends: date | None = None
    """Last local day for which the tariff's parts are known."""
    stand_down: str = ""
    """Reason for which control stands down; "" if it does not."""
    store_fault: str = ""
    """Reason for which the store cannot be used; "" if it can."""

    @property
    def reason(self) -> Reason | None:
        """Reason of the executor's last decision; None where none runs."""
        if not self.running or self.live is None:
            return None
        return Reason.__members__.get(str(self.live["reason"]).upper())


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that the owner may want to know."""

    text: str
    """Sentences: what is, and what follows from it."""
    fix: str
    """Rest of the sentence about what to do."""
    since: datetime | None = None
    """Begin, where it is known from elsewhere than from looking."""


class Unseen(Enum):
    """Answers of a finder that cannot see: what was reported stays so."""

    STILL = "still"
    """An incident that has not lasted long enough yet goes on meanwhile."""
    ASIDE = "aside"
    """Its time begins anew afterwards."""


Answer = Incident | Unseen | None
"""None: there is no such incident."""


def _no_plan(situation: Situation) -> Answer:
    """No plan that covers this moment, or from 22:00 on the next noon."""
    if situation.store_fault:
        return Unseen.STILL
    now, end = situation.now, situation.plan_end
    local = now.astimezone(situation.zone)
    evening = local.date() if local.time() >= PLAN_BY else local.date() - timedelta(days=1)
    noon = datetime.combine(evening + timedelta(days=1), PLAN_UNTIL, situation.zone)
    if end is not None and end >= max(noon, now):
        return None
    last = "No plan has been made yet."
    if end is not None:
        word = "ends" if end > now else "ended"
        last = f"The last one {word} {_when(end, now, situation.zone)}."
    return Incident(
        f"There is no plan for the coming day. {last} {FREE}",
        "run 'optimizer plan' and read what it says; 'optimizer check' tells which source does not "
        "answer",
    )


def _nothing_held(situation: Situation) -> Answer:
    """Nothing is held for a reason that needs attention, although the plan wants something."""
    live, reason = situation.live, situation.reason
    if situation.paused or situation.store_fault or reason in (Reason.UNREACHABLE, Reason.PAUSED):
        return Unseen.ASIDE
    if reason in CALM or (reason and live and live["setpoint_w"] is not None):
        return None
    stopped = None if live is None or situation.running else datetime.fromisoformat(live["at"])
    begin = situation.now - PATIENCE[MessageKind.NOTHING_HELD]
    if not _wanted(situation, begin if stopped is None else max(begin, stopped)):
        return Unseen.STILL
    if reason is None:
        return Incident(
            "No executor is running, although there is a plan to carry out: the FEMS looks after "
            "itself, and nothing is saved.",
            "'systemctl status optimizer' says why it does not run, 'sudo systemctl start "
            "optimizer' starts it, 'optimizer pause' says that you want it so",
            stopped,
        )
    note = str((live or {}).get("note", ""))
    why = in_local_time(f"{reason.value}{f' ({note})' if note else ''}", situation.zone)
    return Incident(
        f"Nothing is held although the plan wants it: {why}. The FEMS looks after itself, and "
        "nothing is saved meanwhile.",
        "'optimizer check' names the cause and its fix",
    )


def _wanted(situation: Situation, since: datetime) -> bool:
    """True if the plan wanted anything but self-consumption since a moment."""
    return any(
        step.intent is not Intent.SELF_CONSUMPTION
        for step in situation.steps
        if step.start <= situation.now and step.end > since
    )


def _fems_unreachable(situation: Situation) -> Answer:
    if situation.live is None or situation.reason is None:
        return Unseen.ASIDE
    if situation.reason is not Reason.UNREACHABLE:
        return Unseen.ASIDE if situation.live.get("read_s") is None else None
    return Incident(
        "The FEMS does not answer. Nothing can be held; it looks after itself.",
        "look at its network cable, at the router, and whether its address is still that of "
        "[fems] url; 'optimizer check' tries it",
    )


def _tariff_ends(situation: Situation) -> Answer:
    ends = situation.tariff_ends
    if ends is None or situation.now.astimezone(situation.zone).date() < ends - SOON:
        return None
    past = situation.now.astimezone(situation.zone).date() > ends
    return Incident(
        f"The parts of your tariff {'were' if past else 'are'} known until {ends:%-d %B %Y}; plans "
        f"{'use' if past else 'would then use'} old fees.",
        "add a [[tariff.change]] with the new ones to the configuration, or move tariff.valid_to "
        "if nothing changes",
    )


def _stand_down(situation: Situation) -> Answer:
    if not situation.stand_down:
        return None
    return Incident(
        f"Control stands down, by {situation.stand_down}. Plans are made and shown, but nothing "
        "is held.",
        "look at 'optimizer report'; 'optimizer resume' lets control go on",
    )


def _update_refused(situation: Situation) -> Answer:
    if not situation.store_fault:
        return None
    text, separator, fix = situation.store_fault.partition("): ")  # (cause): what to do
    return Incident(
        f"Plans and journal cannot be used: {text}{')' if separator else ''}. An executor that "
        "runs goes on with the plan that it knows.",
        fix or "look at 'optimizer check'",
    )


FINDERS: Mapping[MessageKind, Callable[[Situation], Answer]] = {
    MessageKind.NO_PLAN: _no_plan,
    MessageKind.NOTHING_HELD: _nothing_held,
    MessageKind.FEMS_UNREACHABLE: _fems_unreachable,
    MessageKind.TARIFF_ENDS: _tariff_ends,
    MessageKind.STAND_DOWN: _stand_down,
    MessageKind.UPDATE_REFUSED: _update_refused,
}


@dataclass(frozen=True, slots=True)
class KindState:
    """Memory of a kind between two looks."""

    since: datetime | None = None
    """Begin of the incident that was seen last; None if there was none."""
    announced: bool = False
    """True while its end is to be reported."""
    announced_at: datetime | None = None
    """Moment of the last message that one began."""


@dataclass(frozen=True, slots=True)
class OwnerMessage:
    """A message, as it is sent."""

    kind: MessageKind | None
    """None for a trial."""
    at: datetime
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Look:
    """Result of one look: messages that are due, and what is remembered."""

    due: Sequence[OwnerMessage] = ()
    states: Mapping[MessageKind, KindState] = field(default_factory=dict)


def look(
    situation: Situation, states: Mapping[MessageKind, KindState], allowed: Sequence[MessageKind],
    site: str,
) -> Look:  # fmt: skip
    """Messages that are due now, in the order of the kinds.

    Parameters
    ----------
    states
        What the last look remembered; a kind that is missing is as at first.
    allowed
        Kinds that the owner wants; others are forgotten.
    site
        Name of the house, for the titles.
    """
    due, after = [], {}
    for kind in MessageKind:
        if kind not in allowed:
            continue
        state = states.get(kind, KindState())
        found = FINDERS[kind](situation)
        after[kind], text = _next(kind, state, found, situation)
        if text:
            over = state.announced
            title = f"{site}: {'over: ' if over else ''}{TITLES[kind]}"
            due.append(OwnerMessage(kind, situation.now, title, text))
    return Look(due, after)


def _next(
    kind: MessageKind, state: KindState, found: Answer, situation: Situation
) -> tuple[KindState, str]:
    """State after a look, and the text of its message; "" for none."""
    now, zone = situation.now, situation.zone
    if isinstance(found, Unseen):
        aside = found is Unseen.ASIDE and not state.announced
        return replace(state, since=None) if aside else state, ""
    if found is None:
        text = ""
        if state.announced:
            begun = _when(state.since or now, now, zone)
            text = (
                f"{OVER[kind]} Begun {begun}, over {_when(now, now, zone)}. Nothing is to be done."
            )
        return replace(state, since=None, announced=False), text
    since = min(moment for moment in (state.since, found.since, now) if moment is not None)
    state = replace(state, since=since)
    announced_today = state.announced_at is not None and _day(state.announced_at, zone) == _day(
        now, zone
    )
    if state.announced or announced_today or now - since < PATIENCE.get(kind, timedelta()):
        return state, ""
    begun = f"Begun {_when(since, now, zone)}."
    text = f"{found.text} {begun} What to do: {found.fix}."
    return replace(state, announced=True, announced_at=now), text


def _day(moment: datetime, zone: tzinfo) -> date:
    return moment.astimezone(zone).date()


def _when(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """Local time of a moment, with its date if that is more than six days ago."""
    if now - moment > timedelta(days=6):
        return f"{moment.astimezone(zone):%-d %B, %H:%M}"
    return clock_from(moment, now, zone)


def trial(now: datetime, site: str) -> OwnerMessage:
    """A message that only shows that messages arrive."""
    return OwnerMessage(
        None, now, f"{site}: a trial message",
        "Messages of optimizer arrive here. Nothing is to be done.",
    )  # fmt: skip
