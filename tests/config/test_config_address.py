"""The address of the FEMS: at home unless the owner allows another, for passwords go there."""

import pytest

from optimizer.app.device_access import client_of
from optimizer.config.loading import load
from optimizer.errors import ConfigError

HOME = [
    "192.168.0.23", "10.1.2.3", "172.16.0.1", "169.254.3.4", "127.0.0.1", "[fe80::1]", "[fd00::5]",
    "[::1]", "[::ffff:192.168.0.1]", "fems", "fems.local", "femsbox.fritz.box",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8",
    "172.32.0.1",
    "100.64.0.1",
    "[2a00:1450::1]",
    "[::ffff:8.8.8.8]",
    "192.169.0.1",
]


def with_address(small, host, more=""):
    return small.replace("192.168.0.23", host).replace("[battery]", f"{more}\n[battery]")


@pytest.mark.parametrize("host", HOME)
@pytest.mark.parametrize("port", ["", ":8084"])
def test_an_address_at_home(config_file, small, environment, host, port):
    config = load(config_file(with_address(small, host + port)), environment)
    with client_of(config) as client:
        assert host in client.origin


@pytest.mark.parametrize("host", PUBLIC)
def test_a_public_address_has_to_be_allowed(config_file, small, environment, host):
    with pytest.raises(ConfigError) as caught:
        load(config_file(with_address(small, host)), environment)
    assert "fems has a url outside private networks" in str(caught.value)
    assert "if you mean it write allow_public = true" in str(caught.value)
    allowed = config_file(with_address(small, host, "allow_public = true"))
    assert load(allowed, environment).fems.allow_public


@pytest.mark.parametrize("host", ["134744072", "8.526344", "0x08080808", "010.010.010.010"])
def test_a_public_address_in_disguise_is_refused_before_anything_is_sent(
    config_file, small, environment, host
):
    """The system's own look-up takes these forms for 8.8.8.8."""
    config = load(config_file(with_address(small, host)), environment)
    with pytest.raises(ConfigError, match=r"is 8\.8\.8\.8, outside private networks"):
        client_of(config)
