"""House and roof from the configuration on: an ordinary day, and when nobody answers."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import requests
import responses
from answers import house as written
from answers.house import PLANE, SERVICES, sunshine
from answers.prices import BERLIN

from optimizer.app import house_forecast, source_diagnosis
from optimizer.config.loading import validate
from optimizer.doctor.finding import Level
from optimizer.errors import ConfigError, DataError
from optimizer.http.service_client import ServiceClient
from optimizer.model import frames
from optimizer.model.pv_days import PvDays
from optimizer.model.snapshot import Decision, Reason, Snapshot
from optimizer.store import database
from optimizer.store.journal import Journal

AT = datetime(2026, 11, 22, 17, 35, tzinfo=UTC)
"""18:35 local: the evening's run."""
BEGIN = AT.replace(minute=30)
END = BEGIN + timedelta(hours=36)
QUARTER = timedelta(minutes=15)
RPC = "http://fems/jsonrpc"
METEO = SERVICES["open-meteo"].url


def config_of(folder, *, load=None, pv=None):
    place = {"latitude": 48.8, "longitude": 13.1, "planes": [{"kwp": PLANE.kwp}]}
    return validate(
        {
            "fems": {"url": "http://fems", "password": "kanari3nvogel"},
            "battery": {"capacity_wh": 22_000},
            "load": {"source": "fems"} | (load or {}),
            "pv": {"source": "open-meteo"} | place | (pv or {}),
            "store": {"folder": folder},
        }
    )


@pytest.fixture
def internet():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def evening_load(at):
    """Habit of the house: 2 kW from 17 to 21 UTC, else 400 W; a meter never stands quite still."""
    return (2_000.0 if 17 <= at.hour < 21 else 400.0) + at.minute / 15


def noon_sun(at):
    return 3_000.0 if 9 <= at.hour < 13 else 0.0


