"""`optimizer override` as an owner types it: price, refusal, replacement, end; real processes."""

import json
import re
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import typer

from optimizer.cli.override_command import local_moment
from optimizer.errors import ExitCode
from optimizer.model import plan_json
from optimizer.model.snapshot import Channel
from optimizer.store import database, overrides, plan_store

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def owner(fems, write_config, files_for_now, in_process):
    """Commands of an owner whose prices stay dear after two cheap hours."""
    write_config(files_for_now, url=fems.url)
    return in_process


def local(hours):
    """A local time of day so many hours ahead, as it is typed."""
    return f"{datetime.now(BERLIN) + timedelta(hours=hours):%H:%M}"


def store(folder):
    return closing(database.connect(folder / "state"))


def test_a_charge_is_priced_taken_listed_and_cancelled(owner, tmp_path):
    done = owner("override", "charge", "--to", "90", "--by", local(20), "--yes")
    assert done.returncode == 0, done.stderr
    price, taken = (" ".join(part.split()) for part in re.split(r"\n(?! )", done.stdout.strip()))
    assert "EUR more than the plan; 90 % at " in price
    assert price.startswith("charge to 90 % by ")
    assert taken == "taken; no executor is running: 'optimizer run' carries it out"
    listed = json.loads(owner("override", "list", "--json").stdout)["overrides"]
    assert [(row["kind"], row["state"], row["soc_percent"]) for row in listed] == [
        ("charge", "in_force", 90.0)
    ]
    assert f"{listed[0]['cost_eur']:.2f} EUR more" in price
    assert listed[0]["cost_eur"] > 0.05
    shown = json.loads(owner("show", "--json").stdout)
    assert shown["override"]["number"] == 1
    assert any(note.startswith("override: charge to 90 % by ") for note in shown["notes"])
    done = owner("override", "cancel")
    assert done.stdout.startswith("cancelled: charge to 90 % by ")
    assert done.stdout.endswith("a new plan without it is in force\n")
    assert "override" not in json.loads(owner("show", "--json").stdout)
    assert owner("override", "list").stdout.startswith("cancelled   charge to 90 % by ")
    assert owner("override", "cancel").stdout == "no override is in force\n"


def test_the_price_is_that_of_the_two_plans(owner, tmp_path):
    """The stored plan is the one that priced it; the run repeats it to the byte."""
    done = owner("override", "charge", "--to", "100", "--by", local(30), "--yes")
    assert done.returncode == 0, done.stderr
    (tmp_path / "run.json").write_text(owner("export", "run", "--json").stdout or "")
    with store(tmp_path) as connection:
        now = datetime.now(UTC)
        number = plan_store.number_in_force(connection, now)
        plan, run = plan_store.load(connection, number), plan_store.run_of(connection, number)
        stored = overrides.in_force(connection, now)
    assert run["request"]["override"]["soc_percent"] == 100.0
    assert plan.override == stored.override
    (tmp_path / "run.json").write_text(json.dumps(run | {"plan": plan_json.to_json(plan)}))
    done = owner("replay", "run.json")
    assert done.returncode == 0, done.stderr
    free = json.loads(owner("plan", "--dry-run", "--json").stdout)
    assert free["override"]["number"] == 1  # every later plan is under it
    assert max(step["soc_wh"] for step in free["steps"]) == pytest.approx(22_000, abs=5)


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["hold", "--for", "3h"], "hold until "),
        (["self-consumption", "--for", "3h"], "self-consumption until "),
        (["charge", "--to", "90"], "charge to 90 % as soon as possible"),
        (["charge", "--to", "60", "--by", "20h"], "charge to 60 % by "),
    ],
)
def test_an_override_is_explained_at_every_step(owner, args, text):
    """Also where it leaves no choice: the alternatives are then not possible."""
    args = [local(20) if arg == "20h" else arg for arg in args]
    assert owner("override", *args, "--yes").returncode == 0
    for ahead in (0, 20, 45, 120, 300):
        at = datetime.now(UTC) + timedelta(minutes=ahead)
        done = owner("explain", at.isoformat())
        assert done.returncode == 0, done.stderr
        within = ahead < 180 or args[0] == "charge"
        assert (f"\noverride    {text}" in done.stdout) is within
    data = json.loads(owner("explain", "--json").stdout)
    assert data["override"]["kind"] == args[0].replace("-", "_")
    shown = json.loads(owner("show", "--json").stdout)
    if args[0] == "hold":
        assert shown["steps"][1]["why"].startswith(f"override ({text}")


