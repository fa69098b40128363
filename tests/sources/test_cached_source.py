"""One asker over one cache: when a source is asked, and what stands in for its answer."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.errors import ConfigError
from optimizer.http.failures import BusyError, NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.model import frames
from optimizer.model.moments import QUARTER
from optimizer.sources.cached_source import CachedSources
from optimizer.sources.registry import Source
from optimizer.sources.source_settings import LoadSettings, PriceSettings, PvSettings, Span
from optimizer.store import database

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPAN = Span(NOON - 2 * HOUR, NOON + 4 * HOUR)
WANTED = frames.steps(NOON, NOON + 4 * HOUR, QUARTER)


class Answers:
    """A source that gives one answer after the other; an exception is raised."""

    def __init__(self, *answers):
        self.left, self.asked = list(answers), []

    def fetch(self, settings, span, http):
        self.asked.append(span)
        answer = self.left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def series(value, start=NOON - 2 * HOUR, end=NOON + 4 * HOUR, column="pv_w", step=QUARTER):
    steps = frames.steps(start, end, step)
    return steps.assign(**{column: float(value)})


@pytest.fixture
def ask(tmp_path):
    """Ask a source at a moment over one store; gives the result."""
    with closing(database.connect(tmp_path)) as store:

        def once(source, at=NOON, settings=None, wanted=None, span=SPAN):
            sources = CachedSources(ServiceClient(), store, at)
            return sources.ask({"x": source}, "x", settings or PvSettings(), span, wanted)

        yield once


def test_an_answer_is_kept_and_stands_in_when_the_source_fails(ask):
    answers = Answers(series(5), BusyError("x is down"))
    source = Source(answers.fetch)
    first, second = ask(source), ask(source, NOON + HOUR)
    assert (first.failure, set(first.frame["origin"])) == (None, {"forecast x"})
    assert str(second.failure) == "x is down"
    assert second.answer is None
    assert set(second.frame["origin"]) == {"cached x"}
    columns = ["end", "pv_w"]
    assert first.frame[columns].equals(second.frame[columns])


def test_every_column_is_kept_with_its_holes(ask):
    holes = series(5, column="load_w").assign(grid_w=-1.5)
    holes.loc[holes.index[3], "grid_w"] = float("nan")
    source = Source(Answers(holes, BusyError("x is down")).fetch)
    ask(source, settings=LoadSettings())
    found = ask(source, settings=LoadSettings()).frame
    assert found["grid_w"].isna().tolist() == [n == 3 for n in range(24)]
    assert found["load_w"].tolist() == [5.0] * 24


def test_a_source_rests_after_an_answer_and_other_settings_are_another_series(ask):
    answers = Answers(*(series(value) for value in (1, 2, 3)))
    source = Source(answers.fetch, rest=HOUR)
    ask(source)
    assert set(ask(source, NOON + timedelta(minutes=59)).frame["pv_w"]) == {1}
    assert len(answers.asked) == 1
    assert ask(source, settings=PvSettings(latitude=48.0)).frame["pv_w"].iloc[-1] == 2
    assert ask(source, NOON + HOUR).frame["pv_w"].iloc[-1] == 3


@pytest.mark.parametrize(
    ("settings", "same", "other"),
    [
        (PvSettings(), {"learn": False, "inverter_w": 5.0, "key": "secret"}, {"latitude": 48.0}),
        (LoadSettings(), {"annual_kwh": 9.0, "token": "secret"}, {"without": ("evcs0",)}),
        (PriceSettings(), {"patience_s": 1.0, "entsoe_token": "secret"}, {"zone": "AT"}),
    ],
    ids=["pv", "load", "prices"],
)
def test_only_what_changes_the_answer_makes_another_series(settings, same, other):
    assert replace(settings, **same).identity == settings.identity
    assert replace(settings, **other).identity != settings.identity


def test_the_past_is_what_was_forecast_last_and_the_rest_is_new(ask):
    source = Source(Answers(series(1), series(2)).fetch)
    ask(source)
    later = ask(source, NOON + HOUR).frame
    assert later["pv_w"].tolist() == [1.0] * 12 + [2.0] * 12
    assert later["origin"].tolist() == ["cached x"] * 12 + ["forecast x"] * 12


def test_published_values_are_asked_for_only_while_one_is_wanted(ask):
    half = series(0.1, end=NOON + 2 * HOUR, column="buy_eur_per_kwh")
    answers = Answers(half, series(0.2, NOON, column="buy_eur_per_kwh"))
    source, settings = Source(answers.fetch), PriceSettings()
    assert len(ask(source, settings=settings, wanted=WANTED).frame) == 16
    assert len(ask(source, settings=settings, wanted=WANTED[:8]).frame) == 16
    assert len(answers.asked) == 1
    whole = ask(source, settings=settings, wanted=WANTED).frame
    assert len(answers.asked) == 2
    assert whole["buy_eur_per_kwh"].tolist() == [0.1] * 8 + [0.2] * 16
    assert len(ask(source, settings=settings, wanted=WANTED[:0]).frame) == 24


def test_a_published_value_that_a_later_answer_lacks_still_holds(ask):
    price = {"column": "buy_eur_per_kwh"}
    source = Source(Answers(series(0.1, end=NOON + 2 * HOUR, **price),
                            series(0.2, NOON + 2 * HOUR, **price)).fetch)  # fmt: skip
    ask(source, settings=PriceSettings(), wanted=WANTED)
    found = ask(source, settings=PriceSettings(), wanted=WANTED).frame
    assert found["buy_eur_per_kwh"].tolist() == [0.1] * 16 + [0.2] * 8
    assert frames.covers(found, WANTED)


def test_with_weeks_in_the_cache_only_newer_days_are_asked_for(ask):
    price = {"column": "buy_eur_per_kwh", "step": HOUR}
    month = series(0.1, NOON - timedelta(days=25), NOON, **price)
    answers = Answers(month, NotPublishedError("not yet"), NotPublishedError("not yet"))
    source, settings = Source(answers.fetch), PriceSettings()
    wide = Span(NOON - timedelta(days=35), NOON + timedelta(days=1), SPAN.zone)
    for _ in range(2):
        ask(source, settings=settings, wanted=WANTED, span=wide)
    assert [span.start for span in answers.asked] == [wide.start, NOON.replace(hour=0) - HOUR]


def test_an_answer_that_contradicts_the_cache_is_not_kept(ask):
    def check(name, answer, cached, settings):
        if cached is not None and answer["pv_w"].max() > 2 * cached["pv_w"].max():
            raise RejectedError(f"{name} contradicts itself")

    source = Source(Answers(series(1), series(9), BusyError("down")).fetch, check=check)
    ask(source)
    assert str(ask(source).failure) == "x contradicts itself"
    assert set(ask(source).frame["pv_w"]) == {1.0}


def test_a_file_is_neither_kept_nor_replaced(ask):
    source = Source(Answers(series(1), ConfigError("no key 'file'")).fetch, kept=False)
    assert set(ask(source).frame["pv_w"]) == {1.0}
    missing = ask(source)
    assert (missing.frame, str(missing.failure)) == (None, "no key 'file'")


def test_an_unknown_name_is_the_owners_to_mend():
    sources = CachedSources(ServiceClient(), None, NOON)
    with pytest.raises(ConfigError, match="did you mean 'solcast'"):
        sources.ask({"solcast": Source(Answers().fetch)}, "solcats", PvSettings(), SPAN)


def test_a_store_that_fails_costs_nothing(tmp_path):
    store = database.connect(tmp_path)
    store.close()
    sources = CachedSources(ServiceClient(), store, NOON)
    found = sources.ask({"x": Source(Answers(series(1)).fetch)}, "x", PvSettings(), SPAN)
    assert (found.failure, len(found.frame)) == (None, 24)
