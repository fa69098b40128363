"""`replay` and a look back with files of absurd content: repeated, or one sentence and exit 8."""

import copy
import json
import math
import random
import time

import pytest

AT = ("--at", "2026-01-14T00:00:00+01:00", "--soc", "30")
NUMBERS = (
    0, -1, 1e-9, 0.5, 101, 1e6 + 1, 1e308, 10**400, -1e300, "inf", "nan", math.nan, None, True, "",
    [], {},
)  # fmt: skip
TEXTS = (
    "", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-14T00:00:00", "Europe/Nowhere",
    "/etc/passwd", ".", "\ud800", None, 5, "x" * 100_000,
)  # fmt: skip


@pytest.fixture
def run(in_process, write_config, tmp_path):
    """A planning run as it was exported, without its plan."""
    write_config()
    assert in_process("plan", *AT).returncode == 0
    at = ("--at", "2026-01-14T12:00:00+01:00")
    assert in_process("export", "run", *at, "--out", "run.json").returncode == 0
    data = json.loads((tmp_path / "run.json").read_text())
    data.pop("plan")
    data["steps"] = data["steps"][:24]
    data["request"]["beyond"] = data["request"]["beyond"][:24]
    return data


@pytest.fixture
def replayed(in_process, tmp_path):
    def replay(data):
        text = data if isinstance(data, str) else json.dumps(data)
        (tmp_path / "hostile.json").write_text(text)
        begun = time.process_time()
        done = in_process("replay", "hostile.json")
        assert time.process_time() - begun < 20
        return done

    return replay


def leaves(data, place=()):
    """Places of all values and lists."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        if not isinstance(value, dict):
            yield (*place, key)
        if isinstance(value, dict | list):
            yield from leaves(value, (*place, key))


def mutated(data, chance):
    """The run with up to three values replaced, and sometimes its steps shuffled."""
    data = copy.deepcopy(data)
    for _ in range(chance.choice((1, 1, 2, 3))):
        places = list(leaves(data))
        *way, last = chance.choice([p for p in places if p[0] == "request"] or places)
        inner = data
        for key in way:
            inner = inner[key]
        kept = inner[last]
        values = TEXTS if isinstance(kept, str) else NUMBERS
        inner[last] = kept * 3 if isinstance(kept, list) else chance.choice(values)
    if chance.random() < 0.2:
        chance.shuffle(data["steps"])
    return data


@pytest.mark.parametrize("seed", range(40))
def test_a_mutated_run_is_repeated_or_refused(run, replayed, seed):
    done = replayed(mutated(run, random.Random(seed)))  # noqa: S311 a test's own dice
    assert done.returncode in (0, 8), done.stderr
    if done.returncode == 8:
        assert done.stderr.startswith("optimizer: ")


def change(*way):
    """Set the value at a place."""

    def do(data):
        *inner, last, value = way
        for key in inner:
            data = data[key]
        data[last] = value

    return do


def lengthened(data):
    data["steps"][3]["end"] = "2026-01-15T00:00:00Z"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (change("steps", 0, "buy", 5.1), "run.steps[0].buy is 5.1, not within -1 to 5"),
        (change("steps", 2, "load_w", 1e9), "run.steps[2].load_w is 1e+09, not within 0 to 100000"),
        (change("steps", 2, "pv_w", math.nan), "run.steps[2].pv_w is no finite number"),
        (change("steps", 2, "pv_w", 10**400), "run.steps[2].pv_w is no finite number"),
        (change("steps", []), "run.steps is empty"),
        (lengthened, "run.steps[3] does not end within an hour after its start"),
        (lambda data: data["steps"].pop(5), "run.steps[5] does not begin where the step before"),
        (lambda data: data.update(steps=data["steps"] * 57), "has 1368 items, more than 1344"),
        (change("request", "battery", "capacity_wh", 0), "capacity_wh is 0, not within 1 to 1e+06"),
        (change("request", "battery", "charge_efficiency", 1.01), "not within 0.3 to 1"),
        (change("request", "battery", "min_soc_percent", 100), "min_soc_percent has to be below"),
        (change("request", "battery", "charge_taper", [[0, 1], [100, 9]]), "charge_taper has to"),
        (change("request", "soc_percent", 100.1), "run.request.soc_percent is 100.1, not within"),
        (change("request", "stored_value", -0.1), "run.request.stored_value is -0.1, not within 0"),
        (change("request", "time_zone", "Mars/Base"), "run.request.time_zone is no time zone"),
        (change("request", "made_at", "9999-12-31T23:59:59-14:00"), "not within the years 1970"),
        (change("solve_s", -1), "run.solve_s is -1, not within 0 to 1e+06"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_out_of_range_is_named(run, replayed, damage, words):
    damage(run)
    done = replayed(run)
    assert (done.returncode, done.stdout) == (8, "")
    assert done.stderr.startswith("optimizer: the planning run cannot be read: ")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "1" * 5_000, "\0", "", "null"])
def test_what_is_no_run_is_refused(replayed, text):
    done = replayed(text)
    assert (done.returncode, done.stdout) == (8, "")
    assert len(done.stderr.splitlines()) == 1


def test_twenty_thousand_steps_are_refused_by_the_real_command(run, optimizer, tmp_path):
    run["steps"] = run["steps"] * 833 + run["steps"][:8]
    (tmp_path / "long.json").write_text(json.dumps(run))
    done = optimizer("replay", "long.json")
    assert (done.returncode, done.stdout) == (8, "")
    assert done.stderr == (
        "optimizer: the planning run cannot be read: run.steps has 20000 items, more than 1344\n"
    )


def test_the_longest_run_is_repeated(run, replayed):
    from datetime import datetime, timedelta

    first = datetime.fromisoformat(run["steps"][0]["start"])
    quarter, steps = timedelta(minutes=15), []
    for n in range(14 * 96):
        start = first + n * quarter
        stamps = {"start": start.isoformat(), "end": (start + quarter).isoformat()}
        steps.append(run["steps"][n % 24] | stamps)
    done = replayed(run | {"steps": steps})
    assert (done.returncode, done.stderr) == (0, "")
