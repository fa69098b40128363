"""Answers too long, too far away or of an absurd step: cut to the time, or one sentence."""

import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import responses
from answers import house, prices
from answers.house import PLACE
from answers.prices import BERLIN, day_of, midnight

from optimizer.errors import DataError
from optimizer.http.failures import NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.sources import entsoe, forecast_solar, parsing, registry, smard
from optimizer.sources.source_settings import LoadSettings, PriceSettings, PvSettings, Span
from optimizer.store import database, series_cache

DAY = date(2026, 11, 22)
SPAN = Span(midnight(DAY), midnight(DAY + timedelta(days=1)), BERLIN)
STARTS = day_of(DAY, 15)
PERIOD = (
    "<TimeSeries><currency_Unit.name>EUR</currency_Unit.name>"
    "<price_Measure_Unit.name>MWH</price_Measure_Unit.name><curveType>A03</curveType>{}</TimeSeries>"
)


@pytest.fixture(autouse=True)
def promptly():
    begun = time.process_time()
    yield
    assert time.process_time() - begun < 5


def period(
    start="2026-11-21T23:00Z", end="2026-11-22T23:00Z", resolution="PT15M", points=((1, 50),)
):
    rows = "".join(
        f"<Point><position>{place}</position><price.amount>{price}</price.amount></Point>"
        for place, price in points
    )
    return (
        f"<Period><timeInterval><start>{start}</start><end>{end}</end></timeInterval>"
        f"<resolution>{resolution}</resolution>{rows}</Period>"
    )


def of_entsoe(*periods):
    return entsoe.parse(prices.entsoe(PERIOD.format("".join(periods))), SPAN)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-21T23:00Z", "2199-12-31T23:00Z"),
        ("1970-01-01T00:00Z", "2026-11-22T23:00Z"),
        ("1970-01-01T00:00Z", "2199-12-31T23:00Z"),
    ],
)
def test_a_period_of_centuries_gives_the_days_that_were_asked_for(start, end):
    made = of_entsoe(period(start, end))
    assert list(made["spot_eur_per_kwh"]) == [0.05] * 96
    assert (made.index[0], made["end"].iloc[-1]) == (SPAN.start, SPAN.end)


def test_a_price_is_carried_into_the_span_and_changes_where_it_is_told_to():
    made = of_entsoe(period("2026-11-20T23:00Z", points=((1, 50), (90, 70), (100, 90))))
    assert list(made["spot_eur_per_kwh"]) == [0.07] * 3 + [0.09] * 93


@pytest.mark.parametrize(
    "hostile",
    [
        {"end": "9999-12-31T23:00Z"},
        {"start": "0001-01-01T00:00Z"},
        {"end": "0001-01-01T00:00Z"},
        *({"resolution": text} for text in ("PT0M", "PT-15M", "P1Y", "PT1S", "")),
        {"points": ((10**12, 50),)},
        {"points": ((-1, 50),)},
        {"points": ((1, "1e400"),)},
        {"points": ((1, "nan"),)},
        {"points": (("9" * 5_000, 50),)},
    ],
    ids=lambda hostile: f"{hostile}"[:60],
)
def test_an_absurd_period_is_one_sentence(hostile):
    with pytest.raises(RejectedError, match="entsoe answered in another shape than documented"):
        of_entsoe(period(**hostile))


def test_ten_thousand_periods_of_the_same_time_are_refused():
    whole = period("2026-10-01T00:00Z", "2026-12-01T00:00Z")
    with pytest.raises(RejectedError, match="entsoe answered with more than 100000 prices"):
        of_entsoe(*[whole] * 5_000)


def test_many_series_of_two_resolutions_are_compared_promptly():
    days = [DAY + timedelta(days=n) for n in range(-20, 20)]
    fine, rough = (
        [period(prices.z(midnight(day)), prices.z(midnight(day + timedelta(days=1))), step)
         for day in days for _ in range(20)]
        for step in ("PT15M", "PT60M")
    )  # fmt: skip
    wide = Span(midnight(days[0]), midnight(days[-1]), BERLIN)
    made = entsoe.parse(prices.entsoe(PERIOD.format("".join(fine + rough))), wide)
    assert set(made["end"] - made.index) == {pd.Timedelta(minutes=15)}


