"""Tables that owners have: portals, programs, encodings, clock changes, and mistakes in them."""

import itertools
import random
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest
from answers.prices import BERLIN, day_of

from optimizer.errors import ConfigError, DataError, ExitCode
from optimizer.model import frames
from optimizer.sources import owner_table

EVENING = datetime(2026, 2, 3, 18, tzinfo=BERLIN)
QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)


def read(path, column=None, *, grid_only=True):
    return owner_table.read_load(path, BERLIN, column, grid_only=grid_only)


def watts(frame):
    """(local time of day, W) of each row."""
    local = frame.index.tz_convert(BERLIN).strftime("%H:%M")
    return list(zip(local, frame["load_w"].round(3).tolist(), strict=True))


PORTALS = {
    "Burgenland": ["Start;Ende;Verbrauch (kWh) - Gesamtverbrauch",
                   " 03.02.2026 18:00:00; 03.02.2026 18:15:00;0,200",
                   " 03.02.2026 18:15:00; 03.02.2026 18:30:00;0,210"],
    "from and to": ["Von;Bis;Verbrauch (kWh)", "03.02.2026 18:00;03.02.2026 18:15;0,200",
                    "03.02.2026 18:15;03.02.2026 18:30;0,210"],
    "Graz": ["Ablesezeitpunkt,Zaehlerstand Gesamt - 1.8.0,Verbrauch Gesamt - 1.8.0",
             "2026-02-03T18:00:00+01:00,2234.5,0.200", "2026-02-03T18:15:00+01:00,2234.7,0.210"],
    "Kärnten": ["Datum;Zeit;kWh;Status", "03.02.2026;18:00:00;0,200;VALID",
                "03.02.2026;18:15:00;0,210;VALID"],
    "Klagenfurt": ["DatumUhrzeit;Typ;Anlage;OBIS-Code;Verbrauch;Einheit",
                   "03.02.2026 18:00;VAL;1;1-1:1.9.0;0,200;kWh",
                   "03.02.2026 18:15;VAL;1;1-1:1.9.0;0,210;kWh"],
    "Oberösterreich": ["Datum;kWh;kW;Status", "03.02.2026 18:00;0,200;0,800;VALID",
                       "03.02.2026 18:15;0,210;0,840;VALID"],
    "Salzburg": ["Datum und Uhrzeit;Verbrauch (kWh);Status", "2026-02-03 18:00:00;0,200;Gemessen",
                 "2026-02-03 18:15:00;0,210;Gemessen"],
    "Vorarlberg": ["Beginn der Messreihe;Ende der Messreihe;Messwert in kWh",
                   "03.02.2026 18:00;03.02.2026 18:15;0,200",
                   "03.02.2026 18:15;03.02.2026 18:30;0,210"],
    "Linz": ["Datum von;Datum bis;Energiemenge in kWh;Ersatzwert",
             "03.02.2026 18:00:00;03.02.2026 18:15:00;0,200;nein",
             "03.02.2026 18:15:00;03.02.2026 18:30:00;0,210;nein"],
    "Innsbruck": ["Ab-Datum;Ab-Zeit;Bis-Datum;Bis-Zeit;1.8.0 Wirkenergie",
                  "03.02.2026;18:00;03.02.2026;18:15;0,200",
                  "03.02.2026;18:15;03.02.2026;18:30;0,210"],
    "a preamble and sums": ["Zeitraum;03.02.2026;04.02.2026", "Kunde;x", "",
                            "Zeit;Wert [Wh]", "03.02.2026 18:00;200", "03.02.2026 18:15;210",
                            "Summe;410"],
    "units in a second row": ["Datum und Uhrzeit,Energie | Verbrauch",
                              "[dd.MM.yyyy HH:mm],[Wh]", "03.02.2026 18:00,200",
                              "03.02.2026 18:15,210"],
    "an interval in one cell": ["Zeitraum;Verbrauch [kWh]", "03.02.2026 18:00 - 18:15;0,200",
                                "03.02.2026 18:15 - 18:30;0,210"],
    "month first": ["Time,Consumption (Wh)", "02/13/2026 6:00 PM,200", "02/13/2026 6:15 PM,210"],
    "Excel's hint": ["sep=;", "Zeit;Verbrauch [kWh]", "Di 03.02.2026 18:00;0,2",
                     "Di 03.02.2026 18:15;0,21"],
}  # fmt: skip


