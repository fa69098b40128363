"""One contract over the services that tell load or roof, in answers of the documented shapes."""

import json
import logging
from datetime import date, timedelta

import pytest
import responses
from answers.house import LOCAL, PLACE, SERVICES, TOKEN
from answers.prices import BERLIN, day_of, midnight

from optimizer.errors import ConfigError
from optimizer.http.failures import BusyError, KeyRefusedError, NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.model import frames
from optimizer.model.sun import is_night
from optimizer.sources import registry
from optimizer.sources.source_settings import LoadSettings, PvSettings, Span

ORDINARY, SPRING, AUTUMN = date(2026, 11, 22), date(2026, 3, 29), date(2026, 10, 25)
QUARTERS = {ORDINARY: 96, SPRING: 92, AUTUMN: 100}
EACH = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


@pytest.fixture
def internet():
    with responses.RequestsMock() as mock:
        yield mock


def span_of(day):
    return Span(midnight(day), midnight(day + timedelta(days=1)), BERLIN)


def ask(service, day=ORDINARY):
    return registry.fetch(
        service.registry, service.name, service.reported, span_of(day), ServiceClient()
    )


def reported(internet, service, values, day=ORDINARY):
    """What the source makes of these means of a day."""
    span = span_of(day)
    body = service.answer(day_of(day, service.minutes), values)
    service.serve(internet, body, span.start, span.end)
    return ask(service, day)


def some_watts(starts, minutes):
    """Means that differ from step to step, 0 W at night: right for house and roof."""
    step = timedelta(minutes=minutes)
    return [
        0.0 if is_night(at, at + step, *PLACE) else round(900.0 + 37 * (n * 7 % 12), 1)
        for n, at in enumerate(starts)
    ]


def test_all_services_of_house_and_roof_are_in_the_contract():
    assert set(SERVICES) | LOCAL == set(registry.LOAD) | set(registry.PV)


@EACH
@pytest.mark.parametrize("day", [ORDINARY, SPRING, AUTUMN], ids=["24 h", "23 h", "25 h"])
def test_a_whole_day(internet, service, day):
    """UTC, ordered, half-open, contiguous, means in W; exactly the documented request."""
    starts = day_of(day, service.minutes)
    assert len(starts) == QUARTERS[day] * 15 // service.minutes
    values = some_watts(starts, service.minutes)
    made = reported(internet, service, values, day)
    made = made[(made.index >= starts[0]) & (made["end"] <= span_of(day).end)]
    assert str(made.index.tz) == "UTC"
    assert frames.starts_of(made) == starts
    assert frames.ends_of(made) == [*starts[1:], midnight(day + timedelta(days=1))]
    assert made[service.column].tolist() == pytest.approx(values, abs=1e-6)
    assert len(internet.calls) == 1


@EACH
def test_what_is_unknown_is_a_hole_and_never_0_w(internet, service):
    starts = day_of(ORDINARY, service.minutes)
    values = some_watts(starts, service.minutes)
    noon = len(starts) // 2
    values[noon] = None
    if service.name == "forecast-solar":  # it leaves out nights only, so a hole by day is a fault
        with pytest.raises(RejectedError, match="left out the hour before 2026-11-22T12:00:00Z"):
            reported(internet, service, values)
        return
    made = reported(internet, service, values)
    assert frames.starts_of(made) == starts[:noon] + starts[noon + 1 :]


@EACH
def test_nothing_is_known_of_this_time(internet, service):
    span = span_of(ORDINARY)
    service.serve(internet, json.dumps(service.empty), span.start, span.end)
    with pytest.raises(NotPublishedError, match=service.name) as caught:
        ask(service)
    assert TOKEN not in str(caught.value)


REFUSALS = {
    401: (KeyRefusedError, None), 403: (KeyRefusedError, None), 402: (BusyError, 77.0),
    429: (BusyError, 77.0), 500: (BusyError, 77.0), 503: (BusyError, 77.0),
    302: (RejectedError, None), 404: (RejectedError, None), 422: (RejectedError, None),
    400: (RejectedError, None),
}  # fmt: skip


@EACH
@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_is_one_of_four_kinds_and_tells_no_secret(internet, service, status, caplog):
    caplog.set_level(logging.DEBUG)
    kind, wait_s = REFUSALS[status]
    span = span_of(ORDINARY)
    service.serve(
        internet, f'{{"error": "no, {TOKEN}"}}', span.start, span.end, status=status,
        headers={"Retry-After": "77"},
    )  # fmt: skip
    with pytest.raises(kind) as caught:
        ask(service)
    assert getattr(caught.value, "retry_after_s", None) == wait_s
    if TOKEN in service.settings.values():
        assert TOKEN not in f"{caught.value!r} {caplog.text}"
    assert TOKEN not in repr(service.reported)


