"""`explain`, `replay`, `export` and `plan --at` without --soc: what the store knows, told again."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.errors import install_command
from optimizer.model.moments import QUARTER
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.model.snapshot import Decision, Reason, Snapshot
from optimizer.store import database, journal, live_state, quarter_record

AT = ("--at", "2026-01-14T00:00:00+01:00", "--soc", "30")
MIDNIGHT = datetime(2026, 1, 13, 23, tzinfo=UTC)


@pytest.fixture
def optimizer(in_process):
    """A test has many commands."""
    return in_process


@pytest.fixture(scope="module")
def once():
    """The plan's text and its store, made by the first test that needs them."""
    return {}


@pytest.fixture
def planned(optimizer, write_config, tmp_path, once, tmp_path_factory):
    """A stored plan of the sample winter week, as `plan --json` printed it."""
    path = write_config()
    path.write_text(path.read_text().replace('"env:FEMS_PASSWORD"', '"a-canary-password"'))
    path.chmod(0o600)
    if not once:
        done = optimizer("plan", *AT, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        folder = tmp_path_factory.mktemp("once") / "state"
        once.update(text=done.stdout, folder=shutil.copytree(tmp_path / "state", folder))
    else:
        shutil.copytree(once["folder"], tmp_path / "state")
    return once["text"]


@pytest.fixture
def note(tmp_path):
    """Write into the journal of the configured store."""

    def write(at, soc):
        connection = database.connect(tmp_path / "state")
        active_plan = journal.Journal(connection)
        seen = Snapshot(at=at, soc_percent=soc, grid_w=120.5)
        active_plan.note(Decision(at, -3_000, Reason.HOLDING, note="cheap, so to say"), seen)
        active_plan.flush()
        connection.close()

    return write


def test_a_step_is_explained_from_the_store_alone(optimizer, planned, tmp_path):
    done = optimizer("explain", "2026-01-14T02:05:00+01:00")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "Wed 14 Jan 02:00-02:15: charge, battery takes 10 000 W (plan of Wed 14 Jan 00:00)"
    )
    assert lines[1].startswith("why         cheap before the peak (54.0 ct at 18:00)")
    assert [line[2:27].rstrip() for line in lines[-4:]] == [
        "charge 10 000 W", "hold", "discharge 1 271 W", "self-consumption 1 271 W",
    ]  # fmt: skip
    reported = json.loads(optimizer("explain", "2026-01-14T02:05:00+01:00", "--json").stdout)
    steps = {step["start"]: step for step in json.loads(planned)["steps"]}
    expected = steps["2026-01-14T01:00:00Z"]
    expected.pop("values_eur_per_kwh")
    assert reported["step"] == expected
    assert [item["planned"] for item in reported["alternatives"]] == [True, False, False, False]
    assert all(item["difference_eur"] >= 0 for item in reported["alternatives"])


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (("2026-03-14T02:00Z",), 6, "no plan covers 2026-03-14T02:00:00Z"),
        ((), 6, "no plan covers"),
        (("two",), 2, "Invalid value for ISO: 'two' is not a moment such as"),
        (("2026-01-14T02:00",), 2, "has no offset from UTC"),
    ],
)
def test_what_cannot_be_explained_is_said(optimizer, planned, args, code, text):
    done = optimizer("explain", *args)
    assert (done.returncode, done.stdout) == (code, "")
    assert text in " ".join(done.stderr.split())


def test_now_the_actual_state_of_charge_counts_too(
    optimizer, write_config, files_for_now, tmp_path
):
    write_config(files_for_now)
    assert optimizer("plan", "--soc", "30").returncode == 0
    state = live_state.path_for(tmp_path / "state")
    for at, there in ((datetime.now(UTC) - timedelta(hours=1), False), (datetime.now(UTC), True)):
        seen = Snapshot(at=at, soc_percent=61.0)
        live_state.write(state, Decision(at, None, Reason.SELF_CONSUMPTION), seen, 1)
        done = optimizer("explain")
        assert ("now         61 %: worth " in done.stdout) is there
    reported = json.loads(optimizer("explain", "--json").stdout)
    assert reported["actual_soc_percent"] == 61.0
    state.unlink()


