"""Amounts in the owner's own currency in everything that people read."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.app.live import LiveDocuments
from optimizer.config import loading
from optimizer.model.currency import CURRENCIES
from optimizer.report import live_page

CONFIG = """
[fems]
url = "http://127.0.0.1:9"
password = "env:FEMS_PASSWORD"
[battery]
capacity_wh = 22_000
hybrid = false
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
CODES = ("CHF", "DKK", "CZK", "HUF")
UNITS = {one.price_unit for one in CURRENCIES.values()} - {"p", "st", "kr", "gr"}
"""Units of prices that are no other words."""


def foreign(code):
    """Codes and units of every currency but one."""
    own = CURRENCIES[code]
    names = (UNITS | CURRENCIES.keys()) - {own.code, own.price_unit}
    return re.compile(rf"(?<!\w)({'|'.join(sorted(names))})(?!\w)")


def words_of(page):
    """What is read on a page: its text and the picture's read-out, without what only draws."""
    plain = re.sub(r"<style.*?</style>", " ", page, flags=re.DOTALL)
    rows = re.findall(r"<script type=.application/json.*?</script>", plain, re.DOTALL)
    return re.sub(r"<script.*?</script>|<[^>]*>", " ", plain, flags=re.DOTALL) + " ".join(rows)


@pytest.mark.parametrize("code", CODES)
def test_every_text_names_the_currency(in_process, tmp_path, code):
    money = CURRENCIES[code]
    path = tmp_path / "optimizer.toml"
    text = CONFIG.format(code=code, day=0.32 * money.size, night=0.2 * money.size)
    path.write_text(text)
    plan = in_process("plan", "--soc", "50", "--json")
    assert plan.returncode == 0, plan.stderr
    assert json.loads(plan.stdout)["currency"] == code
    seen = in_process("plan", "--soc", "50").stdout
    for command in COMMANDS:
        done = in_process(*command.split(), *(() if command != "report" else ("--out", "r.html")))
        assert done.returncode == 0, done.stderr
        seen += done.stdout
    path.chmod(0o600)
    config = loading.load(path)
    assert config.battery.wear_eur_per_kwh == 0.01 * money.size
    live = live_page.render(LiveDocuments(lambda: config).page(datetime.now(UTC)), "")
    for shown in (seen, words_of((tmp_path / "r.html").read_text()), words_of(live)):
        assert foreign(code).findall(shown) == []
        assert code in shown
        assert money.price_unit in shown


def test_in_eur_a_plan_has_no_key_for_it(in_process, tmp_path):
    text = CONFIG.format(code="EUR", day=0.32, night=0.2)
    (tmp_path / "optimizer.toml").write_text(text)
    done = in_process("plan", "--soc", "50", "--json")
    assert "currency" not in json.loads(done.stdout)


def test_a_table_in_another_currency_is_told(in_process, tmp_path):
    """Prices of a table in SEK without the key: a note in the plan; with it none."""
    begin = datetime(2026, 1, 14, 11, tzinfo=UTC)
    rows = [f"{begin + n * timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ};{1 + n % 5}" for n in range(30)]
    (tmp_path / "prices.csv").write_text("\n".join(["Zeit;Total SEK/kWh", *rows]) + "\n")
    text = CONFIG.format(code="SEK", day=3.2, night=2)
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


def test_an_exchange_in_eur_needs_a_rate(in_process, tmp_path):
    text = CONFIG.format(code="SEK", day=3.2, night=2)
    text = text.replace("all_in = true", 'all_in = true\nspot_sources = ["energy-charts"]')
    (tmp_path / "optimizer.toml").write_text(text)
    done = in_process("plan", "--soc", "50")
    assert done.returncode == 3
    said = 'currency = "SEK", but prices of energy-charts are in EUR: write eur_rate'
    assert said in done.stderr


def test_a_table_in_eur_is_taken_at_the_rate(in_process, tmp_path):
    begin = datetime(2026, 1, 14, 11, tzinfo=UTC)
    rows = [f"{begin + n * timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ};{60 + n}" for n in range(30)]
    (tmp_path / "prices.csv").write_text("\n".join(["Zeit;Spot EUR/MWh", *rows]) + "\n")
    text = CONFIG.format(code="CZK", day=5, night=3)
    start, end = text.index("[prices]"), text.index("[tariff.export]")
    table = '[prices]\nsources = ["csv"]\nfile = "prices.csv"\ncurrency = "CZK"\neur_rate = 25\n'
    parts = "[tariff]\ngrid_fee_eur_per_kwh = 2.5\nvat_percent = 21\n"
    (tmp_path / "optimizer.toml").write_text(text[:start] + table + parts + text[end:])
    at = ("--at", "2026-01-14T12:00:00+01:00")
    done = in_process("read", "prices", "--explain", *at)
    assert done.returncode == 0, done.stderr
    assert "taken at 25 CZK for one EUR" in done.stdout
    assert "  exchange, net              1.500" in done.stdout
    assert "  bought                     4.840" in done.stdout
    plan = json.loads(in_process("plan", "--soc", "50", "--json", *at).stdout)
    assert plan["steps"][0]["buy_eur_per_kwh"] == pytest.approx(1.21 * (0.06 * 25 + 2.5))


def test_bounds_and_a_rate_are_those_of_the_currency(in_process, tmp_path):
    """A Czech price of 6.50 is right, 650 is the unit's mistake; in EUR 6.50 is one already."""
    for code, day, fault in (
        ("CZK", 6.5, ""), ("CZK", 650, "should be at most 125 (it is 650)"),
        ("EUR", 6.5, "should be at most 5 (it is 6.5)"),
    ):  # fmt: skip
        (tmp_path / "optimizer.toml").write_text(CONFIG.format(code=code, day=day, night=2))
        done = in_process("plan", "--soc", "50", "--dry-run")
        assert (done.returncode == 3) is bool(fault)
        assert fault in done.stderr
    text = CONFIG.format(code="EUR", day=0.3, night=0.2)
    (tmp_path / "optimizer.toml").write_text(text.replace("all_in", "eur_rate = 25\nall_in", 1))
    assert "eur_rate, which is for a currency other than EUR" in in_process("plan").stderr


def test_a_bill_names_window_operator_and_holiday(in_process, tmp_path):
    pytest.importorskip("holidays")
    text = CONFIG.format(code="EUR", day=0.1, night=0.05).replace("all_in = true\n", "")
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
