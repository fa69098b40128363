"""Two hours of the executor's process in fast-forward; 24 hours by `python -m tests.bench.soak`."""

import pytest

from tests.bench import soak

pytestmark = pytest.mark.no_cover


def test_the_executor_grows_not_and_costs_little(tmp_path):
    found = soak.soak(tmp_path, hours=2)
    assert len(found) == 720
    reported = soak.figures(found)
    assert {name: value for name, value in reported.items() if value > soak.LIMITS[name]} == {}
