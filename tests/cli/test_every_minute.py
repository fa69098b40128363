"""A plan at any second: its first step is what is left of the running one, and counts just that.

`EVERY_MINUTES=1 pytest tests/cli/test_every_minute.py` plans at each minute everywhere.
"""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest
import responses
from answers import house as house_answers
from answers import prices as price_answers

from optimizer.app import make_plan
from optimizer.config import loading
from optimizer.model import plan_json

HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
HOURS = {
    "before midnight": datetime(2026, 11, 22, 22, tzinfo=UTC),
    "before summer time begins": datetime(2026, 3, 29, 0, tzinfo=UTC),
    "as summer time begins": datetime(2026, 3, 29, 1, tzinfo=UTC),
    "before summer time ends": datetime(2026, 10, 25, 0, tzinfo=UTC),
    "as summer time ends": datetime(2026, 10, 25, 1, tzinfo=UTC),
    "before quarter-hours are traded": datetime(2025, 9, 30, 21, tzinfo=UTC),
}
"""Full hours (UTC); the last one is followed by quarter-hourly prices."""
SOC_PERCENT = 50.0
EVERY_MINUTES = int(os.environ.get("EVERY_MINUTES", "20"))


def price_at(at, minutes):
    """Cheap now, dear later, each step with its own price, in an exchange's digits [EUR/kWh]."""
    begun = at - timedelta(seconds=at.timestamp() % (60 * minutes))
    return round(0.10003 + 0.05 * ((begun.hour + 2) % 6) + 0.001 * (begun.minute // 15), 6)


def load_at(at):
    """Load, in quarter-hours [W]."""
    return 400.0 + 40.0 * (at.minute // 15)


def spans(begin, count, minutes):
    return [begin + n * timedelta(minutes=minutes) for n in range(count)]


def written(path, columns, rows):
    path.write_text("\n".join([f"start,{columns}", *(f"{at.isoformat()},{v}" for at, v in rows)]))


@pytest.fixture
def files(tmp_path):
    """Prices in hours, quarter-hours or both, and load in quarter-hours, around an hour."""

    def write(begin, kind):
        hours, quarters = spans(begin - 2 * HOUR, 3, 60), spans(begin + HOUR, 40, 15)
        if kind == "hours":
            hours, quarters = spans(begin - 2 * HOUR, 14, 60), []
        if kind == "quarter-hours":
            hours, quarters = [], spans(begin - 2 * HOUR, 56, 15)
        prices = [(at, f"{price_at(at, 60)},0.05") for at in hours]
        prices += [(at, f"{price_at(at, 15)},0.05") for at in quarters]
        load = [(at, load_at(at)) for at in spans(begin - 2 * HOUR, 56, 15)]
        written(tmp_path / "prices.csv", "buy_eur_per_kwh,sell_eur_per_kwh", prices)
        written(tmp_path / "load.csv", "load_w", load)
        written(tmp_path / "roof.csv", "pv_w", [(at, 0.0) for at, _ in load])
        return tmp_path

    return write


@pytest.fixture
def made(monkeypatch):
    """The plan of a moment, as the command makes it; it survives its JSON."""
    monkeypatch.setenv("FEMS_PASSWORD", "owner")

    def make(config, at):
        inputs = make_plan.plan_inputs(loading.load(config), at, at, SOC_PERCENT)
        plan, _ = make_plan.solve(inputs)
        assert plan_json.from_json(json.loads(json.dumps(plan_json.to_json(plan)))) == plan
        return plan

    return make


def mean_over(value, start, end):
    """Time-weighted mean of what holds for a quarter-hour, by the second."""
    total = 0.0
    at = start
    while at < end:
        until = min(at + QUARTER - timedelta(seconds=at.timestamp() % 900), end)
        total += value(at) * (until - at).total_seconds()
        at = until
    return total / (end - start).total_seconds()


def moments_of(begin, every=1):
    """Minutes of an hour, each at a second of its own: 1 s is left at the last one."""
    return [begin + timedelta(minutes=n, seconds=(59 * n) % 60) for n in range(0, 60, every)]


def no_sun(at):
    return 0.0


def check(plan, at, minutes, price, sun=no_sun):
    """The first step is the rest of the running one, and energy and money count that."""
    step = timedelta(minutes=minutes)
    end = at + step - timedelta(seconds=at.timestamp() % step.total_seconds())
    first, rest = plan.steps[0], plan.steps[1:]
    assert (plan.made_at, plan.step_s) == (at, step.total_seconds())
    assert (first.start, first.end) == (at, end)
    assert [(s.start, s.end) for s in rest] == [
        (end + n * step, end + (n + 1) * step) for n in range(len(rest))
    ]
    assert first.load_w == pytest.approx(mean_over(load_at, at, end), abs=0.01)
    assert first.pv_w == pytest.approx(mean_over(sun, at, end), abs=0.01)
    assert first.buy_eur_per_kwh == pytest.approx(mean_over(price, at, end), abs=1.1e-6)
    stored_wh = 22_000 * SOC_PERCENT / 100
    for one in plan.steps:
        hours = (one.end - one.start).total_seconds() / 3600
        loss = 0.95 if one.battery_w < 0 else 1 / 0.95
        stored_wh -= one.battery_w * loss * hours
        assert one.soc_wh == pytest.approx(stored_wh, abs=0.02)
        stored_wh = one.soc_wh
    bill = sum(
        s.grid_w / 1000 * (s.end - s.start).total_seconds() / 3600
        * (s.buy_eur_per_kwh if s.grid_w > 0 else s.sell_eur_per_kwh)
        for s in plan.steps
    )  # fmt: skip
    assert plan.cost_eur == pytest.approx(bill, abs=1e-5)


@pytest.mark.parametrize("minutes", [15, 30, 60])
@pytest.mark.parametrize("hour", HOURS)
def test_from_files_at_every_minute(write_config, files, made, hour, minutes):
    begin = HOURS[hour]
    kind = ("hours", "quarter-hours", "mixed")[(minutes // 15 + list(HOURS).index(hour)) % 3]
    changes = {"hours": begin + 99 * HOUR, "quarter-hours": begin - HOUR, "mixed": begin + HOUR}
    more = f"[planning]\nhorizon_h = 4\nstep_minutes = {minutes}"
    config = write_config(files(begin, kind), tariff="", more=more)
    plans = {}
    every = 1 if hour == "before midnight" else min(EVERY_MINUTES, 10)
    for at in moments_of(begin, every):
        plans[at] = made(config, at)
        check(plans[at], at, minutes, lambda t: price_at(t, 60 if t < changes[kind] else 15))
    if hour == "before midnight":
        assert all(plan.steps[0].battery_w < -1_000 for plan in plans.values())


SERVED = """
[fems]
url = "http://fems"
password = "env:FEMS_PASSWORD"
[battery]
capacity_wh = 22_000
hybrid = false
[prices]
sources = ["{service}"]
patience_s = 0
[tariff]
grid_fee_eur_per_kwh = 0.10
[tariff.export]
eur_per_kwh = 0.05
[load]
source = "fems"
[pv]
source = "open-meteo"
latitude = 48.8
longitude = 13.1
planes = [{{ kwp = {kwp} }}]
[planning]
horizon_h = 4
step_minutes = {minutes}
[store]
folder = "{folder}/state"
"""


NOON = datetime(2026, 11, 22, 11, tzinfo=UTC)


def sun_at(at):
    """PV forecast of the hours around noon, in quarter-hours [W]."""
    return 500.0 * (1 + at.minute // 15) if 9 <= at.hour < 14 else 0.0


@pytest.fixture
def internet():
    """Price services, the device's memory of a month, and a PV forecast, as recorded."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def serve(internet, service, step, day):
    """Answer for the days around a day; the device has always used the same."""
    starts = [at for n in range(-35, 2) for at in price_answers.day_of(day + timedelta(n), step)]
    reported = price_answers.SERVICES[service]
    internet.get(
        reported.url, json=reported.write(starts, step, [price_at(at, step) for at in starts])
    )
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    around = spans(midnight - 14 * 24 * HOUR, 17 * 96, 15)
    sky = house_answers.open_meteo(around, 15, [sun_at(at) for at in around])
    internet.get(house_answers.SERVICES["open-meteo"].url, json=sky)

    def remembered(request):
        asked = json.loads(request.body)["params"]
        first, last = (
            datetime.fromisoformat(asked[name]).replace(tzinfo=price_answers.BERLIN)
            for name in ("fromDate", "toDate")
        )
        begin, end = first.astimezone(UTC), last.astimezone(UTC) + 24 * HOUR
        seen = [at for at in spans(begin, (end - begin) // QUARTER, 15) if at < midnight]
        kind = {"Content-Type": "application/json"}
        return 200, kind, json.dumps(house_answers.fems(seen, 15, [load_at(at) for at in seen]))

    internet.add_callback(responses.POST, "http://fems/jsonrpc", remembered)


@pytest.mark.parametrize("minutes", [15, 30, 60])
@pytest.mark.parametrize(
    ("service", "step", "hour"),
    [
        ("energy-charts", 15, NOON),
        ("awattar", 60, NOON),
        ("energy-charts", 60, HOURS["as summer time begins"]),
        ("energy-charts", 15, HOURS["before summer time ends"]),
        ("awattar", 60, HOURS["as summer time ends"]),
    ],
)
def test_from_services_at_every_minute(internet, made, tmp_path, service, step, minutes, hour):
    serve(internet, service, step, hour.date())
    config = tmp_path / "optimizer.toml"
    kwp = house_answers.PLANE.kwp
    config.write_text(SERVED.format(service=service, minutes=minutes, folder=tmp_path, kwp=kwp))
    config.chmod(0o600)
    for at in moments_of(hour, EVERY_MINUTES):
        plan = made(config, at)
        check(plan, at, minutes, lambda t: price_at(t, step) + 0.10, sun_at)
        assert not any("fills in" in note or "stands in" in note for note in plan.notes)
