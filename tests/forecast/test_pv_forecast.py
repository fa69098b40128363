"""What the roof will give: correction, limits, nights, and the roof's own past."""

from datetime import UTC, datetime, timedelta

import pytest
from forecast.skies import AT, HOUR, PLACE, bell, series, times

from optimizer.errors import DataError
from optimizer.forecast import pv_forecast
from optimizer.forecast.pv_forecast import Correction, PvSite
from optimizer.model import frames
from optimizer.model.grid import Grid
from optimizer.model.sun import elevation_degrees, is_night


def test_a_true_forecast_is_left_alone():
    learned = pv_forecast.learn_correction(series(-30, 2), series(-30, 0), AT, PLACE)
    assert learned.whole == pytest.approx(1)
    assert learned.factors == pytest.approx([1] * 24)
    assert learned.days == pytest.approx(30)


@pytest.mark.parametrize(("days", "share"), [(1, 1 / 4), (3, 1 / 2), (30, 10 / 11)])
def test_a_bias_is_learned_and_shrunk_to_1_while_little_is_known(days, share):
    learned = pv_forecast.learn_correction(
        series(-days, 2), series(-days, 0, times(1.5)), AT, PLACE
    )
    assert learned.whole == pytest.approx(1 + 0.5 * share)
    bright = [learned.factors[hour] for hour in range(6, 17)]
    assert all(learned.whole <= factor < 1.5 for factor in bright)


def test_a_tree_in_the_morning_is_learned_by_its_hours():
    shaded = series(-30, 0, lambda at: bell(at) * (0.3 if at.hour < 9 else 1.0))
    learned = pv_forecast.learn_correction(series(-30, 2), shaded, AT, PLACE)
    assert learned.factors[7] < 0.55
    assert learned.factors[11] > 0.9
    made = pv_forecast.corrected(series(0, 2), learned, PLACE)
    eight = made[made.index.hour == 7]["pv_w"].iloc[0]
    assert eight == pytest.approx(bell(AT.replace(hour=7)) * learned.factors[7])


@pytest.mark.parametrize("more", [{"grid_w": lambda at: -8_990.0}, {}])
def test_steps_at_a_limit_say_nothing(more):
    """Throttled to half at noon: by the export's limit, or by the inverter's."""
    place = PvSite(10_000, Grid(max_sell_w=9_000)) if more else PvSite(inverter_w=3_000)
    held = series(-30, 0, lambda at: min(bell(at), 3_000.0), **more)
    if more:
        held["grid_w"] = held["grid_w"].where(held["pv_w"] >= 3_000, 500.0)
    learned = pv_forecast.learn_correction(series(-30, 2), held, AT, place)
    assert learned.whole == pytest.approx(1)
    assert learned.factors[11] == pytest.approx(1)


def test_unknown_grid_is_no_limit():
    held = series(-30, 0, times(0.5), grid_w=lambda at: float("nan"))
    learned = pv_forecast.learn_correction(
        series(-30, 2), held, AT, PvSite(10_000, Grid(max_sell_w=9_000))
    )
    assert learned.whole < 0.6


@pytest.mark.parametrize(
    ("reported", "seen"),
    [
        (series(0, 2), series(-30, 0)),
        (series(-30, 2), series(-60, -40)),
        (series(-30, -20), series(-10, 0)),
        (series(-30, 2, lambda at: 0.0), series(-30, 0)),
    ],
    ids=["no past forecast", "no past measured", "never both", "all zero"],
)
def test_without_pairs_nothing_is_learned(reported, seen):
    assert pv_forecast.learn_correction(reported, seen, AT, PLACE) == Correction()


def test_the_correction_stays_within_bounds():
    learned = pv_forecast.learn_correction(
        series(-30, 2), series(-30, 0, times(99)), AT, PvSite(1e9)
    )
    assert learned.whole == 4.0
    assert max(learned.factors) == 4.0


def test_inverter_and_night_bound_the_forecast():
    def what(at):
        return 9_000.0 if at.hour == 11 else 700.0

    made = pv_forecast.corrected(series(0, 1, what), Correction(factors=(2.0,) * 24), PLACE)
    assert made["pv_w"].max() == 10_000
    assert made[made.index.hour == 23]["pv_w"].tolist() == [0.0]
    unknown = pv_forecast.corrected(series(0, 1, what), Correction(), PvSite(10_000))
    assert unknown[unknown.index.hour == 23]["pv_w"].tolist() == [700.0]
    assert (
        pv_forecast.corrected(series(0, 1, lambda at: -5.0), Correction(), PLACE)["pv_w"].max() == 0
    )


def expected(reported, measured, *, begin=AT, hours=36, place=PLACE, **more):
    return pv_forecast.pv_forecast(
        reported, measured, begin, begin + hours * HOUR, AT, place, **more
    )


def test_a_service_is_planned_as_it_is_while_nothing_is_known_of_the_roof():
    made = expected(series(-1, 2), None)
    assert made.notes == ()
    assert made.frame["pv_w"].iloc[0] == pytest.approx(bell(AT))
    assert frames.check(made.frame, ["pv_w"], "x") is made.frame


