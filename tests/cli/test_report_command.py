"""`report`, the saving in `status`, and the accounts that `plan` closes."""

import json
import logging
from datetime import UTC, datetime

import pytest

from optimizer.cli import status_command
from optimizer.simulation import minute_simulation, sample_data
from optimizer.store import closed_accounts, database

EVENING = "2026-01-12T20:00:00+01:00"


@pytest.fixture
def optimizer(in_process):
    """Many commands."""
    return in_process


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """A store in which the first winter day was lived."""
    folder = tmp_path_factory.mktemp("journal")
    connection = database.connect(folder)
    minute_simulation.simulate_minutes(connection, sample_data.folder() / "winter", days=1)
    connection.close()
    return folder


@pytest.fixture
def house(write_config, journal, tmp_path):
    """The configuration of that house, with a copy of its store."""
    (tmp_path / "state").mkdir(mode=0o700)
    connection = database.connect(journal)
    connection.execute("VACUUM INTO ?", (str(tmp_path / "state" / database.FILE_NAME),))
    connection.close()
    return write_config()


def test_the_report_is_written_and_told(optimizer, house, tmp_path):
    done = optimizer("report", "--at", EVENING, "--days", "2")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "EUR"
    assert lines[2].startswith("2026-01-12")
    left_out = "left out on both sides, of 80 quarter-hours: 1 without a measurement"
    rules = lines[lines.index(left_out) + 1 : -1]
    assert rules[0].startswith("  no battery  the house with its roof alone")
    assert max(map(len, rules)) <= 80
    assert {"stored", "wear", "saved"} <= {line.split()[0] for line in rules if line[2] != " "}
    assert lines[-1] == "The whole story with pictures: optimizer-report.html"
    html = (tmp_path / "optimizer-report.html").read_text()
    assert "<p>No executor is running" in html
    assert "2026-01-12" in html
    assert "<h2>Data" not in html  # own files oblige to nothing


def test_sources_that_want_to_be_named_are(optimizer, house, tmp_path):
    text = house.read_text().replace('sources = ["csv"]', 'sources = ["csv", "smard"]')
    house.write_text(text)
    assert optimizer("report", "--at", EVENING, "-o", "other.html").returncode == 0
    assert "Bundesnetzagentur | SMARD.de" in (tmp_path / "other.html").read_text()
    assert not (tmp_path / "optimizer-report.html").exists()


def test_the_report_as_json_is_the_accounts(optimizer, house, tmp_path):
    done = optimizer("report", "--at", EVENING, "--json")
    data = json.loads(done.stdout)
    assert (data["schema"], data["file"], len(data["days"])) == ("report/1", None, 1)
    day = data["days"][0]
    parts = day["planning_eur"] + day["forecast_eur"] + day["execution_eur"]
    assert parts == pytest.approx(day["saving_eur"], abs=0.0002)
    assert data["total"]["saved_eur"] == round(day["saving_eur"], 2)
    assert not list(tmp_path.glob("*.html"))
    named = json.loads(optimizer("report", "--at", EVENING, "--json", "-o", "a.html").stdout)
    assert named["file"] == "a.html"
    assert (tmp_path / "a.html").exists()


def test_a_store_without_anything_is_told_in_words(optimizer, write_config, tmp_path):
    write_config()
    done = optimizer("report")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("nothing can be accounted yet")
    assert "there is no plan yet" in (tmp_path / "optimizer-report.html").read_text()


def test_a_file_that_cannot_be_written_is_named(optimizer, house):
    done = optimizer("report", "--at", EVENING, "-o", "nowhere/report.html")
    assert done.returncode == 8
    assert "nowhere/report.html cannot be written: No such file" in done.stderr


def test_status_tells_what_was_saved_today(optimizer, house, monkeypatch):
    monkeypatch.setattr(
        status_command, "moment", lambda _: datetime.fromisoformat(EVENING).astimezone(UTC)
    )
    last = " ".join(optimizer("status").stdout.split())
    data = json.loads(optimizer("status", "--json").stdout)
    assert data["today"]["day"] == "2026-01-12"
    assert data["saving_today_eur"] == data["today"]["saving_eur"]
    assert f"saving so far today {data['saving_today_eur']:.2f} EUR, expected saving of" in last


def test_status_tells_no_saving_where_there_is_no_account(optimizer, house):
    data = json.loads(optimizer("status", "--json").stdout)
    assert (data["today"], data["saving_today_eur"]) == (None, None)


def test_a_plan_closes_the_days_before_it(optimizer, house, tmp_path, monkeypatch, caplog):
    from optimizer.cli import plan_command

    day_after = datetime(2026, 1, 13, 2, tzinfo=UTC)
    monkeypatch.setattr(plan_command, "moment", lambda text, name="": day_after)
    assert optimizer("plan", "--soc", "30").returncode == 0
    connection = database.connect(tmp_path / "state")
    closed = closed_accounts.load(connection, "2026-01-01", "2026-02-01")
    assert list(closed) == ["2026-01-12"]
    connection.execute("DELETE FROM ledger_day")
    connection.execute("DROP TABLE quarter")
    with caplog.at_level(logging.WARNING):
        done = optimizer("plan", "--soc", "30")
    assert done.returncode == 0
    assert "expected saving of the plan" in done.stdout
    assert "the savings of the last days cannot be accounted for" in caplog.text
    assert connection.execute("SELECT count(*) FROM plan").fetchone() == (4,)
    connection.close()
