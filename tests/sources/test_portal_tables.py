"""Tables of meter portals, and the Excel export of the Online-Monitoring."""

import sys
from datetime import date, datetime, timedelta

import openpyxl
import pytest
from answers.prices import BERLIN, day_of

from optimizer.errors import ConfigError, DataError
from optimizer.http.service_client import ServiceClient
from optimizer.model import frames
from optimizer.sources import registry
from optimizer.sources.source_settings import LoadSettings, Span

DAY = date(2026, 11, 22)
SPAN = Span(datetime(2026, 1, 1, tzinfo=BERLIN), datetime(2026, 12, 31, tzinfo=BERLIN), BERLIN)
QUARTER = timedelta(minutes=15)


def read(path, name="meter", **settings):
    settings = LoadSettings(file=path, **settings)
    return registry.fetch(registry.LOAD, name, settings, SPAN, ServiceClient())


def local(at):
    return at.astimezone(BERLIN)


def comma(number):
    return f"{number:.6f}".replace(".", ",")


def netz_noe(starts, values, *, naive_end=False):
    """End stamps; `naive_end`: the portal adds 15 min to the local start without thinking."""
    lines = ["Messzeitpunkt;Verbrauch (kWh);Qualität;Restnetzbezug (kWh)"]
    for at, watts in zip(starts, values, strict=True):
        end = local(at).replace(tzinfo=None) + QUARTER if naive_end else local(at + QUARTER)
        lines.append(f"{end:%d.%m.%Y %H:%M};{comma(watts / 4000)};L1;0,000000")
    return lines


def wiener_netze(starts, values):
    lines = ["Zählpunkt AT001", "", "Datum;Zeit von;Zeit bis;Verbrauch [kWh]"]
    for at, watts in zip(starts, values, strict=True):
        begin, end = local(at), local(at + QUARTER)
        lines.append(f"{begin:%d.%m.%y};{begin:%H:%M};{end:%H:%M};{comma(watts / 4000)}")
    return lines


def e3dc(starts, values):
    lines = ['"Zeitstempel";"Solarproduktion [W]";"Hausverbrauch [W]"']
    for at, watts in zip(starts, values, strict=True):
        lines.append(f'"{local(at):%d.%m.%Y %H:%M:%S}";"0";"{watts:.0f}"')
    return lines


def some_watts(starts):
    return [100.0 + n for n in range(len(starts))]


PORTALS = {"Netz NÖ": netz_noe, "Wiener Netze": wiener_netze, "E3DC": e3dc}
DAYS = [DAY, date(2026, 3, 29), date(2026, 10, 25)]


@pytest.mark.parametrize("day", DAYS, ids=["24 h", "23 h", "25 h"])
@pytest.mark.parametrize("portal", PORTALS)
def test_a_day_of_each_portal(csv_file, portal, day):
    starts = day_of(day, 15)
    values = some_watts(starts)
    made = read(csv_file(PORTALS[portal](starts, values)), grid_only=portal != "E3DC")
    assert frames.starts_of(made) == starts
    assert frames.ends_of(made) == [at + QUARTER for at in starts]
    assert made["load_w"].tolist() == pytest.approx(values)


@pytest.mark.parametrize("day", DAYS, ids=["24 h", "23 h", "25 h"])
def test_ends_that_were_made_without_thinking(csv_file, day):
    """Start + 15 min by the wall's clock does not exist, or is another hour, twice a year."""
    starts = day_of(day, 15)
    made = read(csv_file(netz_noe(starts, some_watts(starts), naive_end=True)), grid_only=True)
    assert frames.starts_of(made) == starts


def test_a_part_of_the_day_of_a_clock_change_is_taken_in_order(csv_file):
    starts = day_of(date(2026, 10, 24), 15) + day_of(date(2026, 10, 25), 15)[:-1]
    made = read(csv_file(wiener_netze(starts, some_watts(starts))), grid_only=True)
    assert frames.starts_of(made) == starts


def test_an_hour_that_is_there_only_once_on_the_day_of_the_change_is_left_out(csv_file):
    day = day_of(date(2026, 10, 25), 15)
    starts = day_of(date(2026, 10, 24), 15) + day[:12] + day[16:]
    made = read(csv_file(wiener_netze(starts, some_watts(starts))), grid_only=True)
    assert frames.starts_of(made) == [at for at in starts if at not in day[8:16]]


