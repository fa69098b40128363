"""Pieces that all sources parse with."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.errors import OptimizerError
from optimizer.sources.parsing import begun, documented, series_frame

START = datetime(2026, 1, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_an_answer_without_values_is_refused_as_such():
    assert begun([]) == []
    with pytest.raises(OptimizerError) as refused, documented("examplewatt"):
        series_frame(begun([]), "spot_eur_per_kwh", "examplewatt")
    assert "shape" not in str(refused.value)


def test_a_single_value_has_no_step():
    with pytest.raises(ValueError, match="one value"):
        begun([(START, 0.1)])


@pytest.mark.parametrize("hours", [[0, 1, 3], [0, 1, 3, 4], [0, 2, 3], [0, 1, 4]])
def test_a_missing_stamp_stays_a_hole(hours):
    steps = begun([(START + hour * HOUR, 0.1) for hour in hours])
    assert [step.start for step in steps] == [START + hour * HOUR for hour in hours]
    assert {step.end - step.start for step in steps[1:]} == {HOUR}