def test_a_plan_without_its_run_cannot_be_explained(optimizer, planned, tmp_path):
    connection = database.connect(tmp_path / "state")
    connection.execute("UPDATE run SET input = packed('{}')")
    connection.close()
    done = optimizer("explain", "2026-01-14T02:05:00+01:00")
    assert (done.returncode, done.stdout) == (8, "")
    assert "this is no planning run that this version reads" in done.stderr


def test_a_run_is_exported_and_repeated_to_the_same_bytes(optimizer, planned, tmp_path):
    done = optimizer("export", "run", "--at", "2026-01-14T12:00Z")
    assert (done.returncode, done.stderr) == (0, "")
    assert "a-canary-password" not in done.stdout
    run = json.loads(done.stdout)
    assert run.keys() == {"schema", "request", "steps", "solve_s", "versions", "plan"}
    assert run["versions"].keys() == {"optimizer", "python", "pulp", "solver"}
    (tmp_path / "run.json").write_text(done.stdout)
    (tmp_path / "optimizer.toml").unlink()  # it needs neither configuration nor store
    again = subprocess.run(
        [sys.executable, "-m", "optimizer", "replay", "run.json", "--json"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert (again.stdout, again.stderr) == (planned, "")
    shown = optimizer("replay", "-", stdin=done.stdout)
    assert "expected saving of the plan" in shown.stdout


def test_a_repeated_run_that_differs_says_where(optimizer, planned, tmp_path):
    run = json.loads(optimizer("export", "run", "--at", "2026-01-14T12:00Z").stdout)
    path = tmp_path / "run.json"
    battery_w = run["plan"]["steps"][2]["battery_w"]
    run["plan"]["steps"][2]["battery_w"] += 5
    run["plan"]["solver"] = "another one"
    path.write_text(json.dumps(run))
    done = optimizer("replay", "run.json", "--json")
    assert (done.returncode, done.stdout) == (8, planned)
    assert (
        f"first at plan.steps[2].battery_w: {battery_w + 5} then, {battery_w} now, by the same "
        "versions: the file is not as 'optimizer export run' wrote it\n" in done.stderr
    )
    run["versions"]["pulp"] = "2.9"
    run["plan"]["steps"].pop()
    path.write_text(json.dumps(run))
    done = optimizer("replay", "run.json")
    assert done.returncode == 0
    assert "first at plan.steps: [{" in done.stderr
    assert "(it was made with pulp 2.9, now 3." in done.stderr or "pulp 2.9, now 4." in done.stderr
    del run["plan"]
    path.write_text(json.dumps(run))
    assert optimizer("replay", "run.json").stderr == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "run.json cannot be read: No such file or directory"),
        ("{", "run.json is no JSON file: 'optimizer export run' writes one"),
        ("[]", "this is no planning run that this version reads ('run/2'; it says None)"),
        ('{"schema": "run/2"}', "the planning run cannot be read: run.request is missing"),
    ],
)
def test_a_file_that_holds_no_run_is_refused(optimizer, tmp_path, text, said):
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    done = optimizer("replay", "run.json")
    assert (done.returncode, done.stdout) == (8, "")
    assert said in done.stderr


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_journal_and_plans_are_exported_as_csv(optimizer, planned, note, tmp_path):
    for minutes, soc in ((0, 41.0), (30, None)):
        note(MIDNIGHT + timedelta(minutes=minutes), soc)
    rows = rows_of(optimizer("export", "journal").stdout)
    assert [row["at"] for row in rows] == ["2026-01-13T23:00:00Z", "2026-01-13T23:30:00Z"]
    assert (rows[0]["soc_percent"], rows[1]["soc_percent"]) == ("41.0", "")
    assert (rows[0]["grid_w"], rows[0]["note"]) == ("120.5", "cheap, so to say")
    cut = optimizer("export", "journal", "--from", "2026-01-13T23:10Z", "--to", "2026-01-14T00:00Z")
    assert rows_of(cut.stdout) == rows[1:]
    rows = rows_of(optimizer("export", "plan", "--at", "2026-01-14T12:00Z").stdout)
    steps = json.loads(planned)["steps"]
    assert len(rows) == len(steps) == 192
    assert rows[5]["plan_made_at"] == "2026-01-13T23:00:00Z"
    assert (rows[5]["start"], float(rows[5]["buy_eur_per_kwh"]), rows[5]["why"]) == (
        steps[5]["start"], steps[5]["buy_eur_per_kwh"], steps[5]["why"],
    )  # fmt: skip
    assert optimizer("plan", *AT[:2], "--soc", "60").returncode == 0
    span = ("--from", "2026-01-13T00:00Z", "--to", "2026-01-14T00:00Z")
    assert optimizer("export", "plan", *span, "-o", "plans.csv").stdout == ""
    assert len(rows_of((tmp_path / "plans.csv").read_text())) == 2 * 192


