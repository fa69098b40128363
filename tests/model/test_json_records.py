"""Dataclasses as JSON data and strictly back."""

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from optimizer.model import json_records
from optimizer.model.grid import Rule
from optimizer.model.tariff import Peak


@dataclass(frozen=True)
class Part:
    watts: float
    rule: Rule = Rule.MIXED


@dataclass(frozen=True)
class Whole:
    at: datetime
    day: date
    name: str
    count: int
    on: bool
    limit: float
    maybe: float | None
    either: int | str
    parts: tuple[Part, ...]
    pair: tuple[float, str]
    zone: ZoneInfo
    period: Literal["month", "year"]
    more: tuple[str, ...] = field(default_factory=tuple)


WHOLE = Whole(
    datetime(2026, 1, 15, 2, 3, 4, 567, UTC), date(2026, 1, 15), "a", 3, True, math.inf, None, "x",
    (Part(0.1 + 0.2), Part(30, Rule.PV_ONLY)), (-math.inf, "b"), ZoneInfo("Europe/Berlin"), "year",
    ("c",),
)  # fmt: skip


def test_what_goes_in_comes_back():
    data = json.loads(json.dumps(json_records.plain(WHOLE), allow_nan=False))
    assert json_records.read_record(Whole, data, "it") == WHOLE
    assert data["at"] == "2026-01-15T02:03:04.000567Z"
    again = json.dumps(json_records.plain(json_records.read_record(Whole, data, "it")))
    assert again == json.dumps(json_records.plain(WHOLE))


def test_moments_of_another_offset_are_told_in_utc():
    berlin = timezone(timedelta(hours=1))
    assert json_records.plain(datetime(2026, 1, 15, 3, tzinfo=berlin)) == "2026-01-15T02:00:00Z"
    data = json_records.plain(WHOLE) | {"at": "2026-01-15T03:00:00+01:00"}
    assert json_records.read_record(Whole, data, "it").at == datetime(2026, 1, 15, 2, tzinfo=UTC)


def test_a_field_that_is_missing_takes_its_default_if_it_has_one():
    data = json_records.plain(WHOLE)
    del data["more"], data["parts"][0]["rule"]
    read = json_records.read_record(Whole, data, "it")
    assert (read.more, read.parts[0].rule) == ((), Rule.MIXED)


REFUSED = {
    "it.name is missing": {"name": ...},
    "it.colour is not known": {"colour": 1},
    "it.count is no int": {"count": 3.0},
    "it.on is no bool": {"on": 1},
    "it.limit is no finite number": {"limit": "much"},
    "it.maybe is no finite number": {"maybe": True},
    "it.name is no str": {"name": None},
    "it.either is no str": {"either": 1.5},
    "it.at is no datetime: 'soon'": {"at": "soon"},
    "it.at has no offset from UTC: write it as 2026-01-14T17:00:00+01:00": {
        "at": "2026-01-15T03:00:00"
    },
    "it.day is no text": {"day": 5},
    "it.parts is no list": {"parts": {}},
    "it.parts[0] is no object": {"parts": [1]},
    "it.parts[0].watts is missing": {"parts": [{}]},
    "it.parts[0].rule is no rule: 'all'": {"parts": [{"watts": 1, "rule": "all"}]},
    "it.zone is no zoneinfo: 'Europe/Atlantis'": {"zone": "Europe/Atlantis"},
    "it.zone is no zoneinfo: '../etc/passwd'": {"zone": "../etc/passwd"},
    "it.period is none of 'month', 'year'": {"period": "week"},
    "it.pair has 1 values, not 2": {"pair": [1.0]},
    "it.pair[1] is no str": {"pair": [1.0, 2.0]},
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_is_wrong_is_named_with_its_place(said):
    data = {
        key: value for key, value in (json_records.plain(WHOLE) | REFUSED[said]).items()
        if value is not ...
    }  # fmt: skip
    with pytest.raises(ValueError) as caught:  # noqa: PT011 the text is compared
        json_records.read_record(Whole, data, "it")
    assert str(caught.value) == said


def test_a_number_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"it\.limit is no finite number"):
        json_records.read_record(Whole, json_records.plain(WHOLE) | {"limit": math.nan}, "it")


@pytest.mark.parametrize("value", [math.nan, {1}, b"x", Whole])
def test_what_json_has_no_place_for_is_refused(value):
    with pytest.raises(TypeError, match="has no place in a record"):
        json_records.plain(value)


def test_times_of_day_are_kept():
    peak = Peak(eur_per_kw=6, from_=time(7), to=time(21, 30))
    data = json.loads(json.dumps(json_records.plain(peak)))
    assert (data["from_"], data["to"]) == ("07:00:00", "21:30:00")
    assert json_records.read_record(Peak, data, "peak") == peak
    with pytest.raises(ValueError, match=r"peak\.to is no time: 'noon'"):
        json_records.read_record(Peak, data | {"to": "noon"}, "peak")
