"""What becomes of written values: conversion, log, the one time-out (contract 1.3 and 2.1)."""

import math

import pytest

from optimizer.model.snapshot import Channel
from optimizer.simulation.fems.written_values import WrittenValues, to_watts


@pytest.mark.parametrize(
    ("value", "watts"),
    [
        (1_000, 1_000),
        (0, 0),
        (-2_000, -2_000),
        (12.7, 12),
        (-12.7, -13),
        (-12.2, -12),
        (1e3, 1_000),
        ("1500", 1_500),
        ("-7", -7),
        (True, 1),
        (False, 0),
        ([123], 123),
        (2**31 - 1, 2**31 - 1),
    ],
)
def test_conversions_as_measured(value, watts):
    assert to_watts(value) == watts


@pytest.mark.parametrize("value", [[], [1, 2]])
def test_other_arrays_are_as_good_as_nothing(value):
    assert to_watts(value) is None


@pytest.mark.parametrize(
    "value", ["1500.5", "abc", "NaN", math.nan, math.inf, 99_999_999_999, 2**31, {"a": 1}, ["x"]]
)
def test_the_rest_is_never_applied(value):
    with pytest.raises(ValueError, match="no integer"):
        to_watts(value)


def test_one_bad_value_spoils_the_others():
    written = WrittenValues("ess0", 60)
    written.put(Channel.LESS_OR_EQUALS, 500, 0)
    written.put(Channel.EQUALS, "abc", 1)
    assert (written.failed, written.log, written.at_most_w) == (True, "", None)
    written.put(Channel.EQUALS, None, 2)
    assert (written.failed, written.log) == (False, "ess0/SetActivePowerLessOrEquals:500")
    assert written.at_most_w == 500


def test_the_log_names_everything_as_it_came():
    written = WrittenValues("ess0", 60)
    written.put(Channel.EQUALS, 12.7, 0)
    written.put(Channel.GREATER_OR_EQUALS, True, 0)
    written.put("SetReactivePowerEquals", "5", 0)
    assert written.log == (
        "ess0/SetActivePowerEquals:12.7|ess0/SetActivePowerGreaterOrEquals:true"
        "|ess0/SetReactivePowerEquals:5"
    )
    assert (written.equals_w, written.at_least_w, written.at_most_w) == (12, 1, None)


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_removes_a_value_and_starts_the_time_anew(nothing):
    written = WrittenValues("ess0", 60)
    written.put(Channel.EQUALS, 5, 0)
    written.put(Channel.LESS_OR_EQUALS, 6, 0)
    written.put(Channel.LESS_OR_EQUALS, nothing, 50)
    assert dict(written.values) == {Channel.EQUALS: 5}
    assert written.until_s == 110


def test_without_a_time_out_values_stay():
    written = WrittenValues("ess0", 0)
    written.put(Channel.EQUALS, 5, 1e9)
    assert written.until_s == math.inf


def test_dropping_forgets_everything():
    written = WrittenValues("ess0", 60)
    written.put(Channel.EQUALS, 5, 0)
    written.drop()
    assert (written.equals_w, written.log, dict(written.values)) == (None, "", {})