def test_metered_quarter_hours_are_exported(optimizer, planned, tmp_path):
    at = datetime(2026, 1, 14, 12, tzinfo=UTC)
    metered = QuarterEnergy(at, at + QUARTER, seconds=900.0, drawn_wh=250.5, pv_wh=None)
    connection = database.connect(tmp_path / "state")
    with database.transaction(connection):
        quarter_record.add(connection, [metered])
    connection.close()
    (row,) = rows_of(optimizer("export", "quarters", "--from", "2026-01-14T12:00Z").stdout)
    assert (row["start"], row["drawn_wh"], row["pv_wh"]) == ("2026-01-14T12:00:00Z", "250.5", "")
    assert (row["grid_to_house_wh"], row["end"]) == ("250.5", "2026-01-14T12:15:00Z")
    assert float(row["cost_eur"]) == pytest.approx(0.2505 * float(row["buy_eur_per_kwh"]))
    assert (row["mispel_1_wh"], row["mispel_23_wh"], row["reason"]) == ("0.0", "0.0", "")
    assert rows_of(optimizer("export", "quarters", "--to", "2026-01-14T12:00Z").stdout) == []
    asked = optimizer("export", "quarters", "--counters")  # no FEMS answers
    assert (asked.returncode, asked.stdout) == (4, "")


def test_plans_and_journal_are_exported_as_parquet(optimizer, planned, note, tmp_path):
    import pandas as pd

    note(MIDNIGHT, None)
    done = optimizer("export", "plan", "--at", "2026-01-14T12:00Z", "-o", "plan.parquet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    frame = pd.read_parquet(tmp_path / "plan.parquet")
    steps = json.loads(planned)["steps"]
    assert frame["start"].iloc[0] == pd.Timestamp(steps[0]["start"])
    assert frame["buy_eur_per_kwh"].tolist() == [step["buy_eur_per_kwh"] for step in steps]
    done = optimizer("export", "journal", "--format", "parquet", "-o", "journal")
    frame = pd.read_parquet(tmp_path / "journal")
    assert frame["at"].iloc[0] == pd.Timestamp(MIDNIGHT)
    assert pd.isna(frame["soc_percent"].iloc[0])


def test_without_pyarrow_the_cure_is_named(optimizer, planned, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = optimizer("export", "plan", "--at", "2026-01-14T12:00Z", "-o", "plan.parquet")
    assert done.returncode == 3
    assert done.stderr == (
        "optimizer: Parquet needs pyarrow: take --format csv, or install the extra 'parquet' of "
        f"fems-optimizer by {install_command('parquet')}\n"
    )
    assert not (tmp_path / "plan.parquet").exists()


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("journal", "--at", "2026-01-14T12:00Z"), 2, "a journal has a span: --from and --to"),
        (("journal", "--from", "soon"), 2, "Invalid value for --from: 'soon' is not a moment"),
        (("plan", "--at", "2026-01-14T12:00Z", "--from", "2026-01-14T12:00Z"), 2, "either --at"),
        (("plan", "--format", "parquet", "--at", "2026-01-14T12:00Z"), 2, "needs a file: -o FILE"),
        (("plan",), 6, "no plan covers"),
        (("plan", "--at", "2026-01-14T12:00Z", "-o", "no/x.csv"), 8, "no/x.csv cannot be written"),
        (
            ("plan", "--at", "2026-01-14T12:00Z", "-o", "no/x.parquet"), 8,
            "no/x.parquet cannot be written",
        ),
        (("quarters", "--at", "2026-01-14T12:00Z"), 2, "quarter-hours have a span: --from"),
        (("plan", "--counters"), 2, "the FEMS counts quarter-hours only"),
        (("run", "--to", "2026-01-14T12:00Z"), 2, "a run is named by a moment: --at"),
        (("run", "--format", "csv"), 2, "a run is written as JSON"),
        *(
            ((what, "--from", begin, "--to", "2026-01-14T12:00Z"), 2,
             "Invalid value for --to: it has to come after --from")
            for what in ("journal", "quarters", "plan")
            for begin in ("2026-01-14T12:00Z", "2026-01-14T13:00:01+01:00")
        ),
        (("all",), 2, "is not one of 'journal', 'quarters', 'plan', 'run'"),
    ],
)  # fmt: skip
def test_exports_that_say_nothing_are_refused(optimizer, planned, args, code, said):
    done = optimizer("export", *args)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in " ".join(done.stderr.split())


