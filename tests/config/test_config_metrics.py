"""What a service is given by systemd, and whom the executor tells."""

from pathlib import Path

import pytest

from optimizer.config import loading, sections
from optimizer.errors import ConfigError

MQTT = '[mqtt]\nhost = "broker"\npassword = "file:mqtt.password"\n'


def test_a_credential_goes_before_the_configuration(config_file, small, tmp_path, environment):
    path = config_file(small.replace("env:FEMS_PASSWORD", "file:/nowhere") + MQTT)
    (tmp_path / "fems.password").write_text("from systemd\n")
    (tmp_path / "mqtt.password").write_text("beside the file\n")
    given = tmp_path / "given"
    given.mkdir()
    (given / "fems.password").write_text("from systemd\n")
    config = loading.load(path, {"CREDENTIALS_DIRECTORY": str(given)})
    assert config.fems.password.get_secret_value() == "from systemd"
    assert config.mqtt.password.get_secret_value() == "beside the file"
    with pytest.raises(ConfigError, match=r"fems.password: /nowhere cannot be read"):
        loading.load(path, environment)


def test_the_secrets_that_a_service_can_have(config_file, small):
    path = config_file(small + MQTT)
    files, others = loading.secret_files(path)
    assert files == {"mqtt.password": path.parent / "mqtt.password"}
    assert others == ["fems.password"]


def test_the_password_of_the_broker_is_not_told(config_file, small, environment):
    path = config_file(small + '[mqtt]\nhost = "a b"\npassword = 7\nuser = "xyzzy-plugh-42"\n')
    with pytest.raises(ConfigError) as caught:
        loading.load(path, environment)
    assert "mqtt.host" in str(caught.value)
    assert "xyzzy" not in str(caught.value)


def test_where_the_metrics_go_is_relative_to_the_file(config_file, small, environment):
    path = config_file(small + '[metrics]\ntextfile = "optimizer.prom"\nport = 9100\n')
    config = loading.load(path, environment)
    assert config.metrics.textfile == path.parent / "optimizer.prom"
    assert (config.metrics.host, config.metrics.port, config.mqtt) == ("127.0.0.1", 9100, None)


def test_the_store_lies_where_systemd_says_or_where_it_is_installed(monkeypatch, tmp_path):
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/optimizer:/var/lib/other")
    assert sections.StoreSection().folder == Path("/var/lib/optimizer")
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setattr(sections, "SYSTEM_STATE", tmp_path)
    assert sections.StoreSection().folder == tmp_path
    monkeypatch.setattr(sections, "SYSTEM_STATE", tmp_path / "no")
    monkeypatch.setenv("XDG_STATE_HOME", "/home/pi/.local/state")
    assert sections.StoreSection().folder == Path("/home/pi/.local/state/optimizer")
