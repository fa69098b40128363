"""`optimizer support`: secrets and names are planted everywhere, and none is in the bundle."""

import json
import re
import stat
import zipfile
from contextlib import closing
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.app import redaction, support_bundle
from optimizer.config.section_keys import keys_of, section_in
from optimizer.config.sections import Config
from optimizer.model.battery import Battery
from optimizer.model.snapshot import Decision, Reason, Snapshot
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store import database, journal, plan_store

PLANTED = (
    "kanarienvogel", "zaunkoenig", "Rotkehlchen", "gimpel", "Buchfink", "eisvogel", "pirol",
    "48.137", "11.575", "94032", "127.0.0.1", "zeisig", "ortolan", "stieglitz", "dompfaff",
    "goldammer", "haenfling", "sprosser",
)  # fmt: skip
"""Every name, secret, address and place that the test puts somewhere."""

CONFIG = """
# the password was kanarienvogel before
site = "Haus Rotkehlchen, 94032"
[fems]
url = "{url}"
password = "owner"          # zaunkoenig
# guest_password = "gimpel"
[battery]
capacity_wh = 22_000
hybrid = false
[prices]
sources = ["csv", "buchfink"]
file = "{folder}/prices.csv"
entsoe_token = "eisvogel"
tibber_token = "eisvogel"
tibber_home = "pirol"
[tariff]
grid_fee_eur_per_kwh = 0.10
valid_to = 2026-12-31
[[tariff.window]]
from = "10:00"
to = "15:00"
grid_fee_eur_per_kwh = 0.05
[load]
source = "csv"
file = "{folder}/zeisig.csv"
url = "http://ortolan.example:8123"
token = "stieglitz"
sensor = "sensor.dompfaff"
without = ["goldammer"]
tags = {{ entity_id = "goldammer" }}
[pv]
source = "open-meteo"
latitude = 48.137
longitude = 11.575
key = "haenfling"
planes = [{{ kwp = 9.9 }}]
[mqtt]
host = "sprosser.example"
user = "sprosser"
password = "sprosser"
[store]
folder = "{folder}/state-buchfink"
"""


@pytest.fixture
def house(tmp_path, files_for_now):
    """A house whose store, files and device hold what is planted; the configuration's path."""
    folder = tmp_path / "Buchfink"
    folder.mkdir()
    (folder / "prices.csv").write_text((files_for_now / "prices.csv").read_text())
    path = tmp_path / "optimizer.toml"
    at = datetime.now(UTC)
    simulated = SimulatedHouse(
        Battery(capacity_wh=22_000), Profile(at, 900, (800.0,)), Profile(at, 900, (0.0,)), at, 50
    )
    with SimulatedFems(simulated) as fems:
        path.touch(mode=0o600)
        path.write_text(CONFIG.format(url=fems.url, folder=folder))
        with closing(database.connect(folder / "state-buchfink")) as connection:
            note(connection, at)
            yield path, connection


def note(connection, at):
    record = journal.Journal(connection)
    for minutes, words in ((60, "Rotkehlchen"), (30, "by zaunkoenig")):
        moment = at - timedelta(minutes=minutes)
        text = f"paused by 'optimizer pause' by {words} at http://kanarienvogel:gimpel@127.0.0.1/x"
        record.note(
            Decision(moment, None, Reason.PAUSED, note=text),
            Snapshot(moment, soc_percent=50.0, grid_w=120.0),
        )
        record.note(Decision(moment + timedelta(minutes=1), None, Reason.NO_PLAN), None)
    record.flush()


