"""The chain: fills only what is missing and of the same kind, keeps days, waits within bounds."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from math import nan

import pytest
import responses
from answers.prices import SERVICES, TOKEN, day_of, midnight, tibber, tibber_home, tibber_rows

from optimizer.errors import ConfigError, DataError
from optimizer.http.failures import BusyError, KeyRefusedError, NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.model import frames
from optimizer.model.moments import QUARTER
from optimizer.sources import price_chain
from optimizer.sources.cached_source import CachedSources
from optimizer.sources.price_chain import ChainPrices, PriceChain
from optimizer.sources.source_settings import PriceSettings, Span
from optimizer.store import database, series_cache

DAY = date(2026, 11, 22)
EVENING = datetime(2026, 11, 22, 17, 35, tzinfo=UTC)
MORNING = EVENING - timedelta(hours=8)
SETTINGS = PriceSettings(tibber_token=TOKEN, swiss="ekz")


@pytest.fixture
def internet():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def store(tmp_path):
    with closing(database.connect(tmp_path)) as connection:
        yield connection


def gather(*names, store=None, at=EVENING, settings=SETTINGS, skip=()):
    chain = PriceChain(names, settings, CachedSources(ServiceClient(), store, at))
    return chain.gather(Span(at, at + timedelta(hours=48)), skip)


def serve(internet, name, minutes, days, price=0.1, without=()):
    starts = [at for n in range(*days) for at in day_of(DAY + timedelta(days=n), minutes)]
    starts = [at for at in starts if at not in without]
    service = SERVICES[name]
    body = service.answer(starts, minutes, [price] * len(starts))
    internet.add(service.method, service.url, body=body)


def origins(made, at=EVENING):
    return list(dict.fromkeys(made.published(at)["origin"]))


def test_before_noon_tomorrow_is_not_expected_and_nobody_else_is_asked(internet):
    serve(internet, "energy-charts", 15, (0, 1))
    made = gather("energy-charts", "awattar", at=MORNING)
    assert (made.failures, made.notes, made.used) == ({}, [], ["energy-charts"])


def test_in_the_evening_what_is_missing_is_noted_and_filled(internet):
    serve(internet, "energy-charts", 15, (0, 1))
    serve(internet, "awattar", 60, (0, 2), 0.104)
    made = gather("energy-charts", "awattar")
    assert str(made.failures["energy-charts"]) == (
        "energy-charts has prices to 2026-11-22T23:00:00Z so far"
    )
    assert made.notes == ["awattar fills in 96 quarter-hours of prices (hourly ones)"]
    frame = made.published(EVENING)
    assert frame["spot_eur_per_kwh"].tolist() == [0.1] * 22 + [0.104] * 96


def test_holes_within_are_filled_too_and_only_they(internet):
    noon = midnight(DAY) + timedelta(hours=20)
    holes = [noon + n * QUARTER for n in range(5)]
    serve(internet, "energy-charts", 15, (0, 2), without=holes)
    serve(internet, "awattar", 60, (0, 2), 0.2)
    made = gather("energy-charts", "awattar")
    filled = made.frame[made.frame["origin"] == "filled awattar"]
    assert [at for at in frames.starts_of(filled) if at >= EVENING] == holes


@pytest.mark.parametrize(("count", "ends"), [(2, 118), (3, 5)])
def test_a_short_gap_is_bridged_and_said_a_longer_one_ends_the_prices(internet, count, ends):
    first = EVENING.replace(minute=30) + 5 * QUARTER
    serve(
        internet, "energy-charts", 15, (0, 2), without=[first + n * QUARTER for n in range(count)]
    )
    made = gather("energy-charts")
    frame = made.published(EVENING)
    assert len(frame) == ends
    assert ("filled gap" in set(frame["origin"])) is (count == 2)


def test_net_and_all_in_prices_are_never_mixed(internet):
    rows = tibber_rows(day_of(DAY, 15), [0.3] * 96)
    internet.post(SERVICES["tibber"].url, json=tibber(tibber_home("one", rows, [])))
    serve(internet, "energy-charts", 15, (0, 2))
    made = gather("tibber", "energy-charts")
    assert origins(made) == ["published tibber"]
    assert made.notes == ["prices of energy-charts are net, those of tibber all-in: not mixed"]
    assert made.basis == "all-in"


def test_sources_that_differ_are_noted_and_far_ones_not_used(internet):
    serve(internet, "energy-charts", 15, (0, 1), 0.1)
    serve(internet, "awattar", 60, (0, 2), 0.12)
    made = gather("energy-charts", "awattar")
    text = "awattar and energy-charts differ for the same hours: 10.0 and 12.0 ct on average"
    assert made.notes[0] == text
    assert made.used == ["energy-charts", "awattar"]
    internet.reset()
    serve(internet, "energy-charts", 15, (0, 1), 0.1)
    serve(internet, "awattar", 60, (0, 2), 1.0)
    made = gather("energy-charts", "awattar")
    assert made.notes == [
        "awattar and energy-charts differ for the same hours: 10.0 and 100.0 ct on average; it is "
        "not used"
    ]
    assert made.used == ["energy-charts"]


def test_hours_that_are_the_means_of_quarters_agree(internet):
    starts = day_of(DAY, 15)
    body = SERVICES["energy-charts"].answer(starts, 15, [0.0, 0.1, 0.2, 0.3] * 24)
    internet.get(SERVICES["energy-charts"].url, body=body)
    serve(internet, "awattar", 60, (0, 2), 0.15)
    notes = gather("energy-charts", "awattar").notes
    assert notes == ["awattar fills in 96 quarter-hours of prices (hourly ones)"]


def test_a_service_that_repeats_a_day_is_noted(internet):
    values = [round(n / 1000, 3) for n in range(96)] * 2
    starts = day_of(DAY, 15) + day_of(DAY + timedelta(days=1), 15)
    body = SERVICES["energy-charts"].answer(starts, 15, values)
    internet.get(SERVICES["energy-charts"].url, body=body)
    text = "energy-charts has the same prices for two days: it may repeat itself"
    assert gather("energy-charts").notes == [text]


def test_nobody_waits_for_an_own_file(tmp_path):
    rows = "\n".join(f"{at.isoformat()},100" for at in day_of(DAY, 60))
    (tmp_path / "p.csv").write_text(f"start,spot_eur_per_mwh\n{rows}\n")
    made = gather("csv", settings=PriceSettings(file=tmp_path / "p.csv"))
    assert len(made.published(EVENING)) == 22
    assert made.failures == {}


def test_a_file_of_another_time_names_both_times(tmp_path):
    starts = [at - timedelta(days=365) for at in day_of(DAY, 60)]
    rows = "\n".join(f"{at.isoformat()},100" for at in starts)
    (tmp_path / "p.csv").write_text(f"start,spot_eur_per_mwh\n{rows}\n")
    made = gather("csv", settings=PriceSettings(file=tmp_path / "p.csv"))
    assert isinstance(made.failures["csv"], DataError)
    assert str(made.failures["csv"]) == (
        "csv has prices from 2025-11-21T23:00:00Z to 2025-11-22T23:00:00Z, the plan starts at "
        "2026-11-22T17:35:00Z"
    )


def test_a_source_that_does_not_exist_is_noted_and_the_next_one_asked(internet):
    serve(internet, "awattar", 60, (0, 2))
    made = gather("energy-chart", "awattar")
    assert "did you mean 'energy-charts'?" in str(made.failures["energy-chart"])
    assert origins(made) == ["published awattar"]


def test_the_kept_days_are_counted_by_the_local_calendar(internet, store):
    serve(internet, "energy-charts", 15, (-3, 2))
    gather("energy-charts", store=store)
    sources = CachedSources(ServiceClient(), store, EVENING)
    chain = PriceChain(("energy-charts", "smard", "nobody"), SETTINGS, sources)
    span = Span(EVENING, EVENING + timedelta(hours=48))
    assert [chain.kept_days(name, span) for name in chain.names] == [5, 0, 0]


def test_a_source_whose_key_is_missing_is_skipped(internet):
    serve(internet, "awattar", 60, (0, 2))
    made = gather("entsoe", "awattar")
    assert isinstance(made.failures["entsoe"], ConfigError)
    assert origins(made) == ["published awattar"]


def test_published_days_are_kept_over_a_restart_and_not_asked_again(internet, tmp_path):
    serve(internet, "energy-charts", 15, (-35, 2))
    with closing(database.connect(tmp_path)) as store:
        gather("energy-charts", store=store)
    with closing(database.connect(tmp_path)) as store:
        made = gather("energy-charts", store=store)
    assert len(internet.calls) == 1
    assert origins(made) == ["cached energy-charts"]
    assert made.failures == {}


def test_a_month_is_asked_for_once_then_only_what_is_new(internet, store):
    serve(internet, "energy-charts", 15, (-35, 1))
    gather("energy-charts", store=store, at=MORNING)
    gather("energy-charts", store=store)
    asked = [call.request.params for call in internet.calls]
    assert [item["start"] for item in asked] == ["2026-10-18", "2026-11-22"]
    assert [item["end"] for item in asked] == ["2026-11-23", "2026-11-23"]


def test_kept_days_of_another_zone_are_not_used(internet, store):
    serve(internet, "energy-charts", 15, (-35, 2))
    gather("energy-charts", store=store)
    internet.reset()
    internet.get(SERVICES["energy-charts"].url, status=503)
    made = gather("energy-charts", store=store, settings=PriceSettings(zone="AT"))
    assert made.published(EVENING).empty


def test_a_day_is_not_replaced_by_a_part_of_it(internet, store):
    serve(internet, "energy-charts", 15, (-35, 1))
    gather("energy-charts", store=store, at=MORNING)
    internet.reset()
    late = [at for at in day_of(DAY, 15) if at.hour > 12]
    serve(internet, "energy-charts", 15, (0, 1), without=late)
    gather("energy-charts", store=store)
    internet.reset()
    internet.get(SERVICES["energy-charts"].url, status=503)
    made = gather("energy-charts", store=store)
    assert len(made.published(EVENING)) == 22


def test_a_store_that_fails_costs_no_plan(internet, tmp_path):
    store = database.connect(tmp_path)
    store.close()
    serve(internet, "energy-charts", 15, (0, 2))
    made = gather("energy-charts", store=store)
    assert origins(made) == ["published energy-charts"]


def test_no_secret_is_kept(internet, tmp_path):
    rows = tibber_rows(day_of(DAY, 15), [0.3] * 96)
    internet.post(SERVICES["tibber"].url, json=tibber(tibber_home("one", rows, [])))
    with closing(database.connect(tmp_path)) as store:
        gather("tibber", store=store)
        dump = "\n".join(store.iterdump())
    assert "buy_eur_per_kwh" in dump
    assert TOKEN not in dump


def test_published_prices_do_not_change_and_an_hour_that_was_kept_is_not_split(internet, store):
    serve(internet, "energy-charts", 60, (-35, 1), 0.1)
    gather("energy-charts", store=store, at=MORNING)
    internet.reset()
    serve(internet, "energy-charts", 15, (0, 2), 0.104)
    made = gather("energy-charts", store=store)
    past = made.frame[made.frame["end"] <= EVENING.replace(minute=0)]
    assert set(past["spot_eur_per_kwh"]) == {0.1}
    assert set(made.published(EVENING)["spot_eur_per_kwh"]) == {0.104}
    internet.reset()
    internet.get(SERVICES["energy-charts"].url, status=503)
    kept = gather("energy-charts", store=store)
    assert kept.frame.index.is_unique
    assert len(kept.published(EVENING)) == 22 + 96
    assert set(kept.published(EVENING)["spot_eur_per_kwh"][2:]) == {0.104}


def test_prices_are_kept_for_forty_days(internet, store):
    serve(internet, "energy-charts", 15, (-35, 2))
    gather("energy-charts", store=store)
    internet.reset()
    later = EVENING + timedelta(days=30)
    starts = [at for n in (30, 31) for at in day_of(DAY + timedelta(days=n), 15)]
    body = SERVICES["energy-charts"].answer(starts, 15, [0.1] * len(starts))
    internet.get(SERVICES["energy-charts"].url, body=body)
    gather("energy-charts", store=store, at=later)
    (first,) = store.execute("SELECT min(start) FROM series_value").fetchone()
    assert datetime.fromisoformat(first) == later - series_cache.REACH + timedelta(minutes=10)


def patient(outcomes, patience_s):
    """Gather one outcome after the other; gives the last, the waits, the reports, the skipped."""
    left, waits, reported, skipped = list(outcomes), [], [], []

    def once(skip):
        skipped.append(list(skip))
        failures = left.pop(0)
        return ChainPrices(failures={n: e for n, e in failures.items() if n not in skip})

    made = price_chain.with_retries(
        once, lambda made: not made.failures, patience_s, waits.append, reported.append
    )
    return made, waits, reported, skipped


def test_a_busy_service_is_asked_again_as_it_wishes():
    busy = {"a": BusyError("a.example is busy", 25.0), "b": KeyRefusedError("b.example refuses")}
    made, waits, reported, skipped = patient([busy, busy, {}], 100)
    assert waits == [25.0, 25.0]
    assert skipped == [[], ["b"], ["b"]]
    assert reported[0] == "a.example is busy (they are asked again in 25 s)"
    assert str(made.failures["b"]) == "b.example refuses"


def test_the_pauses_grow_and_end_with_the_patience():
    late = {"a": NotPublishedError("a has nothing yet")}
    made, waits, _, _ = patient([late] * 9, 100)
    assert waits == [10.0, 20.0, 40.0]
    assert set(made.failures) == {"a"}


@pytest.mark.parametrize(
    "failures",
    [
        {"a": BusyError("wait an hour", 3600.0)},
        {"a": RejectedError("no")},
        {"a": KeyRefusedError("no")},
        {},
    ],
)
def test_nobody_waits_in_vain(failures):
    assert patient([failures], 100)[1] == []


def quarters(*rows):
    """A frame of prices from midnight on."""
    begin = midnight(DAY)
    made = frames.steps(begin, begin + len(rows) * QUARTER, QUARTER)
    columns = {key: [row.get(key, nan) for row in rows] for key in rows[0]}
    return made.assign(**columns)


def test_a_column_that_is_not_everywhere_is_left_out():
    both = {"buy_eur_per_kwh": 0.3, "sell_eur_per_kwh": 0.1, "origin": "a"}
    made = ChainPrices(quarters(both, {"buy_eur_per_kwh": 0.3, "origin": "b"}))
    frame = made.published(midnight(DAY))
    assert frame.columns.tolist() == ["end", "buy_eur_per_kwh", "origin"]
    assert frame["origin"].tolist() == ["a", "b"]


def test_what_is_missing_is_counted_by_whole_and_begun_quarters():
    made = ChainPrices(quarters(*[{"spot_eur_per_kwh": 0.1, "origin": "a"}] * 4))
    begin = midnight(DAY) + timedelta(minutes=50)
    assert made.missing(begin, begin + timedelta(minutes=10)).empty
    assert len(made.missing(begin, begin + timedelta(minutes=11))) == 1
    assert made.missing(begin, begin - QUARTER).empty
