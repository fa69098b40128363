"""Keys of price sources and of a tariff that changes."""

from datetime import date

import pytest

from optimizer.config.loading import load
from optimizer.errors import ConfigError

TOKEN = "kanari3nvogel"

CHANGE = """
[tariff]
valid_to = "2026-12-31"
markup_eur_per_kwh = 0.018
levies_eur_per_kwh = 0.02946
[[tariff.window]]
days = ["mo", "fr"]
from = "10:00"
to = "15:00"
grid_fee_eur_per_kwh = 0.01
[tariff.export]
eur_per_kwh = 0.0778
[[tariff.change]]
valid_from = "2027-01-01"
levies_eur_per_kwh = 0.031
[[tariff.change]]
valid_from = "2027-04-01"
valid_to = "2027-12-31"
window = []
[tariff.change.export]
eur_per_kwh = 0.07
"""


def test_a_change_names_only_what_is_new(config_file, small, environment):
    tariff = load(config_file(small + CHANGE), environment).tariff
    first, second = tariff.change
    assert tariff.stated
    assert tariff.valid_to == date(2026, 12, 31)
    assert (first.valid_from, first.valid_to) == (date(2027, 1, 1), None)
    assert (first.levies_eur_per_kwh, first.markup_eur_per_kwh) == (0.031, 0.018)
    assert first.window == tariff.window
    assert tariff.window[0].days == ("mo", "fr")
    assert (second.levies_eur_per_kwh, second.window) == (0.031, ())
    assert (first.export.eur_per_kwh, second.export.eur_per_kwh) == (0.0778, 0.07)
    assert tariff.ends == date(2027, 12, 31)


def test_changes_come_in_their_order(config_file, small, environment):
    text = small + CHANGE.replace("2027-04-01", "2026-04-01")
    with pytest.raises(ConfigError, match="name each valid_from once, the earliest first"):
        load(config_file(text), environment)


WRONG = """
[tariff]
vat_percent = 119
[[tariff.change]]
valid_from = "2027-01-01"
levies_eur_per_kwh = 29
[[tariff.change]]
valid_from = "2027-04-01"
export = 1
[[tariff.change]]
valid_to = "2028-04-01"
time_zone = "Europe/Vienna"
"""


def test_a_fault_is_named_where_it_is_written_and_not_where_it_is_taken_over(
    config_file, small, environment
):
    path = config_file(small + WRONG)
    with pytest.raises(ConfigError) as caught:
        load(path, environment)
    found = [line.removeprefix(f"{path}: tariff.") for line in str(caught.value).splitlines()]
    *values, missing, unknown = sorted(found, key=lambda line: " should " not in line)
    assert values == [
        "vat_percent should be at most 50 (it is 119)",
        "change.0.levies_eur_per_kwh should be at most 5 (it is 29)",
        "change.1.export should be a section, a table of keys (it is 1)",
    ]
    assert missing == "change.2.valid_from is missing"
    assert unknown.startswith("change.2.time_zone is not a key; there are: markup_eur_per_kwh, ")


@pytest.mark.parametrize("change", ["5", "[5]", "[[]]", '{ valid_from = "2027-01-01" }'])
def test_changes_of_another_form_are_one_sentence(config_file, small, environment, change):
    path = config_file(f"{small}[tariff]\nchange = {change}\n")
    with pytest.raises(ConfigError, match=r"^[^\n]*tariff\.change[^\n]* should be [^\n]*$"):
        load(path, environment)


NIGHT = 'from = "00:00"\nto = "06:00"\ngrid_fee_eur_per_kwh = 0\n'


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("[tariff]\nvat_percent = 0\n", True),
        ("[tariff]\n[[tariff.window]]\n" + NIGHT, True),
        ("[tariff]\n[tariff.export]\neur_per_kwh = 0.08\n", False),
    ],
)  # fmt: skip
def test_parts_are_stated_where_one_of_them_is(config_file, small, environment, text, stated):
    assert load(config_file(small + text), environment).tariff.stated is stated


PRICES = """
[prices]
sources = ["tibber", "entsoe"]
tibber_token = "env:TIBBER"
entsoe_token = "file:entsoe.token"
octopus_tariff = "E-1R-AGILE-24-10-01-C"
swiss = "ekz"
"""


def test_tokens_come_from_elsewhere_and_are_not_shown(config_file, small, environment, tmp_path):
    path = config_file(small + PRICES)
    (path.parent / "entsoe.token").write_text(f"{TOKEN}\n")
    config = load(path, environment | {"TIBBER": TOKEN})
    settings = config.prices
    assert (settings.tibber_token, settings.entsoe_token) == (TOKEN, TOKEN)
    assert settings.swiss_vat_percent == 8.1
    assert TOKEN not in f"{config!r} {settings!r} {settings.identity}"
    assert config.prices.patience_s == 60


def test_a_token_in_a_file_that_others_can_read(config_file, small, environment):
    path = config_file(small + f'[prices]\ntibber_token = "{TOKEN}"\n')
    path.chmod(0o644)
    with pytest.raises(
        ConfigError, match=r"prices\.tibber_token is in a file that others"
    ) as caught:
        load(path, environment)
    assert TOKEN not in str(caught.value)


def test_a_token_of_another_kind_is_not_told(config_file, small, environment):
    path = config_file(small + '[prices]\nentsoe_token = 12345\noctopus_tariff = "AGILE"\n')
    with pytest.raises(ConfigError) as caught:
        load(path, environment)
    assert "12345" not in str(caught.value)
    assert "prices.octopus_tariff" in str(caught.value)