def quarters(begin, end):
    return [begin + n * QUARTER for n in range((end - begin) // QUARTER)]


def device_answers(internet, days=28, now=AT, today=0.5):
    """The device's memory, a month each time it is asked; the roof gives half the forecast."""

    def answer(request):
        asked = json.loads(request.body)["params"]
        first = datetime.fromisoformat(asked["fromDate"]).replace(tzinfo=BERLIN)
        last = datetime.fromisoformat(asked["toDate"]).replace(tzinfo=BERLIN)
        starts = [
            at for at in quarters(first.astimezone(UTC), last.astimezone(UTC) + timedelta(days=1))
            if now - timedelta(days=days) <= at < now
        ]  # fmt: skip
        shares = [today if at.date() == now.date() else 0.5 for at in starts]
        pv = [share * noon_sun(at) for share, at in zip(shares, starts, strict=True)]
        document = written.fems(starts, 15, [evening_load(at) for at in starts],
                                **{"_sum/ProductionActivePower": pv})  # fmt: skip
        return 200, {"Content-Type": "application/json"}, json.dumps(document)

    internet.add_callback(responses.POST, RPC, answer)


def sky_answers(internet, now=AT):
    begin = now.replace(hour=0, minute=0)
    starts = quarters(begin - timedelta(days=14), begin + timedelta(days=3))
    document = written.open_meteo(starts, 15, [noon_sun(at) for at in starts])
    assert max(document["minutely_15"]["global_tilted_irradiance"]) == sunshine(3_000)[0]
    internet.get(METEO, json=document)


def down(internet):
    internet.post(RPC, body=requests.ConnectionError("no route"))
    internet.post("http://fems:8084/jsonrpc", body=requests.ConnectionError("no route"))
    internet.get(METEO, status=503)


def planned(config, at=AT):
    begin = at - timedelta(seconds=at.timestamp() % 900)
    with house_forecast.source_context(config, at, ServiceClient()) as context:
        return house_forecast.house_forecast(config, begin, begin + timedelta(hours=36), context)


def at_hour(frame, hour):
    """The mean of tomorrow's hour (UTC)."""
    tomorrow = frame[(frame.index.day == 23) & (frame.index.hour == hour)]
    return tomorrow.iloc[:, 1].mean()


def test_an_ordinary_evening(internet, tmp_path):
    device_answers(internet)
    sky_answers(internet)
    made = planned(config_of(tmp_path))
    for frame, column in ((made.load, "load_w"), (made.pv, "pv_w")):
        frames.check(frame, [column], "x")
        assert frame.index[0] <= BEGIN
        assert frame["end"].iloc[-1] >= END
    assert at_hour(made.load, 18) == pytest.approx(2_001.5, abs=1)
    assert at_hour(made.load, 3) == pytest.approx(401.5, abs=1)
    assert at_hour(made.pv, 10) == pytest.approx(3_000 * (7 + 1.5) / 17, rel=0.1)
    assert made.notes == (
        "roof: the forecast is corrected by 0.58 on the whole, learned from 15 days",
    )
    assert made.history is not None
    assert set(made.history["origin"]) == {"reported fems"}
    assert set(made.load["origin"]) == {"forecast own past"}
    assert list(dict.fromkeys(made.pv["origin"])) == ["forecast open-meteo"]


def test_an_evening_when_all_services_are_down_but_an_hour_ago_they_were_not(internet, tmp_path):
    database.connect(tmp_path).close()
    config = config_of(tmp_path)
    device_answers(internet, now=AT - timedelta(hours=1))
    sky_answers(internet, now=AT - timedelta(hours=1))
    before = planned(config, AT - timedelta(hours=1))
    internet.reset()
    down(internet)
    made = planned(config)
    assert made.notes == (
        "load: The FEMS at http://fems cannot be reached: check its network and [fems] url; "
        "learned from its earlier answers, known to 22.11. 17:30",
        "roof: api.open-meteo.com does not work now (503): ask again later",
        "roof: the forecast is corrected by 0.58 on the whole, learned from 15 days",
    )
    assert at_hour(made.load, 18) == pytest.approx(at_hour(before.load, 18), rel=0.02)
    assert at_hour(made.pv, 10) == pytest.approx(at_hour(before.pv, 10), rel=0.02)
    assert set(made.history["origin"]) == {"cached fems"}
    assert set(made.pv["origin"]) == {"cached open-meteo"}


def test_a_disk_without_room_costs_no_forecast(internet, tmp_path):
    connection = database.connect(tmp_path)
    connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON series_value "
        "BEGIN SELECT raise(ABORT, 'disk is full'); END"
    )
    device_answers(internet)
    sky_answers(internet)
    made = planned(config_of(tmp_path))
    assert at_hour(made.load, 18) == pytest.approx(2_001.5, abs=1)
    assert connection.execute("SELECT count(*) FROM series_value").fetchone() == (0,)
    connection.close()


def test_an_evening_when_nobody_ever_answered(internet, tmp_path):
    """The journal tells the house's past, and with it the roof's."""
    connection = database.connect(tmp_path)
    journal, begin = Journal(connection), AT - timedelta(days=4)
    for n in range(4 * 96 * 3):
        at = begin + n * timedelta(minutes=5)
        pv = 0.5 * noon_sun(at)
        seen = Snapshot(at=at, grid_w=evening_load(at) - pv, battery_w=0.0, pv_w=pv)
        journal.note(Decision(at, None, Reason.SELF_CONSUMPTION), seen)
    journal.flush()
    connection.close()
    down(internet)
    made = planned(config_of(tmp_path))
    assert made.notes == (
        "load: The FEMS at http://fems cannot be reached: check its network and [fems] url; "
        "learned from the executor's journal, known to 22.11. 18:30",
        "load: 4.0 days of this house's past are known, 14 are wanted: mixed with a standard "
        "household of 4 000 kWh a year (BDEW H25)",
        "roof: api.open-meteo.com does not work now (503): ask again later",
        "roof: the mean of its own last 14 days was planned",
    )
    assert at_hour(made.load, 18) > 2 * at_hour(made.load, 3)
    assert at_hour(made.pv, 10) == pytest.approx(1_500, rel=0.01)


def test_an_evening_when_nothing_is_known_at_all(internet, tmp_path):
    down(internet)
    with pytest.raises(DataError) as caught:
        planned(config_of(tmp_path))
    assert str(caught.value) == (
        "roof: api.open-meteo.com does not work now (503): ask again later; no service has "
        "a forecast, and fewer than 3 days of its own past are known: try again later, or give a "
        "file"
    )
    made = planned(config_of(tmp_path, pv={"source": "none"}))
    assert made.pv is None
    assert made.notes == (
        "load: The FEMS at http://fems cannot be reached: check its network and [fems] url",
        "load: nothing is known of this house's past, so a standard household of 4 000 kWh a year "
        "(BDEW H25) was planned",
    )
    assert not list(tmp_path.iterdir())  # looking creates nothing


def test_a_service_is_left_alone_while_its_answer_is_fresh(internet, tmp_path):
    database.connect(tmp_path).close()
    config = config_of(tmp_path, load={"source": "profile"})
    sky_answers(internet)
    planned(config)
    planned(config, AT + timedelta(minutes=29))
    assert len(internet.calls) == 1
    planned(config, AT + timedelta(minutes=31))
    assert len(internet.calls) == 2
    other = config_of(tmp_path, load={"source": "profile"}, pv={"planes": [{"kwp": 5}]})
    planned(other, AT + timedelta(minutes=32))
    assert len(internet.calls) == 3  # another roof is another question


def test_a_newer_forecast_counts_at_once(internet, tmp_path):
    database.connect(tmp_path).close()
    config = config_of(tmp_path, load={"source": "profile"})
    sky_answers(internet)
    planned(config)
    internet.reset()
    starts = quarters(AT.replace(hour=0, minute=0), END + timedelta(hours=9))
    internet.get(METEO, json=written.open_meteo(starts, 15, [noon_sun(at) / 2 for at in starts]))
    later = AT + timedelta(hours=1)
    assert at_hour(planned(config, later).pv, 10) == pytest.approx(1_500)
    internet.reset()
    internet.get(METEO, status=503)
    assert at_hour(planned(config, later + timedelta(hours=1)).pv, 10) == pytest.approx(1_500)


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (0.2, "a day of about 60 % of its forecast (86 % likely)"),
        (0.9, "a day of about 140 % of its forecast (86 % likely)"),
        (0.57, None),
    ],
)
def test_the_last_two_hours_say_what_kind_of_day_it_is(internet, tmp_path, today, said):
    noon = AT.replace(hour=12, minute=5)
    device_answers(internet, now=noon, today=today)
    sky_answers(internet, now=noon)
    made = planned(config_of(tmp_path), noon)
    assert made.pv_days.time_zone == "Europe/Berlin"
    reported = [note for note in made.notes if "last two hours" in note]
    assert len(reported) == (said is not None)
    assert said is None or said in reported[0]


