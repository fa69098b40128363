"""Home Assistant over MQTT: one device with discovery; it publishes, and takes commands if wanted.

The network runs on paho's own thread. The executor's loop passes it finished texts; a broker that
is unreachable or slow does not delay the loop, and is logged once. Commands (`mqtt_commands.py`)
are carried out on paho's thread too: the loop sees what they have stored.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from optimizer.errors import MissingExtraError
from optimizer.model.plan import iso
from optimizer.telemetry.cycle_report import CycleReport
from optimizer.telemetry.mqtt_commands import (
    COMMANDS,
    LARGEST_PACKET_BYTES,
    CommandReceiver,
    Orders,
    command_entities,
    topic_of,
)
from optimizer.text.phases import phases
from optimizer.text.plan_table import INTENT_NAMES

try:
    from paho.mqtt import client as paho
    from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode
    from paho.mqtt.subscribeoptions import SubscribeOptions
except ImportError as error:  # pragma: no cover - without the extra
    raise MissingExtraError("[mqtt] needs the package paho-mqtt", "mqtt") from error

log = logging.getLogger(__name__)

CYCLES = 3
"""Silent cycles after which Home Assistant shows the figures as unknown."""

LARGEST_BYTES = 16_000
"""Largest attributes that Home Assistant keeps [B]."""

SHUTDOWN_S = 2.0
"""Longest wait for the last message at the end [s]."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """One entity; `key` is its place in the state's JSON."""

    key: str
    name: str
    unit: str = ""
    kind: str = ""
    """Home Assistant's `device_class`."""
    binary: bool = False


SENSORS = (
    Sensor("action", "Action"),
    Sensor("reason", "Reason"),
    Sensor("setpoint_w", "Set-point", "W", "power"),
    Sensor("soc_percent", "State of charge", "%", "battery"),
    Sensor("planned_soc_percent", "Planned state of charge", "%", "battery"),
    Sensor("battery_w", "Battery power", "W", "power"),
    Sensor("grid_w", "Grid power", "W", "power"),
    Sensor("buy_eur_per_kwh", "Price", "EUR/kWh"),
    Sensor("stored_value_eur_per_kwh", "Worth of a stored kWh", "EUR/kWh"),
    Sensor("plan_age_min", "Age of the plan", "min", "duration"),
    Sensor("override", "Override"),
    Sensor("following", "Following the plan", binary=True),
    Sensor("problem", "Problem", kind="problem", binary=True),
)


@dataclass(frozen=True, slots=True)
class Address:
    """Address and login of the broker, and the prefix of discovery topics."""

    host: str
    port: int = 1883
    user: str | None = None
    password: str | None = None
    tls: bool = False
    prefix: str = "homeassistant"

    def __repr__(self) -> str:
        return f"{self.host}:{self.port}"