def test_without_a_terminal_nothing_is_taken(owner, tmp_path):
    done = owner("override", "hold", "--for", "2h")
    assert done.returncode == ExitCode.USAGE
    assert done.stdout.startswith("hold until ")
    assert "--yes takes it where nobody can be asked" in done.stderr
    assert owner("override", "list").stdout == "there was no override yet\n"


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (
            ["charge", "--to", "100", "--by", "MIN5"],
            ["100 % can be reached at ", " at the earliest; by ", " %"],
        ),
        (
            ["charge", "--to", "99", "--power", "100"],
            ["99 % cannot be reached within what is forecast; by "],
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_reached_is_refused_with_what_can(owner, tmp_path, args, parts):
    soon = f"{datetime.now(BERLIN) + timedelta(minutes=5):%H:%M}"
    done = owner("override", *[soon if arg == "MIN5" else arg for arg in args], "--yes")
    assert done.returncode == ExitCode.INFEASIBLE
    assert all(part in done.stderr for part in parts)
    assert owner("override", "list").stdout == "there was no override yet\n"


def test_rule_and_highest_charge_are_named_where_they_forbid_it(
    fems, write_config, files_for_now, in_process
):
    path = write_config(files_for_now, url=fems.url)
    text = path.read_text().replace("hybrid = false", "hybrid = false\nmax_soc_percent = 90")
    path.write_text(text.replace("max_sell_w = 9_000", 'max_sell_w = 9_000\nrule = "pv_only"'))
    done = in_process("override", "charge", "--to", "95", "--yes")
    assert done.returncode == ExitCode.INFEASIBLE
    assert "95 % is above battery.max_soc_percent: 90 % can be reached at most" in done.stderr
    done = in_process("override", "charge", "--to", "80", "--by", local(10), "--yes")
    assert done.returncode == ExitCode.INFEASIBLE
    assert done.stderr.endswith(" 50 % (the rule 'pv_only' forbids charging from the grid)\n")
    done = in_process("override", "charge", "--to", "40", "--yes")
    assert done.returncode == ExitCode.USAGE
    assert "the battery is at 50 % already" in done.stderr


def test_a_newer_override_replaces_the_older_and_the_older_plans_are_void(owner, tmp_path):
    assert owner("plan").returncode == 0
    assert owner("override", "charge", "--to", "90", "--by", local(20), "--yes").returncode == 0
    done = owner("override", "self-consumption", "--until", local(3), "--yes")
    assert "it replaces: charge to 90 % by " in done.stdout
    listed = owner("override", "list").stdout.splitlines()
    assert listed[0].startswith("in force    self-consumption until ")
    assert any(line.startswith("replaced    charge to 90 % by ") for line in listed)
    with store(tmp_path) as connection:
        now = datetime.now(UTC)
        assert plan_store.in_force(connection, now).override.number == 2
        with database.transaction(connection):
            overrides.close(connection, now, overrides.Ending.CANCELLED)
        assert plan_store.in_force(connection, now).override is None  # the very first plan again


def test_away_plans_with_the_base_load_and_costs_the_owner_nothing(owner, tmp_path):
    week = datetime.now(BERLIN) + timedelta(days=7)
    done = owner("override", "away", "--until", f"{week:%Y-%m-%d}", "--yes")
    assert done.returncode == 0, done.stderr
    assert "the plan expects " in " ".join(done.stdout.split())
    assert json.loads(owner("override", "list", "--json").stdout)["overrides"][0]["cost_eur"] == 0
    steps = json.loads(owner("show", "--json").stdout)["steps"]
    assert {step["load_w"] for step in steps} == {round(0.4 * 4_000_000 / 8_760, 2)}


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["hold"], "give one of --for and --until"),
        (["hold", "--for", "2h", "--until", "18:00"], "give one of --for and --until"),
        (["away", "--until", "2020-01-01"], "after this moment and within 366 days"),
        (["hold", "--until", "25:00"], "is no local time or date"),
        (["hold", "--for", "500d"], "is not a length of time"),
        (["charge", "--to", "0"], "should be at least 1"),
        (["charge", "--to", "80", "--by", "2199-12-31"], "within 7 days"),
        (["charge", "--to", "80", "--power", "0"], "should be at least 1"),
        (["charge"], "Missing option '--to'"),
    ],
)
def test_wrong_words_are_one_clear_sentence(owner, args, text):
    done = owner("override", *args, "--yes")
    assert done.returncode == ExitCode.USAGE
    assert text in " ".join(done.stderr.replace("│", " ").split())


