"""The doctor's findings: each fact with its level, its consequence and its cure."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from optimizer.doctor import device_findings, finding, house_findings
from optimizer.doctor.device_findings import ExpectedDevice
from optimizer.doctor.finding import Finding, Group, Level
from optimizer.errors import (
    ConfigError,
    DataError,
    ExitCode,
    InfeasibleError,
    OptimizerError,
    RefusedError,
)
from optimizer.fems.edge_config import EdgeConfig
from optimizer.model import frames
from optimizer.model.grid import Rule
from optimizer.model.tariff import Export, ExportKind, Tariff

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 1, 15)
BERLIN = ZoneInfo("Europe/Berlin")
WANTED = ExpectedDevice(
    "auto", Rule.GRID_CHARGE, 22_000, 5, 10_000, 10_000, 10_000, 20_000, 9_000, 10
)
WELL = EdgeConfig(
    order=("ctrlApiRest0", "ctrlBalancing0"), above=(), below=("ctrlBalancing0",),
    rest_above_balancing=True, control_mode="SMART", hybrid=True, reserve_soc_percent=5,
    fuse_a=32, max_sell_w=9_000, charge_from_grid=True,
)  # fmt: skip


def test_a_device_that_is_all_well():
    found = list(device_findings.findings(WELL, WANTED))
    assert {item.level for item in found} == {Level.OK}


DEVICES = [
    ({"order": None}, "order", Level.WARN, "may have no effect"),
    ({"rest_above_balancing": False}, "order", Level.FAIL, "taken without effect"),
    ({"rest_above_tariff": False}, "order", Level.FAIL, "the FEMS's tariff optimisation"),
    ({"rest_above_balancing": None}, "order", Level.WARN, "nothing balances the house"),
    ({"above": ("ctrlEssLimiter14a0",)}, "decide before us", Level.OK, "dimming by the grid"),
    ({"above": ("ctrlMine0",)}, "also before us", Level.OK, "ctrlMine0"),
    ({"operator_limits": True}, "operator_limits", Level.OK, "4.2 kW"),
    ({"peak_shaving": ("ctrlPeak0",)}, "peak shaving", Level.WARN, "ctrlPeak0 is overruled"),
    ({"grid_optimized_charge": "AUTOMATIC"}, "feed-in limit", Level.WARN, "overruled"),
    ({"tariff_mode": "AUTOMATIC"}, "FEMS's own plan", Level.WARN, "runs too (AUTOMATIC)"),
    ({"control_mode": "INTERNAL"}, "control mode", Level.FAIL, "ignores every set-point"),
    ({"reserve_soc_percent": 20.0}, "reserve", Level.WARN, "keeps 20 % for blackouts"),
    ({"fuse_a": 25.0}, "fuse", Level.WARN, "17321 W, [grid] max_buy_w is 20000 W"),
    ({"max_sell_w": 7_000.0}, "feeding in", Level.WARN, "max_sell_w is 9000 W"),
    ({"charge_from_grid": False}, "charge from grid", Level.WARN, "does not stop us"),
]


@pytest.mark.parametrize(("changes", "name", "level", "words"), DEVICES)
def test_a_devices_fact_and_what_it_means(changes, name, level, words):
    found = device_findings.findings(replace(WELL, **changes), WANTED)
    (item,) = [item for item in found if item.name == name]
    assert (item.level, words in item.text) == (level, True)
    assert bool(item.fix) == (level is not Level.OK)
    assert (item.exit_code is ExitCode.REFUSED) == (level is Level.FAIL)


def test_what_a_device_does_not_tell_is_left_out():
    names = {item.name for item in device_findings.findings(EdgeConfig(), WANTED)}
    assert names == {"order"}
    free = replace(WELL, feed_in_type="NO_LIMITATION", max_sell_w=0.0, charge_from_grid=False)
    found = {
        item.name: item
        for item in device_findings.findings(free, replace(WANTED, rule=Rule.PV_ONLY))
    }
    assert "feeding in" not in found
    assert found["charge from grid"].text == "not allowed, and not planned"


@pytest.mark.parametrize(
    ("found", "setting", "level", "words"),
    [
        (True, "auto", Level.OK, "inside the set-point"),
        (True, False, Level.FAIL, "buy while the sun shines"),
        (False, True, Level.WARN, "max_ac_w"),
        (False, False, Level.OK, "no roof behind"),
        (None, "auto", Level.WARN, "is assumed"),
        (None, True, Level.OK, "hybrid = true"),
    ],
)
def test_the_coupling(found, setting, level, words):
    item = device_findings.coupling(found, replace(WANTED, hybrid=setting))
    assert (item.level, words in item.text) == (level, True)


FIXED = Tariff(valid_to=date(2026, 12, 31), export=Export(ExportKind.FIXED, 0.08))


def house(tariff, rule=Rule.GRID_CHARGE, **options):
    settings = {"standard_login": False, "guest": True} | options
    path = Path(__file__)
    found = house_findings.configuration(path, tariff, rule, TODAY, **settings)
    return {item.name: item for item in found}


@pytest.mark.parametrize(
    ("valid_to", "level"),
    [(None, Level.OK), (date(2026, 1, 14), Level.WARN), (date(2026, 2, 1), Level.WARN),
     (date(2026, 12, 31), Level.OK)],
)  # fmt: skip
def test_a_tariffs_end(valid_to, level):
    assert house(replace(FIXED, valid_to=valid_to))["tariff"].level is level


def test_the_configuration():
    assert "tariff" not in house(None)
    assert house(None, standard_login=True)["passwords"].level is Level.WARN
    assert "no guest_password" in house(None, guest=False)["reading"].text
    assert "rule" not in house(FIXED)
    mixed = house(FIXED, Rule.MIXED)["rule"]
    assert (mixed.level, mixed.exit_code) == (Level.FAIL, ExitCode.CONFIG)
    spot = replace(FIXED, export=Export(ExportKind.SPOT))
    assert "rule" not in house(spot, Rule.MIXED)


def frame(start, hours):
    starts = [start + timedelta(hours=n) for n in range(hours)]
    ends = [at + timedelta(hours=1) for at in starts]
    return frames.frame_of(starts, ends, load_w=[500.0] * hours)


@pytest.mark.parametrize(
    ("start", "hours", "level", "words"),
    [
        (NOW, 24, Level.OK, "24 rows of 60 min, 15.01.2026 13:00 to 16.01.2026 13:00, 24 h"),
        (NOW, 5, Level.WARN, "only 5 h ahead"),
        (NOW - timedelta(hours=48), 24, Level.FAIL, "it ended 1.0 days ago"),
        (NOW + timedelta(hours=12), 24, Level.FAIL, "it begins 0.5 days from now"),
    ],
)
def test_a_sources_span(start, hours, level, words):
    item = house_findings.source("load", "csv", lambda: frame(start, hours), NOW, ZONE)
    assert (item.level, words in item.text) == (level, True)
    assert (item.exit_code is ExitCode.BAD_DATA) == (level is Level.FAIL)


def test_a_source_that_fails_only_matters_if_no_other_follows():
    def fail() -> pd.DataFrame:
        raise DataError("load.csv, line 3: rubbish: mend it")

    last = house_findings.source("load", "csv", fail, NOW, ZONE)
    assert (last.level, last.fix) == (Level.FAIL, "mend it")
    first = house_findings.source("prices", "csv", fail, NOW, ZONE, last=False)
    assert (first.level, first.exit_code) == (Level.WARN, ExitCode.OK)
    old = house_findings.source(
        "prices", "csv", lambda: frame(NOW - timedelta(days=9), 3), NOW, ZONE, last=False
    )
    assert old.level is Level.WARN


def test_the_store(tmp_path, monkeypatch):
    found = {item.name: item for item in house_findings.store(tmp_path, NOW, BERLIN)}
    assert (found["folder"].level, found["plan"].level) == (Level.OK, Level.WARN)
    assert "run 'optimizer plan'" in found["plan"].fix
    monkeypatch.setattr(house_findings, "ENOUGH_BYTES", 10**18)
    found = {item.name: item for item in house_findings.store(tmp_path, NOW, BERLIN)}
    assert found["folder"].level is Level.WARN
    (tmp_path / "file").write_text("")
    (bad,) = house_findings.store(tmp_path / "file", NOW, BERLIN)
    assert (bad.level, bad.exit_code) == (Level.FAIL, ExitCode.BAD_DATA)


def test_the_solver():
    def fail():
        raise InfeasibleError("there is no solver: install highspy")

    assert house_findings.solver(lambda: "HiGHS").text == "HiGHS solves"
    assert house_findings.solver(fail).exit_code is ExitCode.INFEASIBLE


@pytest.mark.parametrize(
    ("systemd", "synchronized", "level", "words"),
    [
        (False, False, Level.OK, "no systemd"),
        (True, True, Level.OK, "synchronised"),
        (True, False, Level.WARN, "has not synchronised"),
    ],
)
def test_the_computers_clock(tmp_path, monkeypatch, systemd, synchronized, level, words):
    for name, there in (("SYSTEMD", systemd), ("SYNCHRONIZED", synchronized)):
        path = tmp_path / name
        if there:
            path.touch()
        monkeypatch.setattr(house_findings, name, path)
    item = house_findings.clock()
    assert (item.level, words in item.text) == (level, True)


def test_the_worst_failure_gives_the_exit_code():
    group = Group("x")
    items = [group.ok("a", "fine"), group.warn("b", "hm", "look")]
    assert finding.exit_code(items) is ExitCode.OK
    items.append(group.fail("c", "data", "mend", ExitCode.BAD_DATA))
    items.append(group.error("d", RefusedError("no: ask")))
    assert finding.exit_code(items) is ExitCode.REFUSED
    items.append(group.error("e", ConfigError("wrong: write it like http://x")))
    assert finding.exit_code(items) is ExitCode.CONFIG
    assert finding.exit_code([group.error("f", OptimizerError("a bug"))]) is ExitCode.BUG
    assert items[-1].line().endswith("wrong -> write it like http://x")


def test_lines_stand_under_their_groups():
    items = [Group("one").ok("a", "x"), Group("one").ok("b", "y"), Group("two").ok("c", "z")]
    reported = finding.lines(items)
    assert [line for line in reported if not line.startswith(" ")] == ["one", "two"]
    assert Finding("g", "n", Level.OK, "t").as_json() == {
        "group": "g", "name": "n", "level": "ok", "text": "t", "cure": "", "exit_code": 0,
    }  # fmt: skip
