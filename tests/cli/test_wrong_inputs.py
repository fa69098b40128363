"""Wrong inputs of the commands: one sentence and the documented exit code, never a traceback."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

AT = ("--at", "2026-01-14T00:00:00+01:00", "--soc", "30")
INSIDE = "2026-01-14T12:00:00+01:00"
MOMENTS = (
    "", "x", "0001-01-01", "0001-01-01T00:00Z", "0001-01-01T00:00+14:00", "9999-12-31T23:59Z",
    "9999-12-31T23:59-14:00", "1970-01-01T00:00Z", "2000-01-01T00:00Z", "2038-01-19T03:14:08Z",
    "2100-01-01T00:00Z", "2026-01-14T00:00+23:59", "\ud800",
)  # fmt: skip
FILES = (
    "",
    "no/folder/x",
    "folder",
    "binary",
    "empty",
    "/dev/null",
    "x" * 300,
    "deep.json",
    "a\0b",
)
NUMBERS = ("nan", "inf", "-inf", "-1", "-500", "1e308", "9" * 5_000, "", "x", "0")
WITH_A_MOMENT = (
    ("plan", "--soc", "30", "--dry-run", "--at"), ("plan", "--at"), ("show", "--at"), ("explain",),
    ("export", "run", "--at"), ("export", "plan", "--at"), ("export", "plan", "--from"),
    ("export", "journal", "--to"), ("report", "--at"), ("backtest", "--from"),
    ("backtest", "--from", "2026-01-14T00:00Z", "--to"),
)  # fmt: skip
WITH_A_FILE = (
    ("replay",), ("show", "--at", INSIDE, "--csv"), ("export", "run", "--at", INSIDE, "--out"),
    ("export", "plan", "--at", INSIDE, "--format", "parquet", "--out"), ("report", "--out"),
    ("backtest", "--data"), ("study",), ("status", "--config"), ("plan", "--config"),
    ("service", "print", "--config"),
)  # fmt: skip
WITH_A_NUMBER = (
    ("plan", *AT[:2], "--dry-run", "--soc"), ("report", "--days"),
    ("simulate", "--host", "999.1.1.1", "--port"),
    ("simulate", "--host", "999.1.1.1", "--speed"), ("simulate", "--host", "999.1.1.1", "--soc"),
    ("fems", "set", "SetActivePowerEquals", "0", "--for"), ("backtest", "--minutes"),
    ("fems", "set", "--for", "1", "SetActivePowerEquals"), ("study", "winter", "--battery"),
    ("backtest", "--data", "winter", "--jobs"), ("study", "winter", "--jobs"), ("demo", "--days"),
    ("run", "--for"),
)  # fmt: skip


@pytest.fixture
def folder(in_process, write_config, tmp_path):
    """A stored plan, and files of all kinds."""
    write_config()
    assert in_process("plan", *AT).returncode == 0
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "deep.json").write_text("[" * 100_000)
    return tmp_path


def said(done):
    assert done.returncode in (0, 2, 3, 4, 5, 6, 7, 8), done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("command", WITH_A_MOMENT, ids=" ".join)
def test_moments(in_process, folder, command):
    for text in MOMENTS:
        done = said(in_process(*command, text))
        if "0001" in text or "9999" in text or text in ("", "x", "\ud800"):
            assert done.returncode == 2
            assert text in ("", "\ud800") or text in done.stderr


@pytest.mark.parametrize("command", WITH_A_FILE, ids=" ".join)
def test_files(in_process, folder, command):
    for name in FILES:
        said(in_process(*command, name))


@pytest.mark.parametrize("command", WITH_A_NUMBER, ids=" ".join)
def test_numbers(in_process, folder, command):
    for text in NUMBERS if command[0] != "run" else ("nan", "-1", "x", "", "0"):
        if command[0] == "demo" and text.isdecimal():
            continue
        said(in_process(*command, text))


@pytest.mark.parametrize("pattern", ["", "x", "/", "_sum/", "(/x", "x/(", "\udc80/x", "a\nb/c"])
def test_patterns_of_channels(in_process, folder, pattern):
    assert said(in_process("fems", "get", pattern)).returncode == 2


def prices(begin, hours):
    rows = [f"{begin + timedelta(hours=n):%Y-%m-%dT%H:%M:%SZ},50" for n in range(hours)]
    return "\n".join(["start,spot_eur_per_mwh", *rows]) + "\n"


@pytest.mark.parametrize(
    ("first", "hours", "words"),
    [
        (-72, 48, r"csv|prices: known from .* to .*, the plan starts at "),
        (24, 48, r"prices: known from .* to .*, the plan starts at "),
        (-24 * 60, 48, r"csv has prices from .* to .*, the plan starts at "),
        (24 * 400, 48, r"prices: known from .* to .*, the plan starts at "),
        (0, 0, r"has a header but no rows"),
    ],
    ids=["ended yesterday", "begins tomorrow", "of another year", "far ahead", "none"],
)
def test_a_price_file_of_another_time_is_one_sentence(
    optimizer, write_config, tmp_path, first, hours, words
):
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    (tmp_path / "own.csv").write_text(prices(now + timedelta(hours=first), hours))
    write_config(prices=tmp_path / "own.csv")
    done = optimizer("plan", "--soc", "30")
    assert (done.returncode, done.stdout) == (8, "")
    assert re.search(words, done.stderr)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("year", [1970, 2000, 2038, 2100, 2199])
def test_a_clock_of_another_year_is_one_sentence(in_process, write_config, year):
    write_config()
    done = in_process("plan", "--at", f"{year}-01-19T03:14:08Z", "--soc", "30")
    assert (done.returncode, done.stdout) == (8, "")
    assert f"the plan starts at {year}-01-19T03:14:08Z" in done.stderr
    assert "2026-01-18T23:00:00Z" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("content", [
    "a = " + "[" * 5_000, "a = " + "[\n" * 5_000, "a = " + "{a = " * 5_000, "a" + ".a" * 50_000,
    "a = " + "1" * 5_000, "a = " + "1" * 3_990, "\0", "a = 1\n" * 100_000, "\xff",
    "[" + "a." * 1_000 + "a]",
])  # fmt: skip
@pytest.mark.parametrize("command", [("status",), ("plan",), ("service", "print")])
def test_a_hostile_configuration_is_one_sentence(in_process, tmp_path, content, command):
    path = tmp_path / "optimizer.toml"
    path.write_bytes(content.encode("latin-1"))
    done = in_process(*command)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("optimizer: ")
    assert len(done.stderr) < 1_000


def test_five_thousand_brackets_of_the_real_command(optimizer, tmp_path):
    (tmp_path / "optimizer.toml").write_text("a = " + "[\n" * 5_000)
    done = optimizer("status")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.endswith("is not a configuration: its brackets nest too deeply\n")


@pytest.mark.parametrize("value", [
    "nan", "inf", "-inf", "1e400", "9" * 3_900, '"' + "x" * 3_000 + '"', "9999-12-31", "[[]]",
])  # fmt: skip
@pytest.mark.parametrize("key", ["capacity_wh", "max_charge_w", "charge_taper", "hybrid"])
def test_an_absurd_number_of_the_configuration_is_one_short_sentence(
    in_process, write_config, key, value
):
    path = write_config()
    text = re.sub(rf"(?m)^{key} = .*\n", "", path.read_text())
    path.write_text(text.replace("[battery]\n", f"[battery]\n{key} = {value}\n"))
    done = in_process("plan", *AT)
    assert (done.returncode, done.stdout) == (3, "")
    assert all(f"battery.{key}" in line and len(line) < 500 for line in done.stderr.splitlines())


def test_a_dimming_of_the_year_9999_is_named(in_process, write_config):
    path = write_config()
    operator_limits = "start = 2026-01-14T17:00:00Z\nend = 9999-12-31T23:59:59-14:00"
    path.write_text(path.read_text() + f"\n[[grid.operator_limits]]\n{operator_limits}\n")
    done = in_process("plan", *AT)
    assert done.returncode == 3
    assert "grid.operator_limits.0.end is not within the years 1970 to 2199" in done.stderr


def test_a_negative_stored_value_stays_refused(in_process, write_config):
    write_config(more="[planning]\nstored_value = -0.01")
    done = in_process("plan", *AT)
    assert done.returncode == 3
    assert "planning.stored_value" in done.stderr


def test_a_store_in_a_name_that_is_none(in_process, write_config):
    path = write_config()
    path.write_text(re.sub(r"(?m)^folder = .*", r'folder = "a\\u0000b"', path.read_text()))
    assert said(in_process("show")).returncode == 8


@pytest.mark.parametrize("args", [
    ("SetActivePowerEquals", "-1500", "--for", "2"),
    ("--for", "2", "SetActivePowerEquals", "-1500"),
    ("SetActivePowerEquals", "--for", "2", "-1500"),
    ("--for", "2", "--", "SetActivePowerEquals", "-1500"),
])  # fmt: skip
def test_a_negative_value_is_an_argument(optimizer, simulated, write_config, args):
    write_config(url=simulated())
    done = optimizer("fems", "set", *args)
    assert (done.returncode, done.stderr) == (0, "")
    assert "sent -1500" in done.stdout
    assert done.stdout.endswith("released: the FEMS controls the battery by itself\n")


@pytest.mark.parametrize(("args", "words"), [
    (("SetActivePowerEquals", "-1500"), "Missing option '--for'"),
    (("SetActivePowerEquals", "1500", "--fro", "2"), "No such option: --fro"),
    (("SetActivePowerEquals", "-1500", "--for", "-2"), "'-2' is not a length of time from 1 s"),
    (("SetActivePowerEquals", "-x", "--for", "2"), "No such option: -x"),
    (("SetActivePowerEquals", "-9999999", "--for", "2"), "-1000000"),
])  # fmt: skip
def test_wrong_options_beside_a_value_are_still_told(in_process, write_config, args, words):
    write_config()
    done = in_process("fems", "set", *args)
    assert done.returncode == 2
    assert words in done.stderr


def moments_told(text):
    return re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)", text)


@pytest.mark.parametrize("text", [
    "2026-01-14", "2026-01-14T00:00", "2026-01-14T00", "20260114", "2026-W03-3", "2026-01-14 00:00",
    "20260114T000000", "2026-01-14T00:00:00.5", "tomorrow",
])  # fmt: skip
@pytest.mark.parametrize("command", WITH_A_MOMENT[:-1], ids=" ".join)
def test_a_moment_that_is_proposed_is_taken(in_process, folder, command, text):
    refused = in_process(*command, text)
    assert refused.returncode == 2
    plain = " ".join(refused.stderr.split())
    proposed = re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d:\d\d", plain)
    assert proposed
    for fix in proposed:
        done = said(in_process(*command, fix))
        assert not re.search("is not a moment|has no offset", done.stderr)


def test_what_a_back_test_proposes_is_taken(in_process, write_config):
    write_config()
    (fix,) = re.findall(r"--from (\S+) --to", in_process("backtest").stderr)
    known = in_process("backtest", "--from", fix, "--to", "2026-12-01T00:00:00+01:00")
    assert known.returncode == 8
    first, last = moments_told(known.stderr)[:2]
    assert in_process("backtest", "--from", first, "--to", last).returncode == 0


def test_what_plan_and_export_propose_is_taken(in_process, write_config):
    write_config()
    refused = in_process("plan", "--at", INSIDE)
    assert "needs --soc" in refused.stderr
    assert in_process("plan", "--at", INSIDE, "--soc", "50").returncode == 0
    refused = in_process("export", "plan", "--at", INSIDE, "--format", "parquet")
    assert "-o FILE" in refused.stderr
    done = in_process("export", "plan", "--at", INSIDE, "--format", "parquet", "-o", "p.parquet")
    assert done.returncode == 0


@pytest.mark.parametrize("key", ["charge_taper", "discharge_taper"])
def test_a_taper_that_is_proposed_is_taken(in_process, write_config, key):
    path = write_config()
    text = path.read_text()
    path.write_text(text.replace("[battery]\n", f"[battery]\n{key} = [[50, 1], [40, 2]]\n"))
    (fix,) = re.findall(r"\[\[.*?\]\]", in_process("plan", *AT).stderr.partition(" (it is")[0])
    path.write_text(text.replace("[battery]\n", f"[battery]\n{key} = {fix}\n"))
    assert in_process("plan", *AT).returncode == 0


def test_a_channel_pattern_that_is_proposed_is_taken(optimizer, simulated, write_config):
    write_config(url=simulated())
    refused = optimizer("fems", "get", "none/none")
    assert refused.returncode == 5
    (fix,) = re.findall(r"look with '(.*?)'", refused.stderr)
    assert optimizer("fems", "get", fix).returncode == 0


def test_the_mode_that_is_proposed_for_a_secret_is_taken(in_process, write_config):
    path = write_config()
    path.write_text(path.read_text().replace('"env:FEMS_PASSWORD"', '"kanari3nvogel"'))
    path.chmod(0o644)
    (fix,) = re.findall(r"'chmod 600 (.*?)'", in_process("plan", *AT).stderr)
    Path(fix).chmod(0o600)
    assert in_process("plan", *AT).returncode == 0
