"""Tables of meter portals, and the Excel export of the Online-Monitoring."""

import sys
from datetime import date, datetime, timedelta

import openpyxl
import pytest
from answers.prices import BERLIN, day_of

from optimizer.errors import ConfigError, DataError
from optimizer.model import frames
from optimizer.sources import registry
from optimizer.sources.http import Http
from optimizer.sources.settings import LoadSettings, Span

DAY = date(2026, 11, 22)
SPAN = Span(datetime(2026, 1, 1, tzinfo=BERLIN), datetime(2026, 12, 31, tzinfo=BERLIN), BERLIN)
QUARTER = timedelta(minutes=15)


def read(path, name="meter", **settings):
    settings = LoadSettings(file=path, **settings)
    return registry.fetch(registry.LOAD, name, settings, SPAN, Http())


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


def test_rows_that_are_missing_on_the_day_of_a_clock_change_leave_the_day_out(csv_file):
    starts = day_of(date(2026, 10, 24), 15) + day_of(date(2026, 10, 25), 15)[:-1]
    made = read(csv_file(wiener_netze(starts, some_watts(starts))), grid_only=True)
    assert frames.starts_of(made) == starts[:96]


def test_rows_that_are_missing_on_other_days_are_holes(csv_file):
    starts = day_of(DAY, 15)
    starts = starts[:10] + starts[14:]
    made = read(csv_file(wiener_netze(starts, some_watts(starts))), grid_only=True)
    assert frames.starts_of(made) == starts


@pytest.mark.parametrize("empty", ["", "-"])
def test_a_row_without_a_value_is_a_hole(csv_file, empty):
    starts = day_of(DAY, 15)
    lines = netz_noe(starts, some_watts(starts))
    lines[5] = lines[5].split(";")[0] + f";{empty};L3;"
    assert frames.starts_of(read(csv_file(lines), grid_only=True)) == starts[:4] + starts[5:]


@pytest.mark.parametrize("portal", ["Netz NÖ", "Wiener Netze"])
def test_draw_from_the_grid_is_no_load_unless_the_owner_says_so(csv_file, portal):
    starts = day_of(DAY, 15)
    path = csv_file(PORTALS[portal](starts, some_watts(starts)))
    with pytest.raises(ConfigError, match=r"drawn from the grid.*say grid_only = true"):
        read(path)


def test_a_file_of_a_windows_portal(csv_file):
    """A byte order mark, CRLF, Latin-1 umlauts."""
    starts = day_of(DAY, 15)
    text = "\r\n".join(netz_noe(starts, some_watts(starts)))
    for content in (text.encode("utf-8-sig"), text.encode("latin-1")):
        assert len(read(csv_file(content), grid_only=True)) == 96


FAULTS = {
    "no header": (["a;b", "1;2"], "no header of a known form"),
    "no unit": (["Messzeitpunkt;Verbrauch", "01.01.2026 00:15;1"], "no header of a known form"),
    "no moment": (
        ["Zeitstempel;Hausverbrauch [W]", "2026/01/01 00:00;1"],
        "line 2: '2026/01/01 00:00' is not a moment such as",
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
    assert made["grid_w"].isna().all()


def test_an_export_without_production(tmp_path):
    rows = [[stamp(at), 450] for at in day_of(DAY, 15)]
    made = read(workbook(tmp_path, [GERMAN[0], GERMAN[6]], rows), "excel")
    assert made["pv_w"].isna().all()
    assert len(made) == 96


EXCEL_FAULTS = {
    "another sheet": ({"sheet": "Tabelle1"}, r"not an export of the Online-Monitoring"),
    "another header": ({"header": ["Zeit", "W"]}, r"row 10: no columns 'Datum / Uhrzeit'"),
    "no moment": ({"rows": [["gestern", *[1] * 7]]}, r"row 11: 'gestern' is not a moment"),
    "no offset": ({"rows": [["22.11.2026 10:00:00", *[1] * 7]]}, r"row 11: .* is not a moment"),
    "no number": (
        {"rows": [["22.11.2026 10:00:00 +0100", 1, 1, 1, 1, 1, "viel", 1]]},
        r"row 11: 'viel' is not a number",
    ),
    "a step of 5 min apart": (
        {"rows": [["22.11.2026 10:05:00 +0100", 1, 1, 1, 1, 1, 1, 1]]}, "is not a step of 15",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXCEL_FAULTS)
def test_an_export_with(tmp_path, name):
    change, text = EXCEL_FAULTS[name]
    parts = {"header": GERMAN, "rows": []} | change
    with pytest.raises(DataError, match=text):
        read(workbook(tmp_path, **parts), "excel")


def test_an_export_without_openpyxl(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ConfigError, match=r"pip install 'optimizer\[excel\]'"):
        read(tmp_path / "export.xlsx", "excel")


def test_what_is_no_workbook_at_all(tmp_path):
    path = tmp_path / "export.xlsx"
    path.write_bytes(b"hello")
    with pytest.raises(DataError, match="not an export of the Online-Monitoring"):
        read(path, "excel")