def test_a_past_moment_is_planned_with_what_was_known_then(optimizer, planned, note, tmp_path):
    (tmp_path / "optimizer.toml").write_text(
        (tmp_path / "optimizer.toml").read_text().replace("capacity_wh = 22_000", "capacity_wh = 1")
        .replace("prices.csv", "gone.csv").replace("load.csv", "gone.csv")
    )  # fmt: skip
    note(MIDNIGHT + timedelta(hours=6, minutes=55), 77.5)
    done = optimizer("plan", "--at", "2026-01-14T07:05:00+01:00", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    then, plan = json.loads(planned), json.loads(done.stdout)
    assert (plan["made_at"], plan["start_soc_percent"]) == ("2026-01-14T06:05:00Z", 77.5)
    assert (plan["steps"][0]["start"], plan["step_s"]) == ("2026-01-14T06:05:00Z", 900)
    known = [(s["end"], s["buy_eur_per_kwh"], s["load_w"], s["pv_w"]) for s in then["steps"][28:]]
    assert known == [
        (s["end"], s["buy_eur_per_kwh"], s["load_w"], s["pv_w"]) for s in plan["steps"]
    ]
    assert plan["notes"] == [
        "looked back: forecast, battery and limits as known in the run of 2026-01-13T23:00:00Z, "
        "state of charge 78 % by the journal of 2026-01-14T05:55:00Z; the plan is not stored"
    ]
    shown = json.loads(optimizer("show", "--at", "2026-01-14T12:00Z", "--json").stdout)
    assert shown == then


def test_a_plan_made_within_a_step_is_looked_back_at_and_repeated(in_process, write_config):
    """From its own moment on; of the part of the step before it nothing is known."""
    write_config(more="[planning]\nstep_minutes = 60")
    at = ("--at", "2026-01-14T00:40:20+01:00")
    made = json.loads(in_process("plan", *at, "--soc", "30", "--json").stdout)
    assert (made["steps"][0]["start"], made["step_s"]) == ("2026-01-13T23:40:20Z", 3600)
    later = in_process("plan", "--at", "2026-01-14T00:50:00+01:00", "--json")
    again = json.loads(later.stdout)
    first = again["steps"][0]
    assert (first["start"], first["end"]) == ("2026-01-13T23:50:00Z", "2026-01-14T00:00:00Z")
    assert again["step_s"] == 3600
    for name in ("buy_eur_per_kwh", "sell_eur_per_kwh", "load_w", "pv_w"):
        assert first[name] == made["steps"][0][name]
    early = in_process("plan", "--at", "2026-01-14T00:35:00+01:00")
    assert early.returncode == 2
    assert "made at or before 2026-01-14 00:35 is stored" in " ".join(early.stderr.split())
    run = in_process("export", "run", "--at", "2026-01-13T23:41Z")
    assert json.loads(run.stdout)["request"]["step_s"] == 3600
    replayed = in_process("replay", "-", "--json", stdin=run.stdout)
    assert (replayed.returncode, json.loads(replayed.stdout)) == (0, made)
    shown = in_process("show", "--at", "2026-01-13T23:41Z").stdout
    assert "> 00:40-" in shown
    reported = in_process("explain", "2026-01-13T23:59:59Z").stdout
    assert reported.startswith("Wed 14 Jan 00:40-01:00: ")
    assert in_process("show", "--at", "2026-01-13T23:40:19Z").returncode == 6


def test_soon_after_a_run_its_own_state_of_charge_is_known(optimizer, planned):
    done = optimizer("plan", "--at", "2026-01-14T00:20:00+01:00", "--json")
    plan = json.loads(done.stdout)
    assert plan["start_soc_percent"] == 30
    assert "in the run of 2026-01-13T23:00:00Z, state of charge 30 % too" in plan["notes"][0]


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-01-13T22:00Z", "no planning run made at or before 2026-01-13 23:00 is stored"),
        ("2026-01-14T12:00Z", "the journal does not know the state of charge at 2026-01-14 13:00"),
        ("2026-02-14T12:00Z", "the journal does not know the state of charge at 2026-02-14 13:00"),
        ("2036-01-14T12:00Z", "2036-01-14 13:00 is still to come and no plan covers it"),
    ],
)
def test_what_nobody_knows_needs_soc(optimizer, planned, at, said):
    done = optimizer("plan", "--at", at)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--at needs --soc here: {said}" in " ".join(done.stderr.split())


