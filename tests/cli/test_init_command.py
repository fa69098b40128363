"""`optimizer init` against a simulated FEMS: questions, the file, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from typer.testing import CliRunner

from optimizer.app.demo_run import house_now
from optimizer.cli.app import app
from optimizer.config import loading
from optimizer.errors import ExitCode, UsageError
from optimizer.fems import client, jsonrpc
from optimizer.simulation import sample_data
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from tests.waiting import PATIENCE_S


@pytest.fixture
def fems(monkeypatch):
    """A simulated hybrid FEMS; its history is waited for, however slow the machine."""
    patient = replace(jsonrpc.LIMITS, read_timeout_s=PATIENCE_S, deadline_s=2 * PATIENCE_S)
    monkeypatch.setattr(client, "JsonRpcClient", partial(jsonrpc.JsonRpcClient, limits=patient))
    house = house_now(sample_data.folder() / "winter", hybrid=True, soc_percent=50)
    with SimulatedFems(house, host="127.0.0.1", port=0, owner_password="owner") as running:
        yield running


@pytest.fixture
def answers(fems, tmp_path, monkeypatch):
    """Flags that answer all questions, in an empty folder; prices lie in a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pw").write_text("owner\n")
    (tmp_path / "pw").chmod(0o600)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [now + timedelta(hours=n) for n in range(-24, 24)]
    (tmp_path / "prices.csv").write_text(
        "start,spot_eur_per_mwh\n" + "".join(f"{at.isoformat()},100\n" for at in hours)
    )
    return [
        "init", "--host", fems.url, "--password-file", "pw", "--source", "csv",
        "--source-value", "prices.csv", "--kwp", "9.9", "--place", "48.8,10.5",
    ]  # fmt: skip


def run(*args, **options):
    return CliRunner().invoke(app, list(args), **options)


def test_flags_alone_make_a_configuration_that_loads(answers, fems, tmp_path):
    done = run(*answers, "--price", "0.184", "--non-interactive")
    assert done.exit_code == 0, done.output
    path = tmp_path / "optimizer.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    config = loading.load(path, {})
    battery = config.battery
    assert (battery.capacity_wh, battery.max_charge_w, battery.hybrid) == (22_000, 10_000, True)
    assert (config.grid.max_sell_w, round(config.grid.max_buy_w)) == (9_000, 22_170)
    assert config.fems.password.get_secret_value() == "owner"
    assert (config.pv.kwp, config.pv.latitude, config.load.source) == (9.9, 48.8, "fems")
    assert "tilt_degrees = 30" in path.read_text()
    assert "# assumed: 30 degrees, to the south" in path.read_text()
    # 100 EUR/MWh of the exchange with 19 % VAT, and 18.4 ct of all else
    output = " ".join(done.output.split())
    assert "price now 30.3 ct/kWh to buy (exchange 10.0, fees 15.5, VAT 4.8)" in output
    assert "is this what your bill says?" in output
    assert done.output.splitlines()[-1].endswith("Next: optimizer check")


@pytest.mark.parametrize("pv_w", [0.0, 3_000.0])
def test_the_discharging_power_is_the_batterys_alone_at_any_hour(answers, tmp_path, pv_w):
    """A hybrid's FEMS allows battery and PV together: by day more than the battery gives."""
    start = datetime.now(UTC).replace(microsecond=0)
    load, pv = (Profile(start, 3_600, (watts,)) for watts in (500.0, pv_w))
    house = SimulatedHouse(replace(sample_data.BATTERY, hybrid=True), load, pv, start, 50)
    house.advance(3)
    with SimulatedFems(house, host="127.0.0.1", port=0, owner_password="owner") as sunny:
        answers[answers.index("--host") + 1] = sunny.url
        done = run(*answers, "--non-interactive")
    assert done.exit_code == 0, done.output
    assert "gives up to 10 kW" in " ".join(done.output.split())
    assert loading.load(tmp_path / "optimizer.toml", {}).battery.max_discharge_w == 10_000


def test_five_lines_say_what_was_found(answers):
    printed = run(*answers, "--non-interactive").output.splitlines()
    assert max(map(len, printed)) <= 80
    lines = [" ".join(line.split()) for line in printed if line[:1].strip()][:5]
    assert [line.split()[0] for line in lines] == ["FEMS", "battery", "grid", "control", "history"]
    assert "22 kWh, charges with up to 10 kW" in lines[1]
    assert "fuse" in lines[2]
    assert "time-out 60 s" in lines[3]