@pytest.mark.parametrize("portal", PORTALS)
def test_a_portal(csv_file, portal):
    made = read(csv_file(PORTALS[portal]))
    assert watts(made.frame) == [("18:00", 800.0), ("18:15", 840.0)]
    assert frames.step_of(made.frame) == QUARTER
    assert made.stamps.startswith("start")


def test_hours_of_tibber(csv_file):
    stamps = [(EVENING + n * HOUR).isoformat(timespec="milliseconds") for n in range(3)]
    rows = [f"{a},{b},{kwh},kWh,0.2" for a, b, kwh in zip(stamps, stamps[1:], (0.8, 0.85),
                                                          strict=False)]  # fmt: skip
    made = read(csv_file(["from,to,consumption,unit,cost", *rows]))
    assert watts(made.frame) == [("18:00", 800.0), ("19:00", 850.0)]
    assert (made.taken, made.left) == (("consumption",), ("unit", "cost"))


INVERTER = ['"Zeitstempel";"Ladezustand [%]";"Solarproduktion [W]";"Batterie Entladen [W]";'
            '"Netzeinspeisung [W]";"Netzbezug [W]";"Hausverbrauch [W]"',
            "03.02.2026 18:00:00;45;3;700;1;20;720",
            "03.02.2026 18:15:00;43;0;650;0;22;672"]  # fmt: skip


@pytest.mark.parametrize("grid_only", [True, False])
def test_the_houses_column_wins_over_the_grids(csv_file, grid_only):
    made = read(csv_file(INVERTER), grid_only=grid_only)
    assert watts(made.frame) == [("18:00", 720.0), ("18:15", 672.0)]
    assert made.frame["pv_w"].tolist() == [3.0, 0.0]
    assert made.frame["grid_w"].tolist() == [19.0, 22.0]
    assert "Ladezustand [%]" in made.left


def test_grid_draw_beside_pv_is_no_load_whatever_the_owner_says(csv_file):
    lines = [line.rsplit(";", 1)[0] for line in INVERTER]
    with pytest.raises(ConfigError, match=r"the table itself has 'Solarproduktion \[W\]'"):
        read(csv_file(lines))


FEMS_EXPORTS = {
    "Dutch": ["Datum / Tijd", "Netvoeding", "Teruglevering aan het net", "Productie",
              "Opslag Laden", "Opslag Ontlading", "Verbruik", "Staat van lading"],
    "French": ["Date / heure", "housse du réseau", "Alimentation du réseau", "Production",
               "Mémoire Chargement", "Mémoire Déchargement", "Consommation", "Niveau de charge"],
    "Spanish": ["Fecha / Hora", "Referencia de la red", "Alimentación de la red", "Producción",
                "Almacenamiento de la carga", "Almacenamiento de la descarga", "Consumo",
                "Estado de carga"],
    "Czech": ["Datum / Čas", "Sít\N{ACUTE ACCENT}ový odkaz", "Napájení ze sít", "Výroba",
              "Nakládání do skladu", "Vypouštění zásobníků", "Spotřeba", "Stav poplatku"],
}  # fmt: skip


@pytest.mark.parametrize("language", FEMS_EXPORTS)
@pytest.mark.parametrize("form", ["workbook", "csv"])
def test_an_export_of_the_online_monitoring_in(tmp_path, csv_file, language, form):
    header = FEMS_EXPORTS[language]
    names = [header[0], *(f"{name} [W]" for name in header[1:7]), f"{header[7]} [%]"]
    stamps = [(EVENING + n * QUARTER).strftime("%d.%m.%Y %H:%M:%S %z") for n in range(3)]
    rows = [[stamp, 20, 5, 100, 0, 300 + n, 415 + n, 60] for n, stamp in enumerate(stamps)]
    lines = [["Edge-Id", "fems7"], *[[]] * 8, names, *rows]
    if form == "csv":
        text = "\r\n".join(";".join([*map(str, line), *[""] * (8 - len(line))]) for line in lines)
        path = csv_file(text.encode("utf-8-sig"))
    else:
        book = openpyxl.Workbook()
        book.active.title = "Export"
        for line in lines:
            book.active.append(line)
        path = tmp_path / "export.xlsx"
        book.save(path)
    made = read(path, grid_only=False).frame
    assert made["load_w"].tolist() == [415.0, 416.0, 417.0]
    assert made["pv_w"].tolist() == [100.0] * 3
    assert made["grid_w"].tolist() == [15.0] * 3