def test_a_forecast_that_ended_before_is_said(optimizer, planned, note):
    note(datetime(2026, 2, 14, 12, tzinfo=UTC), 50.0)
    done = optimizer("plan", "--at", "2026-02-14T12:00Z")
    assert done.returncode == 2
    assert "the forecast known at 2026-02-14 13:00, of 2026-01-14 00:00, ends before" in " ".join(
        done.stderr.split()
    )


def test_control_never_follows_what_was_asked_for_a_past_moment(
    optimizer, write_config, files_for_now
):
    write_config(files_for_now)
    made = json.loads(optimizer("plan", "--soc", "30", "--json").stdout)
    past = datetime.fromisoformat(made["steps"][0]["start"]) - timedelta(minutes=30)
    done = optimizer("plan", "--at", past.isoformat(), "--soc", "90", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    tried = json.loads(done.stdout)
    assert (tried["start_soc_percent"], tried["steps"][-1]) != (30, made["steps"][-1])
    assert any("present: the plan is not stored" in note for note in tried["notes"])
    now = datetime.now(UTC).isoformat()
    assert json.loads(optimizer("show", "--at", now, "--json").stdout) == made


def test_a_moment_to_come_starts_where_the_plan_in_force_will_be(
    optimizer, write_config, files_for_now
):
    write_config(files_for_now)
    plan = json.loads(optimizer("plan", "--soc", "30", "--json").stdout)
    ahead = plan["steps"][10]
    done = optimizer("plan", "--at", ahead["start"], "--json", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    later = json.loads(done.stdout)
    assert later["start_soc_percent"] == pytest.approx(plan["steps"][9]["soc_wh"] / 220, abs=1e-3)
    assert any("as in the plan of" in note for note in later["notes"])
    assert later["steps"][0]["start"] == ahead["start"]


def test_a_moment_to_come_within_a_step_starts_on_the_way_through_it(
    in_process, write_config, files_for_now
):
    write_config(files_for_now, more="[planning]\nstep_minutes = 60")
    plan = json.loads(in_process("plan", "--soc", "30", "--json").stdout)
    before, ahead = plan["steps"][1:3]
    at = datetime.fromisoformat(ahead["start"]) + timedelta(minutes=40)
    done = in_process("plan", "--at", at.isoformat(), "--json", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    later = json.loads(done.stdout)
    soc_wh = before["soc_wh"] + (ahead["soc_wh"] - before["soc_wh"]) * 40 / 60
    assert later["start_soc_percent"] == pytest.approx(soc_wh / 220, abs=1e-3)
    assert (later["steps"][0]["end"], later["step_s"]) == (ahead["end"], 3600)


def test_errors_and_notes_name_local_times_and_data_do_not(optimizer, planned, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", "show", "--at", "2027-07-01T00:00Z"], cwd=tmp_path,
        capture_output=True, text=True, check=False, env=os.environ | {"FEMS_PASSWORD": "owner"},
    )  # fmt: skip
    assert done.returncode == 6
    assert done.stderr == (
        "optimizer: no plan covers 2027-07-01 02:00; the newest runs from 2026-01-14 00:00 to "
        "2026-01-16 00:00: make a new one with 'optimizer plan'\n"
    )
    looked_back = ("plan", "--at", "2026-01-14T00:10:00+01:00")
    shown = " ".join(optimizer(*looked_back).stdout.split())
    assert "in the run of 2026-01-14 00:00, state" in shown
    assert "in the run of 2026-01-13T23:00:00Z, state" in optimizer(*looked_back, "--json").stdout
