"""The moments of control: unknown unless read, and words that an owner can tell apart."""

from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime

import pytest

from optimizer.model.plan import Intent
from optimizer.model.snapshot import Channel, Decision, Reason, Snapshot

AT = datetime(2026, 1, 14, 13, tzinfo=UTC)


def test_what_was_not_read_is_unknown_and_not_zero():
    snapshot = Snapshot(at=AT)
    readings = [item.name for item in fields(Snapshot) if item.name != "at"]
    assert [getattr(snapshot, name) for name in readings] == [None] * len(readings)


def test_a_decision_without_a_set_point_holds_nothing():
    decision = Decision(AT, None, Reason.NO_PLAN)
    assert (decision.setpoint_w, decision.step, decision.note) == (None, None, "")
    assert (decision.intent, decision.channel) == (Intent.SELF_CONSUMPTION, Channel.EQUALS)


@pytest.mark.parametrize("moment", [Snapshot(AT), Decision(AT, 5, Reason.HOLDING)])
def test_moments_cannot_be_changed(moment):
    with pytest.raises(FrozenInstanceError):
        moment.at = AT


def test_every_reason_has_words_of_its_own():
    words = [reason.value for reason in Reason]
    assert len(set(words)) == len(words)
    assert all(word == str(reason) for word, reason in zip(words, Reason, strict=True))


def test_the_channels_are_those_that_take_an_active_power():
    assert {channel.value for channel in Channel} == {
        "SetActivePowerEquals",
        "SetActivePowerLessOrEquals",
        "SetActivePowerGreaterOrEquals",
    }