def energies(stamps, wh=100):
    return {"result": {"watt_hours_period": dict.fromkeys(stamps, wh)}}


def of_forecast_solar(*stamps):
    return forecast_solar.parse([energies(stamps)], SPAN, *PLACE)


def test_a_roof_forecast_is_read_around_its_span_only():
    hours = [f"2026-11-22T{hour:02}:00:00+00:00" for hour in range(8, 16)]
    plain = of_forecast_solar(*hours)
    far = ["1970-06-01T12:00:00+00:00", "2199-06-01T12:00:00+00:00"]
    assert of_forecast_solar(far[0], *hours, far[1]).equals(plain)


@pytest.mark.parametrize("seconds", [1, 59, 3_601, 7_200])
def test_a_roof_forecast_of_another_step_is_refused(seconds):
    noon = datetime(2026, 11, 22, 11, tzinfo=UTC)
    stamps = [(noon + timedelta(seconds=n * seconds)).isoformat() for n in range(3)]
    with pytest.raises(RejectedError, match=r"forecast-solar has a step of .*, not of 15, 30"):
        of_forecast_solar(*stamps)


def test_an_index_of_thousands_of_chunks_is_not_asked_for():
    begin, end = (int(at.timestamp() * 1000) for at in (SPAN.start, SPAN.end))
    same = [begin - 1] * 50_000
    assert smard.chunks({"timestamps": same}, begin, end) == [begin - 1]
    with pytest.raises(RejectedError, match="more chunks for this time than there are weeks in it"):
        smard.chunks({"timestamps": list(range(begin, begin + 50_000))}, begin, end)


def asked(service, body):
    """What the registry makes of a body, whatever was asked."""
    if service.name in registry.PRICES:
        kind, settings = registry.PRICES, PriceSettings(**service.settings)
    else:
        kind, settings = service.registry, service.reported
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        if service.name == "smard":
            mock.get(f"{service.url}/index_quarterhour.json", json={"timestamps": [
                int(SPAN.start.timestamp() * 1000)]})  # fmt: skip
            chunk = int(SPAN.start.timestamp() * 1000)
            mock.get(f"{service.url}/4169_DE-LU_quarterhour_{chunk}.json", body=body)
        else:
            mock.add(service.method, service.url, body=body)
        return registry.fetch(kind, service.name, settings, SPAN, ServiceClient())


