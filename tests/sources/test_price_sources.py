"""One contract over the whole price registry, in answers of the documented shapes."""

import json
import logging
from datetime import date, timedelta

import pytest
import responses
from answers import prices as written
from answers.prices import BERLIN, SERVICES, TOKEN, day_of, midnight

from optimizer.errors import ConfigError
from optimizer.http.failures import BusyError, KeyRefusedError, NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.model import frames
from optimizer.sources import registry
from optimizer.sources.source_settings import PriceSettings, Span

ORDINARY, SPRING, AUTUMN = date(2026, 11, 22), date(2026, 3, 29), date(2026, 10, 25)
QUARTERS = {ORDINARY: 96, SPRING: 92, AUTUMN: 100}

EACH = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
EACH_STEP = pytest.mark.parametrize(
    ("service", "minutes"),
    [(service, minutes) for service in SERVICES.values() for minutes in service.steps],
    ids=[f"{name}-{minutes}" for name, service in SERVICES.items() for minutes in service.steps],
)


@pytest.fixture
def internet():
    with responses.RequestsMock() as mock:
        yield mock


def span_of(day, days=1):
    return Span(midnight(day), midnight(day + timedelta(days=days)), BERLIN)


def ask(service, day=ORDINARY, days=1, **more):
    settings = PriceSettings(**service.settings, **more)
    return registry.fetch(
        registry.PRICES, service.name, settings, span_of(day, days), ServiceClient()
    )


def reported(internet, service, values, minutes, day=ORDINARY, **more):
    """What the source makes of these prices of a day."""
    body = service.answer(day_of(day, minutes), minutes, values)
    service.serve(internet, body, days=(day, day), **more)
    return ask(service, day)


def some_prices(count):
    """Prices in EUR/kWh that differ from step to step, some of them negative or zero."""
    return [round(0.11 + 0.13 * ((n * 7) % 12 - 4) / 10, 5) for n in range(count)]


def test_all_price_services_are_in_the_contract():
    assert set(SERVICES) == set(registry.PRICES) - {"csv", "fixed"}


@EACH_STEP
@pytest.mark.parametrize("day", [ORDINARY, SPRING, AUTUMN], ids=["24 h", "23 h", "25 h"])
def test_a_whole_day(internet, service, minutes, day):
    """UTC, ordered, half-open, contiguous, in EUR/kWh; exactly the documented request."""
    starts = day_of(day, minutes)
    assert len(starts) == QUARTERS[day] * 15 // minutes
    values = some_prices(len(starts))
    made = reported(internet, service, values, minutes, day)
    assert str(made.index.tz) == "UTC"
    assert frames.starts_of(made) == starts
    ends = frames.ends_of(made)
    assert ends == [*starts[1:], midnight(day + timedelta(days=1))]
    assert made[service.column].tolist() == pytest.approx(values, abs=1e-8)
    assert len(internet.calls) == (2 if service.name == "smard" else 1)