def test_rows_that_are_missing_on_other_days_are_holes(csv_file):
    starts = day_of(DAY, 15)
    starts = starts[:10] + starts[14:]
    made = read(csv_file(wiener_netze(starts, some_watts(starts))), grid_only=True)
    assert frames.starts_of(made) == starts


@pytest.mark.parametrize("empty", ["", "-", "nan", "n/a"])
def test_a_row_without_a_value_is_a_hole(csv_file, empty):
    starts = day_of(DAY, 15)
    lines = netz_noe(starts, some_watts(starts))
    lines[5] = lines[5].split(";")[0] + f";{empty};L3;"
    assert frames.starts_of(read(csv_file(lines), grid_only=True)) == starts[:4] + starts[5:]


@pytest.mark.parametrize("portal", ["Netz NÖ", "Wiener Netze"])
def test_draw_from_the_grid_is_no_load_unless_the_owner_says_so(csv_file, portal):
    starts = day_of(DAY, 15)
    path = csv_file(PORTALS[portal](starts, some_watts(starts)))
    with pytest.raises(ConfigError, match=r"bought from the grid.*set grid_only = true"):
        read(path)


def test_a_file_of_a_windows_portal(csv_file):
    """A byte order mark, CRLF, Latin-1 umlauts."""
    starts = day_of(DAY, 15)
    text = "\r\n".join(netz_noe(starts, some_watts(starts)))
    for content in (text.encode("utf-8-sig"), text.encode("latin-1")):
        assert len(read(csv_file(content), grid_only=True)) == 96