def written(service, starts, minutes):
    """The service's answer for some steps."""
    turns = [at.timestamp() // 900 % 7 for at in starts]
    if service.name in registry.PRICES:
        return service.answer(starts, minutes, [0.1 + 0.001 * turn for turn in turns])
    return service.answer(starts, [200.0 + turn for turn in turns])


def step_of(service):
    """A length of step that the service is documented for [min]."""
    return service.steps[0] if service.name in registry.PRICES else service.minutes


SERVICES = {**prices.SERVICES, **house.SERVICES}
EACH = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


@EACH
@pytest.mark.parametrize("year", [1971, 2190])
def test_an_answer_for_another_century_is_not_taken(service, year):
    minutes = step_of(service)
    starts = [at.replace(year=year) for at in day_of(DAY, minutes)]
    with pytest.raises(DataError):
        asked(service, written(service, starts, minutes))


@EACH
def test_twenty_thousand_points_are_cut_or_refused_promptly(service):
    minutes = step_of(service)
    first = midnight(DAY) - timedelta(days=5 * 365)
    starts = [first + n * timedelta(minutes=minutes) for n in range(20_000)]
    try:
        made = asked(service, written(service, starts, minutes))
    except DataError:
        return
    assert made["end"].iloc[-1] - made.index[0] <= SPAN.end - SPAN.start + 2 * parsing.MARGIN


@EACH
@pytest.mark.parametrize("body", ["[" * 100_000, "1" * 5_000, "NaN", '{"a":' * 5_000, "\0", "null"])
def test_deep_and_odd_json_is_one_sentence(service, body):
    with pytest.raises(DataError) as caught:
        asked(service, body)
    assert "\n" not in str(caught.value)


@EACH
def test_points_that_are_there_twice_count_once_or_are_refused(service):
    starts = day_of(DAY, step_of(service))
    once = asked(service, written(service, starts, step_of(service)))
    try:
        twice = asked(service, written(service, starts * 2, step_of(service)))
    except RejectedError:
        return
    assert twice.equals(once)


def test_a_cached_step_of_a_damaged_store_is_left_out(tmp_path):
    steps = [
        ("2026-11-22T00:00:00Z", "2026-11-22T01:00:00Z"),
        ("2026-11-22T01:00:00Z", "9999-11-22T01:00:00Z"),
        ("2026-11-22T02:00:00Z", "2026-11-23T00:00:00Z"),
        ("2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z"),
        ("2026-11-22T04:00:00Z", "2026-11-22T05:00:00"),
        ("2026-11-22T05:00:00Z", ""),
        ("9999-11-22T00:00:00Z", "9999-11-22T01:00:00Z"),
        ("yesterday", "2026-11-22T05:00:00Z"),
    ]
    with closing(database.connect(tmp_path)) as store:
        rows = [("x", "load_w", start, end, 0.1, "2026-11-22T00:00:00Z") for start, end in steps]
        store.executemany("INSERT INTO series_value VALUES (?, ?, ?, ?, ?, ?)", rows)
        (found,) = series_cache.kept(store, "x", datetime(2026, 1, 1, tzinfo=UTC))
    assert (found.start, found.end) == (
        datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 22, 1, tzinfo=UTC)
    )  # fmt: skip


HEADER = "Messzeitpunkt;Verbrauch (kWh)"


@pytest.mark.parametrize(
    "rows",
    [
        ["01.01.0001 00:15;1", "01.01.0001 00:30;1"],
        ["31.12.9999 23:45;1", "31.12.9999 23:59;1"],
        ["01.01.2026 00:00;1e400", "01.01.2026 00:15;1"],
        ["01.01.2026 00:00;1", "01.01.2026 00:00;2"],
        ["01.01.2026 00:00;1", "01.01.2026 00:00:01;2"],
    ],
)
def test_a_hostile_meter_table_is_one_sentence(tmp_path, rows):
    path = tmp_path / "meter.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    settings = LoadSettings(file=path, grid_only=True)
    with pytest.raises(DataError) as caught:
        registry.fetch(registry.LOAD, "meter", settings, SPAN, ServiceClient())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["zero", "directory", "name"])
@pytest.mark.parametrize(("source", "group"), [
    ("csv", registry.PRICES), ("csv", registry.LOAD), ("meter", registry.LOAD),
    ("excel", registry.LOAD), ("csv", registry.PV),
])  # fmt: skip
def test_what_is_no_file_is_one_sentence(tmp_path, monkeypatch, source, group, kind):
    monkeypatch.setattr(registry.owner_table.table_text.files, "MOST_TABLE_BYTES", 1_000_000)
    path = {"zero": "/dev/zero", "directory": tmp_path, "name": "a\0b"}[kind]
    settings = {id(registry.PRICES): PriceSettings, id(registry.PV): PvSettings}
    made = settings.get(id(group), LoadSettings)(file=Path(path))
    with pytest.raises(DataError, match=r"larger than 1 MB|cannot be read|not the name of a file"):
        registry.fetch(group, source, made, SPAN, ServiceClient())


def test_an_answer_beside_the_span_says_so():
    frame = asked(SERVICES["energy-charts"], written(SERVICES["energy-charts"], STARTS, 15))
    later = Span(SPAN.start + timedelta(days=60), SPAN.end + timedelta(days=60), BERLIN)
    with pytest.raises(NotPublishedError, match="not for the time that was asked for"):
        parsing.clipped(frame, later)
