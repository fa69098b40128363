"""Dated grid fees of German operators: each with its source, obeying the rules of module 3."""

import re
import tomllib
from datetime import date, datetime
from importlib import resources

import pytest

from optimizer.config import grid_operators
from optimizer.config.loading import load
from optimizer.errors import ConfigError
from optimizer.model.tariff import BERLIN, FeeWindow

ENTRIES = tomllib.loads(
    resources.files("optimizer.config").joinpath("grid_fees.toml").read_text("utf-8")
)["operator"]
NAMES = [entry["name"] for entry in ENTRIES]


def tariff_of(config_file, small, environment, text):
    return load(config_file(f"{small}[tariff]\n{text}\n"), environment).tariff


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_each_entry_names_its_source_and_obeys_the_regulators_rules(entry):
    """BNetzA BK8-22/010-A: low is 10 to 40 % of standard, high at most 200 %."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry["read"])
    gross = [float(text) for text in re.findall(r"\d+\.\d\d", entry["source"])]
    low, high = entry["low"][0]["ct"], entry["high"][0]["ct"]
    assert [round(one / 1.19, 2) for one in gross] == [low, entry["standard"], high]
    assert 0.09 <= low / entry["standard"] <= 0.41
    assert high / entry["standard"] <= 2.01
    assert date.fromisoformat(entry["valid_from"]) < date.fromisoformat(entry["valid_to"])


@pytest.mark.parametrize("name", NAMES)
def test_each_operator_makes_a_tariff(config_file, small, environment, name):
    made = tariff_of(config_file, small, environment, f'grid_operator = "{name}"')
    entry = grid_operators._entries_of(name)[-1]
    assert made.stated
    assert made.grid_fee_eur_per_kwh == pytest.approx(entry["standard"] / 100)
    assert made.ends == date.fromisoformat(entry["valid_to"])
    assert all(isinstance(window, FeeWindow) for window in made.window)


@pytest.mark.parametrize(
    ("name", "at", "ct"),
    [
        ("netze-bw", "2026-07-01 09:59", 7.57), ("netze-bw", "2026-07-01 10:00", 3.03),
        ("netze-bw", "2026-12-24 17:00", 11.06), ("bayernwerk", "2026-01-10 12:00", 4.72),
        ("bayernwerk", "2026-04-01 12:00", 0.47), ("mitnetz", "2026-02-01 02:59", 0.69),
        ("mitnetz", "2026-05-01 02:59", 6.31), ("ewe", "2026-05-01 23:00", 0.27),
    ],
)  # fmt: skip
def test_fees_by_the_hour(config_file, small, environment, name, at, ct):
    made = tariff_of(config_file, small, environment, f'grid_operator = "{name}"')
    moment = datetime.fromisoformat(at).replace(tzinfo=BERLIN)
    assert made.grid_fee(moment) == pytest.approx(ct / 100)


def test_an_unknown_operator_is_one_sentence_with_the_known_ones(config_file, small, environment):
    with pytest.raises(ConfigError) as caught:
        tariff_of(config_file, small, environment, 'grid_operator = "netze bw"')
    text = str(caught.value)
    assert text.count("\n") == 0
    assert "did you mean 'netze-bw'?" in text
    assert all(name in text for name in NAMES)


@pytest.mark.parametrize("key", ["grid_fee_eur_per_kwh = 0.07", "window = []"])
def test_fees_beside_the_operators_are_an_error(config_file, small, environment, key):
    with pytest.raises(ConfigError, match="stands beside it: remove one of them"):
        tariff_of(config_file, small, environment, f'grid_operator = "ewe"\n{key}')


@pytest.mark.parametrize(
    ("owned", "last"), [("2026-06-30", date(2026, 6, 30)), ("2027-12-31", date(2026, 12, 31))]
)
def test_the_earlier_end_counts(config_file, small, environment, owned, last):
    text = f'grid_operator = "ewe"\nvalid_to = "{owned}"'
    assert tariff_of(config_file, small, environment, text).ends == last


def test_a_change_takes_the_fees_over_or_brings_its_own(config_file, small, environment):
    text = """grid_operator = "ewe"
[[tariff.change]]
valid_from = "2027-01-01"
levies_eur_per_kwh = 0.03
[[tariff.change]]
valid_from = "2027-06-01"
grid_fee_eur_per_kwh = 0.05
window = []"""
    first, second = tariff_of(config_file, small, environment, text).change
    assert len(first.window) == 2
    assert (second.window, second.grid_fee_eur_per_kwh) == ((), 0.05)


def test_after_their_last_day_the_standard_fee_holds_in_all_hours(config_file, small, environment):
    """Nobody knows next year's windows: none is planned for, and a change of levies brings none."""
    alone = 'grid_operator = "ewe"'
    levies = f'{alone}\n[[tariff.change]]\nvalid_from = "2027-01-01"\nlevies_eur_per_kwh = 0.03'
    own = f"""{levies}
grid_fee_eur_per_kwh = 0.03
window = [{{ from = "12:00", to = "14:00", grid_fee_eur_per_kwh = 0.01 }}]"""
    last, first = (datetime(*day, 23, 30, tzinfo=BERLIN) for day in ((2026, 12, 31), (2027, 1, 1)))
    for text in (alone, levies):
        made = tariff_of(config_file, small, environment, text)
        assert made.grid_fee(last) == pytest.approx(0.0027)
        assert made.grid_fee(first) == pytest.approx(0.0269)
        assert (made.operator_fees_over(last), made.operator_fees_over(first)) == (False, True)
    made = tariff_of(config_file, small, environment, own)
    assert not made.operator_fees_over(first)
    assert made.grid_fee(first.replace(hour=13)) == pytest.approx(0.01)


def test_each_year_has_its_own_entry(config_file, small, environment, monkeypatch):
    """Fees that are published for the next year change nothing in this one."""
    (this,) = (one for one in ENTRIES if one["name"] == "ewe")
    low = [{"ct": 0.5, "from": "01:00", "to": "04:00"}]
    later = this | {"valid_from": "2027-01-01", "valid_to": "2027-12-31", "standard": 4.0,
                    "low": low, "high": []}  # fmt: skip
    monkeypatch.setattr(grid_operators, "_entries", lambda: [later, this])
    levies = """grid_operator = "ewe"
[[tariff.change]]
valid_from = "2027-01-01"
levies_eur_per_kwh = 0.03
[[tariff.change]]
valid_from = "2027-07-01"
vat_percent = 7"""
    for text in ('grid_operator = "ewe"', levies):
        made = tariff_of(config_file, small, environment, text)
        fees = [
            made.grid_fee(datetime(*moment, tzinfo=BERLIN))
            for moment in ((2026, 12, 31, 23), (2027, 1, 1, 0), (2027, 8, 1, 2), (2028, 1, 1, 2))
        ]
        assert fees == pytest.approx([0.0027, 0.04, 0.005, 0.04])
    assert [part.levies_eur_per_kwh for part in made.change] == [0.03, 0.03]
    assert made.ends is None or made.ends == date(2027, 12, 31)


@pytest.mark.parametrize("value", ["5", "true", "[]"])
def test_another_kind_of_value_is_one_sentence(config_file, small, environment, value):
    with pytest.raises(ConfigError, match=r"^[^\n]*tariff\.grid_operator should be[^\n]*$"):
        tariff_of(config_file, small, environment, f"grid_operator = {value}")
