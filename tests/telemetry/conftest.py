"""A real broker and its listeners, as the tests of MQTT share them."""

from contextlib import ExitStack

import pytest

from tests.mqtt_broker import broker_in, listening


@pytest.fixture
def mosquitto(tmp_path):
    """A broker of its own on a free port."""
    with broker_in(tmp_path) as broker:
        yield broker


@pytest.fixture
def listen(mosquitto):
    """Give a listener whenever it is called."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(listening(mosquitto.port))
