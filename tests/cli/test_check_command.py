"""`check` and `fems` as an owner runs them: a FEMS that knows itself, and one with faults."""

import base64
import json
import re
import signal
import stat
import time
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.control import live_test
from optimizer.errors import UsageError
from optimizer.model.battery import Battery
from optimizer.model.snapshot import Channel, Snapshot
from optimizer.simulation.fems.answers import Reply, success
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from tests.waiting import wait_for

CANARY = "kanari3nvogel"


def part(factory, **properties):
    return {"alias": "Familie Muster", "factoryId": factory, "properties": properties}


SETTINGS = {
    "_meta": part("Core.Meta", gridConnectionPointFuseLimit=32, isEssChargeFromGridAllowed=True),
    "scheduler0": part("Scheduler.AllAlphabetically", **{"controllers.ids": []}),
    "ctrlApiRest0": part("Controller.Api.Rest.ReadWrite", apiTimeout=60),
    "ctrlBalancing0": part("Controller.Symmetric.Balancing"),
    "batteryInverter0": part("GoodWe.BatteryInverter", controlMode="SMART"),
}


class KnowingFems(SimulatedFems):
    """A FEMS that answers JSON-RPC too; `answers` replaces replies by method and beginning."""

    def __init__(self, house, settings=SETTINGS, answers=(), **options):
        super().__init__(house, **options)
        self.settings, self.answers, self.logins = settings, answers, set()

    def reply(self, request):
        self.logins.add((request.method, request.authorization))
        for method, beginning, answer in self.answers:
            if request.method == method and request.target.startswith(beginning):
                return answer, super().reply(request)[1]
        if request.target == "/jsonrpc":
            return self._called(json.loads(request.body)), super().reply(request)[1]
        return super().reply(request)

    def _called(self, call):
        if call["method"] == "getEdgeConfig":
            return success({"jsonrpc": "2.0", "result": {"components": self.settings}})
        start = datetime.fromisoformat(call["params"]["fromDate"]).replace(tzinfo=UTC)
        stamps = [(start + n * timedelta(minutes=15)).isoformat() for n in range(96)]
        data = {name: [500] * 96 for name in call["params"]["channels"]}
        return success({"result": {"timestamps": stamps, "data": data}})


@pytest.fixture
def fems(write_config, files_for_now):
    """Start a FEMS of which some things can be different, and write its configuration."""
    started = []

    def start(*, login="env:FEMS_PASSWORD", more="", url=None, timeout_s=60, **options):
        house = SimulatedHouse(
            Battery(capacity_wh=22_000, hybrid=True), Profile(datetime.now(UTC), 900, (800.0,)),
            Profile(datetime.now(UTC), 900, (0.0,)), datetime.now(UTC), 50,
            api_timeout_s=timeout_s,
        )  # fmt: skip
        running = KnowingFems(house, speed=1, **options)
        running.start()
        started.append(running)
        path = write_config(files_for_now, url=url or running.url)
        text = path.read_text().replace("hybrid = false", 'hybrid = "auto"')
        text = text.replace('password = "env:FEMS_PASSWORD"', f'password = "{login}"\n{more}')
        path.write_text(text)
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        return running

    yield start
    for running in started:
        running.stop()


def lines_of(done):
    """Findings by name; each is one line."""
    return {
        match[2]: match[1]
        for match in re.finditer(r"^  (\w+) +(\S.*?)  +\S", done.stdout, re.MULTILINE)
    }


def test_all_is_well(fems, optimizer):
    running = fems(more='guest_password = "user"')
    done = optimizer("check")
    assert (done.returncode, done.stderr) == (0, "")
    levels = lines_of(done)
    assert {name for name, level in levels.items() if level != "ok"} <= {
        "passwords", "plan", "this computer",
    }  # fmt: skip
    for name in ("read", "write", "time-out", "order", "control mode", "coupling", "history",
                 "other writers", "fuse", "charge from grid", "FEMS's clock", "solver", "load",
                 "prices", "roof", "folder"):  # fmt: skip
        assert levels[name] == "ok", name
    assert not running.house.written.values
    assert len({login for method, login in running.logins if method == "GET"}) == 1
    assert len({login for _, login in running.logins}) == 2


