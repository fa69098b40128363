"""Owners' CSV files that are read: every form, unit, step and day length."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from optimizer.model import frames
from optimizer.sources import owner_csv

SAMPLES = Path(owner_csv.__file__).parents[2] / "data"
BERLIN = ZoneInfo("Europe/Berlin")

MORNING = "2026-01-15T08:00:00+01:00"
LATER = "2026-01-15T09:00:00+01:00"


def rows(frame):
    """(start, end, *values) of each row, moments as HH:MM in UTC."""
    columns = [frame[name].tolist() for name in frame.columns.drop("end")]
    moments = [
        [moment.strftime("%H:%M") for moment in pair]
        for pair in zip(frames.starts_of(frame), frames.ends_of(frame), strict=True)
    ]
    return [(*pair, *values) for pair, *values in zip(moments, *columns, strict=True)]


def test_spot_prices_in_eur_per_mwh_are_converted(csv_file):
    path = csv_file(["start,spot_eur_per_mwh", f"{MORNING},84.30", f"{LATER},-5"])
    frame = owner_csv.read_prices(path)
    assert rows(frame) == [("07:00", "08:00", 0.0843), ("08:00", "09:00", -0.005)]
    assert frame.columns.tolist() == ["end", "spot_eur_per_kwh"]
    assert str(frame.index.tz) == "UTC"


def test_spot_prices_in_eur_per_kwh_are_taken_as_they_are(csv_file):
    path = csv_file(["start,spot_eur_per_kwh", f"{MORNING},0.0843", f"{LATER},-0.005"])
    assert owner_csv.read_prices(path)["spot_eur_per_kwh"].tolist() == [0.0843, -0.005]


def test_all_in_prices(csv_file):
    path = csv_file(
        ["start,buy_eur_per_kwh,sell_eur_per_kwh", f"{MORNING},0.2921,0.0778", f"{LATER},0.3,0"]
    )
    assert rows(owner_csv.read_prices(path)) == [
        ("07:00", "08:00", 0.2921, 0.0778),
        ("08:00", "09:00", 0.3, 0.0),
    ]


def test_a_spot_file_may_bring_the_pay_for_feed_in(csv_file):
    path = csv_file(
        ["start,spot_eur_per_mwh,sell_eur_per_kwh", f"{MORNING},80,.07", f"{LATER},90,.08"]
    )
    assert rows(owner_csv.read_prices(path)) == [
        ("07:00", "08:00", 0.08, 0.07),
        ("08:00", "09:00", 0.09, 0.08),
    ]


@pytest.mark.parametrize("column", ["load_w", "pv_w"])
def test_powers(csv_file, column):
    path = csv_file([f"start,{column}", f"{MORNING},930", f"{LATER},1e3"])
    assert rows(owner_csv.read_power(path, column)) == [
        ("07:00", "08:00", 930.0),
        ("08:00", "09:00", 1_000.0),
    ]


@pytest.mark.parametrize("minutes", [15, 30, 60])
def test_the_step_comes_from_the_stamps(csv_file, minutes):
    start, step = datetime(2026, 1, 15, 7, tzinfo=UTC), timedelta(minutes=minutes)
    stamps = [(start + index * step).isoformat() for index in range(5)]
    path = csv_file(["start,load_w", *(f"{stamp},1" for stamp in stamps)])
    frame = owner_csv.read_power(path, "load_w")
    assert frames.step_of(frame) == step
    assert frames.ends_of(frame)[-1] == start + 5 * step


@pytest.mark.parametrize(("longer", "shorter"), [(60, 15), (60, 30), (30, 15)])
def test_prices_may_change_to_shorter_steps(csv_file, longer, shorter):
    """As on 1 October 2025: each row holds to the next one."""
    change = datetime(2025, 9, 30, 22, tzinfo=UTC)
    starts = [change - n * timedelta(minutes=longer) for n in (3, 2, 1)]
    starts += [change + n * timedelta(minutes=shorter) for n in range(4)]
    rows = [f"{at.isoformat()},{n}" for n, at in enumerate(starts)]
    frame = owner_csv.read_prices(csv_file(["start,spot_eur_per_mwh", *rows]))
    assert frames.starts_of(frame) == starts
    assert frames.ends_of(frame) == [*starts[1:], starts[-1] + timedelta(minutes=shorter)]
    assert frame["spot_eur_per_kwh"].tolist() == pytest.approx([n / 1000 for n in range(7)])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2026-01-15T07:00:00Z", "2026-01-15T08:00:00Z"),
        ("2026-01-15T07:00Z", "2026-01-15T08:00Z"),
        ("2026-01-15 08:00+01:00", "2026-01-15 09:00+01:00"),
        ("2026-01-15T08:00:00+0100", "2026-01-15T09:00:00+0100"),
        ("20260115T080000+01", "20260115T090000+01"),
        ("2026-01-15T12:30:00+05:30", "2026-01-15T13:30:00+05:30"),
        ("2026-01-15T02:00:00-05:00", "2026-01-15T09:00:00+01:00"),
        ("2026-01-15T08:00:00.000+01:00", "2026-01-15T09:00:00.000+01:00"),
        (" 2026-01-15T08:00:00+01:00 ", "2026-01-15T09:00:00+01:00"),
    ],
)
def test_forms_of_a_stamp(csv_file, first, second):
    path = csv_file(["start,load_w", f"{first},1", f"{second},2"])
    assert rows(owner_csv.read_power(path, "load_w")) == [
        ("07:00", "08:00", 1.0),
        ("08:00", "09:00", 2.0),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"start,load_w\n2026-01-15T07:00Z,1\n2026-01-15T08:00Z,2\n",
        b"start,load_w\n2026-01-15T07:00Z,1\n2026-01-15T08:00Z,2",
        b"start,load_w\r\n2026-01-15T07:00Z,1\r\n2026-01-15T08:00Z,2\r\n",
        b"\xef\xbb\xbfstart,load_w\n2026-01-15T07:00Z,1\n2026-01-15T08:00Z,2\n",
        b"\nstart,load_w\n\n2026-01-15T07:00Z,1\n , \n2026-01-15T08:00Z,2\n\n\n",
        b'"start","load_w"\n"2026-01-15T07:00Z","1"\n"2026-01-15T08:00Z","2"\n',
        b" start , load_w \n2026-01-15T07:00Z, 1\n2026-01-15T08:00Z,2 \n",
        b"load_w,start\n1,2026-01-15T07:00Z\n2,2026-01-15T08:00Z\n",
        b"start,remark,load_w\n2026-01-15T07:00Z,wash,1\n2026-01-15T08:00Z,,2\n",
    ],
    ids=[
        "plain", "no last line end", "Windows", "byte order mark", "blank lines", "quotes",
        "spaces", "other order", "further columns",
    ],
)  # fmt: skip
def test_forms_of_a_file(csv_file, content):
    assert owner_csv.read_power(csv_file(content), "load_w")["load_w"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(("week", "day", "quarters"), [("spring", 29, 92), ("autumn", 26, 100)])
@pytest.mark.parametrize("series", ["prices", "load", "roof"])
def test_local_stamps_through_a_change_of_clocks(week, day, quarters, series):
    path = SAMPLES / week / f"{series}.csv"
    column = {"load": "load_w", "roof": "pv_w"}.get(series)
    frame = owner_csv.read_power(path, column) if column else owner_csv.read_prices(path)
    local = frame.index.tz_convert(BERLIN)
    assert (local.day == day).sum() == quarters
    assert frames.step_of(frame) == timedelta(minutes=15)
    assert frames.ends_of(frame)[:-1] == frames.starts_of(frame)[1:]


@pytest.mark.parametrize(
    ("stamps", "hours"),
    [
        (["01:00:00+01:00", "03:00:00+02:00", "04:00:00+02:00"], ["00:00", "01:00", "02:00"]),
        (["02:00:00+02:00", "02:00:00+01:00", "03:00:00+01:00"], ["00:00", "01:00", "02:00"]),
    ],
    ids=["spring", "autumn"],
)
def test_hourly_local_stamps_over_the_changed_hour(csv_file, stamps, hours):
    day = "2026-03-29" if stamps[0].startswith("01") else "2026-10-25"
    path = csv_file(["start,load_w", *(f"{day}T{stamp},1" for stamp in stamps)])
    assert [row[0] for row in rows(owner_csv.read_power(path, "load_w"))] == hours


def test_prices_and_powers_at_the_edge_of_what_is_plausible(csv_file):
    path = csv_file(["start,spot_eur_per_mwh", f"{MORNING},-1000", f"{LATER},5000"])
    assert owner_csv.read_prices(path)["spot_eur_per_kwh"].tolist() == [-1.0, 5.0]
    path = csv_file(["start,load_w", f"{MORNING},0", f"{LATER},100000"])
    assert owner_csv.read_power(path, "load_w")["load_w"].tolist() == [0.0, 100_000.0]


def test_mistakes_of_unit_that_give_plausible_numbers_cannot_be_seen(csv_file):
    """kW in a column of W, EUR/kWh in one of EUR/MWh, small ct in one of EUR: taken as written."""
    path = csv_file(["start,load_w", f"{MORNING},0.93", f"{LATER},1.2"])
    assert owner_csv.read_power(path, "load_w")["load_w"].tolist() == [0.93, 1.2]
    path = csv_file(["start,spot_eur_per_mwh", f"{MORNING},0.0843", f"{LATER},0.09"])
    assert owner_csv.read_prices(path)["spot_eur_per_kwh"].tolist() == pytest.approx(
        [8.43e-5, 9e-5]
    )
    path = csv_file(["start,spot_eur_per_kwh", f"{MORNING},4.3", f"{LATER},-0.5"])
    assert owner_csv.read_prices(path)["spot_eur_per_kwh"].tolist() == [4.3, -0.5]
