"""The doctor at a FEMS that answers oddly; facts that a healthy one does not show."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimizer.doctor import fems_findings
from optimizer.doctor.device_findings import ExpectedDevice
from optimizer.doctor.finding import Level
from optimizer.errors import ExitCode, RefusedError, UnreachableError
from optimizer.fems.client import FemsClient
from optimizer.fems.edge_config import EdgeConfig
from optimizer.fems.writable_channels import Entry, HandedOver
from optimizer.model.battery import Battery
from optimizer.model.grid import Rule
from optimizer.model.snapshot import FAULT, Channel
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
WANTED = ExpectedDevice(
    "auto", Rule.GRID_CHARGE, 22_000, 5, 10_000, 10_000, 10_000, 20_000, 9_000, 10
)
FULL = tuple(Entry("ctrlApiRest0", f"ess0/{channel}", "1") for channel in Channel)

SILENT = UnreachableError("x: y")


class Past:
    """History that knows nothing, or cannot be asked."""

    def __init__(self, error=None):
        self.error = error

    def call(self, method, params):
        if self.error:
            raise self.error
        return {"timestamps": [], "data": {}}

    def close(self):
        pass


class Odd(FemsClient):
    """Answers what the test says, where it says something."""

    def __init__(self, url, shot=None, **answers):
        super().__init__(url, "owner")
        self.shot, self.answers = shot or {}, answers
        self.rpc = answers.get("rpc", self.rpc)

    def _said(self, name, otherwise):
        answer = self.answers.get(name)
        if isinstance(answer, Exception):
            raise answer
        return otherwise() if name not in self.answers else answer

    def snapshot(self, at):
        return replace(super().snapshot(at), **self.shot)

    def handed_over(self):
        return self._said("handed_over", super().handed_over)

    def timeout_s(self):
        return self._said("timeout_s", super().timeout_s)

    def edge_config(self, patience=None):
        return self._said("edge_config", lambda: super(Odd, self).edge_config(patience))

    def hybrid(self):
        return self._said("hybrid", super().hybrid)

    def controllers(self):
        return self._said("controllers", super().controllers)

    @property
    def clock_ahead(self):
        return self._said("clock_ahead", lambda: timedelta(0))


@pytest.fixture
def examine():
    """All findings by name."""

    def run(own=None, wanted=WANTED, sun_w=0.0, sunny_s=0, **changes):
        load = Profile(NOW, 900, (800.0,))
        house = SimulatedHouse(
            Battery(capacity_wh=22_000), load, Profile(NOW, 900, (sun_w,)), NOW, 50
        )
        house.advance(sunny_s)
        with SimulatedFems(house) as fems, Odd(fems.url, **changes) as client:
            found = list(
                fems_findings.findings(client, wanted, NOW, ZoneInfo("Europe/Berlin"), own)
            )
            assert not house.written.values
        return {item.name: item for item in found}

    return run


CASES = [
    ({"shot": {"soc_percent": None}}, "read", Level.WARN, "unknown: soc_percent"),
    ({"shot": {"state": FAULT}}, "state", Level.FAIL, "reports a fault"),
    ({"shot": {"grid_mode": 2}}, "grid", Level.WARN, "not on the grid"),
    ({"handed_over": HandedOver(FULL, known=True, failed=False)}, "write", Level.WARN, "not tried"),
    ({"handed_over": UnreachableError("x: y")}, "other writers", Level.WARN, "does not say who"),
    ({"handed_over": HandedOver((), known=True, failed=True)}, "REST app", Level.WARN, "RunFailed"),
    ({"timeout_s": UnreachableError("gone: look")}, "time-out", Level.WARN, "gone"),
    ({"timeout_s": None}, "time-out", Level.WARN, "unknown"),
    ({"timeout_s": 301}, "time-out", Level.FAIL, "for 301 s"),
    ({"timeout_s": 15}, "time-out", Level.WARN, "every 3 s"),
    ({"wanted": replace(WANTED, capacity_wh=9_000)}, "capacity", Level.WARN, "has 22000 Wh"),
    ({"hybrid": RefusedError("x: y"), "edge_config": SILENT}, "coupling", Level.WARN,
     "does not say"),
    ({"hybrid": None, "edge_config": EdgeConfig(hybrid=True), "rpc": Past()}, "coupling", Level.OK,
     "inside the set-point"),
    ({"controllers": ("ctrlEssLimiter14a0",), "edge_config": SILENT}, "decide before us",
     Level.OK, "dimming"),
    ({"edge_config": EdgeConfig(), "rpc": Past()}, "history", Level.WARN, "0% of the load"),
    ({"edge_config": EdgeConfig(), "rpc": Past(RefusedError("no: ask"))}, "history", Level.WARN,
     "no"),
    ({"clock_ahead": None}, "FEMS's clock", Level.WARN, "no date"),
    ({"clock_ahead": timedelta(seconds=99)}, "FEMS's clock", Level.WARN, "99 s ahead of"),
    ({"clock_ahead": timedelta(seconds=-99)}, "FEMS's clock", Level.WARN, "99 s behind"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "name", "level", "words"), CASES)
def test_a_fact_and_what_it_means(examine, changes, name, level, words):
    item = examine(**changes)[name]
    assert (item.level, words in item.text) == (level, True), item
    assert bool(item.fix) == (level is not Level.OK)


def test_the_worst_of_the_time_out_has_its_code(examine):
    assert examine(timeout_s=0)["time-out"].exit_code is ExitCode.UNSAFE_TIMEOUT


def test_limits_that_are_unknown_are_not_compared(examine):
    assert "limits now" not in examine(shot={"allowed_charge_w": None})


@pytest.mark.parametrize(("own", "level"), [(None, Level.WARN), ("SetActivePowerEquals", Level.OK)])
def test_our_own_executor_is_no_stranger(examine, own, level):
    log = HandedOver(FULL[:1], known=True, failed=False)
    assert examine(own=own, handed_over=log)["other writers"].level is level


def test_pv_that_no_plan_knows_of_is_named_with_the_cure(examine):
    without = replace(WANTED, has_pv=False)
    now = examine(wanted=without, sun_w=2_500.0)["PV"]
    assert now.level is Level.WARN
    assert "0 kWh of PV, 2500 W now" in now.text
    assert 'set [pv] source = "open-meteo"' in now.fix
    counted = examine(wanted=without, sun_w=9_000.0, sunny_s=2 * 3_600, shot={"pv_w": 0.0})["PV"]
    assert "18 kWh of PV, 0 W now" in counted.text
    assert "PV" not in examine(wanted=without)
    assert "PV" not in examine(wanted=without, shot={"pv_w": None})
    assert "PV" not in examine(sun_w=2_500.0)