FAULTS = {
    "no header": (
        ["01.01.2026 00:00;1", "01.01.2026 00:15;2"],
        "line 1: no header above the data: the first line has to name the columns",
    ),
    "no moments": (["a;b", "1;2"], "no rows that begin with a moment such as"),
    "no unit": (
        ["Messzeitpunkt;Verbrauch", "01.01.2026 00:15;1", "01.01.2026 00:30;1"],
        r"the unit of column 'Verbrauch' is not known: write it .* such as Verbrauch \[kWh\]",
    ),
    "no moment": (
        ["Zeitstempel;Hausverbrauch [W]", "01.01.2026 00:00;1", "01.01.2026 00:15;1",
         "01.01.2026 00:30;1", "30.02.2026 00:45;1"],
        "line 5: '30.02.2026 00:45' is not a moment such as",
    ),
    "no number": (
        ["Zeitstempel;Hausverbrauch [W]", "01.01.2026 00:00;1", "01.01.2026 00:15;x"],
        "line 3: 'x' is not a number",
    ),
    "a short row": (["Zeitstempel;Hausverbrauch [W]", "01.01.2026 00:00"], "line 2: .* too short"),
    "no rows": (["Zeitstempel;Hausverbrauch [W]", "01.01.2026 00:00;1"], "has no rows"),
    "a step of a day": (
        ["Zeitstempel;Hausverbrauch [W]", "01.01.2026 00:00;1", "02.01.2026 00:00;1"],
        "is not a step of 15, 30 or 60 min",
    ),
    "the same moment only": (
        ["Zeitstempel;Hausverbrauch [W]", "01.01.2026 00:00;1", "01.01.2026 00:00;2"],
        "has no rows",
    ),
    "two values": (
        [
            "Zeitstempel;Hausverbrauch [W]", "01.01.2026 00:00;1", "01.01.2026 00:00;2",
            "01.01.2026 00:15;2",
        ],
        "two values for 2025-12-31T23:00:00Z",
    ),
    "negative": (
        ["Zeitstempel;Hausverbrauch [W]", "01.01.2026 00:00;-9", "01.01.2026 00:15;2"],
        "out of range",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_table_with(csv_file, name):
    lines, text = FAULTS[name]
    with pytest.raises(DataError, match=text):
        read(csv_file(lines))


def test_a_table_that_is_not_there(tmp_path):
    for name in ("meter", "excel"):
        with pytest.raises(DataError, match="cannot be read: No such file"):
            read(tmp_path / "none", name)


# Excel.

GERMAN = ["Datum / Uhrzeit", "Netzbezug [W]", "Netzeinspeisung [W]", "Erzeugung [W]",
          "Speicher Beladung [W]", "Speicher Entladung [W]", "Verbrauch [W]",
          "Ladezustand [%]"]  # fmt: skip
ENGLISH = ["Date / Time", "Grid Purchase [W]", "Grid feed-in [W]", "Production [W]",
           "Storage Charging [W]", "Storage Discharging [W]", "Consumption [W]",
           "State of Charge [%]"]  # fmt: skip


def workbook(tmp_path, header, rows, sheet="Export"):
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in [["FEMS-Export"], ["123"], ["x"], [], *[["kWh", 1]] * 3, [], [], header, *rows]:
        page.append(row)
    path = tmp_path / "export.xlsx"
    book.save(path)
    return path


def stamp(at):
    return at.astimezone(BERLIN).strftime("%d.%m.%Y %H:%M:%S %z")


@pytest.mark.parametrize("header", [GERMAN, ENGLISH])
@pytest.mark.parametrize("day", DAYS, ids=["24 h", "23 h", "25 h"])
def test_an_export_of_a_day(tmp_path, header, day):
    starts = day_of(day, 15)
    rows = [[stamp(at), 100, 0, 300, 0, 50, 450 + n, 60] for n, at in enumerate(starts)]
    made = read(workbook(tmp_path, header, rows), "excel")
    assert frames.starts_of(made) == starts
    assert made["load_w"].tolist() == [450.0 + n for n in range(len(starts))]
    assert (set(made["pv_w"]), set(made["grid_w"])) == ({300.0}, {100.0})


def test_dashes_are_unknown_and_empty_rows_no_rows(tmp_path):
    starts = day_of(DAY, 15)[:4]
    rows = [[stamp(at), 10, "-", 300, 0, 0, 450, 60] for at in starts]
    rows[1][6], rows[2][3] = "-", "-"
    made = read(workbook(tmp_path, GERMAN, [*rows, [None] * 8]), "excel")
    assert frames.starts_of(made) == [starts[0], starts[2], starts[3]]
    assert made["pv_w"].isna().tolist() == [False, True, False]
    assert "grid_w" not in made.columns


def test_an_export_without_production(tmp_path):
    rows = [[stamp(at), 450] for at in day_of(DAY, 15)]
    made = read(workbook(tmp_path, [GERMAN[0], GERMAN[6]], rows), "excel")
    assert made.columns.tolist() == ["end", "load_w"]
    assert len(made) == 96


def faulty(change):
    """Two rows of an export, the second with a change of cells."""
    rows = [[stamp(at), *[1] * 7] for at in day_of(DAY, 15)[:3]]
    for cell, value in change.items():
        rows[2][cell] = value
    return rows


EXCEL_FAULTS = {
    "no moment": ({0: "22.11.2026"}, r"row 13: '22.11.2026' is not a moment"),
    "no offset": ({0: "22.11.2026 00:30:00"}, "some stamps have an offset from UTC, others"),
    "no number": ({6: "viel"}, r"row 13: 'viel' is not a number"),
    "minutes": ({0: "22.11.2026 00:37:00 +0100"}, "is not a step of 15"),
}


@pytest.mark.parametrize("name", EXCEL_FAULTS)
def test_an_export_with(tmp_path, name):
    change, text = EXCEL_FAULTS[name]
    with pytest.raises(DataError, match=text):
        read(workbook(tmp_path, GERMAN, faulty(change)), "excel")


def test_a_workbook_without_a_table(tmp_path):
    with pytest.raises(DataError, match="no rows that begin with a moment"):
        read(workbook(tmp_path, ["Zeit", "W"], []), "excel")


def test_an_export_without_openpyxl(tmp_path, monkeypatch):
    path = workbook(tmp_path, GERMAN, faulty({}))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ConfigError, match="install the extra 'excel' of fems-optimizer by "):
        read(path, "excel")


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"PK hello", "not a workbook that can be read"), (b"hello", "no rows that begin with"),
     (b"\xd0\xcf\x11\xe0", "Excel 97: save it as"), (b"%PDF-1.7", "is a PDF")],
)  # fmt: skip
def test_what_is_no_workbook_at_all(tmp_path, content, text):
    path = tmp_path / "export.xlsx"
    path.write_bytes(content)
    with pytest.raises(DataError, match=text):
        read(path, "excel")
