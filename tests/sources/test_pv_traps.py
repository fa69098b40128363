"""Traps of roof services that other programs stepped into, and what a roof's answer is made of."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
import responses
from answers import house as written
from answers.house import PLACE, PLANE, SERVICES
from answers.prices import BERLIN, day_of

from optimizer.http.failures import RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.sources import forecast_solar, open_meteo, registry, solcast
from optimizer.sources.source_settings import PvPlane, PvSettings, Span

DAY = date(2026, 6, 21)
QUARTERS = day_of(DAY, 15)
NOON = datetime(2026, 6, 21, 12, tzinfo=UTC)
SPAN = Span(QUARTERS[0], QUARTERS[0] + timedelta(days=1), BERLIN)


def peak_at(minutes):
    """One step before noon at full power, the others nothing."""
    return [5_000.0 if at == NOON - timedelta(minutes=minutes) else 0.0 for at in
            day_of(DAY, minutes)]  # fmt: skip


def parsed(name):
    service = SERVICES[name]
    document = service.write(
        day_of(DAY, service.minutes), service.minutes, peak_at(service.minutes)
    )
    if name == "open-meteo":
        return open_meteo.parse([(PLANE, document)])
    return forecast_solar.parse([document], SPAN, *PLACE) if name == "forecast-solar" else (
        solcast.parse(document))  # fmt: skip


@pytest.mark.parametrize("name", ["open-meteo", "forecast-solar", "solcast"])
def test_a_stamp_names_the_end_of_its_step(name):
    """Read as a start, or as a moment, the peak would lie half a step or a whole one late."""
    made, minutes = parsed(name), SERVICES[name].minutes
    (peak,) = made.index[made["pv_w"] > 1_000]
    assert peak == NOON - timedelta(minutes=minutes)
    assert made.loc[peak, "end"] == NOON


def test_energy_of_a_period_is_taken_and_not_the_power_of_a_moment():
    made = parsed("forecast-solar")
    assert made["pv_w"].max() == 5_000  # the moment's power is 4321 throughout


COMPASS = {0: 180, 45: -135, 90: -90, 135: -45, 180: 0, 225: 45, 270: 90, 315: 135, 360: 180}


@pytest.mark.parametrize("compass", COMPASS)
@pytest.mark.parametrize("name", ["open-meteo", "forecast-solar"])
def test_the_owners_compass_is_turned_for_each_service(name, compass):
    settings = PvSettings(latitude=48.8, longitude=13.1, planes=(PvPlane(9.9, 30, compass),))
    service = SERVICES[name]
    body = service.answer(day_of(DAY, service.minutes), peak_at(service.minutes))
    with responses.RequestsMock() as mock:
        mock.add(responses.GET, url=re.compile("https://.*"), body=body)
        registry.fetch(registry.PV, name, settings, SPAN, ServiceClient())
        url = mock.calls[0].request.url
    wanted = COMPASS[compass]
    assert (f"azimuth={wanted}&" if name == "open-meteo" else f"/30/{wanted}/9.9?") in url


def test_several_planes_are_asked_one_by_one_and_add_up():
    east, west = PvPlane(4.0, 15, 90), PvPlane(6.0, 35, 270)
    settings = PvSettings(latitude=48.8, longitude=13.1, planes=(east, west))
    service = SERVICES["forecast-solar"]
    starts = day_of(DAY, 60)
    with responses.RequestsMock() as mock:
        for path, watts in (("15/-90/4", 1_000.0), ("35/90/6", 500.0)):
            body = service.answer(starts, [watts if at.hour == 9 else 0.0 for at in starts])
            mock.get(f"https://api.forecast.solar/estimate/48.8/13.1/{path}", body=body)
        made = registry.fetch(registry.PV, "forecast-solar", settings, SPAN, ServiceClient())
    assert made["pv_w"].max() == 1_500


def test_a_quarter_that_one_plane_lacks_is_a_hole():
    values = [100.0] * len(QUARTERS)
    whole = written.open_meteo(QUARTERS, 15, values)
    part = written.open_meteo(QUARTERS, 15, [None, *values[1:]])
    made = open_meteo.parse([(PLANE, whole), (PLANE, part)])
    assert made.index[0] == QUARTERS[1]
    assert made["pv_w"].iloc[0] == pytest.approx(200)


def test_warm_cells_give_less():
    """9.9 kWp in 1000 W/m²: 7.92 kW at cells of 25 °C; 30 °C of air heats them to 70 °C."""
    document = written.open_meteo(QUARTERS[:2], 15, [0.0, 0.0])
    document["minutely_15"]["global_tilted_irradiance"] = [1000.0, -3.0]
    document["minutely_15"]["temperature_2m"] = [30.0, 30.0]
    made = open_meteo.parse([(PLANE, document)])["pv_w"]
    assert made.iloc[0] == pytest.approx(9_900 * 0.8 * (1 - 0.004 * 45))
    assert made.iloc[1] == 0.0


def test_lists_of_different_lengths_are_rejected():
    document = written.open_meteo(QUARTERS, 15, [0.0] * 96)
    document["minutely_15"]["temperature_2m"].pop()
    with pytest.raises(RejectedError, match="another shape"):
        open_meteo.parse([(PLANE, document)])


@pytest.mark.parametrize(("hours", "days"), [(2, 2), (24, 2), (36, 3), (48, 3), (192, 9)])
def test_as_many_days_are_asked_as_the_horizon_needs(hours, days):
    """The day of the plan and all that the horizon touches."""
    settings = PvSettings(latitude=48.8, longitude=13.1, planes=(PLANE,))
    body = SERVICES["open-meteo"].answer(QUARTERS, peak_at(15))
    span = Span(NOON, NOON + timedelta(hours=hours), BERLIN)
    with responses.RequestsMock() as mock:
        mock.get(open_meteo.URL, body=body)
        registry.fetch(registry.PV, "open-meteo", settings, span, ServiceClient())
        assert f"forecast_days={days}&" in mock.calls[0].request.url


def test_after_the_last_evening_a_service_knows_only_the_night():
    """No sun is 0 W, also before the first and after the last hour told; all else is unknown."""
    starts = day_of(DAY, 60)
    document = written.forecast_solar(starts, 60, [700.0] * 24)
    span = Span(SPAN.start - timedelta(hours=6), SPAN.end + timedelta(hours=24), BERLIN)
    made = forecast_solar.parse([document], span, *PLACE)
    assert made.index[0] == SPAN.start - timedelta(hours=3)  # 19:00 UTC; before, the sun was up
    assert made["pv_w"].iloc[0] == 0
    assert SPAN.end < made["end"].iloc[-1] <= SPAN.end + timedelta(hours=6)
    assert made["pv_w"].iloc[-1] == 0


def test_percentiles_stand_beside_the_median():
    made = parsed("solcast")
    row = made.loc[NOON - timedelta(minutes=30)]
    assert (row["pv_w"], row["pv_p10_w"], row["pv_p90_w"]) == (5_000, 2_500, 6_250)


def test_solcast_without_percentiles():
    document = written.solcast(day_of(DAY, 30), 30, peak_at(30))
    for row in document["forecasts"]:
        del row["pv_estimate10"], row["pv_estimate90"]
    assert list(solcast.parse(document).columns) == ["end", "pv_w"]