def test_the_owner_reads_what_was_learned():
    reported, seen = series(-30, 2), series(-30, 0, times(0.5))
    made = expected(reported, seen)
    assert made.notes == (
        "roof: the forecast is corrected by 0.55 on the whole, learned from 30 days",
    )
    assert made.frame["pv_w"].iloc[0] < 0.6 * bell(AT)
    assert expected(reported, seen, correct=False).notes == ()


def test_beyond_the_service_the_roofs_own_mean_is_planned():
    made = expected(series(-1, 1), series(-20, 0, times(0.9)))
    assert made.notes[-1] == (
        "roof: the mean of its own last 14 days was planned beyond the service's forecast"
    )
    assert frames.ends_of(made.frame)[-1] == AT + 36 * HOUR
    assert made.frame["pv_w"].iloc[-1] == pytest.approx(0.9 * bell(AT.replace(hour=23)), abs=1)
    assert frames.check(made.frame, ["pv_w"], "x") is made.frame


@pytest.mark.parametrize("reported", [None, series(-30, -1), series(0.5, 2)])
def test_without_a_service_the_roofs_own_mean_is_planned(reported):
    made = expected(reported, series(-20, 0, times(0.9)))
    assert made.notes == ("roof: the mean of its own last 14 days was planned",)
    assert made.frame["pv_w"].iloc[0] == pytest.approx(0.9 * bell(AT))


def test_without_service_and_past_nothing_is_invented():
    for measured in (None, series(-2, 0)):
        with pytest.raises(DataError, match="no service has a forecast, and fewer than 3"):
            expected(None, measured)


def test_a_hole_ends_a_forecast():
    reported = series(-1, 2).drop(index=[AT + 5 * HOUR])
    assert frames.ends_of(expected(reported, None).frame)[-1] == AT + 5 * HOUR


def test_a_service_that_begins_with_the_coming_step_holds_since_the_begin():
    reported = series(0, 2)[1:]
    made = expected(reported, None)
    assert made.frame.index[0] == AT
    assert made.frame["pv_w"].iloc[0] == made.frame["pv_w"].iloc[1]
    assert frames.check(made.frame, ["pv_w"], "x") is made.frame


def test_more_than_the_roof_can_give_is_refused():
    with pytest.raises(DataError, match=r"14\.0 kW is more than a roof of 10\.0 kW can give"):
        expected(series(-1, 2, lambda at: 14_000.0), None)


def test_sunshine_at_night_is_noted():
    """A wrong longitude: the bell is eight hours late."""
    made = expected(series(-1, 2, lambda at: bell(at - timedelta(hours=8))), None)
    assert "has power at night" in made.notes[0]
    assert "latitude and longitude" in made.notes[0]


def test_a_range_is_noted_where_the_service_knows_one():
    reported = series(-1, 2, pv_p10_w=times(0.5), pv_p90_w=times(1.2))
    kwh = series(0, 1)["pv_w"].sum() / 1000
    assert expected(reported, None).notes == (
        f"roof: {kwh:.1f} kWh are forecast for the next 24 h: at least {kwh / 2:.1f} on nine days "
        f"of ten, and at most {kwh * 1.2:.1f}",
    )


def test_a_mean_of_the_own_past_needs_three_days_at_every_time():
    ends = AT + 24 * HOUR
    assert pv_forecast.from_own_past(series(-2, 0), AT, ends, AT) is None
    assert pv_forecast.from_own_past(series(-2, 0)[:0], AT, ends, AT) is None
    made = pv_forecast.from_own_past(series(-3, 0), AT, ends, AT)
    assert made["pv_w"].sum() / 4 == pytest.approx(series(0, 1)["pv_w"].sum())
    before = series(-40, 0, lambda at: 1.0 if at >= AT - 14 * 24 * HOUR else 9.0)
    assert pv_forecast.from_own_past(before, AT, ends, AT)["pv_w"].max() == 1


SUN = {
    # sunrise and sunset of timeanddate-like tables, to a few minutes
    "Munich, summer": (48.14, 11.58, "2026-06-21T03:13", "2026-06-21T19:17"),
    "Munich, winter": (48.14, 11.58, "2026-12-21T07:01", "2026-12-21T15:22"),
    "Vienna, equinox": (48.21, 16.37, "2026-03-20T04:58", "2026-03-20T17:06"),
}


@pytest.mark.parametrize("where", SUN)
def test_the_sun_rises_and_sets_when_it_does(where):
    latitude, longitude, *moments = SUN[where]
    rise, set_ = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in moments)
    for at, sign in ((rise, 1), (set_, -1)):
        early, late = at - timedelta(minutes=6), at + timedelta(minutes=6)
        heights = [elevation_degrees(x, latitude, longitude) + 0.833 for x in (early, late)]
        assert sign * heights[0] < 0 < sign * heights[1]
    assert is_night(set_ + HOUR / 2, set_ + HOUR, latitude, longitude)
    assert not is_night(rise - HOUR / 2, rise + HOUR / 2, latitude, longitude)
