"""Tables with a row for each day, and histories that Home Assistant exports."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from answers.prices import BERLIN, day_of

from optimizer.errors import ConfigError, DataError
from optimizer.model import frames
from optimizer.sources import owner_table

DAYS = {"24 h": date(2026, 2, 3), "23 h": date(2026, 3, 29), "25 h": date(2026, 10, 25)}
CHANCE = Random(5)  # noqa: S311


def read(path, column=None, **options):
    return owner_table.read_load(path, BERLIN, column, **options)


def week(day, step):
    """Three days around one, with their starts and values."""
    return [
        (one, starts, [float(CHANCE.randint(80, 4_000)) for _ in starts])
        for one in (day - timedelta(days=1), day, day + timedelta(days=1))
        for starts in (day_of(one, step),)
    ]


def chronological(first, count, cells):
    """Cells in their order, the rest empty: 25 columns, as many as the day is long."""
    return [first, *cells, *[""] * (count - len(cells))]


def comma(number):
    return f"{number:.3f}".replace(".", ",")


def hours(days, count=25, name="Hausverbrauch [kWh]"):
    header = ";".join([name, *(f"Hour {n + 1}" for n in range(count))])
    rows = [
        chronological(
            f"{day:%d.%m.%Y}", count, [f"{w / 1000:.3f}".replace(".", ",") for w in values]
        )
        for day, _, values in days
    ]
    return [header, *(";".join(row) for row in rows)]


@pytest.mark.parametrize("day", DAYS.values(), ids=DAYS)
def test_hours_1_to_25(csv_file, day):
    days = week(day, 60)
    reading = read(csv_file(hours(days)))
    assert frames.starts_of(reading.frame) == [at for _, starts, _ in days for at in starts]
    values = [w for *_, values in days for w in values]
    assert reading.frame["load_w"].tolist() == pytest.approx(values)
    assert "a row is a day" in reading.notes[0]


def clocks(days, ends, unit="kWh", step=15):
    """Columns 00:15 to 24:00, or 00:00 to 23:45; the repeated hour of October stands beside."""
    names = [timedelta(minutes=step * (n + ends)) for n in range(1440 // step)]
    texts = [f"{int(at.total_seconds()) // 3600:02}:{int(at.total_seconds()) // 60 % 60:02}"
             for at in names]  # fmt: skip
    per = 60 // step
    header = ["Datum", *texts[: 3 * per], *(f"{text} B" for text in texts[2 * per : 3 * per]),
              *texts[3 * per :], "Einheit"]  # fmt: skip
    lines = ["Hausverbrauch", ";".join(header)]
    for day, _, values in days:
        cells = [f"{w * step / 60_000:.6f}" for w in values]
        if len(cells) == 24 * per:
            cells[3 * per : 3 * per] = [""] * per
        elif len(cells) == 23 * per:
            cells[2 * per : 2 * per] = [""] * 2 * per
        lines.append(";".join([f"{day:%Y-%m-%d}", *cells, unit]))
    return lines


@pytest.mark.parametrize("ends", [0, 1], ids=["starts", "ends"])
@pytest.mark.parametrize("day", DAYS.values(), ids=DAYS)
def test_quarter_hours_of_a_day(csv_file, day, ends):
    days = week(day, 15)
    reading = read(csv_file(clocks(days, ends)), grid_only=True)
    assert frames.starts_of(reading.frame) == [at for _, starts, _ in days for at in starts]
    values = [w for *_, values in days for w in values]
    assert reading.frame["load_w"].tolist() == pytest.approx(values, abs=0.01)


def test_a_cell_without_a_value_is_a_hole_on_an_ordinary_day(csv_file):
    days = week(DAYS["24 h"], 60)
    lines = hours(days, 24)
    cells = lines[2].split(";")
    cells[8] = ""
    made = read(csv_file([*lines[:2], ";".join(cells), *lines[3:]])).frame
    starts = [at for _, starts, _ in days for at in starts]
    assert frames.starts_of(made) == [at for at in starts if at != days[1][1][7]]


def test_a_change_day_of_another_length_is_left_out_with_a_note(csv_file):
    days = week(DAYS["23 h"], 60)
    lines = hours(days)
    lines[2] += "0,5"  # as if it had 24 hours
    reading = read(csv_file([*lines[:2], lines[2].replace(";;0,5", ";0,5;"), *lines[3:]]))
    assert len(reading.frame) == 48
    assert "29.03.2026 is left out: the clock changes there" in reading.notes[1]


def test_a_25th_hour_on_an_ordinary_day_is_refused(csv_file):
    lines = hours(week(DAYS["24 h"], 60))
    lines[2] = lines[2][:-1] + ";0,5" if lines[2].endswith(";") else lines[2] + "0,5"
    lines[2] = ";".join([*lines[2].split(";")[:25], "0,5"])
    with pytest.raises(DataError, match=r"line 3: column 'Hour 25' has a value, but 03\.02\.2026"):
        read(csv_file(lines))


def test_prices_by_day(csv_file):
    days = week(DAYS["24 h"], 60)
    lines = hours(days, 24, "Spot [EUR/MWh]")
    made = owner_table.read_prices(csv_file(lines), BERLIN).frame
    values = [w / 1000 / 1000 for *_, values in days for w in values]
    assert made["spot_eur_per_kwh"].tolist() == pytest.approx(values)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (hours(week(DAYS["24 h"], 60), 24, "Hausverbrauch"), "unit of column 'Hausverbrauch'"),
        (hours(week(DAYS["24 h"], 60), 24, "Verbrauch [kWh]"), "does not say whether|bought"),
        (["Datum;" + ";".join(f"Hour {n}" for n in range(1, 25)) + ";kWh", "03/02/2026" + ";1" * 24,
          "04/02/2026" + ";1" * 24], "day or month first|unit"),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_refused(csv_file, lines, text):
    with pytest.raises((DataError, ConfigError), match=text):
        read(csv_file(lines))


BEGIN = datetime(2026, 1, 14, 17, tzinfo=UTC)


def history(changes, entity="sensor.house_power"):
    rows = [
        f"{entity},{state},{(BEGIN + timedelta(seconds=at)).isoformat(timespec='milliseconds')}"
        for at, state in changes
    ]
    return ["entity_id,state,last_changed", *(row.replace("+00:00", "Z") for row in rows)]


def test_powers_are_weighted_by_their_time(csv_file):
    """By hand: 300 s at 600 W, 600 s at 900 W make 800 W; then 900 s at 1200 W."""
    changes = [(0, "600.0"), (300, "900.0"), (900, "1200"), (1800, "0")]
    reading = read(csv_file(history(changes)), "sensor.house_power [W]")
    assert frames.starts_of(reading.frame) == [BEGIN, BEGIN + timedelta(minutes=15)]
    assert reading.frame["load_w"].tolist() == [800.0, 1200.0]
    assert reading.unit == "W, means over time"


def test_readings_are_taken_by_their_rises(csv_file):
    """By hand: 0.2 kWh in 15 min are 800 W, 0.6 kWh in 30 min 1200 W."""
    changes = [(0, "100.0"), (900, "100.2"), (2700, "100.8")]
    reading = read(csv_file(history(changes, "sensor.house_energy_kwh")))
    assert reading.frame["load_w"].tolist() == pytest.approx([800, 1200, 1200])
    assert reading.unit == "kWh, rises between readings"


def test_what_is_unknown_is_a_hole(csv_file):
    changes = [(0, "500"), (900, "unavailable"), (1800, "500"), (2700, "unknown"), (3600, "500"),
               (4500, "500")]  # fmt: skip
    made = read(csv_file(history(changes)), "sensor.house_power [W]").frame
    quarter = timedelta(minutes=15)
    assert frames.starts_of(made) == [BEGIN, BEGIN + 2 * quarter, BEGIN + 4 * quarter]


def test_a_restarted_meter_and_a_long_silence_are_holes(csv_file):
    changes = [(0, "100"), (900, "100.1"), (1800, "0"), (2700, "0.1"), (2700 + 7 * 3600, "9")]
    made = read(csv_file(history(changes)), "sensor.house_power [kWh]").frame
    assert frames.starts_of(made) == [BEGIN, BEGIN + timedelta(minutes=30)]


def test_any_history_keeps_its_energy(csv_file):
    """Random changes: the quarter-hours' energy is that of a plain sum over the changes."""
    for _ in range(20):
        times = sorted({0, 7200, *(CHANCE.randint(1, 7199) for _ in range(60))})
        values = [CHANCE.randint(0, 5_000) for _ in times]
        made = read(csv_file(history(list(zip(times, values, strict=True)))),
                    "sensor.house_power [W]").frame  # fmt: skip
        by_hand = sum(
            value * (after - at) / 3600
            for at, after, value in zip(times, times[1:], values, strict=False)
        )
        assert made["load_w"].sum() / 4 == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("lines", "column", "text"),
    [
        (history([(0, 1), (900, 2)]), None, r'does not name its unit.*sensor\.house_power \[W\]'),
        ([*history([(0, 1), (900, 2)]), *history([(0, 1)], "sensor.car")[1:]], None,
         "has 2 entities: sensor.house_power, sensor.car: name the house's"),
        (history([(0, 1)]), "sensor.car [W]", "has no entity 'sensor.car'"),
        (history([(0, 1)]), "sensor.house_power [W]", "has no two known states"),
        (history([(0, 1), (60, 2)]), "sensor.house_power [W]", "fills no quarter-hour"),
        (history([(0, 1), (900, "on")]), "sensor.house_power [W]", "line 3: 'on' is not a number"),
        (["entity_id,state,last_changed", "sensor.x,1,2026-01-14 18:00:00", "sensor.x,2,x"],
         "sensor.x [W]", "line 2: '2026-01-14 18:00:00' is not a moment with an offset"),
        (["entity_id,state,last_changed"], "sensor.x [W]", "has no entity"),
    ],
)  # fmt: skip
def test_histories_that_are_refused(csv_file, lines, column, text):
    with pytest.raises((DataError, ConfigError), match=text):
        read(csv_file(lines), column)


def test_a_sensor_of_the_grid_is_no_load(csv_file):
    path = csv_file(history([(0, "1"), (900, "2"), (1800, "2")], "sensor.grid_import_power_w"))
    with pytest.raises(ConfigError, match="bought from the grid"):
        read(path)
    assert read(path, grid_only=True).drawn