def test_in_the_evening_every_kind_of_day_may_come(internet, tmp_path):
    device_answers(internet)
    sky_answers(internet)
    assert planned(config_of(tmp_path)).pv_days == PvDays("Europe/Berlin")


def test_who_does_not_want_kinds_of_days_gets_none(internet, tmp_path):
    device_answers(internet)
    sky_answers(internet)
    assert planned(config_of(tmp_path, pv={"day_states": False})).pv_days is None


def test_what_was_expected_is_compared_with_what_came(internet, tmp_path):
    """A service without past words: the correction is learned from what is kept."""
    database.connect(tmp_path).close()
    place = {"source": "forecast-solar", "inverter_w": 10_000}
    config = config_of(tmp_path, pv=place)
    url = "https://api.forecast.solar/estimate/48.8/13.1/30/0/9.9"
    for days in range(3, -1, -1):
        internet.reset()
        now = AT - timedelta(days=days)
        begin = now.replace(hour=0, minute=0)
        hours = [begin + n * timedelta(hours=1) for n in range(48)]
        document = written.forecast_solar(hours, 60, [noon_sun(at) for at in hours])
        internet.get(url, json=document)
        device_answers(internet, days=20, now=now)
        made = planned(config, now)
    assert made.notes[0].startswith("roof: the forecast is corrected by 0.7")
    assert "learned from 3 days" in made.notes[0]


