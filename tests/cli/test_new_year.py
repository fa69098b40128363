"""The first plan of a year whose grid fees nobody has stated: one sentence, and nothing risked."""

import json

import pytest

CONFIG = """
[fems]
url = "http://127.0.0.1:9"
password = "env:FEMS_PASSWORD"
[battery]
capacity_wh = 22_000
hybrid = false
[prices]
sources = ["fixed"]
eur_per_kwh = 0.10
[tariff]
grid_operator = "ewe"
vat_percent = 19
[tariff.export]
eur_per_kwh = 0.0778
[load]
source = "profile"
[store]
folder = "state"
"""
SENTENCE = (
    "the grid fees of ewe are known to 2026-12-31: its standard fee of 2.69 ct counts in all hours "
    "since then; update the program, or write the new price sheet into a [[tariff.change]]"
)


@pytest.mark.parametrize(
    ("at", "told"), [("2026-12-31T12:00:00+01:00", False), ("2027-01-01T00:10:00+01:00", True)]
)
def test_grid_fees_of_last_year_are_no_reason_to_charge(in_process, tmp_path, at, told):
    """Low hours pay for a charge on New Year's Eve until midnight, never from then on."""
    (tmp_path / "optimizer.toml").write_text(CONFIG)
    done = in_process("plan", "--soc", "30", "--at", at, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert (SENTENCE in plan["notes"]) is told
    assert any("2026-12-31" in note for note in plan["notes"])
    new_year = [step for step in plan["steps"] if step["start"] >= "2026-12-31T23:00:00Z"]
    assert {round(step["buy_eur_per_kwh"], 6) for step in new_year} == {round(1.19 * 0.1269, 6)}
    assert not any(step["intent"] == "charge" for step in new_year)
    assert len({step["buy_eur_per_kwh"] for step in plan["steps"]}) == (1 if told else 3)
    said = in_process("plan", "--soc", "30", "--at", at, "--dry-run").stdout
    assert ("standard fee of 2.69 ct" in " ".join(said.split())) is told
