"""The live page's contents: each state of a house, the figures beside the JSON, the limits."""

import html
import http.client
import json
import re
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from optimizer.app import current_plan, past_report
from optimizer.app.followed_config import FollowedConfig
from optimizer.app.live import LiveDocuments
from optimizer.cli import show_command, status_command
from optimizer.errors import ConfigError
from optimizer.model.moments import QUARTER
from optimizer.model.override import Override, OverrideKind
from optimizer.model.plan import Intent
from optimizer.model.snapshot import Decision, Reason
from optimizer.report import live_page
from optimizer.store import database, overrides, plan_store
from optimizer.store.overrides import StoredOverride
from optimizer.text import account_text
from tests.app.live_stand import CYCLE, documents, house, served

MOST_BYTES = 200_000
MOST_CPU_S = 0.3
HOUR = timedelta(hours=1)


class Page(HTMLParser):
    """Text of a page by element, and all its elements' names."""

    VOID = frozenset({"meta", "link", "input", "br", "rect", "path", "line", "circle"})

    def __init__(self, text):
        super().__init__()
        self.open, self.names, self.cells, self.texts = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        if {"style", "script", "svg"} & set(self.open):
            return
        self.texts.append(data)
        if "td" in self.open or "th" in self.open:
            self.cells[-1] += data

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def fetch(address, path="/"):
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def seen(at, path="/"):
    """The page of a house, over a socket."""
    with served(at) as address:
        status, text = fetch(address, path)
    return status, Page(text)


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    return house(tmp_path_factory.mktemp("winter"))


@pytest.fixture
def home(tmp_path):
    """A house whose store a test may change."""
    return house(tmp_path)


# Figures ------------------------------------------------------------------------------------------


def test_figures_equal_the_json(once, monkeypatch, capsys):
    with served(once) as address:
        once.cycle()
        text = fetch(address)[1]
        status = json.loads(fetch(address, "/status.json")[1])
        plan = json.loads(fetch(address, "/plan.json")[1])
        for module in (status_command, show_command):
            monkeypatch.setattr(module, "moment", lambda _text: once.now)
            monkeypatch.setattr(module, "load_config", lambda _given: once.config)
        status_command.status(as_json=True)
        assert json.loads(capsys.readouterr().out) == status
        show_command.show(as_json=True)
        assert json.loads(capsys.readouterr().out) == plan
    page = Page(text)
    assert f"now {100 * status['buy_eur_per_kwh']:.1f} ct" in page.text
    assert f"Price now {100 * status['buy_eur_per_kwh']:.1f} ct" in page.text
    executor = status["executor"]
    assert f"Battery {executor['soc_percent']:.0f} %" in page.text
    assert f"planned {status['planned_soc_percent']:.0f} %" in page.text
    assert f"The plan expects {status['planned_saving_eur']:.2f} EUR" in page.text
    assert f"Saved today so far {status['saving_today_eur']:.2f} EUR" in page.text
    held = f"{executor['setpoint_w']:,}".replace(",", "\N{NO-BREAK SPACE}")
    assert f"charge: {held} W at the inverter" in page.text.replace(" 200", "\N{NO-BREAK SPACE}200")
    buying = [f"{100 * step['buy_eur_per_kwh']:.1f}" for step in plan["steps"]]
    rows = re.findall(r"<tr><td>\w{3} [\d:]+<td>[\w -]+<td>([\d.-]+)", text)
    assert rows == buying


def test_the_readout_has_the_figures_of_plan_and_record(once):
    page = documents(once).page(once.now)
    text = live_page.render(page, "n")
    today, yesterday = (
        json.loads(html.unescape(data))
        for data in re.findall(r'<script type="application/json">(.*?)</script>', text)
    )
    local = once.now.astimezone(once.config.zone)
    assert len(yesterday["rows"]) == 96
    assert [end for end, _ in today["rows"]] == sorted(end for end, _ in today["rows"])
    assert today["rows"][-1][0] == today["end"] == page.status.plan.steps[-1].end.timestamp()
    for step in page.status.plan.steps[7:]:
        (words,) = (words for end, words in today["rows"] if end == step.end.timestamp())
        for figure in (
            f"{step.start.astimezone(once.config.zone):%a %H:%M}-",
            f"buying {100 * step.buy_eur_per_kwh:z.1f} ct", f"house {step.load_w * 0.001:.2f} kW",
            f"battery {'gives' if step.battery_w >= 0 else 'takes'} "
            f"{abs(step.battery_w * 0.001):.2f} kW",
        ):  # fmt: skip
            assert figure in words
    quarter = page.report.quarters[-1]
    (words,) = (
        words for end, words in today["rows"] if end == (quarter.start + QUARTER).timestamp()
    )
    assert f"{local:%a}" in words
    drawn_kw = (quarter.drawn_wh - quarter.fed_wh) / quarter.seconds * 3.6
    assert f"grid {'gives' if drawn_kw >= 0 else 'takes'} {abs(drawn_kw):.2f} kW" in words
    assert "% measured" in words