def test_a_store_that_cannot_be_used_is_none(internet, tmp_path):
    (tmp_path / database.FILE_NAME).write_text("no database")
    sky_answers(internet)
    made = planned(config_of(tmp_path, load={"source": "profile"}))
    assert at_hour(made.pv, 10) == pytest.approx(3_000)


def csv_of(tmp_path, begin, hours):
    rows = [f"{(begin + n * timedelta(hours=1)).isoformat()},{500 + n % 24}" for n in range(hours)]
    path = tmp_path / "load.csv"
    path.write_text("\n".join(["start,load_w", *rows]) + "\n")
    return {"source": "csv", "file": path}


def test_a_file_that_ends_is_the_past(tmp_path):
    begin = AT.replace(hour=16, minute=0) - timedelta(days=20)
    config = config_of(tmp_path, load=csv_of(tmp_path, begin, 20 * 24), pv={"source": "none"})
    made = planned(config)
    assert made.notes == (
        f"load: {tmp_path / 'load.csv'} ends 22.11. 17:00: taken as the past that the forecast is "
        "learned from",
    )
    assert at_hour(made.load, 3) == pytest.approx(500 + (3 - begin.hour) % 24)


@pytest.mark.parametrize(("days", "hours"), [(1, 60), (300, 24)], ids=["ahead", "of another time"])
def test_a_file_that_reaches_ahead_or_is_of_another_time_is_taken_as_it_is(tmp_path, days, hours):
    begin = AT.replace(minute=0) - timedelta(days=days)
    config = config_of(tmp_path, load=csv_of(tmp_path, begin, hours), pv={"source": "none"})
    made = planned(config)
    assert made.load.index[0] == begin
    assert made.notes == ()


