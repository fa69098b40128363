"""Corners of the configuration: no secret in a message, no traceback for a fault."""

import pytest

from optimizer.config.loading import load
from optimizer.errors import ConfigError

BASE = '[fems]\nurl = "http://192.168.0.23"\npassword = "env:P"\n[battery]\ncapacity_wh = 22_000\n'
P = {"P": "xyzzy"}


@pytest.mark.parametrize("text", [
    BASE.replace("http://", "http://u:xyzzy@"),
    BASE.replace("[fems]", "[[fems]]").replace("env:P", "xyzzy"),
    BASE + '[load]\nurl = "http://u:xyzzy@nas"\n',
])  # fmt: skip
def test_the_password_is_in_no_message(tmp_path, text):
    path = tmp_path / "o.toml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        load(path, P)
    assert "xyzzy" not in str(caught.value)


@pytest.mark.parametrize("text", [
    BASE.replace("env:P", "file:latin"),
    BASE + '[prices]\nfile = "~nobodyatall/p.csv"\n',
    BASE + '[[tariff.window]]\nfrom = 10\nto = "15:00"\ngrid_fee_eur_per_kwh = 0.1\n',
    BASE + '[[tariff.window]]\nfrom = "10:00Z"\nto = "15:00"\ngrid_fee_eur_per_kwh = 0.1\n',
    BASE.replace("22_000", "true"),
    BASE.replace("[battery]", "jsonrpc_port = true\n[battery]"),
    BASE + "[metrics]\nport = 70_000\n",
])  # fmt: skip
def test_configuration_faults_are_sentences(tmp_path, text):
    (tmp_path / "latin").write_bytes(b"\xff\xfe")
    path = tmp_path / "o.toml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        load(path, P)
