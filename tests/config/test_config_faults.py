"""A file with faults: one sentence for each, with its key and the cure."""

import pytest

from optimizer.config.loading import load
from optimizer.errors import ConfigError, ExitCode


@pytest.fixture
def faults(config_file, environment):
    """The sentences about a configuration, without the path in front."""

    def read(text):
        path = config_file(text)
        with pytest.raises(ConfigError) as caught:
            load(path, environment)
        assert caught.value.exit_code is ExitCode.CONFIG
        lines = str(caught.value).split("\n")
        assert all(line.startswith(f"{path}: ") for line in lines)
        return [line.removeprefix(f"{path}: ") for line in lines]

    return read


MANY = """
site = "home"
horizon_h = 24

[fems]
url = "http://192.168.0.23"
password = "env:FEMS_PASSWORD"
ess = "ess 0"

[battery]
min_soc_percent = -5
charge_efficency = 0.95
hybrid = "yess"

[grid]
rule = "pvonly"
max_buy_w = "much"

[prices]
sources = []

[tariff]
vat_percent = 119
time_zone = "Europe/Bayern"

[[tariff.window]]
months = [4, 13]
from = "25:00"
grid_fee_eur_per_kwh = 7
too = "15:00"

[tariff.export]
kind = "fix"

[pv]
planes = [{ kwp = 9.9 }, { kwp = 0, tilt_degree = 30 }]

[baterry]
capacity_wh = 22_000

[planning]
stored_value = "atuo"
step_minutes = 20

[control]
follow = "price"
interval_s = nan
"""

SENTENCES = {
    "horizon_h is not a key; there are: site, fems, battery, grid, prices, tariff, pv, load, "
    "planning, control, store, metrics, mqtt, notify",
    "fems.ess should be a component's id such as ess0",
    "battery.capacity_wh is missing",
    "battery.min_soc_percent should be at least 0 (it is -5)",
    "battery.charge_efficency is not a key; did you mean 'charge_efficiency'?",
    "battery.hybrid should be true or false or should be 'auto' (it is 'yess')",
    "grid.rule should be 'pv_only', 'grid_charge', 'green_export' or 'mixed' (it is 'pvonly')",
    "grid.max_buy_w should be a number (it is 'much')",
    "prices.sources has too few items: at least 1",
    "tariff.vat_percent should be at most 50 (it is 119)",
    "tariff.time_zone should be a time zone such as Europe/Berlin (it is 'Europe/Bayern')",
    "tariff.window.0.months.1 should be at most 12 (it is 13)",
    "tariff.window.0.from should be a time of day such as \"10:00\" (it is '25:00')",
    "tariff.window.0.to is missing",
    "tariff.window.0.grid_fee_eur_per_kwh should be at most 5 (it is 7)",
    "tariff.window.0.too is not a key; did you mean 'to'?",
    "tariff.export.kind should be 'fixed', 'spot' or 'series' (it is 'fix')",
    "pv.planes.1.kwp should be at least 0.001 (it is 0)",
    "pv.planes.1.tilt_degree is not a key; did you mean 'tilt_degrees'?",
    "baterry is not a key; did you mean 'battery'?",
    "planning.stored_value should be 'auto' or should be a number (it is 'atuo')",
    "planning.step_minutes should be 15, 30 or 60 (it is 20)",
    "control.follow should be 'value', 'intent' or 'power' (it is 'price')",
    "control.interval_s should be a finite number (it is nan)",
}


def test_every_fault_of_a_file_is_named_in_a_sentence_of_its_own(faults):
    found = faults(MANY)
    assert set(found) == SENTENCES
    assert len(found) == len(SENTENCES)


def test_an_empty_file_lacks_its_two_sections(faults):
    assert faults("") == ["fems is missing", "battery is missing"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("min_soc = 5", "battery.min_soc is not a key; did you mean 'min_soc_percent'?"),
        ("efficiency = 1", "battery.efficiency is not a key; did you mean 'charge_efficiency'?"),
        ("CAPACITY = 1", "battery.CAPACITY is not a key; there are: capacity_wh, min_soc_percent"),
    ],
)
def test_an_unknown_key_names_the_nearest_or_all(faults, small, line, sentence):
    (found,) = faults(small + line + "\n")
    assert found.startswith(sentence)


@pytest.mark.parametrize(
    ("low", "high"), [(90, 20), (50, 50)], ids=["upside down", "without width"]
)
def test_a_band_without_room_is_a_contradiction(faults, small, low, high):
    found = faults(f"{small}min_soc_percent = {low}\nmax_soc_percent = {high}\n")
    assert found == ["battery min_soc_percent has to be below max_soc_percent"]


@pytest.mark.parametrize(
    "url",
    ["192.168.0.23", "ftp://192.168.0.23", "http://192.168.0.23/rest", "http://", "http://a b"],
)
def test_an_address_is_shown_how_to_be_written(faults, small, url):
    (found,) = faults(small.replace("http://192.168.0.23", url))
    assert found.startswith("fems.url write it as http://192.168.0.23, without user, password or")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("battery = 5", "battery should be a section"),
        ("battery = []", "battery should be a section"),
    ],
)
def test_a_value_where_a_section_belongs(faults, small, text, sentence):
    (found,) = faults(text + small.split("[battery]")[0])
    assert found.startswith(sentence)


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "0", "-1", "2_000_000"])
def test_a_capacity_that_is_none(faults, small, number):
    (found,) = faults(small.replace("22_000", number))
    assert found.startswith("battery.capacity_wh should be ")


def test_faults_of_the_secret_stand_beside_the_others(config_file, small):
    text = small + "capacity = 5\n"
    with pytest.raises(ConfigError) as caught:
        load(config_file(text), {})
    first, second = str(caught.value).split("\n")
    assert first.endswith("fems.password: the environment has no variable FEMS_PASSWORD")
    assert second.endswith("battery.capacity is not a key; did you mean 'capacity_wh'?")


@pytest.mark.parametrize("text", ["[fems", "a = ", "a = 1\na = 2", "url = http://x"])
def test_a_file_that_is_not_toml_is_refused_with_the_place(config_file, text):
    path = config_file(text)
    with pytest.raises(ConfigError, match=r"is not TOML: .*\(at (line \d|end)") as caught:
        load(path, {})
    assert str(caught.value).startswith(str(path))


def test_a_file_that_is_not_text_is_refused(config_file):
    path = config_file("")
    path.write_bytes(b"site = '\xff'")
    with pytest.raises(ConfigError, match="is no text in UTF-8: save it as UTF-8"):
        load(path, {})


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml cannot be read: No such file or directory"):
        load(tmp_path / "none.toml", {})
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, {})


def test_a_byte_order_mark_is_no_content_and_utf_16_is_named(small, tmp_path, environment):
    path = tmp_path / "optimizer.toml"
    path.write_bytes(b"\xef\xbb\xbf" + small.encode())
    path.chmod(0o600)
    assert load(path, environment).site == "home"
    path.write_bytes(small.encode("utf-16"))
    with pytest.raises(ConfigError, match=r"optimizer\.toml is UTF-16: save it as UTF-8$"):
        load(path, environment)


def test_a_folder_is_no_secret_and_keeps_its_mode(small, config_file, environment, tmp_path):
    text = small.replace('password = "env:FEMS_PASSWORD"', f'password = "file:{tmp_path}"')
    assert text != small
    with pytest.raises(ConfigError) as caught:
        load(config_file(text), environment)
    assert "chmod" not in str(caught.value)
    assert "Is a directory" in str(caught.value)
