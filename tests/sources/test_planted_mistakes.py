"""Mistakes planted into a table of three days: each is read right, refused or noted."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from answers.prices import BERLIN, day_of

from optimizer.app import series_reading
from optimizer.errors import OptimizerError
from optimizer.forecast import load_faults
from optimizer.model import frames

STARTS = day_of(date(2026, 2, 3), 15) + day_of(date(2026, 2, 4), 15) + day_of(date(2026, 2, 5), 15)
CHANCE = random.Random(11)  # noqa: S311 - repeatable, no secret
WATTS = [CHANCE.randint(150, 3_000) for _ in STARTS]
QUARTER = timedelta(minutes=15)


def table(values=WATTS, header="Zeit;Hausverbrauch [W]", starts=STARTS, shift=timedelta(0)):
    stamps = [f"{(at + shift).astimezone(BERLIN):%d.%m.%Y %H:%M}" for at in starts]
    return [header, *(f"{at};{value}" for at, value in zip(stamps, values, strict=True))]


def spike(kw):
    return [*WATTS[:100], kw * 1000, *WATTS[101:]]


def grouped(value):
    return f"{value:,}".replace(",", ".")


RIGHT = {
    "thousands": table([grouped(value) for value in WATTS]),
    "mirrored": [table()[0], *table()[:0:-1]],
    "ends for starts": table(shift=QUARTER),
    "quarters by days in falling order": [
        table()[0], *table()[193:], *table()[97:193], *table()[1:97],
    ],
    "a column of the grid beside": [
        "Zeit;Netzbezug [W];Hausverbrauch [W];PV [W]",
        *(line.replace(";", ";7;") + ";0" for line in table()[1:]),
    ],
    "a sum below": [*table(), f"Summe;{sum(WATTS)}"],
    "blank lines": [line for row in table() for line in (row, "")],
    "the same row twice": [*table(), table()[5]],
    "UTC that says so": ["Zeit (UTC);Hausverbrauch [W]", *(
        f"{at:%d.%m.%Y %H:%M};{value}" for at, value in zip(STARTS, WATTS, strict=True)
    )],
    "kW of thousands of W": table([f"{value / 1000:.3f}" for value in WATTS],
                                  "Zeit;Hausverbrauch [kW]"),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_read_right(csv_file, name):
    made = series_reading.read_file("load", csv_file(RIGHT[name]), None).frame
    assert frames.starts_of(made) == STARTS
    assert made["load_w"].tolist() == pytest.approx(WATTS)


NOTED = {
    "kW in a column of W": (table([f"{value / 1000:.3f}" for value in WATTS]), "in kW?"),
    "Wh in a column of W": (table([value * 30 for value in WATTS]), "kWh a year: is the load in W"),
    "a spike beyond every house": (table(spike(130)), "1 impossible values are holes"),
    "grid draw for the house": (table(header="Zeit;Verbrauch [W]"), "bought from the grid"),
}


@pytest.mark.parametrize("name", NOTED)
def test_noted(csv_file, name):
    lines, text = NOTED[name]
    report = series_reading.read_file("load", csv_file(lines), None)
    assert any(text in note for note in report.as_json()["notes"])


@pytest.mark.parametrize("kw", [45, 60, 99])
def test_a_spike_of_this_house_is_left_out_of_its_past(csv_file, kw):
    made = series_reading.read_file("load", csv_file(table(spike(kw))), None).frame
    assert len(load_faults.clean(made, 40_000.0)) == len(STARTS) - 1
    assert f"the first is {kw} kW at 04.02. 01:00" in load_faults.notes(made, 40_000.0, BERLIN)[0]


def test_a_meter_that_restarts_has_a_hole(csv_file):
    """A counter falls once: the step over its restart is unknown, all others are right."""
    wh = [sum(WATTS[:n]) / 4 for n in range(len(WATTS))]
    readings = [f"{value if n < 100 else value - wh[100]:.2f}" for n, value in enumerate(wh)]
    path = csv_file(table(readings, "Zeit;Zählerstand Haus [Wh]"))
    report = series_reading.read_file("load", path, None)
    kept = [n for n in range(len(WATTS) - 1) if n != 99]
    assert frames.starts_of(report.frame) == [STARTS[n] for n in kept]
    assert report.frame["load_w"].tolist() == pytest.approx([WATTS[n] for n in kept])
    assert any("falls 1 times: holes there" in note for note in report.notes)


def test_a_day_that_is_filled_with_the_one_before_is_noted(csv_file):
    """A portal repeats a day instead of a hole; no forecast is learned from it."""
    starts = [at for n in range(7) for at in day_of(date(2026, 2, 3 + n), 15)]
    values = [CHANCE.randint(150, 3_000) for _ in starts]
    values[288:384] = values[192:288]
    report = series_reading.read_file("load", csv_file(table(values, starts=starts)), None)
    assert any("repeat the day before: they are left out" in note for note in report.notes)


def test_another_zones_clock_is_refused_on_the_day_that_shows_it(csv_file):
    """Winter time all year has an hour that the last Sunday of March does not have."""
    begin = datetime(2026, 3, 28, tzinfo=UTC)
    starts = [begin + n * QUARTER for n in range(96 * 3)]
    lines = ["Zeit;Hausverbrauch [W]", *(f"{at:%d.%m.%Y %H:%M};{300 + n % 7}"
                                         for n, at in enumerate(starts))]  # fmt: skip
    with pytest.raises(OptimizerError, match="in another zone, or in winter time all year"):
        series_reading.read_file("load", csv_file(lines), None)


REFUSED = {
    "two meters in rows": ([*table(), *table([value + 5 for value in WATTS])[1:]], "two values"),
    "two meters in columns": (
        ["Zeit;Haus A [W];Haus B [W]", *(f"{line};5" for line in table()[1:])],
        "both fit and differ",
    ),
    "two registers": (
        ["Zeit;Bezug HT [kWh];Bezug NT [kWh]", *(f"{line.split(';')[0]};" + ("0,1;0" if n % 2 else
         "0;0,1") for n, line in enumerate(table()[1:]))], "both fit and differ",
    ),
    "W in a column of kW": (table(header="Zeit;Hausverbrauch [kW]"), "look at the unit"),
    "W in a column of kWh": (table(header="Zeit;Hausverbrauch [kWh]"), "look at the unit"),
    "the wrong column": (table(header="Zeit;Einspeisung [W]"), "no column fits"),
    "no unit": (table(header="Zeit;Hausverbrauch"), "unit of column 'Hausverbrauch' is not known"),
    "a stray mark": ([*table()[:50], '03.02.2026 12:15;"5', *table()[51:]], "line 51"),
    "no number": ([*table()[:50], "03.02.2026 12:15;ca. 5", *table()[51:]], "line 51"),
    "no moment": ([*table()[:50], "03.02.2026 25:15;5", *table()[51:]], "line 51"),
    "points and commas": (table([f"{v / 10:.1f}".replace(".", ".,"[n % 2])
                                 for n, v in enumerate(WATTS)]), "without thousands marks"),
    "hours in one half": (
        [*table()[:97], *table()[97::4]], "steps of 15 min and 60 min are mixed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(csv_file, name):
    lines, text = REFUSED[name]
    with pytest.raises(OptimizerError, match=text):
        series_reading.read_file("load", csv_file(lines), None)
