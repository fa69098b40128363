"""A real broker (mosquitto) with a password, and somebody who listens and speaks there."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from paho.mqtt import client as paho

from tests.waiting import PATIENCE_S, wait_for

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
USER, PASSWORD = "ha", "xyzzy"


@dataclass
class Mosquitto:
    """A broker that can be stopped and started again on its port."""

    config: Path
    port: int
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        command = [str(MOSQUITTO), "-c", str(self.config)]
        self.running.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        process = self.running[-1]
        wait_for(lambda: process.poll() is not None or self._answers())
        assert process.poll() is None, "the broker has ended at once"

    def stop(self) -> None:
        """Stop it if it runs."""
        for process in self.running:
            process.terminate()
            process.wait(PATIENCE_S)
        self.running.clear()

    def _answers(self) -> bool:
        with socket.socket() as line:
            return line.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def kept_port() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else is given meanwhile."""
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the broker may listen there
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


@contextmanager
def broker_in(folder: Path) -> Iterator[Mosquitto]:
    """A running broker; the test is skipped where there is none, never in CI."""
    if MOSQUITTO is None and os.environ.get("CI") != "true":
        pytest.skip("apt install mosquitto")
    with kept_port() as port:
        config, passwords = folder / "mosquitto.conf", folder / "passwords"
        passwords.write_text(f"{USER}:{PASSWORD}\n")
        subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True)
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
            "user root\n"
        )
        broker = Mosquitto(config, port)
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()


@dataclass
class Listener:
    """Somebody who hears everything: the last text of each topic."""

    client: paho.Client
    heard: dict[str, str] = field(default_factory=dict)

    def say(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Publish, and wait until the broker has acknowledged it."""
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(PATIENCE_S)

    def wait_for(self, topic: str, text: str) -> None:
        """Wait until the last text of a topic is this one."""
        wait_for(lambda: self.heard.get(topic) == text)


@contextmanager
def listening(port: int) -> Iterator[Listener]:
    """A listener whose subscription the broker has acknowledged."""
    listener = Listener(paho.Client(paho.CallbackAPIVersion.VERSION2))
    client, subscribed = listener.client, threading.Event()
    client.username_pw_set(USER, PASSWORD)
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _c, _d, m: listener.heard.__setitem__(
        m.topic, m.payload.decode("utf-8", "replace")
    )
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        client.subscribe("#")
        assert subscribed.wait(PATIENCE_S)  # what is published before is heard only if retained
        yield listener
    finally:
        client.disconnect()
        client.loop_stop()
