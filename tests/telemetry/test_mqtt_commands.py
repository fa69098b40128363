"""Commands over MQTT: what is taken, what is not, and who waits for whom; against a real broker."""

import json
import logging
from contextlib import closing
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from optimizer.app import owner_orders
from optimizer.app.owner_orders import OwnerOrders
from optimizer.control.log_limit import HourlyFilter
from optimizer.model.battery import Battery
from optimizer.model.override import OverrideKind
from optimizer.model.snapshot import Decision, Reason
from optimizer.store import database, overrides, pause
from optimizer.telemetry.cycle_report import CycleReport
from optimizer.telemetry.home_assistant_mqtt import Address, Broker
from optimizer.telemetry.mqtt_commands import MOST_AN_HOUR, CommandReceiver, parsed_charge
from tests.mqtt_broker import PASSWORD, USER
from tests.waiting import wait_for

BERLIN = ZoneInfo("Europe/Berlin")
BASE = "optimizer/home"
BY = "MQTT at 127.0.0.1"
ONLINE = f"{BASE}/online"


@pytest.fixture
def owner(tmp_path):
    """Carries out commands on a store of its own; `folder` and `replans` are to look at."""
    folder = tmp_path / "state"
    config = SimpleNamespace(
        store=SimpleNamespace(folder=folder), zone=BERLIN,
        battery=Battery(22_000, max_soc_percent=95.0),
    )  # fmt: skip
    return OwnerOrders(config, BY, SimpleQueue())


def taken(owner):
    with closing(database.connect(owner.config.store.folder)) as connection:
        return overrides.newest(connection, 100)


def paused(owner):
    return pause.load(owner.config.store.folder)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", (80.0, None)),
        ("80.0", (80.0, None)),
        (" 80 % ", (80.0, None)),
        ("100 by 7:00", (100.0, "7:00")),
        ("80 %  by 23:59", (80.0, "23:59")),
    ],
)
def test_a_charge_is_a_number_and_perhaps_a_time(text, expected):
    assert parsed_charge(text) == expected


MALFORMED = [
    ("charge", b"0"), ("charge", b"101"), ("charge", b"-5"), ("charge", b"nan"), ("charge", b""),
    ("charge", b"1e2"), ("charge", b"80 by 25:00"), ("charge", b"80 by 7"), ("charge", b"\xff80"),
    ("charge", "٨٠".encode()), ("charge", b"80" + b" " * 100), ("charge", b"80; rm -rf"),
    ("charge", b"96"), ("pause", b""), ("pause", b"press"), ("resume", b"\x00"),
    ("pause", b"PRESS" * 1_000), ("resume", b"ON"),
]  # fmt: skip


def test_what_is_malformed_is_one_warning_an_hour_and_changes_nothing(owner, caplog):
    now_s, receiver = [0.0], CommandReceiver(owner)
    caplog.handler.addFilter(limit := HourlyFilter(lambda: now_s[0]))
    try:
        for name, payload in MALFORMED:
            receiver.receive(name, payload, retained=False)
        receiver.receive("pause", b"PRESS", retained=True)
        assert len(caplog.records) == 1
        now_s[0] = 3_601
        receiver.receive("charge", b"\x1b[31m80", retained=False)
    finally:
        caplog.handler.removeFilter(limit)
    assert len(caplog.records) == 2
    assert (
        caplog.records[1]
        .getMessage()
        .endswith(f"nothing was done (and {len(MALFORMED)} times before, within the hour)")
    )
    assert all(record.getMessage().isprintable() for record in caplog.records)
    assert paused(owner) is None
    assert taken(owner) == []
    assert owner.replans.empty()


def test_a_pause_comes_and_goes_with_its_author(owner, caplog):
    caplog.set_level(logging.INFO)
    receiver = CommandReceiver(owner)
    receiver.receive("pause", b"PRESS", retained=False)
    begun = paused(owner)
    assert (begun.by, begun.until) == (BY, None)
    receiver.receive("pause", b"PRESS", retained=False)
    assert paused(owner) == begun  # not written again
    receiver.receive("resume", b"PRESS", retained=False)
    assert paused(owner) is None
    receiver.receive("resume", b"PRESS", retained=False)
    said = [record.message for record in caplog.records]
    assert [text.split()[1] for text in said] == ["paused", "paused", "resumed", "nothing"]
    assert all(BY in text for text in said)