@EACH_STEP
def test_holes_stay_holes(internet, service, minutes):
    values = some_prices(24 * 60 // minutes)
    values[5] = values[6] = None
    made = reported(internet, service, values, minutes)
    starts, step = day_of(ORDINARY, minutes), timedelta(minutes=minutes)
    assert frames.starts_of(made) == starts[:5] + starts[7:]
    assert all(e - s == step for s, e in zip(made.index, made["end"], strict=True))


@EACH
def test_nothing_published(internet, service):
    body = service.empty if service.text else json.dumps(service.empty)
    service.serve(internet, body, days=(ORDINARY, ORDINARY), status=service.empty_status)
    with pytest.raises(NotPublishedError, match=f"{service.name} has no prices") as caught:
        ask(service)
    assert TOKEN not in str(caught.value)


REFUSALS = {
    401: (KeyRefusedError, None), 403: (KeyRefusedError, None), 429: (BusyError, 77.0),
    500: (BusyError, 77.0), 503: (BusyError, 77.0), 302: (RejectedError, None),
    418: (RejectedError, None),
}  # fmt: skip


@EACH
@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_is_one_of_four_kinds_and_tells_no_secret(internet, service, status, caplog):
    caplog.set_level(logging.DEBUG)
    kind, wait_s = REFUSALS[status]
    service.serve(
        internet, f'{{"error": "no, {TOKEN}"}}', days=(ORDINARY, ORDINARY), status=status,
        headers={"Retry-After": "77"},
    )  # fmt: skip
    with pytest.raises(kind) as caught:
        ask(service)
    assert getattr(caught.value, "retry_after_s", None) == wait_s
    if TOKEN in service.settings.values():
        assert TOKEN not in f"{caught.value!r} {caplog.text}"
    assert TOKEN not in repr(PriceSettings(**service.settings))
    assert len(internet.calls) == 1


BAD = {
    "a web page": "<!DOCTYPE html><html><body>Sorry</body></html>",
    "nothing": "",
    "null": "null",
    "a list": "[]",
    "a number": "5",
    "another object": '{"hello": [1, 2]}',
    "half": '{"unix_seconds": [1, 2',
}


@EACH
@pytest.mark.parametrize("what", BAD)
def test_an_answer_of_another_shape_is_rejected(internet, service, what):
    service.serve(internet, BAD[what], days=(ORDINARY, ORDINARY))
    with pytest.raises(RejectedError):
        ask(service)


@EACH
def test_another_unit_is_rejected(internet, service):
    """A declared unit has to be the documented one; where none is declared the size tells."""
    minutes = service.steps[0]
    starts = day_of(ORDINARY, minutes)
    right, wrong = service.wrong_unit
    factor = 1 if right else 1000
    body = service.answer(starts, minutes, [0.2 * factor for _ in starts])
    assert right in body
    service.serve(internet, body.replace(right, wrong), days=(ORDINARY, ORDINARY))
    with pytest.raises(RejectedError, match=r"not in|no single price in|look at the unit"):
        ask(service)


@EACH
@pytest.mark.parametrize("value", ['"0.25"', "true", "[1]", "1e999"])
def test_a_price_that_is_no_number_is_rejected(internet, service, value):
    minutes = service.steps[0]
    starts = day_of(ORDINARY, minutes)
    body = service.answer(starts, minutes, [0.4321] * len(starts))
    wrong = body.replace(service.shown, value, 1)
    assert wrong != body
    service.serve(internet, wrong, days=(ORDINARY, ORDINARY))
    with pytest.raises(RejectedError):
        ask(service)


@EACH
def test_two_prices_for_one_step_are_rejected(internet, service):
    minutes = service.steps[0]
    starts, values = day_of(ORDINARY, minutes), some_prices(24 * 60 // minutes)
    doubled = [*starts[:4], starts[3], *starts[4:]], [*values[:4], 0.4, *values[4:]]
    if service.name == "entsoe":
        late = written.entsoe_series(starts[3:4], minutes, [0.4])
        body = written.entsoe(written.entsoe_series(starts, minutes, values), late)
    else:
        body = service.answer(doubled[0], minutes, doubled[1])
    service.serve(internet, body, days=(ORDINARY, ORDINARY))
    with pytest.raises(RejectedError):
        ask(service)


@EACH
def test_steps_off_the_clock_are_rejected(internet, service):
    minutes = service.steps[0]
    starts = [at + timedelta(minutes=7) for at in day_of(ORDINARY, minutes)]
    body = service.answer(starts, minutes, some_prices(len(starts)))
    service.serve(internet, body, days=(ORDINARY, ORDINARY))
    with pytest.raises(RejectedError, match=r"is not a step of 15, 30 or 60 min on the clock"):
        ask(service)


@EACH
def test_two_days_are_one_request(internet, service):
    """But SMARD keeps weeks apart: Sunday and Monday lie in two chunks."""
    minutes, last = service.steps[0], ORDINARY + timedelta(days=1)
    parts = [day_of(day, minutes) for day in (ORDINARY, last)]
    values = some_prices(sum(len(part) for part in parts))
    if service.name == "smard":
        weeks = [int(midnight(date(2026, 11, day)).timestamp() * 1000) for day in (16, 23, 30)]
        internet.get(f"{service.url}/index_quarterhour.json", json={"timestamps": weeks})
        for week, part in zip(weeks[:2], parts, strict=True):
            body = service.answer(part, minutes, values[: len(part)])
            internet.get(f"{service.url}/4169_DE-LU_quarterhour_{week}.json", body=body)
    else:
        body = service.answer(parts[0] + parts[1], minutes, values)
        service.serve(internet, body, days=(ORDINARY, last))
    assert frames.starts_of(ask(service, ORDINARY, 2)) == parts[0] + parts[1]


@pytest.mark.parametrize("name", [s.name for s in SERVICES.values() if s.settings])
def test_a_missing_setting_names_its_key(name):
    (key,) = SERVICES[name].settings
    with pytest.raises(ConfigError, match=f"the source '{name}' needs a key '{key}'"):
        registry.fetch(registry.PRICES, name, PriceSettings(), span_of(ORDINARY), ServiceClient())


@pytest.mark.parametrize("name", ["smard", "entsoe", "awattar"])
def test_a_zone_that_a_source_does_not_have(name):
    settings = PriceSettings(zone="XX", entsoe_token=TOKEN)
    with pytest.raises(ConfigError, match=rf"prices\.zone: {name} has .*DE-LU.*, not 'XX'"):
        registry.fetch(registry.PRICES, name, settings, span_of(ORDINARY), ServiceClient())
