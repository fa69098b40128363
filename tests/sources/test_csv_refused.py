"""Owners' CSV files that are refused: each fault by file, line and cure, nothing is repaired."""

import pytest

from optimizer.errors import DataError, ExitCode
from optimizer.sources import owner_csv

HOURS = [f"2026-01-15T{hour:02}:00:00+01:00" for hour in range(24)]
GOOD = ["start,load_w", *(f"{stamp},500" for stamp in HOURS[:6])]


def refusal(path, read=owner_csv.read_power):
    with pytest.raises(DataError) as caught:
        read(path, **({"column": "load_w"} if read is owner_csv.read_power else {}))
    assert caught.value.exit_code is ExitCode.BAD_DATA
    return str(caught.value).replace(str(path), "FILE")


def with_line(number, text):
    """The good file with one line (counted from 1) replaced."""
    return [*GOOD[: number - 1], text, *GOOD[number:]]


def test_the_file_that_the_faults_are_made_in_is_good(csv_file):
    assert len(owner_csv.read_power(csv_file(GOOD), "load_w")) == 6


VALUES = {
    "": "FILE, line 4: load_w is empty",
    "  ": "FILE, line 4: load_w is empty",
    "much": "FILE, line 4: load_w 'much' is not a number with a point",
    "1.2.3": "FILE, line 4: load_w '1.2.3' is not a number with a point",
    '"930,5"': "FILE, line 4: load_w '930,5' is not a number with a point",
    "nan": "FILE, line 4: load_w is 'nan', not a finite number",
    "NaN": "FILE, line 4: load_w is 'NaN', not a finite number",
    "inf": "FILE, line 4: load_w is 'inf', not a finite number",
    "-Infinity": "FILE, line 4: load_w is '-Infinity', not a finite number",
    "1e999": "FILE, line 4: load_w is '1e999', not a finite number",
    "null": "FILE, line 4: load_w 'null' is not a number with a point",
    "-20": "FILE, line 4: load_w -20 is not plausible (0 to 100000 W): look at the unit",
    "930000": "FILE, line 4: load_w 930000 is not plausible (0 to 100000 W): look at the unit",
}


@pytest.mark.parametrize("value", VALUES)
def test_a_value_that_is_no_plausible_number(csv_file, value):
    assert refusal(csv_file(with_line(4, f"{HOURS[2]},{value}"))) == VALUES[value]


STAMPS = {
    "2026-01-15T02:00:00": (
        "FILE, line 4: '2026-01-15T02:00:00' has no offset from UTC; twice a year local time alone "
        "is ambiguous, write 2026-01-15T18:00:00+01:00"
    ),
    "2026-01-15": (
        "FILE, line 4: '2026-01-15' has no offset from UTC; twice a year local time alone "
        "is ambiguous, write 2026-01-15T18:00:00+01:00"
    ),
    "15.01.2026 02:00": (
        "FILE, line 4: '15.01.2026 02:00' is not an ISO 8601 moment such as "
        "2026-01-15T18:00:00+01:00"
    ),
    "": "FILE, line 4: '' is not an ISO 8601 moment such as 2026-01-15T18:00:00+01:00",
    "1768438800": (
        "FILE, line 4: '1768438800' is not an ISO 8601 moment such as 2026-01-15T18:00:00+01:00"
    ),
    HOURS[1]: "FILE, line 4: 2026-01-15T00:00:00+00:00 is there twice",
    HOURS[0]: "FILE, line 4: 2026-01-14T23:00:00+00:00 goes back in time",
}


@pytest.mark.parametrize("stamp", STAMPS)
def test_a_stamp_that_does_not_name_the_next_step(csv_file, stamp):
    assert refusal(csv_file(with_line(4, f"{stamp},500"))) == STAMPS[stamp]


def test_a_gap_is_refused_where_the_rows_go_on(csv_file):
    assert refusal(csv_file([*GOOD[:3], *GOOD[5:]])) == (
        "FILE, line 4: 2026-01-15T03:00:00+00:00 comes 180 min after the row before, the step of "
        "this file is 60 min: rows are missing, or steps are mixed"
    )


def test_mixed_steps_are_refused(csv_file):
    quarter = HOURS[4].replace(":00:00+", ":15:00+")
    text = refusal(csv_file([*GOOD[:6], f"{quarter},500"]))
    assert text.startswith("FILE, line 3: 2026-01-15T00:00:00+00:00 comes 60 min after")
    assert "the step of this file is 15 min" in text