def test_a_pause_with_an_end_becomes_one_without(owner):
    folder, now = owner.config.store.folder, datetime.now(UTC)
    pause.store(folder, pause.Pause(now, "owner", now + timedelta(hours=1)))
    owner.pause()
    assert (paused(owner).by, paused(owner).until) == (BY, None)


def test_a_charge_is_an_override_without_a_price_and_asks_for_a_plan(owner):
    receiver = CommandReceiver(owner)
    receiver.receive("charge", b"80 by 07:00", retained=False)
    (first,) = taken(owner)
    order = first.override
    assert (order.kind, order.soc_percent, order.by) == (OverrideKind.CHARGE, 80.0, BY)
    assert (first.cost_eur, order.at_once) == (None, False)
    local = order.until.astimezone(BERLIN)
    assert (local.hour, local.minute) == (7, 0)
    assert timedelta(0) < order.until - order.since <= timedelta(hours=25)
    assert owner.replans.get_nowait().startswith("override: charge to 80 % by ")
    receiver.receive("charge", b"80 by 07:00", retained=False)  # the same again
    assert len(taken(owner)) == 1
    assert owner.replans.empty()
    receiver.receive("charge", b"90", retained=False)
    newest, replaced = taken(owner)
    assert (newest.override.at_once, newest.override.number) == (True, 2)
    assert replaced.ending is overrides.Ending.REPLACED
    receiver.receive("charge", b"90", retained=False)
    assert len(taken(owner)) == 2


def test_an_executor_that_does_not_plan_takes_no_charge(owner, caplog):
    shy = OwnerOrders(owner.config, BY, None)
    CommandReceiver(shy).receive("charge", b"80", retained=False)
    assert "is refused: this executor runs without re-planning" in caplog.text
    assert taken(owner) == []


def test_a_flood_is_bounded_and_a_pause_comes_through(owner, caplog):
    now_s = [0.0]
    receiver = CommandReceiver(owner, lambda: now_s[0])
    for percent in range(1, 95):
        receiver.receive("charge", str(percent).encode(), retained=False)
    assert len(taken(owner)) == MOST_AN_HOUR
    receiver.receive("pause", b"PRESS", retained=False)
    assert paused(owner) is not None
    receiver.receive("resume", b"PRESS", retained=False)
    assert paused(owner) is not None
    now_s[0] = 3_600.0
    receiver.receive("resume", b"PRESS", retained=False)
    assert paused(owner) is None


def test_a_store_that_cannot_be_used_is_a_warning(owner, caplog):
    owner.config.store.folder.write_text("a file where the folder should be")
    receiver = CommandReceiver(owner)
    for name, payload in (("pause", b"PRESS"), ("resume", b"PRESS"), ("charge", b"80")):
        receiver.receive(name, payload, retained=False)
    assert ["is refused" in record.message for record in caplog.records] == [True] * 2
    assert "a file that cannot be read" in paused(owner).by  # which is a pause


# --- against a real broker ---------------------------------------------------------------------


@pytest.fixture
def commanded(mosquitto, owner):
    """A connected broker that takes commands."""
    address = Address("127.0.0.1", mosquitto.port, USER, PASSWORD)
    broker = Broker(address, "home", "0.1", 10, orders=owner)
    yield broker
    broker.stop()