def test_faults_of_the_owners_own_are_not_bridged(internet, tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        planned(config_of(tmp_path, load={"source": "meter", "file": tmp_path / "none"}))
    with pytest.raises(ConfigError, match="did you mean 'fems'"):
        planned(config_of(tmp_path, load={"source": "fens"}))
    device_answers(internet)
    with pytest.raises(ConfigError, match=r"no history of 'evcs0'"):
        planned(config_of(tmp_path, load={"without": ["evcs0"]}))


def test_a_roof_of_the_owners_own_is_taken_as_it_is(tmp_path):
    begin = AT.replace(minute=0) - timedelta(days=1)
    path = csv_of(tmp_path, begin, 60)["file"]
    path.write_text(path.read_text().replace("load_w", "pv_w"))
    mine = {"source": "csv", "file": path}
    made = planned(config_of(tmp_path, load={"source": "profile"}, pv=mine))
    assert made.pv["pv_w"].iloc[0] == 500


def test_a_journal_without_rows_is_no_past(tmp_path):
    database.connect(tmp_path).close()
    made = planned(config_of(tmp_path, load={"source": "journal"}, pv={"source": "none"}))
    assert made.history is None
    assert made.notes[0] == "load: the journal knows nothing of this time"


def test_the_spread_is_learned_from_the_house(internet, tmp_path):
    device_answers(internet)
    made = planned(config_of(tmp_path, pv={"source": "none"}))
    assert made.spread.ratios[3] == pytest.approx([1] * 5, abs=0.05)


BAD_ADDRESSES = ["192.168.0.30", "http://x:y@nas", "http://nas/?q=1", "ftp://nas"]


@pytest.mark.parametrize("url", BAD_ADDRESSES)
def test_an_address_with_a_password_in_it_is_refused(tmp_path, url):
    with pytest.raises(ConfigError, match="without user, password or query"):
        config_of(tmp_path, load={"url": url})
    assert config_of(tmp_path, load={"url": "http://nas:8123/ha/"}).load.url == "http://nas:8123/ha"


# The doctor.


def findings(config, at=AT):
    return list(source_diagnosis.house_sources(config, at))


def texts(found):
    return [(item.level, item.name, item.text, item.fix) for item in found]


def test_the_doctor_says_what_each_source_gives(internet, tmp_path):
    device_answers(internet)
    sky_answers(internet)
    assert texts(findings(config_of(tmp_path))) == [
        (
            Level.OK, "load", "fems: 28.0 days in steps of 15 min, 25.10. 18:45 to 22.11. 18:30, "
            "no holes; your own device", "",
        ),
        (
            Level.OK, "roof", "open-meteo: steps of 15 min, 54 h ahead with 24.0 kWh; CC BY 4.0, "
            "non-commercial use: Weather data by Open-Meteo.com", "",
        ),
        (
            Level.OK, "roof correction",
            "0.58 on the whole; by hour 0.58 (9 h), 0.53 (13 h), "
            "0.58 (17 h); from 15 days", "",
        ),
    ]  # fmt: skip


def test_the_doctor_when_nobody_answers(internet, tmp_path):
    down(internet)
    load, pv = findings(config_of(tmp_path))
    assert (load.level, pv.level) == (Level.WARN, Level.FAIL)
    assert "until then plans use its earlier answers" in load.fix
    assert pv.text == "api.open-meteo.com does not work now (503)"


def test_the_doctor_when_only_the_sky_is_silent(internet, tmp_path):
    device_answers(internet)
    internet.get(METEO, status=503)
    load, pv = findings(config_of(tmp_path))
    assert (load.level, pv.level) == (Level.OK, Level.WARN)
    assert "or the roof's own mean" in pv.fix


def test_the_doctor_on_a_young_or_a_silent_device(internet, tmp_path):
    device_answers(internet, days=3)
    config = config_of(tmp_path, pv={"source": "none"})
    (young,) = findings(config)
    assert young.level is Level.WARN
    assert "fewer than 14 days, the standard household fills in" in young.text
    internet.reset()
    device_answers(internet, now=AT - timedelta(hours=20))
    (silent,) = findings(config)
    assert silent.level is Level.WARN
    assert "the newest value is 20 h old" in silent.text


def test_the_doctor_on_holes_and_dropouts(internet, tmp_path):
    starts = quarters(AT.replace(minute=0) - timedelta(days=20), AT.replace(minute=30))
    loads = [0.0 if n < 96 else evening_load(at) for n, at in enumerate(starts)]
    internet.post(RPC, json=written.fems(starts, 15, loads))
    (found,) = findings(config_of(tmp_path, pv={"source": "none"}))
    assert "fems: 19.0 days" in found.text
    assert "24.0 h missing" in found.text


def test_the_doctor_on_a_sky_that_says_too_little(internet, tmp_path):
    starts = quarters(BEGIN, BEGIN + timedelta(hours=5))
    internet.get(METEO, json=written.open_meteo(starts, 15, [0.0] * 20))
    device_answers(internet)
    _, pv, correction = findings(config_of(tmp_path))
    assert pv.level is Level.WARN
    assert "5 h ahead with 0.0 kWh: too short for a plan" in pv.text
    assert correction.text.startswith("nothing learned yet")


def test_the_doctor_on_sources_that_are_chosen_or_written_wrongly(internet, tmp_path):
    sky_answers(internet)
    profile, pv = findings(config_of(tmp_path, load={"source": "profile", "annual_kwh": 5_000}))
    assert profile.text == "profile: a standard household of 5000 kWh a year (BDEW H25)"
    assert pv.level is Level.OK
    wrong = config_of(tmp_path, load={"source": "fens"}, pv={"source": "open-metro"})
    assert ["did you mean" in item.text + item.fix for item in findings(wrong)] == [True, True]
    mine = config_of(tmp_path, load=csv_of(tmp_path, AT.replace(minute=0), 48),
                     pv={"source": "csv", "file": tmp_path / "none.csv"})  # fmt: skip
    load, pv = findings(mine)
    assert (load.level, pv.level) == (Level.OK, Level.FAIL)
    meter = config_of(tmp_path, load={"source": "meter", "file": tmp_path / "x"})
    assert findings(meter)[0].level is Level.FAIL