BAD = {
    "a web page": "<!DOCTYPE html><html><body>Sorry</body></html>",
    "nothing": "",
    "null": "null",
    "a list": "[]",
    "a number": "5",
    "another object": '{"hello": [1, 2]}',
    "half": '{"results": [1, 2',
}


@EACH
@pytest.mark.parametrize("what", BAD)
def test_an_answer_of_another_shape_is_rejected(internet, service, what):
    span = span_of(ORDINARY)
    service.serve(internet, BAD[what], span.start, span.end)
    with pytest.raises(RejectedError) as caught:
        ask(service)
    assert TOKEN not in str(caught.value)


@EACH
def test_another_unit_or_form_of_stamp_is_not_taken(internet, service):
    before, after = service.shown
    starts = day_of(ORDINARY, service.minutes)
    body = service.answer(starts, some_watts(starts, service.minutes))
    assert before in body
    span = span_of(ORDINARY)
    service.serve(internet, body.replace(before, after), span.start, span.end)
    with pytest.raises((RejectedError, NotPublishedError)):
        ask(service)


@EACH
@pytest.mark.parametrize("factor", [1000, 1e6])
def test_watts_for_kilowatts_are_not_plausible(internet, service, factor):
    starts = day_of(ORDINARY, service.minutes)
    values = [value * factor for value in some_watts(starts, service.minutes)]
    if service.name == "open-meteo":
        values = [value * 50 for value in values]  # warm cells give less, and less than nothing
    with pytest.raises(RejectedError, match="look at the unit") as caught:
        reported(internet, service, values)
    assert service.column in str(caught.value)


@EACH
@pytest.mark.parametrize("bad", ["NaN", "Infinity", '"5"', "true", "[]"])
def test_what_is_no_number_is_rejected(internet, service, bad):
    starts = day_of(ORDINARY, service.minutes)
    values = some_watts(starts, service.minutes)
    values[len(values) // 2] = 0.0
    document = service.write(starts, service.minutes, values)
    marked = json.dumps(_marked(document)).replace('"mark"', bad)
    span = span_of(ORDINARY)
    service.serve(internet, marked, span.start, span.end)
    with pytest.raises(RejectedError):
        ask(service)


def _marked(document):
    """The document with its value at noon replaced by a mark."""
    if "minutely_15" in document:
        column = document["minutely_15"]["global_tilted_irradiance"]
        column[len(column) // 2] = "mark"
    elif "result" in document:
        periods = document["result"]["watt_hours_period"]
        periods[list(periods)[len(periods) // 2]] = "mark"
    elif "forecasts" in document:
        document["forecasts"][24]["pv_estimate"] = "mark"
    elif "results" in document:
        document["results"][0]["series"][0]["values"][48][1] = "mark"
    else:
        document["service_response"]["statistics"]["sensor.house"][12]["change"] = "mark"
    return document


MISSING = {
    "open-meteo": (PvSettings(), "needs latitude, longitude and planes"),
    "forecast-solar": (PvSettings(latitude=1.0, longitude=1.0), "needs latitude, longitude and"),
    "solcast": (PvSettings(site="a"), "needs key and site"),
    "home-assistant": (LoadSettings(url="http://x"), "needs url, token and sensor"),
    "influxdb": (LoadSettings(), "needs url"),
    "fems": (LoadSettings(), r"needs section \[fems\]"),
    "journal": (LoadSettings(), "needs a store"),
    "meter": (LoadSettings(), "needs a key 'file'"),
    "excel": (LoadSettings(), "needs a key 'file'"),
}


@pytest.mark.parametrize("name", MISSING)
def test_missing_settings_are_named(name):
    settings, text = MISSING[name]
    kind = registry.LOAD if isinstance(settings, LoadSettings) else registry.PV
    with pytest.raises(ConfigError, match=text):
        registry.fetch(kind, name, settings, span_of(ORDINARY), ServiceClient())


def test_every_service_of_the_roof_names_its_licence_and_whom_to_name():
    for name in set(SERVICES) & set(registry.PV):
        source = registry.PV[name]
        assert source.licence
        assert source.attribution
