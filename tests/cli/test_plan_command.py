"""`plan` and `show`: the JSON contract, the files, the faults and their exit codes."""

import csv
import json

import pytest

AT = ("--at", "2026-01-14T00:00:00+01:00", "--soc", "30")
STEP_KEYS = {
    "start", "end", "buy_eur_per_kwh", "sell_eur_per_kwh", "load_w", "pv_w", "battery_w", "grid_w",
    "curtailed_w", "soc_wh", "intent", "lowest_w", "highest_w", "stored_value_eur_per_kwh", "why",
}  # fmt: skip
PLAN_KEYS = {
    "schema", "made_at", "site", "step_s", "status", "gap_eur", "solver", "start_soc_percent",
    "cost_eur", "self_consumption_cost_eur", "no_battery_cost_eur", "wear_eur", "stored_value_eur",
    "solve_s", "notes", "steps",
}  # fmt: skip


def test_the_json_keeps_its_contract(in_process, write_config):
    write_config()
    done = in_process("plan", *AT, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    plan = json.loads(done.stdout)
    assert plan.keys() >= PLAN_KEYS
    assert (plan["schema"], plan["step_s"], plan["made_at"]) == (
        "plan/2", 900, "2026-01-13T23:00:00Z",
    )  # fmt: skip
    assert len(plan["steps"]) == 192
    before, cost = 0.30 * 22_000, 0.0
    for step in plan["steps"]:
        assert step.keys() >= STEP_KEYS
        balance = step["grid_w"] + step["battery_w"] + step["pv_w"] - step["curtailed_w"]
        assert abs(balance - step["load_w"]) <= 1
        battery = step["battery_w"]
        stored = -battery * 0.95 if battery < 0 else -battery / 0.95
        assert abs(before + stored / 4 - step["soc_wh"]) <= 1
        assert 1_099 <= step["soc_wh"] <= 22_001
        assert -10_001 <= battery <= 10_001
        before = step["soc_wh"]
        price = step["buy_eur_per_kwh"] if step["grid_w"] > 0 else step["sell_eur_per_kwh"]
        cost += step["grid_w"] / 4000 * price
    assert plan["cost_eur"] == pytest.approx(cost, abs=0.001)
    assert plan["cost_eur"] < plan["self_consumption_cost_eur"] < plan["no_battery_cost_eur"]


def test_a_plan_is_stored_and_shown_with_the_present_step_marked(in_process, write_config):
    write_config()
    made = in_process("plan", *AT)
    assert made.returncode == 0
    assert "expected saving of the plan" in made.stdout
    assert not any(line.startswith(">") for line in made.stdout.splitlines())
    shown = in_process("show", "--at", "2026-01-14T18:05:00+01:00")
    assert shown.returncode == 0
    marked = [line for line in shown.stdout.splitlines() if line.startswith(">")]
    assert len(marked) == 1
    assert "carries the house" in marked[0]
    as_json = in_process("show", "--at", "2026-01-14T18:05:00+01:00", "--json")
    assert json.loads(as_json.stdout)["start_soc_percent"] == 30


def test_a_dry_run_stores_nothing(in_process, write_config, tmp_path):
    write_config()
    assert in_process("plan", *AT, "--dry-run").returncode == 0
    shown = in_process("show", "--at", "2026-01-14T18:05:00+01:00")
    assert (shown.returncode, shown.stdout) == (6, "")
    assert shown.stderr == (
        f"optimizer: there is no plan yet, and no store in {tmp_path / 'state'}: make one with "
        "'optimizer plan'\n"
    )
    assert not (tmp_path / "state").exists()


def test_the_steps_go_into_a_csv_file(in_process, write_config, tmp_path):
    write_config()
    assert in_process("plan", *AT, "--csv", "plan.csv").returncode == 0
    with (tmp_path / "plan.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 192
    assert rows[0]["start"] == "2026-01-13T23:00:00Z"
    assert rows[0].keys() >= STEP_KEYS
    failed = in_process("show", "--at", "2026-01-14T18:00Z", "--csv", "no/folder.csv")
    assert failed.returncode == 8
    assert "no/folder.csv cannot be written" in failed.stderr


@pytest.mark.parametrize(
    ("week", "at", "quarters"),
    [("spring", "2026-03-29T00:00:00+01:00", 92), ("autumn", "2025-10-26T00:00:00+02:00", 100)],
)
def test_days_of_23_and_25_hours_are_planned_whole(in_process, write_config, week, at, quarters):
    write_config(week)
    done = in_process("plan", "--at", at, "--soc", "50", "--json", "--dry-run")
    plan = json.loads(done.stdout)
    assert len(plan["steps"]) == quarters
    assert any("known to" in note for note in plan["notes"])


@pytest.mark.parametrize(("minutes", "count"), [(15, 192), (30, 96), (60, 48)])
def test_every_step_can_be_planned_from_quarter_hours(in_process, write_config, minutes, count):
    write_config(more=f"[planning]\nstep_minutes = {minutes}")
    plan = json.loads(in_process("plan", *AT, "--json", "--dry-run").stdout)
    assert (len(plan["steps"]), plan["step_s"]) == (count, minutes * 60)


@pytest.mark.parametrize(("minutes", "end"), [(15, "12:15"), (30, "12:30"), (60, "13:00")])
def test_the_first_step_is_the_rest_of_the_running_one(in_process, write_config, minutes, end):
    write_config(more=f"[planning]\nstep_minutes = {minutes}")
    at = ("--at", "2026-01-14T13:05:12.7+01:00", "--soc", "41")
    plan = json.loads(in_process("plan", *at, "--json", "--dry-run").stdout)
    first = plan["steps"][0]
    assert (plan["made_at"], plan["step_s"]) == ("2026-01-14T12:05:12Z", 60 * minutes)
    assert (first["start"], first["end"]) == (plan["made_at"], f"2026-01-14T{end}:00Z")


FAULTS = [
    (("plan", "--at", "tomorrow", "--soc", "5"), 2, "is not a moment such as"),
    (("plan", "--at", "2026-01-14T00:00", "--soc", "5"), 2, "has no offset from UTC"),
    (("plan", "--at", "2026-01-14T00:00Z"), 2, "--at needs --soc"),
    (("plan", "--soc", "101"), 2, "Invalid value for '--soc': "),  # the rest is typer's wording
    (("plan", "--at", "2026-02-14T00:00Z", "--soc", "5"), 8, "prices: known from"),
    (("plan", "--config", "nothing.toml"), 3, "nothing.toml was looked for"),
    (("show", "--at", "2026-01-14T00:00Z"), 6, "make one with 'optimizer plan'"),
    (("nonsense",), 2, "No such command"),
]


@pytest.mark.parametrize(("args", "code", "text"), FAULTS)
def test_faults_have_one_sentence_and_their_exit_code(in_process, write_config, args, code, text):
    write_config()
    done = in_process(*args)
    assert done.returncode == code
    assert text in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr


def test_all_faults_of_a_configuration_are_told_at_once(in_process, write_config):
    write_config(more="[planing]\nhorizon = 3\n[planning]\nstep_minutes = 20")
    done = in_process("plan", *AT)
    assert done.returncode == 3
    assert "planing is not a key; did you mean 'planning'?" in done.stderr
    assert "planning.step_minutes should be 15, 30 or 60 (it is 20)" in done.stderr


def test_spot_prices_without_a_tariff_are_not_charged_at(in_process, write_config):
    write_config(tariff="")
    plan = json.loads(in_process("plan", *AT, "--json", "--dry-run").stdout)
    assert any("[tariff] does not say what is added" in note for note in plan["notes"])
    assert all(step["grid_w"] <= max(0, step["load_w"]) + 1 for step in plan["steps"])
    assert "charge" not in {step["intent"] for step in plan["steps"]}


def test_a_source_that_is_not_there_is_named(in_process, write_config):
    path = write_config()
    path.write_text(path.read_text().replace('["csv"]', '["oracle"]'))
    done = in_process("plan", *AT)
    assert done.returncode == 3
    assert "prices: this version has no source 'oracle'; there are: awattar, csv," in done.stderr


def test_the_chain_goes_on_to_the_next_source_and_says_so(in_process, write_config):
    path = write_config()
    path.write_text(path.read_text().replace('["csv"]', '["entsoe", "csv"]'))
    plan = json.loads(in_process("plan", *AT, "--json", "--dry-run").stdout)
    assert any("price source 'entsoe' was skipped" in note for note in plan["notes"])
    assert {step["price_from"] for step in plan["steps"]} == {"published csv"}


def test_an_expired_tariff_is_noted(in_process, write_config):
    path = write_config()
    path.write_text(path.read_text().replace("[tariff]", '[tariff]\nvalid_to = "2025-12-31"'))
    plan = json.loads(in_process("plan", *AT, "--json", "--dry-run").stdout)
    assert "the tariff's parts were valid to 2025-12-31: look at section [tariff]" in plan["notes"]


def test_peaks_dimming_and_a_full_charge_are_planned_stored_and_said(in_process, write_config):
    path = write_config()
    dimmed = "[[grid.operator_limits]]\nstart = 2026-01-14T02:00:00+01:00\n"
    dimmed += "end = 2026-01-14T03:00:00+01:00\n"
    text = path.read_text().replace("hybrid = false", "hybrid = false\nfull_charge_every_days = 30")
    text = text.replace("[prices]", dimmed + "max_w = 500\n[prices]")
    path.write_text(text + "\n[tariff.peak]\neur_per_kw = 6\nreached_w = 3_000\n")
    reported = in_process("plan", *AT)
    assert (reported.returncode, reported.stderr) == (0, "")
    assert "highest power from the grid 3.0 kW: 0.00 EUR more for the peak" in reported.stdout
    assert "note: full charge for calibration: the battery is full at" in reported.stdout
    shown = in_process("show", "--at", "2026-01-14T02:05:00+01:00", "--json")
    plan = json.loads(shown.stdout)
    assert (plan["peak_w"], plan["peak_eur"]) == (3_000, 0)
    assert plan["self_consumption_peak_eur"] > 0
    assert max(step["soc_wh"] for step in plan["steps"]) >= 21_998
    at_two = [s for s in plan["steps"] if s["start"] == "2026-01-14T01:00:00Z"]
    assert [step["battery_w"] for step in at_two] == [-500]
    assert {step["peak_w"] for step in plan["steps"]} == {3_000}


def test_all_in_prices_need_no_tariff(in_process, write_config, tmp_path):
    rows = [f"2026-01-14T{n:02}:00:00+01:00,{0.2 + n / 100},0.08" for n in range(24)]
    text = "\n".join(["start,buy_eur_per_kwh,sell_eur_per_kwh", *rows])
    (tmp_path / "all-in.csv").write_text(text)
    write_config(tariff="", prices=tmp_path / "all-in.csv")
    plan = json.loads(in_process("plan", *AT, "--json", "--dry-run").stdout)
    assert plan["steps"][4]["buy_eur_per_kwh"] == pytest.approx(0.21)
    assert len(plan["steps"]) == 96


def test_a_configuration_can_be_named_in_three_ways(
    in_process, write_config, tmp_path, monkeypatch
):
    write_config().rename(tmp_path / "mine.toml")
    shown = ("show", "--at", "2026-01-14T18:00Z")
    assert in_process(*shown).returncode == 3
    assert in_process(*shown, "--config", "mine.toml").returncode == 6
    assert in_process("--config", "mine.toml", *shown).returncode == 6
    monkeypatch.setenv("OPTIMIZER_CONFIG", "mine.toml")
    assert in_process(*shown).returncode == 6