def test_the_money_adds_up_and_is_the_reports(once):
    page = documents(once).page(once.now)
    days = past_report.owner_report(once.config, once.now, 30).days
    by_name = {period.name: period.days for period in page.saved}
    assert list(by_name) == ["today so far", "yesterday", "in January"]
    assert by_name["in January"] == days
    assert (by_name["today so far"], by_name["yesterday"]) == ([days[-1]], [days[-2]])
    shown = Page(live_page.render(page, "n"))
    for name, part in by_name.items():
        place = shown.cells.index(name)
        bill, stored, wear, cost, *without, saved = shown.cells[place + 1 : place + 9]
        cents = [round(100 * float(cell)) for cell in (bill, stored, wear, cost, *without)]
        assert cents[0] - cents[1] + cents[2] == cents[3]
        assert cents[4] + cents[5] == cents[6]
        difference, doubt = saved.split("±")
        assert round(100 * float(difference)) == cents[6] - cents[3]
        total = account_text.total(part)
        assert (cents[0], cents[4], cents[6] - cents[3]) == (
            total.bill, total.self_consumption, total.saved,
        )  # fmt: skip
        unsure = account_text.unsure_together_eur(part, page.report.capacity_wh)
        assert float(doubt) == pytest.approx(unsure, abs=0.006)


def test_forecast_and_reality_are_the_public_tables(once):
    import optimizer

    page = documents(once).page(once.now)
    site = optimizer.Site(once.config.store.folder.parent / "optimizer.toml")
    begin, end = site.day(page.day.isoformat())
    table = site.compare_forecasts(begin, end)
    hours = 0.25
    (totals,) = (found for name, found in page.forecasts if name != "today")
    assert totals.quarters == len(table)
    for name in ("load", "pv"):
        sums = table[[f"forecast_{name}_w", f"{name}_w"]].sum() * hours
        assert getattr(totals, f"{name}_forecast_wh") == pytest.approx(sums.iloc[0], rel=0.01)
        assert getattr(totals, f"{name}_wh") == pytest.approx(sums.iloc[1], rel=0.01)
    text = Page(live_page.render(page, "n")).text
    assert f"{totals.load_wh / 1000:.1f}" in text


# States -------------------------------------------------------------------------------------------


def test_a_winter_day_is_told_from_top_to_bottom(once):
    with served(once) as address:
        once.cycle()
        status, text = fetch(address)
    page = Page(text)
    assert status == 200
    for words in (
        "my house: your battery now", "Friday 16 January 2026, 15:30:00 CET", "FEMS 12 ms",
        "decided 3 s ago", "Planned now:", "Today and tomorrow", "What it saved", "with us",
        "without us", "Thursday 15 January 2026, as it came", "On this day it saved",
        "Forecast and reality", "Health", "answered within 12 ms at the last cycle",
        "reaches to 18.01. 00:00", "status.json",
    ):  # fmt: skip
        assert words in page.text
    assert page.names.count("svg") == 5  # hatching, and each picture wide and narrow
    assert "No executor is running" not in page.text


def test_a_summer_day_with_negative_prices(tmp_path):
    at = house(tmp_path, "summer", 4, 11)
    at.negative_prices()
    status, page = seen(at)
    assert status == 200
    assert "low -12.0 at 12:00" in page.text
    assert "No executor is running: nothing is held, the FEMS looks after itself." in page.text


@pytest.mark.parametrize(
    ("week", "hour", "quarters", "zone"), [("autumn", 12, 100, "CET"), ("spring", 12, 92, "CEST")]
)
def test_the_days_on_which_the_clock_changes(tmp_path, week, hour, quarters, zone):
    at = house(tmp_path, week, 6, hour)
    page = documents(at).page(at.now)
    assert f", {12 + {'autumn': -1, 'spring': 1}[week]}:00:00 {zone}" in live_page.render(page, "n")
    assert len(page.report.quarters) == 48
    after = documents(at).page(at.now + timedelta(days=1))
    assert after.day == date(*{"autumn": (2025, 10, 26), "spring": (2026, 3, 29)}[week])
    text = live_page.render(after, "n")
    *_, data = re.findall(r'<script type="application/json">(.*?)</script>', text)
    rows = json.loads(html.unescape(data))["rows"]
    assert len(rows) == quarters
    assert len({words.partition("  ")[0] for _, words in rows}) == quarters  # no time occurs twice
    assert "clock back: CET" in text or "clock forward: CEST" in text


