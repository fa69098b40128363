"""What kind of day it is for the roof: two measured hours against the corrected forecast."""

from datetime import timedelta

import pytest
from forecast.skies import AT, PLACE, bell, series

from optimizer.forecast import pv_forecast
from optimizer.forecast.pv_forecast import PvSite
from optimizer.model.pv_days import PvDays, seen

ZONE = "Europe/Berlin"
QUARTER = timedelta(minutes=15)


def since(hours, factor):
    """As forecast until some hours before the plan, then a share of it."""
    return lambda at: bell(at) * (factor if at >= AT - timedelta(hours=hours) else 1.0)


def kinds(what, reported=bell, place=PLACE, **more):
    reported, measured = (series(-30, days, how, 15) for days, how in ((2, reported), (0, what)))
    return pv_forecast.kinds(reported, measured, AT, place, ZONE, **more)


@pytest.mark.parametrize(("factor", "likeliest"), [(0.5, 0), (1.0, 1), (1.5, 2)])
def test_the_last_two_hours_tell(factor, likeliest):
    today = kinds(since(2, factor)).today
    assert today.index(max(today)) == likeliest


def test_only_the_last_two_hours_tell():
    cleared = kinds(lambda at: since(5, 0.5)(at) if at < AT - timedelta(hours=2) else bell(at))
    assert cleared.today[1] == max(cleared.today)


def test_it_is_told_against_the_corrected_forecast():
    """A roof that always gives half of what is told has no poor day today."""

    def half(at):
        return 0.5 * bell(at)

    learned, raw = kinds(half).today, kinds(half, correct=False).today
    assert learned.index(max(learned)) == 1
    assert raw.index(max(raw)) == 0


def test_quarter_hours_at_a_limit_do_not_count():
    """Clipped to half by the inverter: nothing free is left to compare, today or before."""
    place = PvSite(inverter_w=3_000, latitude=48.8, longitude=13.1)
    assert kinds(lambda at: min(bell(at), 3_000.0), place=place) == PvDays(ZONE)


def test_what_ended_hours_ago_says_nothing():
    reported, measured = series(-30, 2, bell, 15), series(-30, -0.25, since(9, 0.5), 15)
    assert pv_forecast.kinds(reported, measured, AT, PLACE, ZONE) == PvDays(ZONE)


def test_what_came_an_hour_late_still_does():
    reported, measured = series(-30, 2, bell, 15), series(-30, 0, since(4, 0.5), 15)
    late = measured[measured["end"] <= AT - timedelta(hours=1)]
    today = pv_forecast.kinds(reported, late, AT, PLACE, ZONE).today
    assert today[0] == max(today)


def test_a_roof_without_a_past_is_of_any_kind():
    reported = series(0, 2, bell, 15)
    assert pv_forecast.kinds(reported, series(-1, 0, bell, 15), AT, PLACE, ZONE) == PvDays(ZONE)
    assert seen(ZONE, 0.0, 0.0) == PvDays(ZONE)