def test_a_workbook_with_dates_and_times_of_its_own(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Datum", "Zeit", "Hausverbrauch [kWh]"])
    for n in range(4):
        at = EVENING.replace(tzinfo=None) + n * QUARTER
        book.active.append([at.replace(hour=0, minute=0), at.time(), 0.1 + n / 100])
    path = tmp_path / "own.xlsx"
    book.save(path)
    assert watts(read(path).frame)[:2] == [("18:00", 400.0), ("18:15", 440.0)]


# Start or end.


def whole_days(first, word="Zeitstempel"):
    """Two days of 300 W with 2 kW in the 73rd quarter-hour of each; the first stamp is given."""
    stamps = [first + n * QUARTER for n in range(192)]
    values = ["0,500" if n % 96 == 72 else "0,075" for n in range(192)]
    rows = [f"{at:%d.%m.%Y %H:%M};{kwh}" for at, kwh in zip(stamps, values, strict=True)]
    return [f"{word};Verbrauch (kWh)", *rows]


@pytest.mark.parametrize("word", ["Zeitstempel", "Messzeitpunkt", "Datum"])
@pytest.mark.parametrize("minutes", [0, 15])
def test_whole_days_show_start_or_end_whatever_the_header_says(csv_file, word, minutes):
    first = datetime(2026, 2, 3, 0, minutes, tzinfo=BERLIN)
    made = read(csv_file(whole_days(first, word=word)))
    peak = made.frame["load_w"].idxmax().tz_convert(BERLIN)
    assert f"{peak:%H:%M}" == "18:00"
    assert made.stamps.startswith("end: whole" if minutes else "start: whole")


def test_on_parts_of_a_day_the_header_counts(csv_file):
    rows = ["03.02.2026 18:15;0,1", "03.02.2026 18:30;0,2"]
    for word, first in (("Messzeitpunkt", "18:00"), ("Zeitstempel", "18:15"), ("Ende", "18:00")):
        made = read(csv_file([f"{word};Verbrauch (kWh)", *rows]))
        assert watts(made.frame)[0] == (first, 400.0)


def test_24_00_is_the_next_midnight_and_shows_ends(csv_file):
    rows = [f"{stamp};0,2" for stamp in ("03.02.2026 23:45", "03.02.2026 24:00",
                                         "04.02.2026 00:15")]  # fmt: skip
    made = read(csv_file(["Zeitstempel;Verbrauch (kWh)", *rows]))
    assert [at for at, _ in watts(made.frame)] == ["23:30", "23:45", "00:00"]


def test_midnight_under_the_date_of_the_day_that_ends(csv_file):
    clock = [f"{n // 4:02}:{n % 4 * 15:02}" for n in range(1, 96)] + ["00:00"]
    rows = [f"{day}.02.2026;{at};0,{100 + n}" for day in (3, 4) for n, at in enumerate(clock)]
    made = read(csv_file(["Datum;Zeit;Verbrauch [kWh]", *rows])).frame
    assert frames.starts_of(made) == day_of(date(2026, 2, 3), 15) + day_of(date(2026, 2, 4), 15)


# Numbers.


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (("987", "1.234", "12.345"), [987, 1234, 12_345]),
        (("987", "1,234", "12,345"), [987, 1234, 12_345]),
        (("0,987", "1,234", "2,345"), [0.987, 1.234, 2.345]),
        (("987,0", "1.234,5", "2.345,25"), [987, 1234.5, 2345.25]),
        (("987.0", "1,234.5", "2,345.25"), [987, 1234.5, 2345.25]),
        (("987", "1'234", "12 345"), [987, 1234, 12_345]),
        (("1234", "1.234", "2"), [1234, 1.234, 2]),
        (("1e3", "2E2", "+5"), [1000, 200, 5]),
    ],
)
def test_marks_are_decided_once_for_a_column(csv_file, cells, values):
    rows = [f"03.02.2026 18:{n * 15:02};{cell}" for n, cell in enumerate(cells)]
    made = read(csv_file(["Zeit;Hausverbrauch [W]", *rows])).frame
    assert made["load_w"].tolist() == pytest.approx(values)