def test_at_most_five_questions_are_asked(fems, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    typed = [fems.url, "owner", "csv", "prices.csv", "", "9.9", "48.8,10.5", "n", "20", "y"]
    done = run("init", input="\n".join(typed) + "\n")
    assert done.exit_code == 0, done.output
    asked = [line[0] for line in done.output.splitlines() if line[1:2] == "."]
    assert asked == ["1", "2", "3", "4", "5"]
    config = loading.load(tmp_path / "optimizer.toml", {})
    assert (config.grid.rule, config.battery.min_soc_percent) == ("pv_only", 20)
    assert "owner" not in done.output.replace("user 'owner' (not shown; as delivered: owner)", "")
    assert config.fems.password.get_secret_value() == "owner"


@pytest.mark.parametrize(("added", "stated"), [("18.4", True), ("0", False)])
def test_a_table_of_the_exchanges_prices_gets_what_the_bill_adds(
    fems, tmp_path, monkeypatch, added, stated
):
    monkeypatch.chdir(tmp_path)
    typed = [fems.url, "owner", "csv", "prices.csv", added, "0", "", "", "y"]
    done = run("init", input="\n".join(typed) + "\n")
    assert done.exit_code == 0, done.output
    assert loading.load(tmp_path / "optimizer.toml", {}).tariff.stated is stated


def test_a_wrong_password_is_asked_again(fems, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    typed = [fems.url, "wrong", fems.url, "owner", "csv", "p.csv", "", "0", "", "", "y"]
    done = run("init", input="\n".join(typed) + "\n")
    assert "Once more" in done.output
    assert (tmp_path / "optimizer.toml").exists()


def test_no_is_an_answer_and_leaves_nothing(fems, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    typed = [fems.url, "owner", "csv", "prices.csv", "", "0", "", "", "n"]
    done = run("init", input="\n".join(typed) + "\n")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "Nothing was written.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--place", "nowhere"], ExitCode.USAGE, "is no place"),
        (["--source", "csw"], ExitCode.CONFIG, "did you mean 'csv'"),
        (["--place", "99,10"], ExitCode.CONFIG, "latitude"),
        (["--host", "127.0.0.1:9"], ExitCode.UNREACHABLE, "127.0.0.1"),
        (["--source", "tibber", "--source-value", ""], ExitCode.USAGE, "tibber_token"),
        (["--out", "missing/optimizer.toml"], ExitCode.BAD_DATA, "cannot be written"),
    ],
)
def test_a_wrong_answer_is_one_sentence_and_leaves_nothing(answers, tmp_path, more, code, words):
    before = sorted(tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", *answers, "--non-interactive", *more],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_an_existing_file_is_kept(answers, tmp_path):
    (tmp_path / "optimizer.toml").write_text("mine")
    done = run(*answers, "--non-interactive")
    assert "exists already" in str(done.exception)
    assert (tmp_path / "optimizer.toml").read_text() == "mine"


def test_the_end_of_the_input_is_said_in_a_sentence(fems, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", "init", "--host", fems.url],
        cwd=tmp_path, input="owner\n", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == ExitCode.USAGE
    assert "ended before the last question: nothing was written" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_nothing(fems, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "optimizer", "init", "--host", fems.url],
        cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    process.stdin.write("owner\n")
    process.stdin.flush()
    while "history" not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130  # as shells say of SIGINT
    assert "Traceback" not in out
    assert list(tmp_path.iterdir()) == []


def test_a_price_of_your_own_is_asked_for_and_never_made_up(answers, tmp_path):
    flags = [*answers[:5], "--source", "fixed", "--kwp", "0"]
    refused = run(*flags, "--non-interactive")
    assert isinstance(refused.exception, UsageError)
    assert not (tmp_path / "optimizer.toml").exists()
    done = run(*flags, "--price", "0.31", "--non-interactive")
    assert done.exit_code == 0, done.output
    assert "31.0 ct/kWh to buy" in done.output
    prices = loading.load(tmp_path / "optimizer.toml", {}).prices
    assert (prices.sources, prices.eur_per_kwh, prices.all_in) == (("fixed",), 0.31, True)


def test_a_bill_in_another_currency(answers, tmp_path):
    """The price in its own unit; a source in EUR needs a rate; an unknown code is a sentence."""
    flags = [*answers[:5], *answers[9:], "--non-interactive"]
    exchange = ["--source", "energy-charts", "--zone", "CZ", "--price", "4.2", "--currency", "CZK"]
    refused = run(*flags, *exchange)
    assert isinstance(refused.exception, UsageError)
    assert "how many CZK are one EUR? --eur-rate NUMBER" in str(refused.exception)
    assert "--currency XYZ is not known" in str(run(*flags, "--currency", "XYZ").exception)
    done = run(*flags, "--source", "fixed", "--price", "6.5", "--currency", "czk")
    assert done.exit_code == 0, done.output
    config = loading.load(tmp_path / "optimizer.toml", {})
    assert (config.money.code, config.battery.wear_eur_per_kwh) == ("CZK", 0.25)
    assert config.prices.eur_per_kwh == 6.5
    assert config.tariff.export.eur_per_kwh == pytest.approx(1.945, abs=0.006)
    assert "price now 6.50 Kč/kWh to buy" in " ".join(done.output.split())