def test_json_is_for_programs(fems, in_process):
    fems()
    data = json.loads(in_process("check", "--json").stdout)
    assert (data["schema"], data["exit_code"]) == ("check/1", 0)
    groups = {"configuration", "numbers", "sources", "FEMS", "clock", "store", "solver", "battery"}
    assert {item["group"] for item in data["findings"]} == groups
    assert data["findings"][0].keys() == {"group", "name", "level", "text", "cure", "exit_code"}
    (price,) = [item for item in data["findings"] if item["name"] == "price now"]
    assert re.fullmatch(
        r"[0-9.]+ ct/kWh to buy \(exchange [0-9.]+, fees 13.0, VAT [0-9.]+\), 7.8 to sell",
        price["text"],
    )


def test_numbers_that_are_hardly_meant_are_warnings(fems, in_process, tmp_path):
    fems()
    path = tmp_path / "optimizer.toml"
    path.write_text(path.read_text().replace("vat_percent = 19", "vat_percent = 0.19"))
    done = in_process("check")
    assert "warn  vat_percent" in done.stdout
    assert "0.19 %: 19 % is likely meant -> set [tariff] vat_percent = 19" in done.stdout


ONLY_READ = Reply(500, "application/json", b'{"message":"REST-Api is in Read-Only mode"}')
HTML = Reply(200, "text/html", b"<html>router</html>")
INTERNAL = SETTINGS | {"batteryInverter0": part("GoodWe.BatteryInverter", controlMode="INTERNAL")}
LATE = SETTINGS | {
    "scheduler0": part(
        "Scheduler.FixedOrder", **{"controllers.ids": ["ctrlBalancing0", "ctrlApiRest0"]}
    )
}
FAULTS = [
    ("wrong password", {"owner_password": "other"}, 5, "read", "does not accept the password"),
    ("guest", {"owner_password": "x", "guest_password": "owner"}, 5, "write", "only read"),
    ("wrong host", {"url": "http://127.0.0.1:9"}, 4, "read", "check its network and [fems] url"),
    ("HTML", {"answers": [("GET", "/", HTML)]}, 4, "read", "sends a web page"),
    ("read-only app", {"answers": [("POST", "/", ONLY_READ)]}, 5, "write", "App Center"),
    ("restart", {"answers": [("GET", "/", Reply(502))]}, 4, "read", "wait some minutes"),
    ("lost", {"answers": [("GET", "/rest/channel/_meta", Reply(502))]}, 4, "lost", "wait some"),
    ("INTERNAL", {"settings": INTERNAL}, 5, "control mode", "ignores every set-point"),
    ("order", {"settings": LATE}, 5, "order", "taken without effect"),
    ("for ever", {"timeout_s": 0}, 10, "time-out", "never lets a set-point go"),
    ("short", {"timeout_s": 2}, 0, "time-out", "every 0.4 s"),
    ("no JSON-RPC", {"answers": [("POST", "/jsonrpc", HTML)], "more": "jsonrpc_port = 9"}, 0,
     "own settings", "cannot be reached"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "code", "name", "words"), [f[1:] for f in FAULTS],
                         ids=[f[0] for f in FAULTS])  # fmt: skip
def test_each_fault_has_one_line_with_cause_and_cure(fems, in_process, options, code, name, words):
    fems(**options)
    done = in_process("check")
    assert done.returncode == code, done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line[8:].startswith(f"{name} ")]
    assert words in line
    assert " -> " in line
    assert "Traceback" not in done.stderr


def test_a_stranger_who_writes_is_named(fems, optimizer):
    running = fems()
    running.house.write(Channel.EQUALS, 77)
    time.sleep(2.5)
    done = optimizer("check", "--prove")
    assert "ess0/SetActivePowerEquals = 77 over ctrlApiRest0" in done.stdout
    assert dict(running.house.written.values) == {Channel.EQUALS: 77}  # and it was left alone
    assert done.returncode == 5
    assert "not proved: another program may write" in done.stderr