def bundle(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def leaked(contents):
    whole = "\n".join([*contents, *contents.values()])
    return [word for word in PLANTED if word.lower() in whole.lower()]


@pytest.mark.parametrize("asked", [True, False])
def test_nothing_that_is_planted_is_in_the_bundle(
    house, in_process, make_stored_plan, tmp_path, asked
):
    _, connection = house
    make_stored_plan(connection)
    done = in_process("support", *([] if asked else ["--no-check"]))
    assert done.returncode == 0, done.stderr
    contents = bundle(tmp_path / "optimizer-support.zip")
    wanted = {"versions.json", "configuration.json", "plans.json", "decisions.json"}
    assert contents.keys() == wanted | ({"check.json", "device.json"} if asked else set())
    assert leaked(contents) == []
    assert stat.S_IMODE((tmp_path / "optimizer-support.zip").stat().st_mode) == 0o600
    for name in contents:
        assert name in done.stdout
    settings_are_numbers_and_choices(json.loads(contents["configuration.json"]))
    plan_and_decisions_help(contents)
    if asked:
        findings = {item["name"]: item for item in json.loads(contents["check.json"])}
        assert findings["read"]["level"] == "ok"
        assert findings["load"]["level"] == "fail"
        assert "cannot be read" in findings["load"]["text"]
        assert json.loads(contents["device.json"])["channels"]


def settings_are_numbers_and_choices(settings):
    assert settings["battery"]["capacity_wh"] == 22_000
    assert settings["prices"]["sources"] == ["csv", "(set)"]
    assert settings["tariff"]["window"][0]["from"] == "10:00:00"
    assert settings["pv"]["planes"] == [
        {"kwp": 9.9, "tilt_degrees": 30.0, "compass_degrees": 180.0}
    ]
    assert (settings["pv"]["latitude"], settings["fems"]["password"]) == ("(set)", "(set)")


def plan_and_decisions_help(contents):
    (plan,) = json.loads(contents["plans.json"])
    assert (len(plan["steps"]), "site" in plan) == (6, False)
    assert plan["steps"][1]["why"].startswith("cheap before the peak (45.0 ct at ")
    assert plan["notes"] == ["load: [...] learned from the journal"]
    decisions = json.loads(contents["decisions.json"])
    changes = [item["reason"] for item in decisions if item["kind"] == "change"]
    assert changes == ["PAUSED", "NO_PLAN", "PAUSED", "NO_PLAN"]
    assert decisions[0]["note"] == "paused by 'optimizer pause' by [...] at [...]"
    assert decisions[0]["grid_w"] == 120.0


@pytest.fixture
def make_stored_plan():
    from optimizer.model.grid import Grid
    from optimizer.planning.planner import PlanRequest, make_plan
    from optimizer.planning.task import ForecastStep

    def store(connection):
        start, hour = datetime.now(UTC).replace(microsecond=0), timedelta(hours=1)
        steps = tuple(
            ForecastStep(start + n * hour, start + (n + 1) * hour, buy, 0.08, 1_000.0, 0.0)
            for n, buy in enumerate((0.30, 0.10, 0.12, 0.40, 0.45, 0.30))
        )
        request = PlanRequest(start, "Rotkehlchen", Battery(capacity_wh=10_000), Grid(), 20.0)
        plan = make_plan(steps, request, lambda: 0.0)
        noted = "load: /home/zaunkoenig/Buchfink.csv learned from the journal"
        plan_store.save(connection, replace(plan, notes=(noted,)), {})

    return store


def test_a_dry_run_lists_and_writes_nothing(house, in_process, tmp_path):
    done = in_process("support", "--no-check", "--dry-run")
    assert done.returncode == 0
    assert "decisions.json" in done.stdout
    assert done.stdout.endswith("nothing was written (--dry-run)\n")
    assert not (tmp_path / "optimizer-support.zip").exists()


def test_lines_fit_a_terminal(house, in_process):
    done = in_process("support", "--no-check")
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    "text",
    ["[fems\nkanarienvogel", "site = 5\n[fems]\nurl = 'http://zaunkoenig:gimpel@eisvogel/x'\n",
     "[pirol]\ngimpel = 'eisvogel'\n", None],
)  # fmt: skip
def test_a_broken_configuration_is_bundled_without_a_word_of_it(in_process, tmp_path, text):
    if text is not None:
        (tmp_path / "optimizer.toml").write_text(text)
    done = in_process("support", "--config", "optimizer.toml")
    assert done.returncode == 0, done.stderr
    contents = bundle(tmp_path / "optimizer-support.zip")
    assert contents.keys() == {"versions.json", "configuration.json"}
    assert json.loads(contents["configuration.json"])["faults"]
    assert leaked(contents) == []
    assert str(tmp_path) not in "".join(contents.values())


def test_a_store_that_cannot_be_read_is_said_and_the_rest_is_there(house, in_process, tmp_path):
    _, connection = house
    connection.execute("PRAGMA user_version = 99")
    done = in_process("support", "-o", "other.zip")
    assert done.returncode == 0, done.stderr
    contents = bundle(tmp_path / "other.zip")
    assert "newer" in json.loads(contents["plans.json"])["error"]
    assert "newer" in contents["check.json"]
    assert json.loads(contents["device.json"])["channels"]
    assert leaked(contents) == []


@pytest.mark.parametrize("out", ["no/folder/x.zip", "", "x" * 300, "folder"])
def test_a_place_that_cannot_be_written_is_one_sentence(in_process, tmp_path, out):
    (tmp_path / "folder").mkdir()
    done = in_process("support", "--no-check", "-o", out)
    assert done.returncode in (2, 8)
    assert "Traceback" not in done.stderr


def test_the_same_parts_give_the_same_bytes():
    parts = [support_bundle.BundledFile.of("a.json", "a", {"b": 1})]
    assert support_bundle.archive(parts) == support_bundle.archive(parts)


def sections(section, path=()):
    yield path, section
    for key, annotation in keys_of(section).items():
        inner = section_in(annotation)
        if inner is not None:
            yield from sections(inner, (*path, key))


def test_keys_that_are_shown_are_keys():
    known = {}
    for path, section in sections(Config):
        if path:
            known.setdefault(path[0], set()).update(keys_of(section))
    for name, kept in redaction.KEPT.items():
        assert kept <= known[name], name


def test_keys_that_name_somebody_or_something_are_on_no_list():
    words = re.compile(
        "password|token|key|user|host|url|file|folder|column|sensor|site|home|latitude|longitude|"
        "tags|database|measurement|field|without|prefix|swiss$|swiss_tariff|octopus"
    )
    shown = {key for kept in redaction.KEPT.values() for key in kept}
    assert {key for key in shown if words.search(key)} == set()


@pytest.mark.parametrize("word", PLANTED)
def test_a_sentence_keeps_only_the_programs_words(word):
    for text in (
        word, f"{word}:", f"'{word}'", f"the FEMS at {word} answers", f"/etc/{word}/x",
        f"https://{word}@example.org/?a={word}", f"{word} {word} 12345 {word}",
    ):  # fmt: skip
        assert word.lower() not in redaction.sentence(text).lower() or word == "94032"


def test_a_sentence_of_ours_stays_whole():
    for text in (
        "no plan covers 2026-01-14T22:00:00Z",
        "waiting for steady readings",
        "set [battery] capacity_wh = 22000",
        "limits now -10000 to 10000 W, configured",
    ):
        assert redaction.sentence(text) == text


def test_only_known_types_of_settings_are_shown():
    assert redaction._setting(object(), set()) == redaction.HIDDEN
    assert redaction._value(object(), ()) == redaction.REMOVED
    assert {item.name for item in fields(support_bundle.BundledFile)} == {
        "name", "about", "content",
    }  # fmt: skip