@pytest.mark.parametrize("cells", [("1.234", "2.345"), ("1,234", "5"), ("1.5", "1,5")])
def test_marks_that_can_be_read_in_two_ways_are_refused(csv_file, cells):
    rows = [f"03.02.2026 18:{n * 15:02};{cell}" for n, cell in enumerate(cells)]
    with pytest.raises(
        DataError, match=r"column 'Hausverbrauch \[W\]': .* without thousands"
    ) as it:
        read(csv_file(["Zeit;Hausverbrauch [W]", *rows]))
    assert it.value.exit_code is ExitCode.BAD_DATA


def test_another_column_shows_the_mark(csv_file):
    rows = ["03.02.2026 18:00;1.234;20,5", "03.02.2026 18:15;2.345;20,6"]
    made = read(csv_file(["Zeit;Hausverbrauch [W];PV [W]", *rows])).frame
    assert made["load_w"].tolist() == [1234.0, 2345.0]


# Two columns that fit, counters, several meters.

TWO = ["Zeit;Hausverbrauch A [W];Hausverbrauch B [W]", "03.02.2026 18:00;500;900",
       "03.02.2026 18:15;510;910"]  # fmt: skip


def test_two_columns_that_fit_are_named_and_the_owner_chooses(csv_file):
    path = csv_file(TWO)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path}: columns 'Hausverbrauch A [W]' and 'Hausverbrauch B [W]' both fit and differ: "
        'name one of them: column = "Hausverbrauch A [W]"'
    )
    assert watts(read(path, "Hausverbrauch B [W]").frame)[0] == ("18:00", 900.0)
    with pytest.raises(ConfigError, match=r"no column of numbers 'C'.*'Hausverbrauch A \[W\]'"):
        read(path, "C")


def as_lines(header, readings):
    stamps = [datetime(2026, 2, 3, tzinfo=BERLIN) + n * QUARTER for n in range(len(readings))]
    return [header, *(f"{at:%d.%m.%Y %H:%M};" + f"{kwh:.3f}".replace(".", ",")
                      for at, kwh in zip(stamps, readings, strict=True))]  # fmt: skip


def readings(count, first=8_000.0):
    chance = random.Random(5)  # noqa: S311 - repeatable, no secret
    steps = [chance.randint(20, 400) / 1000 for _ in range(count - 1)]
    return list(itertools.accumulate(steps, initial=first)), steps


@pytest.mark.parametrize("header", ["Zeit;Zählerstand [kWh]", "Zeit;Bezug [kWh]"])
def test_a_counter_is_taken_by_its_rises(csv_file, header):
    values, steps = readings(97)
    made = read(csv_file(as_lines(header, values)))
    assert made.frame["load_w"].tolist() == pytest.approx([kwh * 4000 for kwh in steps], abs=0.01)
    assert made.unit == "kWh, a counter"
    assert f"{made.frame.index[0].tz_convert(BERLIN):%H:%M}" == "00:00"


def test_a_counter_that_restarts_has_a_hole(csv_file):
    values, steps = readings(97)
    values[50:] = [value - values[50] for value in values[50:]]
    made = read(csv_file(as_lines("Zeit;Zählerstand [kWh]", values)))
    assert len(made.frame) == 95
    assert made.frame["load_w"].max() == pytest.approx(max(steps) * 4000, abs=0.01)
    assert any("falls 1 times" in note for note in made.notes)


def test_two_meters_in_one_table(csv_file):
    rows = [f"{meter};03.02.2026 18:{minute:02};0,{meter}{minute:02}"
            for meter in (1, 2) for minute in (0, 15, 30, 45)]  # fmt: skip
    with pytest.raises(DataError, match="two values for 2026-02-03T17:00:00Z"):
        read(csv_file(["Zähler;Zeit;Verbrauch [kWh]", *rows]))