def test_local_times_are_the_next_ones_on_any_day():
    spring = datetime(2026, 3, 28, 22, tzinfo=UTC)  # the clocks change in this night
    assert local_moment("07:00", spring, BERLIN, "--by") == datetime(2026, 3, 29, 5, tzinfo=UTC)
    assert local_moment("2:30", spring, BERLIN, "--by") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert local_moment("2026-03-30", spring, BERLIN, "") == datetime(2026, 3, 29, 22, tzinfo=UTC)
    named = local_moment("2026-03-30T18:00", spring, BERLIN, "")
    assert named == local_moment("2026-03-30T16:00Z", spring, BERLIN, "")
    for text in ("7", "7:60", "tomorrow", "0001-01-01", "9999-12-31", ""):
        with pytest.raises(typer.BadParameter):
            local_moment(text, spring, BERLIN, "--by")


@pytest.mark.slow
def test_an_executor_carries_it_out_and_a_pause_stands_above(
    fems, owner, optimizer, start, wait_for, tmp_path
):
    """Killed and started again it goes on; the pause takes it away, `resume` gives it back."""
    held = fems.house.written.values
    assert owner("override", "charge", "--to", "95", "--power", "2000", "--yes").returncode == 0
    process = start("run", "--no-replan")
    wait_for(lambda: held.get(Channel.EQUALS) == -2_000)
    status = json.loads(optimizer("status", "--json").stdout)
    assert status["override"]["soc_percent"] == 95.0
    assert "charge to 95 % as soon as possible with at most 2000 W" in status["why"]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process = start("run", "--no-replan")

    def at_work():
        live = json.loads(optimizer("status", "--json").stdout)["executor"]
        return (live["pid"], live["reason"]) == (process.pid, "holding")

    wait_for(at_work)
    assert held.get(Channel.EQUALS) == -2_000
    done = optimizer("pause")
    assert done.returncode == 0
    wait_for(lambda: not any(held.values()))
    done = owner("override", "hold", "--for", "2h", "--yes")
    assert "a pause stands above it: since " in " ".join(done.stdout.split())
    lines = " ".join(optimizer("status").stdout.split())
    assert lines.startswith("PAUSED ")
    assert "override hold until " in lines
    assert optimizer("resume").returncode == 0
    process.send_signal(signal.SIGTERM)
    process.wait()
    with store(tmp_path) as connection:
        notes = [note for (note,) in connection.execute("SELECT note FROM tick")]
    assert any(note.startswith("charge to 95 % as soon as possible") for note in notes)


def test_a_question_is_asked_at_a_terminal(owner, monkeypatch, tmp_path):
    """A pseudo-terminal answers no, then yes."""
    for answer, taken in (("n", False), ("y", True)):
        done = subprocess.run(
            [sys.executable, "-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)",
             sys.executable, "-m", "optimizer", "override", "hold", "--for", "1h"],
            input=f"{answer}\n", text=True, capture_output=True, cwd=tmp_path, timeout=60,
            check=False,
        )  # fmt: skip
        assert "take it? [y/N]" in done.stdout
        assert ("taken; " in done.stdout) is taken
        assert ("nothing was taken" in done.stdout) is not taken


def test_a_fems_that_does_not_answer_leaves_everything_as_it_was(
    write_config, files_for_now, in_process
):
    write_config(files_for_now)
    done = in_process("override", "hold", "--for", "1h", "--yes")
    assert done.returncode == ExitCode.UNREACHABLE
    assert in_process("override", "list").stdout == "there was no override yet\n"