@pytest.mark.parametrize(
    ("stamps", "line", "missing"),
    [
        (["00:00", "01:00", "01:15", "01:30", "01:45"], 3, "60 min after"),
        (["00:00", "01:00", "02:00", "03:00", "03:15"], 3, "60 min after"),
        (["00:00", "01:00", "02:00", "02:15", "02:30", "03:00"], 7, "30 min after"),
        (["00:00", "00:15", "00:30", "01:30", "02:30", "03:30"], 5, "60 min after"),
        (["00:00", "01:00", "02:00", "02:15", "02:30", "03:30", "04:30"], 7, "60 min after"),
    ],
    ids=["one hour", "one quarter-hour", "a hole after the change", "to longer steps", "and back"],
)
def test_prices_change_once_from_longer_to_shorter_steps_or_rows_are_missing(
    csv_file, stamps, line, missing
):
    rows = [f"2026-01-15T{stamp}:00Z,80" for stamp in stamps]
    text = refusal(csv_file(["start,spot_eur_per_mwh", *rows]), owner_csv.read_prices)
    assert text.startswith(f"FILE, line {line}: 2026-01-15T")
    assert missing in text
    assert text.endswith("the step of this file is 15 min: rows are missing, or steps are mixed")


def test_hours_before_quarter_hours_begin_on_a_full_hour(csv_file):
    stamps = ["00:15", "01:15", "02:15", "02:30", "02:45"]
    rows = [f"2026-01-15T{stamp}:00Z,80" for stamp in stamps]
    text = refusal(csv_file(["start,spot_eur_per_mwh", *rows]), owner_csv.read_prices)
    assert text == "FILE, line 2: 2026-01-15T00:15:00+00:00 is not on a full 60 min"


def test_local_stamps_with_a_fixed_offset_over_the_changed_hour_are_a_gap(csv_file):
    """Winter offsets written through a spring night: the hour that does not exist is missing."""
    stamps = ["2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+01:00", "2026-03-29T04:00:00+01:00"]
    text = refusal(csv_file(["start,load_w", *(f"{stamp},1" for stamp in stamps)]))
    assert text.startswith("FILE, line 3: 2026-03-29T02:00:00+00:00 comes 120 min after")


@pytest.mark.parametrize(
    ("minutes", "shown"), [((0, 5, 10), "5 min"), ((0, 20, 40), "20 min"), ((0, 10), "10 min")]
)
def test_an_odd_step_is_refused(csv_file, minutes, shown):
    rows = [f"2026-01-15T00:{minute:02}Z,1" for minute in minutes]
    text = refusal(csv_file(["start,load_w", *rows]))
    assert text == f"FILE: the step is {shown}; 15, 30 or 60 min can be read"


def test_a_step_of_a_day_is_refused(csv_file):
    rows = ["2026-01-15T00:00Z,1", "2026-01-16T00:00Z,1"]
    assert "the step is 1440 min; 15, 30" in refusal(csv_file(["start,load_w", *rows]))


@pytest.mark.parametrize(
    ("first", "second", "step"),
    [("00:07", "00:22", "15 min"), ("00:15", "00:45", "30 min"), ("00:30", "01:30", "60 min")],
)
def test_a_start_off_the_grid_is_refused(csv_file, first, second, step):
    rows = [f"2026-01-15T{stamp}Z,1" for stamp in (first, second)]
    text = refusal(csv_file(["start,load_w", *rows]))
    assert text == f"FILE, line 2: 2026-01-15T{first}:00+00:00 is not on a full {step}"


@pytest.mark.parametrize(
    ("line", "cells"), [(f"{HOURS[2]},930,5", 3), (f"{HOURS[2]},", 2), (HOURS[2], 1)]
)
def test_a_row_with_too_many_or_too_few_cells(csv_file, line, cells):
    text = refusal(csv_file(with_line(4, line)))
    if cells == 2:
        assert text == "FILE, line 4: load_w is empty"
    else:
        assert text == (
            f"FILE, line 4: {cells} cells where the header has 2; a decimal comma? "
            "Numbers are written with a point"
        )