def test_one_value_that_no_house_has_is_a_hole_with_a_note(csv_file):
    starts = day_of(date(2026, 2, 3), 15) + day_of(date(2026, 2, 4), 15)
    rows = [f"{at.astimezone(BERLIN):%d.%m.%Y %H:%M};{500 + n}" for n, at in enumerate(starts)]
    rows[100] = rows[100].split(";")[0] + ";130000"
    made = read(csv_file(["Zeit;Hausverbrauch [W]", *rows]))
    assert frames.starts_of(made.frame) == starts[:100] + starts[101:]
    assert any("1 impossible values are holes" in note and "line 102" in note
               for note in made.notes)  # fmt: skip


@pytest.mark.parametrize(("minutes", "made"), [(1, 15), (5, 15), (10, 30)])
def test_short_steps_are_averaged(csv_file, minutes, made):
    count = 120 // minutes
    stamps = [EVENING + n * timedelta(minutes=minutes) for n in range(count)]
    rows = [f"{at:%d.%m.%Y %H:%M};{n * minutes}" for n, at in enumerate(stamps)]
    frame = read(csv_file(["Zeit;Hausverbrauch [W]", *rows])).frame
    assert frames.step_of(frame) == timedelta(minutes=made)
    assert frame["load_w"].iloc[0] == pytest.approx((made - minutes) / 2)