def test_home_assistant_is_offered_what_is_taken(commanded, listen, owner):
    listener = listen()
    commanded.start()
    listener.wait_for(ONLINE, "online")
    topics = {
        key: f"homeassistant/{component}/optimizer_home/{key}/config"
        for key, component in (
            ("pause", "button"), ("resume", "button"), ("charge_to", "number"),
            ("charge_to_by", "text"),
        )
    }  # fmt: skip
    wait_for(lambda: topics.keys() & {key for key in topics if topics[key] in listener.heard}
         == topics.keys())  # fmt: skip
    found = {key: json.loads(listener.heard[topic]) for key, topic in topics.items()}
    assert len({text["unique_id"] for text in found.values()}) == 4
    assert {str(text["device"]["identifiers"]) for text in found.values()} == {"['optimizer_home']"}
    listener.say(found["pause"]["command_topic"], found["pause"]["payload_press"])
    wait_for(lambda: paused(owner) is not None)
    listener.say(found["resume"]["command_topic"], found["resume"]["payload_press"])
    wait_for(lambda: paused(owner) is None)
    listener.say(found["charge_to"]["command_topic"], "90")
    assert owner.replans.get(timeout=30).startswith("override: charge to 90 %")
    listener.say(found["charge_to_by"]["command_topic"], "80 by 07:00")
    assert owner.replans.get(timeout=30).startswith("override: charge to 80 %")


def test_what_the_broker_has_kept_is_not_carried_out(commanded, listen, owner, caplog):
    listener = listen()
    listener.say(f"{BASE}/pause/set", "PRESS", retain=True)
    commanded.start()
    listener.wait_for(ONLINE, "online")  # its subscription came before
    listener.say(f"{BASE}/pause/set", "PRESS", retain=True)
    wait_for(lambda: "the command 'pause' is retained" in caplog.text)
    listener.say(f"{BASE}/charge/set", "90")
    assert owner.replans.get(timeout=30)
    assert paused(owner) is None


def test_a_huge_message_never_arrives_and_the_next_command_does(commanded, listen, owner):
    listener = listen()
    commanded.start()
    listener.wait_for(ONLINE, "online")
    listener.say(f"{BASE}/charge/set", b"8" * 3_000_000)
    listener.say(f"{BASE}/charge/set", b"8" * 1_000)
    listener.say(f"{BASE}/charge/set", "90")
    assert owner.replans.get(timeout=30).startswith("override: charge to 90 %")
    assert commanded._client.is_connected()
    assert listener.heard[ONLINE] == "online"


def test_commands_are_taken_again_when_the_broker_is_back(commanded, mosquitto, listen, owner):
    commanded.start()
    listen().wait_for(ONLINE, "online")
    mosquitto.stop()
    mosquitto.start()
    listener = listen()
    listener.wait_for(ONLINE, "online")
    listener.say(f"{BASE}/pause/set", "PRESS")
    wait_for(lambda: paused(owner) is not None)


def test_the_loop_goes_on_while_a_command_waits_for_the_store(
    commanded, listen, owner, monkeypatch
):
    """A locked store holds up the command and what is sent; the loop does not wait for either."""
    monkeypatch.setattr(owner_orders, "WAIT_S", 60.0)
    with closing(database.connect(owner.config.store.folder)) as connection:
        listener = listen()
        commanded.start()
        listener.wait_for(ONLINE, "online")
        connection.execute("BEGIN EXCLUSIVE")
        listener.say(f"{BASE}/charge/set", "90")
        decision = Decision(datetime.now(UTC), None, Reason.SELF_CONSUMPTION)
        for _ in range(200):
            commanded.publish(CycleReport(decision, None, None, 22_000))
        assert owner.replans.empty()
        connection.execute("COMMIT")
    assert owner.replans.get(timeout=30)
    wait_for(lambda: f"{BASE}/state" in listener.heard)


def test_entities_go_when_commands_are_switched_off(commanded, mosquitto, listen):
    listener = listen()
    commanded.start()
    topic = "homeassistant/button/optimizer_home/pause/config"
    wait_for(lambda: listener.heard.get(topic))
    commanded.stop()
    address = Address("127.0.0.1", mosquitto.port, USER, PASSWORD)
    without = Broker(address, "home", "0.1", 10)
    without.start()
    listener.wait_for(topic, "")
    listener.say(f"{BASE}/pause/set", "PRESS")
    without.stop()
