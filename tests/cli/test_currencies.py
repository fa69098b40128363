"""Amounts in the owner's own currency in everything that people read."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

WRONG = re.compile(r"\b(EUR|ct)\b")
CONFIG = """
[fems]
url = "http://127.0.0.1:9"
password = "env:FEMS_PASSWORD"
[battery]
capacity_wh = 22_000
hybrid = false
wear_eur_per_kwh = {wear}
[prices]
sources = ["fixed"]
currency = "{code}"
eur_per_kwh = {day}
all_in = true
[[prices.window]]
from = "22:00"
to = "06:00"
eur_per_kwh = {night}
[tariff.export]
eur_per_kwh = {night}
[tariff.peak]
eur_per_kw = 6
[load]
source = "profile"
[pv]
source = "none"
[store]
folder = "state"
"""
COMMANDS = ("show", "show --wide", "explain", "status", "report", "read prices",
            "read prices --explain")  # fmt: skip
CURRENCIES = {
    "CHF": ("Rp", 1), "GBP": ("p", 1), "PLN": ("gr", 4), "SEK": ("öre", 10), "DKK": ("øre", 10),
    "NOK": ("øre", 10),
}  # fmt: skip


@pytest.mark.parametrize("code", CURRENCIES)
def test_every_text_names_the_currency(in_process, tmp_path, code):
    hundredth, size = CURRENCIES[code]
    path = tmp_path / "optimizer.toml"
    text = CONFIG.format(code=code, day=0.32 * size, night=0.2 * size, wear=0.01 * size)
    path.write_text(text)
    plan = in_process("plan", "--soc", "50", "--json")
    assert plan.returncode == 0, plan.stderr
    assert json.loads(plan.stdout)["currency"] == code
    seen = in_process("plan", "--soc", "50").stdout
    for command in COMMANDS:
        done = in_process(*command.split(), *(() if command != "report" else ("--out", "r.html")))
        assert done.returncode == 0, done.stderr
        seen += done.stdout
    page = re.sub(
        r"<style.*?</style>|<[^>]*>", " ", (tmp_path / "r.html").read_text(), flags=re.DOTALL
    )
    for shown in (seen, page):
        assert WRONG.findall(shown) == []
        assert f"{code}" in shown
        assert hundredth in shown
    assert "0.00 EUR" not in seen


def test_in_eur_a_plan_has_no_key_for_it(in_process, tmp_path):
    text = CONFIG.format(code="EUR", day=0.32, night=0.2, wear=0.01)
    (tmp_path / "optimizer.toml").write_text(text)
    done = in_process("plan", "--soc", "50", "--json")
    assert "currency" not in json.loads(done.stdout)


def test_a_table_in_another_currency_is_told(in_process, tmp_path):
    """Prices of a table in SEK without the key: a note in the plan; with it none."""
    begin = datetime(2026, 1, 14, 11, tzinfo=UTC)
    rows = [f"{begin + n * timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ};{1 + n % 5}" for n in range(30)]
    (tmp_path / "prices.csv").write_text("\n".join(["Zeit;Total SEK/kWh", *rows]) + "\n")
    text = CONFIG.format(code="SEK", day=3.2, night=2, wear=0.1)
    start, end = text.index("[prices]"), text.index("[tariff.export]")
    for key, noted in (("", True), ('currency = "SEK"\n', False)):
        table = f'[prices]\nsources = ["csv"]\nfile = "prices.csv"\n{key}'
        (tmp_path / "optimizer.toml").write_text(text[:start] + table + text[end:])
        done = in_process("plan", "--soc", "50", "--at", "2026-01-14T13:00:00+01:00", "--json")
        assert done.returncode == 0, done.stderr
        notes = json.loads(done.stdout)["notes"]
        assert any('taken as EUR: set [prices] currency = "SEK"' in one for one in notes) is noted
        read = in_process("read", "prices", "--at", "2026-01-14T13:00:00+01:00").stdout
        assert ("öre" in read) is not noted
        assert ('set [prices] currency = "SEK"' in read) is noted


def test_no_rate_of_exchange_is_applied(in_process, tmp_path):
    text = CONFIG.format(code="SEK", day=3.2, night=2, wear=0.1)
    text = text.replace("all_in = true", 'all_in = true\nspot_sources = ["energy-charts"]')
    (tmp_path / "optimizer.toml").write_text(text)
    done = in_process("plan", "--soc", "50")
    assert done.returncode == 3
    assert 'currency = "SEK", but prices of energy-charts are in EUR' in done.stderr


def test_a_bill_names_window_operator_and_holiday(in_process, tmp_path):
    pytest.importorskip("holidays")
    text = CONFIG.format(code="EUR", day=0.1, night=0.05, wear=0).replace("all_in = true\n", "")
    tariff = '[tariff]\ngrid_operator = "netze-bw"\nholidays = "DE-BW"\nvat_percent = 19\n'
    (tmp_path / "optimizer.toml").write_text(text.replace("[tariff.export]", tariff +
                                                         "[tariff.export]"))  # fmt: skip
    done = in_process("read", "prices", "--explain", "--at", "2026-12-25T18:07:00+01:00")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-10:] == [
        "price of 25.12.2026 18:00 (Christmas Day, counts as a Sunday), ct/kWh",
        "  your own price, net        10.00",
        "  supplier's markup           0.00",
        "  levies                      0.00",
        "  electricity tax             0.00",
        "  concession fee              0.00",
        "  grid fee                   11.06   netze-bw   window 17:00 to 22:00",
        "  VAT 19 %                    4.00",
        "  bought                     25.06",
        "  sold (fixed)                5.00",
    ]
    night = in_process("read", "prices", "--explain", "--at", "2026-12-24T23:00:00+01:00").stdout
    assert "  your own price, net         5.00   window 22:00 to 06:00" in night
