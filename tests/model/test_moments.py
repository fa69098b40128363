"""Moments from outside: aware and of years that can be computed with, or a sentence."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.model import moments


@pytest.mark.parametrize("text", [
    "1970-01-01T00:00Z", "2199-12-31T23:59:59.999999Z", "2199-12-31T23:59-00:00",
    "1970-01-01T05:00+05:00", "2026-01-14T00:00:00+23:59",
])  # fmt: skip
def test_what_is_within_comes_back_in_utc_and_can_be_computed_with(text):
    made = moments.utc(datetime.fromisoformat(text))
    assert made.tzinfo is UTC
    assert made == datetime.fromisoformat(text)
    assert made - timedelta(days=450) < made < made + timedelta(days=450)


@pytest.mark.parametrize("text", [
    "0001-01-01T00:00Z", "0001-01-01T00:00+14:00", "9999-12-31T23:59Z", "9999-12-31T23:59-14:00",
    "1969-12-31T23:59:59Z", "2200-01-01T00:00Z", "1970-01-01T00:00+00:01",
])  # fmt: skip
def test_other_years_are_refused(text):
    with pytest.raises(ValueError, match="is not within the years 1970 to 2199"):
        moments.utc(datetime.fromisoformat(text))


def test_a_moment_without_offset_is_refused():
    with pytest.raises(ValueError, match="has no offset from UTC"):
        moments.utc(datetime(2026, 1, 14))  # noqa: DTZ001 the fault
