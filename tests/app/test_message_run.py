"""Messages from a real store to a service on loopback: sent once, kept while it is away."""

import json
import logging
import os
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from bare_plan import bare_plan
from pydantic import SecretStr
from web_hook import TOKEN, WebHook

from optimizer.app import diagnosis, message_run
from optimizer.config.loading import load
from optimizer.doctor.finding import Level
from optimizer.errors import ConfigError, DataError, ExitCode
from optimizer.model.plan import Intent, Step
from optimizer.model.snapshot import Decision, Reason, Snapshot
from optimizer.store import database, live_state, message_state, pause, plan_store
from optimizer.telemetry import apprise_service
from optimizer.telemetry.owner_messages import MessageKind, OwnerMessage

NOW = datetime(2026, 1, 14, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CONFIG = """
[fems]
url = "http://127.0.0.1:9"
password = "a-canary-password"
[battery]
capacity_wh = 10_000
[tariff]
valid_to = "2026-12-31"
[store]
folder = "state"
[notify]
urls = "{urls}"
"""


@pytest.fixture
def endpoint():
    with WebHook() as running:
        yield running


@pytest.fixture
def second():
    with WebHook() as running:
        yield running


class House:
    """A configuration with its store, looked at by one run after the other."""

    def __init__(self, folder, *endpoints):
        path = folder / "optimizer.toml"
        path.touch(mode=0o600)
        path.write_text(CONFIG.format(urls=" ".join(one.url for one in endpoints)))
        self.config = load(path, {})
        self.folder = self.config.store.folder
        self.live = live_state.path_for(self.folder)

    def plan(self, begin, hours, intent=Intent.CHARGE):
        steps = [
            Step(
                begin + n * HOUR, begin + (n + 1) * HOUR, 0.3, 0.08, 1_000.0, 0.0, -1_000.0,
                -1_000.0, 2_000.0, 0.0, 5_000.0, intent, -5_000.0, -1_000.0, 0.2, (0.2, 0.2), "",
            )
            for n in range(hours)
        ]  # fmt: skip
        made = bare_plan(steps, value_soc_wh=(0.0, 10_000.0))
        with closing(database.connect(self.folder)) as connection:
            plan_store.save(connection, made, {})

    def cycle(self, at, reason, setpoint_w=None, pid=None):
        """A cycle of an executor: this process is one that runs."""
        decision = Decision(at, setpoint_w, reason)
        seen = None if reason is Reason.UNREACHABLE else Snapshot(at)
        read_s = None if seen is None else 0.01
        live_state.write(self.live, decision, seen, pid or os.getpid(), read_s)

    def run(self, at):
        services = apprise_service.services(self.config.notify.urls.get_secret_value())
        return message_run.run(self.config, self.config.notify, services, at)

    def stored(self):
        return json.loads((self.folder / message_state.FILE_NAME).read_text())


@pytest.fixture
def house(tmp_path, endpoint):
    made = House(tmp_path, endpoint)
    yield made
    made.live.unlink(missing_ok=True)


def titles(messages):
    return [message.title for message in messages]


def test_a_day_of_a_house_in_which_all_is_well(house, endpoint):
    house.plan(NOW - HOUR, 48)
    house.cycle(NOW, Reason.HOLDING, -1_000)
    assert house.run(NOW).sent == []
    assert endpoint.got == []
    before = (house.folder / message_state.FILE_NAME).stat().st_mtime_ns
    house.run(NOW + timedelta(seconds=50))
    assert (house.folder / message_state.FILE_NAME).stat().st_mtime_ns == before  # no wear


def test_a_message_arrives_once_over_restarts_and_so_does_its_end(house, endpoint):
    for minutes in (0, 10, 20):
        house.run(NOW + timedelta(minutes=minutes))
    assert endpoint.titles == ["home: no plan for tomorrow"]
    (body,) = endpoint.got
    assert body["path"] == f"/{TOKEN}"
    assert body["message"].startswith("There is no plan for the coming day. No plan has been made")
    house.plan(NOW, 48)
    house.cycle(NOW + HOUR, Reason.HOLDING, -1_000)
    for minutes in (60, 60.5):
        house.run(NOW + timedelta(minutes=minutes))
    assert endpoint.titles[1:] == ["home: over: no plan for tomorrow"]
    assert (house.folder / message_state.FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_live_file_pause_and_tariff_are_seen(house, endpoint):
    house.plan(NOW - HOUR, 72)
    house.config = replace(
        house.config, tariff=replace(house.config.tariff, valid_to=date(2026, 1, 20))
    )
    for minutes in range(0, 41, 10):
        at = NOW + timedelta(minutes=minutes)
        house.cycle(at, Reason.UNREACHABLE)
        house.run(at)
    assert endpoint.titles == ["home: the tariff's parts end", "home: the FEMS does not answer"]
    pause.store(house.folder, pause.Pause(NOW, "'optimizer pause'"))
    for hours in (2, 4, 6):  # nothing is held, by the owner's order
        house.cycle(NOW + hours * HOUR, Reason.FROZEN)
        house.run(NOW + hours * HOUR)
    assert endpoint.titles[2:] == ["home: over: the FEMS does not answer"]
    pause.end(house.folder)
    for hours in (7, 8):
        house.cycle(NOW + hours * HOUR, Reason.FROZEN)
        house.run(NOW + hours * HOUR)
    assert endpoint.titles[3:] == ["home: nothing is held although the plan wants it"]


def test_a_stand_down_is_read_from_the_pause_by_its_kind(house):
    order = pause.Pause(NOW, "the accounts: 3.10 EUR lost", kind=pause.PauseKind.STAND_DOWN)
    pause.store(house.folder, order)
    found = message_run.situation_of(house.config, NOW)
    assert (found.paused, found.stand_down) == (True, "the accounts: 3.10 EUR lost")


def test_a_store_of_a_newer_version_or_a_damaged_one_is_told(house, endpoint):
    house.plan(NOW - HOUR, 48)
    path = house.folder / database.FILE_NAME
    with closing(database.connect(house.folder)) as connection:
        connection.execute(f"PRAGMA user_version = {database.newest_schema() + 1}")
    house.run(NOW)
    house.run(NOW + timedelta(minutes=30))
    assert endpoint.titles == ["home: the store and this version do not fit"]
    body = endpoint.got[0]["message"]
    assert f"the store {path} was written by a newer version (schema " in body
    assert "What to do: update optimizer." in body
    path.write_bytes(b"no database " * 1_000)
    found = message_run.situation_of(house.config, NOW)
    assert "is damaged" in found.store_fault


def test_a_store_that_the_update_could_not_migrate_is_told(house):
    house.plan(NOW - HOUR, 48)
    assert message_run.situation_of(house.config, NOW).store_fault == ""
    with closing(database.connect(house.folder)) as connection:
        connection.executescript(
            "ALTER TABLE override DROP COLUMN priced;"
            f"PRAGMA user_version = {database.newest_schema() - 1}"
        )
    found = message_run.situation_of(house.config, NOW)
    assert "could not bring the store" in found.store_fault
    assert found.plan_end == NOW + 47 * HOUR


def test_what_does_not_arrive_is_kept_and_sent_at_the_next_run(house, endpoint):
    endpoint.status = 503
    done = house.run(NOW)
    assert (done.sent, titles(done.waiting)) == ([], ["home: no plan for tomorrow"])
    assert done.failed == ["address 1 of 1 (json)"]
    house.plan(NOW, 48)
    house.cycle(NOW + HOUR, Reason.HOLDING, -1_000)
    endpoint.status, endpoint.got = 200, []
    done = house.run(NOW + HOUR)
    assert titles(done.sent) == endpoint.titles == [
        "home: no plan for tomorrow", "home: over: no plan for tomorrow",
    ]  # fmt: skip
    assert house.stored()["unsent"] == []


def test_a_service_that_has_a_message_does_not_get_it_again(tmp_path, endpoint, second):
    house = House(tmp_path, endpoint, second)
    second.status = 500
    done = house.run(NOW)
    assert done.failed == ["address 2 of 2 (json)"]
    second.status, second.got = 200, []
    house.run(NOW + timedelta(minutes=10))
    assert (len(endpoint.got), len(second.got)) == (1, 1)


def test_a_service_that_is_away_keeps_no_message_from_another(tmp_path, endpoint, second):
    house = House(tmp_path, second, endpoint)
    second.status = 500
    house.run(NOW)
    house.plan(NOW, 48)
    house.cycle(NOW + HOUR, Reason.HOLDING, -1_000)
    house.run(NOW + HOUR)
    assert len(endpoint.got) == 2
    assert len(second.got) == 2  # one try a run
    second.status, second.got = 200, []
    house.run(NOW + HOUR + timedelta(seconds=30))
    assert second.titles == endpoint.titles
    house.live.unlink()


def test_what_never_arrives_is_given_up(house, endpoint, caplog):
    endpoint.status = 500
    house.run(NOW)
    assert len(house.stored()["unsent"]) == 1
    house.plan(NOW, 24 * 5)
    house.cycle(NOW + 80 * HOUR, Reason.HOLDING, -1_000)
    done = house.run(NOW + 80 * HOUR)
    assert titles(done.waiting) == ["home: over: no plan for tomorrow"]
    assert "'home: no plan for tomorrow' has not arrived" in caplog.text
    many = [message_run.Unsent(OwnerMessage(None, NOW, f"{n}", "")) for n in range(50)]
    message_state.store(house.folder, message_run._data({}, many))
    house.run(NOW)
    assert len(house.stored()["unsent"]) == message_run.MOST_UNSENT


def test_what_is_due_is_shown_without_a_trace(house, endpoint):
    (message,) = message_run.due(house.config, house.config.notify, NOW)
    assert message.kind is MessageKind.NO_PLAN
    assert endpoint.got == []
    assert not house.folder.exists()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"schema": "messages/9"}', "[" * 100_000, " " * 300_000,
     '{"schema": "messages/1", "kinds": [], "unsent": {}}',
     '{"schema": "messages/1", "kinds": {"no_plan": {"since": 5, "announced_at": null}}}',
     '{"schema": "messages/1", "unsent": [{}, 5, {"kind": "x", "at": "y"}]}',
     '{"schema": "messages/1", "unsent": [{"kind": null, "at": "2026-01-14", "title": "x"}]}'],
)  # fmt: skip
def test_a_damaged_file_costs_a_repetition_at_most(house, endpoint, text):
    house.folder.mkdir()
    (house.folder / message_state.FILE_NAME).write_text(text)
    house.run(NOW)
    house.run(NOW + timedelta(minutes=10))
    assert endpoint.titles == ["home: no plan for tomorrow"]


