"""What metrics and Home Assistant are told: figures of a cycle; a real broker, a real page."""

import json
import logging
import math
import socket
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.errors import ConfigError, UnreachableError
from optimizer.fems.client import CallCounts
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.override import Override, OverrideKind
from optimizer.model.plan import Intent
from optimizer.model.snapshot import Decision, Reason, Snapshot
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.task import ForecastStep
from optimizer.telemetry import home_assistant_mqtt
from optimizer.telemetry.cycle_report import CycleReport, planned_soc_percent
from optimizer.telemetry.home_assistant_mqtt import Address, Broker
from optimizer.telemetry.prometheus import PrometheusPage, Textfile
from tests.mqtt_broker import kept_port
from tests.waiting import Stopwatch, wait_for

START = datetime(2026, 1, 15, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW = START + timedelta(minutes=90)


@pytest.fixture
def plan():
    steps = tuple(
        ForecastStep(START + n * HOUR, START + (n + 1) * HOUR, buy, 0.08, 1_000.0, 0.0)
        for n, buy in enumerate([0.30, 0.10, 0.12, 0.40, 0.45, 0.30])
    )
    request = PlanRequest(START, "home", Battery(capacity_wh=10_000), Grid(), 20.0)
    return make_plan(steps, request, lambda: 0.0)


@pytest.fixture
def facts(plan):
    decision = Decision(NOW, -9_000, Reason.HOLDING, Intent.CHARGE, step=START + HOUR)
    seen = Snapshot(NOW, soc_percent=41.0, grid_w=10_000.0, battery_w=-9_000.0)
    return CycleReport(decision, seen, plan, 10_000)


def released(facts, reason, **changes):
    decision = replace(
        facts.decision, setpoint_w=None, reason=reason, intent=Intent.SELF_CONSUMPTION
    )
    return replace(facts, decision=replace(decision, **changes))


def test_facts_of_one_cycle(facts, plan):
    assert (facts.action, facts.problem) == ("charge", False)
    assert facts.plan_age_s == 5_400
    halfway = (plan.steps[0].soc_wh + plan.steps[1].soc_wh) / 2
    assert facts.planned_soc_percent == pytest.approx(halfway / 100)
    assert planned_soc_percent(plan, START - HOUR, 10_000) is None
    own = released(facts, Reason.SELF_CONSUMPTION)
    assert (own.action, own.problem) == ("self-consumption", False)
    lost = replace(released(facts, Reason.UNREACHABLE), seen=None, plan=None)
    assert (lost.action, lost.problem) == ("released", True)
    assert (lost.plan_age_s, lost.planned_soc_percent, lost.step) == (None, None, None)
    assert not released(facts, Reason.STOPPED).problem
    note = "PAUSED since 2026-01-14 12:00 by 'optimizer release', until 'optimizer resume'"
    paused = released(facts, Reason.PAUSED, note=note)
    assert (paused.action, paused.problem) == ("paused", False)
    shown = home_assistant_mqtt.state(paused)
    assert (shown["action"], shown["reason"], shown["problem"]) == ("paused", note, "OFF")
    assert shown["override"] == "none"
    order = Override(1, OverrideKind.HOLD, paused.decision.at, paused.decision.at + HOUR, "owner")
    under = replace(paused, plan=replace(facts.plan, override=order))
    assert home_assistant_mqtt.state(under)["override"].startswith("hold until ")


def figures(page):
    lines = [line.rsplit(" ", 1) for line in page.decode().splitlines() if line[0] != "#"]
    return {name.removeprefix("optimizer_"): float(value) for name, value in lines}


def test_metrics_have_units_and_unknown_is_not_zero(facts):
    tally = CallCounts(taken=3, failed=1, read_s=0.012)
    metrics = PrometheusPage("home", "0.1", tally)
    metrics.update(facts)
    seen = figures(metrics.page())
    assert (seen["holding"], seen["setpoint_watts"], seen["problem"]) == (1, -9_000, 0)
    assert (seen["grid_watts"], seen["battery_watts"]) == (10_000, -9_000)
    assert seen["fems_latency_seconds"] == 0.012
    assert seen["buy_price_eur_per_kwh"] == 0.10
    assert math.isnan(seen["pv_watts"])
    assert seen['writes_total{result="taken"}'] == 3
    assert seen['writes_total{result="failed"}'] == 1
    assert seen['info{site="home",version="0.1"}'] == 1
    assert not any("created" in name for name in seen)


def test_released_time_is_counted_by_its_reason(facts):
    metrics = PrometheusPage("home", "0.1", CallCounts())
    metrics.update(released(facts, Reason.NO_PLAN))
    metrics.update(released(facts, Reason.SELF_CONSUMPTION, at=NOW + timedelta(seconds=10)))
    metrics.update(replace(facts, decision=replace(facts.decision, at=NOW + timedelta(seconds=25))))
    metrics.update(replace(facts, decision=replace(facts.decision, at=NOW + timedelta(seconds=35))))
    seen = figures(metrics.page())
    assert seen['released_seconds_total{reason="no_plan"}'] == 10
    assert seen['released_seconds_total{reason="self_consumption"}'] == 15
    assert seen["holding"] == 1


def test_the_page_is_served(facts):
    metrics = PrometheusPage("home", "0.1", CallCounts())
    metrics.update(facts)
    port = metrics.serve("127.0.0.1", 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        assert figures(answer.read())["battery_soc_percent"] == 41
    with pytest.raises(ConfigError, match=rf"127.0.0.1:{port} cannot be served .*: name another"):
        metrics.serve("127.0.0.1", port)


def test_the_textfile_is_whole_readable_by_others_and_seldom(facts, tmp_path):
    metrics, path = PrometheusPage("home", "0.1", CallCounts()), tmp_path / "optimizer.prom"
    textfile = Textfile(metrics, path)

    def reported(seconds):
        later = replace(facts.decision, at=NOW + timedelta(seconds=seconds), setpoint_w=-seconds)
        metrics.update(replace(facts, decision=later))
        textfile.update(replace(facts, decision=later))
        return figures(path.read_bytes())["setpoint_watts"]

    assert [reported(seconds) for seconds in (1, 10, 15, 16, 20)] == [-1, -1, -1, -16, -16]
    assert path.stat().st_mode & 0o777 == 0o644
    assert [item.name for item in tmp_path.iterdir()] == ["optimizer.prom"]
    assert reported(-3_600) == 3_600  # the clock was set back


def test_a_textfile_that_cannot_be_written_is_said_once(facts, tmp_path, caplog):
    textfile = Textfile(
        PrometheusPage("home", "0.1", CallCounts()), tmp_path / "no" / "optimizer.prom"
    )
    for minutes in (0, 1, 2):
        decision = replace(facts.decision, at=NOW + timedelta(minutes=minutes))
        textfile.update(replace(facts, decision=decision))
    assert len(caplog.records) == 1
    (tmp_path / "no").mkdir()
    decision = replace(facts.decision, at=NOW + timedelta(minutes=3))
    textfile.update(replace(facts, decision=decision))
    assert (tmp_path / "no" / "optimizer.prom").is_file()


def test_writes_are_counted_by_their_end():
    tally = CallCounts()
    with tally.writing():
        pass
    with pytest.raises(UnreachableError), tally.writing():
        raise UnreachableError("nobody is there")
    assert (tally.taken, tally.failed) == (1, 1)


def test_the_plan_fits_into_home_assistants_attributes(facts, monkeypatch):
    data = json.loads(home_assistant_mqtt.attributes(facts))
    assert data["made_at"] == "2026-01-15T01:00:00Z"
    assert data["plan"][0]["start"] == "2026-01-15T01:00:00Z"
    assert any(row["what"] == "charge" for row in data["plan"])
    monkeypatch.setattr(home_assistant_mqtt, "LARGEST_BYTES", 400)
    fewer = json.loads(home_assistant_mqtt.attributes(facts))
    assert 0 < len(fewer["plan"]) < len(data["plan"])
    assert home_assistant_mqtt.attributes(replace(facts, plan=None)) == "{}"


# --- against a real broker ---------------------------------------------------------------------


@pytest.fixture
def broker(mosquitto):
    address = Address("127.0.0.1", mosquitto.port, "ha", "xyzzy")
    reported = Broker(address, "my house", "0.1", 10)
    yield reported
    reported.stop()


STATE, ONLINE = "optimizer/my_house/state", "optimizer/my_house/online"
ACTION = "homeassistant/sensor/optimizer_my_house/action/config"


def test_home_assistant_finds_one_device_and_its_figures(broker, listen, facts):
    listener = listen()
    heard = listener.heard
    broker.start()
    wait_for(lambda: heard.get(ONLINE) == "online" and len(heard) == 18)
    broker.publish(facts)
    wait_for(lambda: STATE in heard and "optimizer/my_house/plan" in heard)
    found = {topic: text for topic, text in heard.items() if "config" in topic}
    assert sum(text == "" for text in found.values()) == 4  # entities of commands, not offered
    configs = {topic: json.loads(text) for topic, text in found.items() if text}
    assert len(configs) == 13
    assert len({str(config["device"]) for config in configs.values()}) == 1
    assert len({config["unique_id"] for config in configs.values()}) == 13
    assert all(config["expire_after"] == 30 for config in configs.values())
    assert configs[ACTION]["json_attributes_topic"] == "optimizer/my_house/plan"
    state = json.loads(heard[STATE])
    for config in configs.values():  # each template names a figure that is there
        key = config["value_template"].removeprefix("{{ value_json.").removesuffix(" }}")
        assert key in state
    assert (state["action"], state["setpoint_w"], state["following"]) == ("charge", -9_000, "ON")
    heard.clear()
    listener.say("homeassistant/status", "offline")
    listener.say("homeassistant/status", "online")  # Home Assistant has started anew
    wait_for(
        lambda: ACTION in heard and json.loads(heard.get(STATE, "{}")).get("soc_percent") == 41
    )
    broker.stop()
    wait_for(lambda: heard[ONLINE] == "offline")


def test_the_last_will_speaks_when_we_cannot(mosquitto, listen):
    heard = listen().heard
    broker = Broker(Address("127.0.0.1", mosquitto.port, "ha", "xyzzy"), "my house", "0.1", 10)
    broker.start()
    wait_for(lambda: heard.get(ONLINE) == "online")
    broker._client._sock.shutdown(socket.SHUT_RDWR)  # as a pulled plug
    broker._client.on_connect = None
    wait_for(lambda: heard.get(ONLINE) == "offline")
    broker.stop()


def test_a_broker_that_goes_costs_the_loop_nothing_and_is_said_once(
    mosquitto, broker, listen, facts, caplog
):
    caplog.set_level(logging.INFO)
    broker.start()
    wait_for(broker._client.is_connected)
    mosquitto.stop()
    wait_for(lambda: any("is gone" in record.message for record in caplog.records))
    watch = Stopwatch()
    for _ in range(1_000):
        broker.publish(facts)
    assert watch.seconds() < 2
    mosquitto.start()
    wait_for(lambda: any("is back" in record.message for record in caplog.records))
    reported = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(reported) == 1
    heard = listen().heard
    broker.publish(facts)
    wait_for(lambda: STATE in heard and ACTION in heard)


def test_a_wrong_password_is_said_once_and_not_told(mosquitto, caplog):
    address = Address("127.0.0.1", mosquitto.port, "ha", "kanari3nvogel")
    assert "kanari3nvogel" not in repr(address)
    broker = Broker(address, "home", "0.1", 10)
    answers, answered = [], broker._client.on_connect
    broker._client.on_connect = lambda *given: (answered(*given), answers.append(given))
    broker.start()
    wait_for(lambda: len(answers) >= 2)  # it has tried again
    broker.stop()
    assert "refuses (Not authorized)" in caplog.text
    assert len(caplog.records) == 1


def test_nobody_there_is_said_once_and_does_not_hold_up_the_end(facts, caplog):
    with kept_port() as port:
        broker = Broker(Address("127.0.0.1", port, tls=True), "home", "0.1", 10)
        broker.start()
        wait_for(lambda: any("does not answer" in record.message for record in caplog.records))
        watch = Stopwatch()
        broker.publish(facts)
        broker.stop()
    assert watch.seconds() < 1
    assert len(caplog.records) == 1