def test_a_configuration_that_cannot_be_read_is_a_finding(in_process, write_config):
    path = write_config(more="[planing]\nx = 1")
    done = in_process("check")
    assert (done.returncode, "planing is not a key" in done.stdout) == (3, True)
    path.unlink()
    data = json.loads(in_process("check", "--json").stdout)
    assert (data["exit_code"], data["findings"][0]["level"]) == (3, "fail")


def test_a_proof_is_refused_without_a_passed_check(fems, in_process):
    running = fems(settings=INTERNAL)
    done = in_process("check", "--prove")
    assert done.returncode == 5
    assert "not proved: the check has failed" in done.stderr
    assert not running.house.written.values


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_proof_can_be_stopped_and_gives_back(fems, start, flags):
    running = fems()
    process = start("check", "--prove", *flags)
    wait_for(lambda: running.house.written.values)
    time.sleep(5)
    assert abs(running.house.written.equals_w - 600) <= 1
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert not running.house.written.values
    assert process.returncode == 0
    if flags:
        assert json.loads(out)["proof"]["proved"]
    else:
        assert "set-points were applied, and all is given back" in out


def test_a_record_has_no_names_and_no_numbers_of_anybody(fems, in_process, tmp_path):
    running = fems()
    done = in_process("check", "--save", "record.json")
    assert done.returncode == 0
    text = (tmp_path / "record.json").read_text()
    assert (tmp_path / "record.json").stat().st_mode & 0o777 == 0o600
    record = json.loads(text)
    assert record["schema"] == "fems-record/1"
    values = {item["address"]: item.get("value") for item in record["channels"]}
    assert values["ess0/Soc"] == 50
    assert values["_meta/Version"]
    assert record["settings"]["api_timeout_s"] == 60
    for secret in ("owner", "Familie", "127.0.0.1", running.url):
        assert secret not in text
    assert in_process("check", "--save", "no/where.json").returncode == 8


def test_a_record_of_nobody_is_a_finding(fems, in_process):
    fems(url="http://127.0.0.1:9")
    done = in_process("check", "--save", "record.json")
    assert done.returncode == 4
    assert lines_of(done)["save"] == "fail"


def test_channels_can_be_read_by_hand(fems, in_process):
    fems()
    done = in_process("fems", "get", "ess0/(Soc|SetActivePowerEquals)")
    assert done.stdout.splitlines() == [
        "ess0/Soc                   50 %", "ess0/SetActivePowerEquals  (write only) W",
    ]  # fmt: skip
    data = json.loads(in_process("fems", "get", "ess0/Soc", "--json").stdout)
    assert (data["schema"], data["channels"][0]["value"]) == ("fems-get/1", 50)
    nothing = in_process("fems", "get", "ess9/.*")
    assert (nothing.returncode, "no channel that matches" in nothing.stderr) == (5, True)


@pytest.mark.parametrize("pattern", ["ess0", "/Soc", "ess0/", "ess0/[AB]", "ess0/(", "a/b/c"])
def test_patterns_that_the_fems_would_not_take(fems, in_process, pattern):
    fems()
    done = in_process("fems", "get", pattern)
    assert (done.returncode, "PATTERN" in done.stderr) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, None])
def test_a_value_is_held_by_hand_and_always_given_back(fems, start, number):
    running = fems()
    seconds = "5" if number is None else "300"
    process = start("fems", "set", "--for", seconds, "--", "ess0/SetActivePowerEquals", "-1500")
    wait_for(lambda: running.house.shown.applied_w == -1_500)
    if number is not None:
        time.sleep(4)
        process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert not running.house.written.values
    assert re.search(r"sent -1500  applied -1500 .* applied$", out, re.MULTILINE)
    assert out.endswith("released: the FEMS controls the battery by itself\n")


def test_what_cannot_be_set_by_hand(fems, in_process):
    running = fems()
    for channel, code, words in (
        ("ActivePower", 8, "cannot be written"),
        ("SetReactivePowerEquals", 3, "reactive = true"),
    ):
        done = in_process("fems", "set", channel, "5", "--for", "2")
        assert (done.returncode, words in done.stderr) == (code, True)
    assert not running.house.written.values