def test_nothing_is_sent_where_it_cannot_be_remembered(house, endpoint):
    house.folder.write_text("no folder")
    with pytest.raises(DataError, match=r"cannot be (read|stored)"):
        house.run(NOW)
    assert endpoint.got == []


def test_no_log_and_no_sentence_has_an_address(house, endpoint, caplog):
    caplog.set_level(logging.DEBUG)
    endpoint.status = 404
    done = house.run(NOW)
    endpoint.server.server_close()  # nobody listens: the libraries' own words about it
    house.run(NOW + timedelta(minutes=10))
    assert done.failed
    shown = f"{caplog.text} {done} {house.config} {(house.folder / 'messages.json').read_text()}"
    shown += repr(apprise_service.services(endpoint.url))
    assert TOKEN not in shown
    assert "127.0.0.1:" not in shown.replace("127.0.0.1:9'", "")


@pytest.mark.parametrize("urls", [f"bogus://{TOKEN}", f"{TOKEN}", f"json://x ntfy://y ://{TOKEN}"])
def test_an_address_that_is_none_is_named_without_what_it_holds(urls):
    with pytest.raises(ConfigError, match=r"notify.urls: address \d of \d") as fault:
        apprise_service.services(urls)
    assert TOKEN not in str(fault.value)
    with pytest.raises(ConfigError, match=r"notify\.urls is empty"):
        apprise_service.services(" \n")


def test_the_doctor_understands_the_addresses_and_sends_nothing(house, endpoint):
    found = diagnosis.messages(house.config.notify)
    assert found.line() == (
        "ok    addresses           6 kinds of messages to 1 address; 'optimizer notify --test' "
        "sends one"
    )
    assert endpoint.got == []
    wrong = replace(house.config.notify, urls=SecretStr(f"jsen://{TOKEN}"))
    found = diagnosis.messages(wrong)
    assert (found.level, found.exit_code) == (Level.FAIL, ExitCode.CONFIG)
    assert "address 1 of 1 (jsen)" in found.line()
    assert TOKEN not in found.line()


def test_many_schemes_of_apprise_are_understood():
    urls = ("ntfy://ntfy.sh/topic tgram://123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr/12315544 "
            "mailto://user:pass@example.com\npover://uuuuuuuuuuuuuuuuuuuuuuuuuuuuuu@"
            "tttttttttttttttttttttttttttttt")  # fmt: skip
    found = apprise_service.services(urls)
    assert [one.name for one in found] == [
        "address 1 of 4 (ntfy)", "address 2 of 4 (tgram)", "address 3 of 4 (mailto)",
        "address 4 of 4 (pover)",
    ]  # fmt: skip