def test_a_semicolon_file_with_decimal_commas(csv_file):
    text = refusal(csv_file([line.replace(",", ";") for line in GOOD]))
    assert text == "FILE, line 1: cells are separated by ';': save it with ',' and '.'"


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("start,power", "column 'load_w' is missing; found: start, power"),
        ("time,load_w", "column 'start' is missing; found: time, load_w"),
        ("Start,load_w", "column 'start' is missing; found: Start, load_w"),
        ("start,load_w,load_w", "column 'load_w' is there twice; found: start, load_w, load_w"),
        ("start,load_w,start", "column 'start' is there twice; found: start, load_w, start"),
    ],
)
def test_a_header_without_or_with_doubled_columns(csv_file, header, text):
    assert refusal(csv_file([header, *GOOD[1:]])) == f"FILE, line 1: {text}"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "FILE is empty"),
        (b"\n \n,\n", "FILE is empty"),
        (b"start,load_w\n", "FILE has a header but no rows"),
        (b"start,load_w\n\n\n", "FILE has a header but no rows"),
        (
            b"start,load_w\n2026-01-15T00:00Z,1\n",
            "FILE, line 2: the step cannot be known from one row",
        ),
        (
            b"start,load_w\n2026-01-15T00:00Z,\xe4\n",
            "FILE, line 2: load_w 'ä' is not a number with a point",
        ),
        ("start,load_w\n".encode("utf-16"), "FILE has a header but no rows"),
        (
            b'start,load_w\n"2026-01-15T00:00Z,1\n',
            "FILE, line 2: a quotation mark is not closed on its line: take it out of the cell",
        ),
    ],
    ids=[
        "empty",
        "blank",
        "header only",
        "header and blanks",
        "one row",
        "Latin-1",
        "UTF-16",
        "quote",
    ],
)
def test_a_file_that_holds_no_table(csv_file, content, text):
    assert refusal(csv_file(content)) == text


def test_lines_are_counted_as_an_editor_counts_them(csv_file):
    lines = ["", GOOD[0], "", *GOOD[1:4], "", "", f"{HOURS[3]},wrong"]
    assert refusal(csv_file(lines)) == ("FILE, line 9: load_w 'wrong' is not a number with a point")


def test_a_file_that_is_not_there(tmp_path):
    assert refusal(tmp_path / "none.csv") == "FILE cannot be read: No such file or directory"
    assert refusal(tmp_path) == "FILE cannot be read: Is a directory"


PRICE_FAULTS = {
    "no price column": (
        "start,price",
        "0.30",
        "line 1: a price file has a column 'spot_eur_per_mwh' or 'spot_eur_per_kwh', or "
        "'buy_eur_per_kwh' and 'sell_eur_per_kwh'; found: start, price",
    ),
    "no selling price": (
        "start,buy_eur_per_kwh",
        "0.30",
        "line 1: column 'sell_eur_per_kwh' is missing; found: start, buy_eur_per_kwh",
    ),
    "ct in a buying column of EUR": (
        "start,buy_eur_per_kwh,sell_eur_per_kwh",
        "29.21,0.08",
        "line 2: buy_eur_per_kwh 29.21 is not plausible (-1 to 5 EUR/kWh): look at the unit",
    ),
    "ct in a selling column of EUR": (
        "start,buy_eur_per_kwh,sell_eur_per_kwh",
        "0.29,7.78",
        "line 2: sell_eur_per_kwh 7.78 is not plausible (-1 to 5 EUR/kWh): look at the unit",
    ),
    "EUR/MWh in a column of EUR/kWh": (
        "start,spot_eur_per_kwh",
        "84.30",
        "line 2: spot_eur_per_kwh 84.30 is not plausible (-1 to 5 EUR/kWh): look at the unit",
    ),
    "ct/MWh in a column of EUR/MWh": (
        "start,spot_eur_per_mwh",
        "8430",
        "line 2: spot_eur_per_mwh 8430 is not plausible (-1 to 5 EUR/kWh): look at the unit",
    ),
    "below every exchange's limit": (
        "start,spot_eur_per_mwh",
        "-1001",
        "line 2: spot_eur_per_mwh -1001 is not plausible (-1 to 5 EUR/kWh): look at the unit",
    ),
}


@pytest.mark.parametrize("name", PRICE_FAULTS)
def test_a_price_file_with(csv_file, name):
    header, cells, text = PRICE_FAULTS[name]
    path = csv_file([header, f"{HOURS[0]},{cells}", f"{HOURS[1]},{cells}"])
    assert refusal(path, owner_csv.read_prices) == f"FILE, {text}"