def test_nothing_is_set_by_hand_where_the_fems_would_keep_it_for_ever(fems, in_process):
    running = fems()
    running.house.written.timeout_s = 0
    done = in_process("fems", "set", "SetActivePowerEquals", "5", "--for", "2")
    assert (done.returncode, "never lets a set-point go" in done.stderr) == (10, True)
    assert not running.house.written.values


@pytest.mark.parametrize("value", ["-999999", "-10001", "10001", "999999"])
@pytest.mark.parametrize("channel", ["SetActivePowerEquals", "SetActivePowerLessOrEquals"])
def test_a_power_beyond_what_the_device_allows_is_refused(fems, in_process, channel, value):
    running = fems()
    done = in_process("fems", "set", channel, value, "--for", "2")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"optimizer: {value} W is beyond what the FEMS allows now, -10000 to 10000 W: nothing was "
        "written\n"
    )
    assert not [method for method, _ in running.logins if method == "POST"]


def test_where_the_device_does_not_say_the_configuration_does():
    unknown = Snapshot(datetime.now(UTC), allowed_discharge_w=3_000)
    live_test.refuse_beyond(-5_000, unknown, (-5_000, 9_000))
    with pytest.raises(UsageError, match="beyond what the configuration allows, -5000 to 3000 W"):
        live_test.refuse_beyond(-5_001, unknown, (-5_000, 9_000))
    with pytest.raises(UsageError, match="-5000 to 3000 W: nothing was written"):
        live_test.refuse_beyond(3_001, unknown, (-5_000, 9_000))


def test_no_password_is_in_anything_that_is_printed(fems, optimizer, monkeypatch, tmp_path):
    monkeypatch.setenv("CANARY", CANARY)
    monkeypatch.setenv("WRONG", f"{CANARY}-wrong")
    fems(login="env:CANARY", more='guest_password = "env:CANARY"', owner_password=CANARY)
    reported = []
    commands = [
        ("check",), ("check", "--json", "--save", "r.json"), ("release",), ("plan",), ("status",),
        ("fems", "get", ".*/.*"), ("fems", "set", "SetActivePowerEquals", "5", "--for", "1"),
        ("run", "--for", "2"),
    ]  # fmt: skip
    for _ in range(2):
        for command in commands:
            done = optimizer(*command)
            reported += [done.stdout, done.stderr]
        path = tmp_path / "optimizer.toml"
        path.write_text(path.read_text().replace("env:CANARY", "env:WRONG"))
    reported += [f.read_text(errors="replace") for f in tmp_path.rglob("*") if f.is_file()]
    assert sum(len(text) for text in reported) > 1_000
    on_the_wire = base64.b64encode(f"x:{CANARY}".encode()).decode()[:16]
    assert not [text for text in reported if CANARY in text or on_the_wire in text]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('"env:NOT_THERE"', "has no variable NOT_THERE"),
        ('"file:not-there"', "not-there cannot be read: No such file"),
        ('"file:binary"', "binary is UTF-16: save it as UTF-8"),
        ('"plain"', "is in a file that others can read"),
    ],
)
def test_the_guests_password_has_the_same_rules(write_config, in_process, tmp_path, setting, words):
    path = write_config()
    (tmp_path / "binary").touch(0o600)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    login = 'password = "env:FEMS_PASSWORD"'
    path.write_text(path.read_text().replace(login, f"{login}\nguest_password = {setting}"))
    path.chmod(0o644)
    done = in_process("check")
    assert done.returncode == 3
    assert f"fems.guest_password{':' if 'plain' not in setting else ''}" in done.stdout
    assert words in done.stdout


def test_an_executors_own_set_point_is_no_stranger_to_the_doctor(fems, optimizer, start):
    running = fems()
    assert optimizer("plan").returncode == 0
    start("run")
    wait_for(lambda: running.house.written.values and running.house.shown.applied_w == -10_000)
    done = optimizer("check")
    assert lines_of(done)["other writers"] == "ok", done.stdout
    wait_for(lambda: running.house.written.values)  # and it goes on