class Broker:
    """Publishes the reports of the executor's cycles to one broker.

    Parameters
    ----------
    address
        The broker.
    site, version
        The house's name, and the program's version.
    interval_s
        Length of a cycle [s].
    orders
        Carries out commands; None takes none. With commands the broker has to speak MQTT 5: it
        keeps large and retained messages from us.
    """

    def __init__(
        self, address: Address, site: str, version: str, interval_s: float, currency: str = "EUR",
        orders: Orders | None = None,
    ) -> None:  # fmt: skip
        self._address, self._site, self._version = address, site, version
        self._currency = currency
        self._id = re.sub(r"[^A-Za-z0-9_-]", "_", site)
        self._base = f"optimizer/{self._id}"
        self._expires_s = max(30, round(CYCLES * interval_s))
        self._state, self._plan = "", ""
        self._plan_of: object = None
        self._trouble = ""
        self._commands = None if orders is None else CommandReceiver(orders)
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"optimizer-{self._id}",
            protocol=MQTTProtocolVersion.MQTTv311 if orders is None else MQTTProtocolVersion.MQTTv5,
        )  # fmt: skip
        self._client.max_queued_messages_set(100)
        self._client.will_set(f"{self._base}/online", "offline", qos=1, retain=True)
        if address.user is not None:
            self._client.username_pw_set(address.user, address.password)
        if address.tls:
            self._client.tls_set()
        self._client.on_connect = self._connected
        self._client.on_connect_fail = lambda *_: self._log_once("does not answer")
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._restarted
        if self._commands is not None:
            self._client.message_callback_add(topic_of(self._base, "+"), self._commanded)

    def start(self) -> None:
        """Connect in the background, and again whenever the connection is lost."""
        self._client.reconnect_delay_set(1, 60)
        host, port = self._address.host, self._address.port
        if self._commands is None:
            self._client.connect_async(host, port, keepalive=60)
        else:
            limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            limits.MaximumPacketSize = LARGEST_PACKET_BYTES
            self._client.connect_async(
                host, port, keepalive=60, clean_start=True, properties=limits
            )
        self._client.loop_start()

    def publish(self, cycle: CycleReport) -> None:
        """Publish one cycle's figures, and the plan when it has changed."""
        self._state = json.dumps(state(cycle), ensure_ascii=False)
        self._client.publish(f"{self._base}/state", self._state)
        if cycle.plan is not None and cycle.plan.made_at != self._plan_of:
            self._plan_of = cycle.plan.made_at
            self._plan = attributes(cycle)
            self._client.publish(f"{self._base}/plan", self._plan, retain=True)

    def stop(self) -> None:
        """Publish the end; does not wait for an unreachable broker."""
        if self._client.is_connected():
            last = self._client.publish(f"{self._base}/online", "offline", qos=1, retain=True)
            last.wait_for_publish(SHUTDOWN_S)
        self._client.disconnect()

    def announcements(self) -> Iterator[tuple[str, dict[str, Any] | None]]:
        """Topic and discovery message of each entity; None for one that is not offered any more."""
        device = {
            "identifiers": [f"optimizer_{self._id}"],
            "name": f"optimizer {self._site}",
            "model": "optimizer",
            "sw_version": self._version,
        }
        yield from self._sensors(device)
        for entity, own in command_entities(self._base):
            topic = self._discovery_topic(entity.component, entity.key)
            common = {
                "unique_id": f"optimizer_{self._id}_{entity.key}",
                "availability_topic": f"{self._base}/online",
                "device": device,
            }
            yield topic, None if self._commands is None else common | own

    def _discovery_topic(self, component: str, key: str) -> str:
        return f"{self._address.prefix}/{component}/optimizer_{self._id}/{key}/config"

    def _sensors(self, device: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for sensor in SENSORS:
            kind = "binary_sensor" if sensor.binary else "sensor"
            text: dict[str, Any] = {
                "name": sensor.name,
                "unique_id": f"optimizer_{self._id}_{sensor.key}",
                "state_topic": f"{self._base}/state",
                "value_template": f"{{{{ value_json.{sensor.key} }}}}",
                "availability_topic": f"{self._base}/online",
                "expire_after": self._expires_s,
                "device": device,
            }
            if sensor.unit:
                unit = sensor.unit.replace("EUR", self._currency)
                text |= {"unit_of_measurement": unit, "state_class": "measurement"}
            if sensor.kind:
                text["device_class"] = sensor.kind
            if sensor.key == "action":
                text["json_attributes_topic"] = f"{self._base}/plan"
            yield self._discovery_topic(kind, sensor.key), text

    def _announce(self) -> None:
        """Publish everything that Home Assistant may have missed."""
        self._client.publish(f"{self._base}/online", "online", qos=1, retain=True)
        for topic, text in self.announcements():
            shown = "" if text is None else json.dumps(text, ensure_ascii=False)
            self._client.publish(topic, shown, qos=1, retain=True)
        for place, kept in (("state", self._state), ("plan", self._plan)):
            if kept:
                self._client.publish(f"{self._base}/{place}", kept, retain=place == "plan")

    def _connected(self, _c: object, _d: object, _f: object, code: ReasonCode, _p: object) -> None:
        if code.is_failure:
            self._log_once(f"refuses ({code})")
            return
        if self._trouble:
            log.info("MQTT: the broker %r is back", self._address)
        self._trouble = ""
        self._client.subscribe(f"{self._address.prefix}/status")
        if self._commands is not None:
            self._client.subscribe([
                (topic_of(self._base, name), _live_only()) for name in COMMANDS
            ])  # fmt: skip
        self._announce()

    def _disconnected(
        self, _c: object, _d: object, _f: object, code: ReasonCode, _p: object
    ) -> None:
        if code.is_failure:
            self._log_once("is gone")

    def _restarted(self, _c: object, _d: object, message: paho.MQTTMessage) -> None:
        """Announce again: Home Assistant has started and knows no entities."""
        if message.payload == b"online":
            self._announce()

    def _commanded(self, _c: object, _d: object, message: paho.MQTTMessage) -> None:
        if self._commands is not None:
            name = message.topic.removeprefix(f"{self._base}/").removesuffix("/set")
            self._commands.receive(name, bytes(message.payload), retained=message.retain)

    def _log_once(self, trouble: str) -> None:
        if not self._trouble:
            log.warning("MQTT: the broker %r %s; control goes on without", self._address, trouble)
        self._trouble = trouble


def _live_only() -> SubscribeOptions:
    """Options of a subscription: nothing that the broker has kept, and what is kept is marked."""
    return SubscribeOptions(
        qos=1, retainAsPublished=True, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND
    )


def state(cycle: CycleReport) -> dict[str, Any]:
    """The figures of one cycle; None is unknown."""
    decision, seen, step = cycle.decision, cycle.seen, cycle.step
    age_s, planned = cycle.plan_age_s, cycle.planned_soc_percent
    return {
        "action": cycle.action,
        "reason": decision.note or decision.reason.value,
        "setpoint_w": decision.setpoint_w,
        "soc_percent": None if seen is None else seen.soc_percent,
        "planned_soc_percent": None if planned is None else round(planned, 1),
        "battery_w": None if seen is None else seen.battery_w,
        "grid_w": None if seen is None else seen.grid_w,
        "buy_eur_per_kwh": None if step is None else round(step.buy_eur_per_kwh, 4),
        "stored_value_eur_per_kwh": (
            None if step is None else round(step.stored_value_eur_per_kwh, 4)
        ),
        "override": cycle.override_text or "none",
        "plan_age_min": None if age_s is None else round(age_s / 60),
        "following": "ON" if decision.setpoint_w is not None else "OFF",
        "problem": "ON" if cycle.problem else "OFF",
    }


def attributes(cycle: CycleReport) -> str:
    """The plan's phases as JSON of at most 16 kB; the last ones are left out of a longer plan."""
    plan = cycle.plan
    if plan is None:
        return "{}"
    rows = [
        {
            "start": iso(block.start),
            "end": iso(block.end),
            "what": INTENT_NAMES[block.intent],
            "battery_w": round(block.battery_w),
            "soc_percent": round(100 * block.soc_after_wh / cycle.capacity_wh),
            "words": block.words(cycle.zone),
            "why": block.why,
        }
        for block in phases(plan, cycle.capacity_wh, cycle.zone)
    ]
    while True:
        text = json.dumps({"made_at": iso(plan.made_at), "plan": rows}, ensure_ascii=False)
        if len(text.encode()) <= LARGEST_BYTES:
            return text
        rows.pop()