def test_a_plan_that_has_ended_is_never_shown_as_to_come(once):
    at = once.later(timedelta(days=3))
    status, page = seen(at)
    assert status == 200
    assert "Nothing is planned for now: no plan covers 2026-01-19T14:30:00Z" in page.text
    assert "Planned now" not in page.text
    assert "Price now" not in page.text
    assert fetch_of(at, "/plan.json")[0] == 404


def fetch_of(at, path):
    with served(at) as address:
        status, text = fetch(address, path)
    return status, json.loads(text)


def test_an_old_plan_is_a_finding(once):
    at = once.later(timedelta(hours=30))
    assert "made 16.01. 14:00: older than a day" in seen(at)[1].text


def test_a_pause_stands_above_all(home):
    home.paused()
    with served(home) as address:
        paused = replace(
            CYCLE, setpoint_w=None, reason=Reason.PAUSED, intent=Intent.SELF_CONSUMPTION
        )
        home.cycle(paused)
        page = Page(fetch(address)[1])
        assert json.loads(fetch(address, "/status.json")[1])["state"] == "paused"
    assert (
        "Paused since 2026-01-16 14:30 by 'optimizer pause', until 'optimizer resume'." in page.text
    )
    assert "holds nothing" not in page.text  # it is no fault


def test_an_override_stands_above_all_with_its_price_and_ends(home):
    order = Override(
        1, OverrideKind.HOLD, home.now - HOUR, home.now + HOUR, "'optimizer override hold'"
    )
    kept = documents(home)
    assert "Override" not in Page(live_page.render(kept.page(home.now), "n")).text
    with closing(database.connect(home.folder)) as connection, database.transaction(connection):
        overrides.take(connection, StoredOverride(order, 0.31))
    page = Page(live_page.render(kept.page(home.now), "n"))
    assert f"Override: {order.text(home.config.zone)}, taken for 0.31 EUR." in page.text
    assert page.text.count("taken for 0.31 EUR") == 1
    assert "Override" not in Page(live_page.render(kept.page(home.now + HOUR), "n")).text


def test_a_shadow_run_says_that_nothing_is_written(once):
    with served(once) as address:
        once.cycle(shadow=True)
        page = Page(fetch(address)[1])
        assert json.loads(fetch(address, "/status.json")[1])["executor"]["shadow"] is True
    assert (
        "This is a shadow run: everything is decided, nothing is written to the FEMS." in page.text
    )
    assert "would be held: this is a shadow run" in page.text


def test_a_fems_that_does_not_answer_is_named(once):
    with served(once) as address:
        once.cycle(
            Decision(CYCLE.at, None, Reason.UNREACHABLE, note="no route to host"), None, read_s=None
        )
        page = Page(fetch(address)[1])
    assert "the FEMS does not answer; no route to host" in page.text
    assert "FEMS did not answer at the last cycle" in page.text
    assert "2 of 6 checks need attention" in page.text or "need attention" in page.text


def test_an_executor_that_stopped_writing_does_not_run(once):
    with served(once) as address:
        once.cycle(ago_s=300)
        page = Page(fetch(address)[1])
    assert "not running" in page.text
    assert "charge: -4" not in page.text


def test_without_a_plan_and_without_a_store_there_is_a_sentence(tmp_path):
    empty = house(tmp_path / "none", recorded=False)
    status, page = seen(empty)
    assert status == 200
    assert "there is no plan yet, and no store in" in page.text
    assert "Nothing can be accounted yet" in page.text
    assert "Nothing was recorded on this day." in page.text
    assert not empty.folder.exists()
    assert fetch_of(empty, "/plan.json")[0] == 404
    with closing(database.connect(empty.folder)):
        status, page = seen(empty)
    assert "there is no plan yet: make one with 'optimizer plan'" in page.text


def test_a_damaged_store_is_a_sentence_and_stays(home):
    path = home.folder / database.FILE_NAME
    path.write_bytes(b"no database" * 1_000)
    status, page = seen(home)
    assert status == 503
    assert "is damaged" in page.text
    assert fetch_of(home, "/status.json")[0] == 503
    assert path.read_bytes() == b"no database" * 1_000


@pytest.mark.parametrize("site", ["<script>alert(1)</script>", "</title><img src=x onerror=y>",
                                  '"><svg/onload=z>', "{{ 7*7 }}"])  # fmt: skip
def test_a_name_stays_text(once, site):
    plain = live_page.render(documents(once).page(once.now), "n")
    named = replace(once, config=replace(once.config, site=site))
    text = live_page.render(documents(named).page(named.now), "n")
    page = Page(text)
    assert site in page.text
    assert page.names == Page(plain).names