FAULTS = {
    "winter time all year": (
        [f"{29 if n < 96 else 30}.03.2026 {n % 96 // 4:02}:{n % 4 * 15:02};{n % 7}"
         for n in range(192)],
        "has an hour that Europe/Berlin does not have",
    ),
    "mixed steps": (
        [*(f"03.02.2026 {n:02}:00;{n}" for n in range(8)),
         *(f"03.02.2026 {8 + n // 4:02}:{n % 4 * 15:02};{n}" for n in range(40))],
        "steps of 15 min and 60 min are mixed",
    ),
    "days": (["03.02.2026;1", "04.02.2026;2"], "has days only"),
    "a stray mark": (['03.02.2026 18:00;1', '03.02.2026 18:15;"2', '03.02.2026 18:30;3'],
                     "line 3: a quotation mark is not closed"),
    "day or month first": (["03/02/2026 18:00;1", "03/02/2026 18:15;2"],
                           "can be read as day or month first"),
    "another count of cells": (["03.02.2026 18:00;1", "03.02.2026 18:15;1;5"],
                               "line 3: 3 cells where the header has 2"),
    "offsets in part": (["2026-02-03T18:00+01:00;1", "2026-02-03T18:15;2"],
                        "some stamps have an offset"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_table_is_refused_with(csv_file, name):
    rows, text = FAULTS[name]
    with pytest.raises(DataError, match=text) as caught:
        read(csv_file(["Zeit;Hausverbrauch [W]", *rows]))
    assert caught.value.exit_code is ExitCode.BAD_DATA


def test_columns_of_one_name_are_counted(csv_file):
    lines = [TWO[0].replace(" B ", " A "), *TWO[1:]]
    assert watts(read(csv_file(lines), "Hausverbrauch A [W] (2)").frame)[0] == ("18:00", 900.0)


def test_units_behind_the_numbers(csv_file):
    rows = ["03.02.2026 18:00;0,35 kWh", "03.02.2026 18:15;-", "03.02.2026 18:30;0,4 kWh"]
    made = read(csv_file(["Zeit;Hausverbrauch", *rows]))
    assert watts(made.frame) == [("18:00", 1400.0), ("18:30", 1600.0)]


def test_stamps_that_come_seconds_late_or_end_early(csv_file):
    for seconds, first in (("18:00:07", "18:15:09"), ("17:59:59", "18:14:59")):
        rows = [f"03.02.2026 {seconds};500", f"03.02.2026 {first};510"]
        made = read(csv_file(["Zeit;Hausverbrauch [W]", *rows]))
        assert watts(made.frame) == [("18:00", 500.0), ("18:15", 510.0)]
        assert "stamps are rounded to minutes" in made.notes


def test_an_empty_hour_that_does_not_exist_is_no_row(csv_file):
    stamps = [datetime(2026, 3, 29, tzinfo=UTC) + n * QUARTER for n in range(96)]
    rows = [f"{at:%d.%m.%Y %H:%M};{'' if at.hour == 2 else 500 + n}"
            for n, at in enumerate(stamps)]  # fmt: skip
    made = read(csv_file(["Zeit;Hausverbrauch [W]", *rows])).frame
    assert frames.starts_of(made) == day_of(date(2026, 3, 29), 15)


def test_a_meter_that_feeds_in_shows_pv(csv_file):
    rows = ["03.02.2026 18:00;0,1;0,3", "03.02.2026 18:15;0,2;0,1"]
    with pytest.raises(ConfigError, match="itself has 'Einspeisung \\[kWh\\]'"):
        read(csv_file(["Zeit;Bezug [kWh];Einspeisung [kWh]", *rows]))
    none = [row.rsplit(";", 1)[0] + ";0" for row in rows]
    assert len(read(csv_file(["Zeit;Bezug [kWh];Einspeisung [kWh]", *none])).frame) == 2


def test_days_in_falling_order_with_hours_in_rising_order(csv_file):
    starts = [at for day in (5, 4, 3) for at in day_of(date(2026, 2, day), 60)]
    rows = [f"{at.astimezone(BERLIN):%d.%m.%Y %H:%M};{100 * at.day + at.hour}" for at in starts]
    made = read(csv_file(["Zeit;Hausverbrauch [W]", *rows])).frame
    assert frames.starts_of(made) == sorted(starts)
    assert made["load_w"].tolist() == [100 * at.day + at.hour for at in sorted(starts)]


# Any shape.

STAMPS = {
    "ISO with offset": lambda at: at.isoformat(),
    "ISO": lambda at: f"{at:%Y-%m-%dT%H:%M:%S}",
    "dots": lambda at: f"{at:%d.%m.%Y %H:%M}",
    "dots, seconds": lambda at: f"{at:%d.%m.%Y %H:%M:%S}",
    "short year": lambda at: f"{at:%d.%m.%y %H:%M}",
    "UTC": lambda at: f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
}
UNITS = {"W": 1.0, "kW": 1e3, "Wh": None, "kWh": None}
WEEKS = [date(2026, 2, 2), date(2026, 3, 26), date(2026, 10, 22)]


def written(chance):
    """A week in a random shape: bytes, starts and W."""
    step = chance.choice([15, 30, 60])
    first = chance.choice(WEEKS)
    starts = [at for n in range(7) for at in day_of(first + timedelta(days=n), step)]
    values = [float(chance.randint(80, 6_000) * 4) for _ in starts]
    unit, decimal = chance.choice(list(UNITS)), chance.choice(",.")
    delimiter = chance.choice(";\t" if decimal == "," else ";\t,")
    shape, ends = chance.choice(list(STAMPS)), chance.random() < 0.3
    scale = UNITS[unit] or {"Wh": 60 / step, "kWh": 60_000 / step}[unit]
    rows = []
    for at, value in zip(starts, values, strict=True):
        stamp = STAMPS[shape]((at + timedelta(minutes=step) * ends).astimezone(BERLIN))
        rows.append(delimiter.join([stamp, f"{value / scale:.6f}".replace(".", decimal), "ok"]))
    if chance.random() < 0.3:
        rows.reverse()
    header = delimiter.join([chance.choice(["Zeitstempel", "Datum", "Time"]),
                             f"Hausverbrauch [{unit}]", "Qualität"])  # fmt: skip
    text = chance.choice(["\n", "\r\n"]).join([header, *rows, ""])
    return text.encode(chance.choice(["utf-8", "utf-8-sig", "utf-16", "latin-1"])), starts, values


@pytest.mark.parametrize("seed", range(200))
def test_a_week_in_any_shape_is_read_to_the_watt(csv_file, seed):
    chance = random.Random(seed)  # noqa: S311 - repeatable, no secret
    content, starts, values = written(chance)
    made = read(csv_file(content), grid_only=False).frame
    assert frames.starts_of(made) == starts
    assert made["load_w"].tolist() == pytest.approx(values, abs=0.5)


# Prices.


def prices(path, column=None, zone="DE-LU"):
    return owner_table.read_prices(path, BERLIN, column, zone)


def test_a_download_of_smard(csv_file):
    lines = ["Datum von;Datum bis;Deutschland/Luxemburg [€/MWh] Originalauflösungen;"
             "Anrainer DE/LU [€/MWh] Originalauflösungen;Österreich [€/MWh] Originalauflösungen",
             "03.02.2026 00:00;03.02.2026 00:15;1.084,30;-;70,00",
             "03.02.2026 00:15;03.02.2026 00:30;-5,12;-;71,00",
             "03.02.2026 00:30;03.02.2026 00:45;-;-;72,00"]  # fmt: skip
    path = csv_file("\r\n".join(lines).encode("utf-8-sig"))
    made = prices(path)
    assert made.frame["spot_eur_per_kwh"].tolist() == pytest.approx([1.0843, -0.00512])
    assert made.unit == "EUR/MWh"
    other = prices(path, zone="AT").frame
    assert other["spot_eur_per_kwh"].tolist() == pytest.approx([0.07, 0.071, 0.072])


def test_a_download_of_energy_charts(csv_file):
    lines = ['"Datum (MEZ)","Day Ahead Auktion (DE-LU)"', ',"Preis (EUR/MWh, EUR/tCO2)"',
             "2026-02-03T00:00+01:00,84.3", "2026-02-03T00:15+01:00,-5"]  # fmt: skip
    made = prices(csv_file(lines)).frame
    assert made["spot_eur_per_kwh"].tolist() == pytest.approx([0.0843, -0.005])


def test_a_download_of_entsoe(csv_file):
    lines = ["MTU (CET/CEST),Area,Day-ahead Price (EUR/MWh)",
             "13/02/2026 00:00:00 - 13/02/2026 00:15:00,BZN|DE-LU,84.3",
             "13/02/2026 00:15:00 - 13/02/2026 00:30:00,BZN|DE-LU,85.3"]  # fmt: skip
    made = prices(csv_file(lines)).frame
    assert made["spot_eur_per_kwh"].tolist() == pytest.approx([0.0843, 0.0853])
    assert frames.starts_of(made)[0] == datetime(2026, 2, 13, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("header", "cell", "column", "value"),
    [
        ("Spotpreis [ct/kWh]", "8,43", "spot_eur_per_kwh", 0.0843),
        ("Arbeitspreis brutto [ct/kWh]", "28,4", "buy_eur_per_kwh", 0.284),
        ("Total CHF/kWh", "0,2841", "buy_eur_per_kwh", 0.2841),
        ("Marktpreis in Cent/kWh", "-1,5", "spot_eur_per_kwh", -0.015),
    ],
)
def test_units_of_prices(csv_file, header, cell, column, value):
    rows = [f"03.02.2026 {n:02}:00;{cell}" for n in range(3)]
    made = prices(csv_file([f"Zeit;{header}", *rows]))
    assert made.frame[column].tolist() == pytest.approx([value] * 3)
    assert bool(made.notes) is ("CHF" in header)


def test_hours_then_quarters_of_any_table(csv_file):
    rows = [*(f"30.09.2025 {n:02}:00;{50 + n}" for n in range(18, 24)),
            *(f"01.10.2025 {n // 4:02}:{n % 4 * 15:02};{90 + n}" for n in range(8))]  # fmt: skip
    made = prices(csv_file(["Von;DE-LU [EUR/MWh]", *rows])).frame
    lengths = (made["end"] - made.index).tolist()
    assert lengths == [HOUR] * 6 + [QUARTER] * 8


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["Zeit;Preis [ct/kWh]", "03.02.2026 00:00;8", "03.02.2026 01:00;9"], "net.*or all-in"),
        (["Zeit;Preis", "03.02.2026 00:00;8", "03.02.2026 01:00;9"], "no column of prices with a"),
        (
            ["Zeit;A [EUR/MWh];B [EUR/MWh]", "03.02.2026 00:00;8;80", "03.02.2026 01:00;9;90"],
            "both fit and differ",
        ),
        (["Zeit;Spot [EUR/kWh]", "03.02.2026 00:00;80", "03.02.2026 01:00;90"], "look at the unit"),
    ],
)
def test_prices_that_are_refused(csv_file, lines, text):
    with pytest.raises(DataError, match=text):
        prices(csv_file(lines))
