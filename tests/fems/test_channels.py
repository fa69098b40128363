"""What answers mean: shapes, unknown values, sane readings, the snapshot."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.errors import ConfigError, UnreachableError
from optimizer.fems import channels
from optimizer.model.snapshot import FAULT, ON_GRID

AT = datetime(2026, 1, 14, 12, 30, tzinfo=UTC)
HYBRID = {
    "_sum/State": 0,
    "_sum/GridMode": 1,
    "_sum/GridActivePower": 120,
    "_sum/ProductionActivePower": 4_200,
    "_sum/ProductionDcActualPower": 4_200,
    "ess0/Soc": 61,
    "ess0/ActivePower": 2_700,
    "ess0/DcDischargePower": -1_500,
    "ess0/AllowedChargePower": -9_000,
    "ess0/AllowedDischargePower": 13_700,
    "ess0/DebugSetActivePower": 2_700,
    "ess0/GridMode": 1,
    "ess0/State": 0,
}


def point(address: str, **value: object) -> dict[str, object]:
    return {"address": address, "type": "INTEGER", "accessMode": "RO", **value}


def test_an_object_and_an_array_are_read_alike():
    assert channels.read_values(point("ess0/Soc", value=50)) == {"ess0/Soc": 50}
    both = [point("ess0/Soc", value=50), point("ess0/State", value=0)]
    assert channels.read_values(both) == {"ess0/Soc": 50, "ess0/State": 0}


@pytest.mark.parametrize(
    "value",
    [None, True, False, math.nan, math.inf, -math.inf, 10**400, [], {}, [50]],
)
def test_a_useless_value_is_unknown(value):
    assert channels.read_values(point("ess0/Soc", value=value)) == {"ess0/Soc": None}


def test_a_write_only_channel_has_no_value():
    assert channels.read_values(point("ess0/SetActivePowerEquals")) == {
        "ess0/SetActivePowerEquals": None
    }


def test_a_channel_that_contradicts_itself_is_unknown():
    twice = [point("ess0/Soc", value=50), point("ess0/Soc", value=80)]
    assert channels.read_values(twice) == {"ess0/Soc": None}
    assert channels.read_values(twice[:1] * 2) == {"ess0/Soc": 50}


@pytest.mark.parametrize("answer", ["x", 3, {}, {"address": 3}, [point("a/b"), "x"], [[]]])
def test_other_json_is_no_answer_of_a_fems(answer):
    with pytest.raises(UnreachableError, match="not a FEMS's"):
        channels.read_values(answer)


def test_numbers_texts_and_whole_numbers_are_not_confused():
    values = {"a/n": 1.5, "a/t": "50", "a/w": 2.0, "a/u": None}
    assert [channels.number(values, f"a/{key}") for key in "ntwux"] == [1.5, None, 2.0, None, None]
    assert [channels.text(values, f"a/{key}") for key in "ntwux"] == [None, "50", None, None, None]
    assert [channels.whole(values, f"a/{key}") for key in "ntwux"] == [None, None, 2, None, None]


def test_a_hybrids_snapshot():
    shot = channels.snapshot(AT, "ess0", HYBRID)
    assert shot.at == AT
    assert (shot.soc_percent, shot.grid_w, shot.pv_w) == (61, 120, 4_200)
    assert (shot.ess_w, shot.battery_w, shot.applied_w) == (2_700, -1_500, 2_700)
    assert (shot.allowed_charge_w, shot.allowed_discharge_w) == (-9_000, 13_700)
    assert (shot.grid_mode, shot.state, shot.writers) == (ON_GRID, 0, None)


def test_nothing_read_is_nothing_known():
    shot = channels.snapshot(AT, "ess0", {})
    fields = [getattr(shot, name) for name in shot.__slots__ if name != "at"]
    assert fields == [None] * len(fields)


@pytest.mark.parametrize(
    ("changes", "battery_w"),
    [
        ({}, -1_500),
        ({"ess0/DcDischargePower": None}, None),
        ({"ess0/DcDischargePower": None, "_sum/ProductionDcActualPower": 0}, None),
        ({"ess0/DcDischargePower": "absent", "_sum/ProductionDcActualPower": None}, 2_700),
        ({"ess0/DcDischargePower": "absent", "_sum/ProductionDcActualPower": 0}, 2_700),
        ({"ess0/DcDischargePower": "absent"}, None),
    ],
)
def test_the_battery_alone(changes, battery_w):
    values = {key: value for key, value in (HYBRID | changes).items() if value != "absent"}
    assert channels.snapshot(AT, "ess0", values).battery_w == battery_w


@pytest.mark.parametrize(
    ("channel", "value", "field"),
    [
        ("Soc", -1, "soc_percent"),
        ("Soc", 101, "soc_percent"),
        ("AllowedChargePower", 1, "allowed_charge_w"),
        ("AllowedDischargePower", -1, "allowed_discharge_w"),
    ],
)
def test_an_insane_reading_is_unknown(channel, value, field):
    shot = channels.snapshot(AT, "ess0", HYBRID | {f"ess0/{channel}": value})
    assert getattr(shot, field) is None


@pytest.mark.parametrize(
    ("site", "unit", "mode"),
    [(1, 1, 1), (1, None, 1), (1, 2, 2), (3, 1, 3), (-1, 1, -1), (None, 1, None), (1, 1.5, 1)],
)
def test_off_grid_is_believed_from_either_side(site, unit, mode):
    values = HYBRID | {"_sum/GridMode": site, "ess0/GridMode": unit}
    assert channels.snapshot(AT, "ess0", values).grid_mode == mode


@pytest.mark.parametrize(
    ("site", "unit", "state"), [(0, 0, 0), (1, None, 1), (0, 3, FAULT), (None, 3, None)]
)
def test_the_worse_state_counts(site, unit, state):
    values = HYBRID | {"_sum/State": site, "ess0/State": unit}
    assert channels.snapshot(AT, "ess0", values).state == state


@pytest.mark.parametrize("good", ["ess0", "_sum", "E", "a" * 64])
def test_plain_ids_pass(good):
    assert channels.checked_id(good) == good


@pytest.mark.parametrize("bad", ["", "0ess", "ess.*", "ess0/Soc", "a" * 65, "ess0\n", "ess%30"])
def test_ids_that_could_mean_more_are_refused(bad):
    with pytest.raises(ConfigError, match=r"\[fems\] ess"):
        channels.checked_id(bad)


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text("1a", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(list(HYBRID)), _json))
def test_no_content_breaks_a_snapshot(values):
    answer = [point(address, value=value) for address, value in values.items()]
    shot = channels.snapshot(AT, "ess0", channels.read_values(answer))
    assert shot.soc_percent is None or 0 <= shot.soc_percent <= 100


@pytest.mark.parametrize("mad", ["a\nb", "a\x1b[2Jb", "a\u202eb", "a\x9b31mb", "a\r\tb"])
def test_texts_of_the_fems_are_one_printable_line(mad):
    answer = {"address": f"ess0/{mad}", "value": mad, "text": mad, "unit": mad}
    ((address, value),) = channels.read_values(answer).items()
    shown = [address, value, *channels.described(answer).values()]
    assert all(text.isprintable() and len(text) < 20 for text in shown)


def test_texts_of_the_fems_are_cut():
    ((address, value),) = channels.read_values(
        {"address": "a" * 9_000, "value": "9" * 9_000}
    ).items()
    assert (len(address), len(value)) == (130, 4_000)