def test_notes_and_reasons_stay_text(once):
    page = documents(once).page(once.now)
    evil = "</script><script>alert(1)</script>"
    step = replace(page.status.plan.steps[10], why=evil)
    steps = (*page.status.plan.steps[:10], step, *page.status.plan.steps[11:])
    plan = replace(page.status.plan, notes=(evil,), steps=steps)
    status = replace(page.status, plan=plan, no_plan=evil)
    text = live_page.render(
        replace(page, status=status, report=replace(page.report, plan=plan)), "n"
    )
    assert Page(text).names.count("script") == 3


def test_half_a_character_in_a_note_is_no_fault(once):
    with served(once) as address:
        once.cycle(replace(CYCLE, note="half a \ud83d character"))
        for path in ("/", "/status.json"):
            status, text = fetch(address, path)
            assert status == 200
            assert "half a \\ud83d character" in text
        assert json.loads(text)["executor"]["note"] == "half a \ud83d character"


# The day's choice ---------------------------------------------------------------------------------


def test_any_recorded_day_can_be_chosen(once):
    with served(once) as address:
        text = fetch(address, "/?day=2026-01-13")[1]
        page = Page(text)
        assert "Tuesday 13 January 2026, as it came" in page.text
        assert 'href="/?day=2026-01-12#day"' in text
        assert 'href="/?day=2026-01-14#day"' in text
        first = fetch(address, "/?day=2026-01-12")[1]
        assert "day before" not in first
        assert "Nothing was recorded" in fetch(address, "/?day=2025-01-12")[1]
        for wrong in ("yesterday", "2026-13-01", "20260231", "0001-01-01", "9999-12-31"):
            status, text = fetch(address, f"/?day={wrong}")
            assert status == 400
            assert "The day should be" in text


# What is kept between answers ---------------------------------------------------------------------


def test_what_is_kept_never_differs_from_what_would_be_read_now(home):
    kept = documents(home)
    times = [home.now + timedelta(minutes=minutes) for minutes in (-600, -5, 0, 0.5, 20, 520, 700)]
    for now in times:
        for day in (None, date(2026, 1, 13)):
            ours, fresh = (
                # the disk is other programs' too: its free space may change in between
                re.sub(r"[\d.]+ GB free", "", live_page.render(one.page(now, day), "n"))
                for one in (kept, documents(home))
            )
            assert ours == fresh
        with closing(database.connect(home.folder)) as connection:
            connection.execute(
                "UPDATE quarter SET drawn_wh = drawn_wh + 50, seconds = seconds - 0.5 "
                "WHERE start = (SELECT max(start) FROM quarter WHERE start < ?)",
                (now.isoformat().replace("+00:00", "Z"),),
            )
    plan = current_plan.plan_in_force(home.config, home.now)
    before = kept.page(home.now)
    newer = replace(plan, made_at=home.now, notes=("made just now",))
    with closing(database.connect(home.folder)) as connection:
        plan_store.save(connection, newer, {}, home.now)
    after = kept.page(home.now)
    assert "made just now" not in before.status.plan.notes
    assert after.status.plan.notes == ("made just now",)


def test_a_configuration_that_changes_is_followed(home):
    path = home.folder.parent / "optimizer.toml"
    followed = FollowedConfig(path)
    assert followed.current() is followed.current()
    assert followed.current().site == "my house"
    text = path.read_text()
    path.write_text(text.replace("my house", "another house"))
    assert followed.current().site == "another house"
    path.write_text(text.replace("capacity_wh", "capacity"))
    for _ in range(2):
        with pytest.raises(ConfigError, match="capacity"):
            followed.current()
    at = replace(home, now=home.now)
    with served(at) as address:
        assert fetch(address)[0] == 200
    path.write_text(text)
    assert LiveDocuments(followed.current).page(home.now).report.site == "my house"
    path.unlink()
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        followed.current()


def test_the_store_is_as_it_was_after_any_number_of_answers(home):
    path = home.folder / database.FILE_NAME
    before = path.read_bytes()
    with served(home) as address:
        for path_ in ("/", "/?day=2026-01-13", "/status.json", "/plan.json"):
            assert fetch(address, path_)[0] == 200
        assert path.read_bytes() == before
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")  # as a planner that stores a plan
            assert fetch(address)[0] == 200
            writer.execute("ROLLBACK")


# Limits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("week", ["winter", "summer"])
def test_size_and_work_of_an_answer_have_limits(tmp_path, week):
    at = house(tmp_path, week)
    kept = documents(at)
    kept.page(at.now)
    spent = []
    for _ in range(3):
        begun = time.process_time()
        text = live_page.render(kept.page(at.now), "nonce")
        spent.append(time.process_time() - begun)
    assert len(text.encode()) < MOST_BYTES
    assert min(spent) < MOST_CPU_S
