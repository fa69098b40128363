"""The doctor learns from the device, or from the own journal, and plans with both batteries."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimizer.app import diagnosis
from optimizer.config.loading import validate
from optimizer.errors import UnreachableError
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.task import ForecastStep
from optimizer.store import database, plan_store

AT = datetime(2026, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONE = ZoneInfo("Europe/Berlin")


class Away:
    """A device that cannot be asked for its history."""

    def call(self, _method, _params, _patience=None):
        raise UnreachableError("it does not forward /jsonrpc")

    @property
    def rpc(self):
        return self


@pytest.fixture
def config(tmp_path):
    return validate({
        "fems": {"url": "http://127.0.0.1:9", "password": "owner"},
        "battery": {"capacity_wh": 10_000, "hybrid": False},
        "store": {"folder": tmp_path},
    })  # fmt: skip


@pytest.fixture
def store(tmp_path):
    connection = database.connect(tmp_path)
    yield connection
    connection.close()


def test_the_journal_steps_in_and_the_effect_is_planned(config, store):
    steps = tuple(
        ForecastStep(AT + n * HOUR, AT + (n + 1) * HOUR, price, 0.08, 800.0, 0.0)
        for n, price in enumerate([0.1, 0.1, 0.4, 0.4, 0.4, 0.4] * 2)
    )
    request = PlanRequest(AT, "home", Battery(capacity_wh=10_000), Grid(), 20.0)
    plan_store.save(store, make_plan(steps, request, lambda: 0.0), {})
    soc, rows = 50.0, []
    for n in range(96 * 20):  # up and down by 2 % a quarter-hour, 8 kWh in the cells, 0.9 each way
        up = n // 20 % 2 == 0
        soc += 2 if up else -2
        battery_w = -160 * 4 / 0.9 if up else 160 * 4 * 0.9
        at = AT - timedelta(days=20) + (n + 1) * HOUR / 4
        rows.append(("summary", at.isoformat().replace("+00:00", "Z"), 900.0, soc, battery_w))
    store.executemany(
        "INSERT INTO tick (kind, at, seconds, soc_percent, battery_w, reason, note) "
        "VALUES (?, ?, ?, ?, ?, 'SELF_CONSUMPTION', '')", rows,
    )  # fmt: skip
    found = {item.name: item for item in diagnosis.learned_battery(config, Away(), AT + HOUR, ZONE)}
    assert found["usable capacity"].fix.startswith("set [battery] capacity_wh = ")
    reported = float(found["usable capacity"].fix.rpartition(" ")[2])
    assert reported == pytest.approx(8_000, rel=0.03)
    assert found["round trip"].text.startswith("81.")
    saved = [float(word) for word in found["effect"].text.split() if word[0].isdigit()]
    assert 0 < saved[0] < saved[1]  # a smaller battery with more losses saves less


def test_without_history_journal_and_plan_there_is_one_line(config):
    (only,) = diagnosis.learned_battery(config, Away(), AT, ZONE)
    assert "nothing yet" in only.text
