"""`optimizer read`: the report of a source or a file, as text and as `series/1`."""

from datetime import UTC, datetime, timedelta

import pytest
from answers.prices import BERLIN

from optimizer.app import series_reading, source_diagnosis
from optimizer.config.loading import validate
from optimizer.doctor.finding import Level
from optimizer.errors import DataError, UsageError

AT = datetime(2026, 2, 3, 17, tzinfo=UTC)
TARIFF = {
    "markup_eur_per_kwh": 0.02, "levies_eur_per_kwh": 0.03, "tax_eur_per_kwh": 0.0205,
    "concession_eur_per_kwh": 0.0166, "grid_fee_eur_per_kwh": 0.08, "vat_percent": 19,
    "window": [{"from": "17:00", "to": "20:00", "grid_fee_eur_per_kwh": 0.11}],
    "export": {"kind": "fixed", "eur_per_kwh": 0.0778},
}  # fmt: skip


def table(tmp_path, header, values, step=timedelta(hours=1), name="data.csv"):
    rows = [f"{(AT + n * step).astimezone(BERLIN):%d.%m.%Y %H:%M};{value}"
            for n, value in enumerate(values) if value is not None]  # fmt: skip
    path = tmp_path / name
    path.write_text("\n".join([f"Zeit;{header}", *rows]) + "\n")
    return path


def config_of(tmp_path, **sections):
    return validate(
        {
            "fems": {"url": "http://fems", "password": "kanari3nvogel"},
            "battery": {"capacity_wh": 22_000}, "store": {"folder": tmp_path / "state"},
            "tariff": TARIFF, **sections,
        }
    )  # fmt: skip


def text_of(report, now=AT):
    return "\n".join(report.lines(BERLIN, now))


def test_a_file_without_a_configuration(tmp_path):
    path = table(tmp_path, "Hausverbrauch [W];Status", ["500;ok"] * 3 + [None] * 2 + ["700;ok"] * 4)
    report = series_reading.read_file("load", path, None)
    text = text_of(report)
    for line in ("load: file", "column  'Hausverbrauch [W]' in W", "left    'Status'",
                 "span    03.02.2026 18:00 to 04.02.2026 03:00, 7 steps of 60 min",
                 "holes   1, 2 h in all: 03.02.2026 21:00 to 03.02.2026 23:00",
                 "energy  14.7 kWh a day, 5385 kWh a year; highest 700 W"):  # fmt: skip
        assert line in text
    made = report.as_json()
    assert (made["schema"], made["step_s"], len(made["rows"])) == ("series/1", 3600, 7)
    assert made["rows"][0] == {
        "start": "2026-02-03T17:00:00Z", "end": "2026-02-03T18:00:00Z", "load_w": 500.0,
    }  # fmt: skip
    assert made["holes"] == [{"start": "2026-02-03T20:00:00Z", "end": "2026-02-03T22:00:00Z"}]
    columns, rows = report.table()
    assert columns == ["start", "end", "load_w"]
    assert rows == made["rows"]


@pytest.mark.parametrize(
    ("watts", "warned"), [(21, "184 kWh a year: is the load in kW?"), (500, None)]
)
def test_a_size_that_a_house_cannot_have(tmp_path, watts, warned):
    path = table(tmp_path, "Hausverbrauch [W]", [watts + n % 2 for n in range(30)])
    report = series_reading.read_file("load", path, None)
    assert (warned is None) == (report.warnings == ())
    assert ("warning: " in text_of(report)) is (warned is not None)
    assert list(report.warnings) == report.as_json()["notes"]


def test_grid_draw_is_shown_with_a_note(tmp_path):
    report = series_reading.read_file("load", table(tmp_path, "Verbrauch [kWh]", [1, 2]), None)
    assert series_reading.DRAWN in report.notes


@pytest.mark.parametrize("kind", ["load", "pv", "prices"])
def test_a_configured_table(tmp_path, kind):
    header = {"load": "Hausverbrauch [kW]", "pv": "PV [kW]", "prices": "Spot [ct/kWh]"}[kind]
    path = table(tmp_path, header, [1, 2, 3])
    settings = {"sources": ["csv"]} if kind == "prices" else {"source": "csv"}
    report = series_reading.read_source(
        config_of(tmp_path, **{kind: {**settings, "file": path}}), kind, AT
    )
    row = report.as_json()["rows"][0]
    if kind == "prices":
        assert row["spot_eur_per_kwh"] == 0.01
        assert row["buy_eur_per_kwh"] == pytest.approx((0.01 + 0.1971) * 1.19)
        assert row["sell_eur_per_kwh"] == 0.0778
        assert "spot    1.00 ct/kWh now; lowest 1.00, highest 3.00" in text_of(report)
    else:
        assert row[f"{kind}_w"] == 1000.0


def test_one_price_part_by_part(tmp_path):
    """Each line as on an invoice, by hand: (8.43 + 2 + 3 + 2.05 + 1.66 + 11) x 1.19 = 33.49."""
    path = table(tmp_path, "Spot [EUR/MWh]", ["84,3", "90,1"])
    config = config_of(tmp_path, prices={"sources": ["csv"], "file": path})
    report = series_reading.read_source(config, "prices", AT)
    assert series_reading.explained(config, report, AT) == [
        "price of 03.02.2026 18:00, ct/kWh",
        "  exchange, net               8.43",
        "  supplier's markup           2.00",
        "  levies                      3.00",
        "  electricity tax             2.05",
        "  concession fee              1.66",
        "  grid fee                   11.00   window 17:00 to 20:00",
        "  VAT 19 %                    5.35",
        "  bought                     33.49",
        "  sold (fixed)                7.78",
    ]


def test_a_price_of_another_time_is_not_explained(tmp_path):
    path = table(tmp_path, "Spot [EUR/MWh]", ["84,3", "90,1"])
    config = config_of(tmp_path, prices={"sources": ["csv"], "file": path})
    report = series_reading.read_source(config, "prices", AT)
    with pytest.raises(DataError, match=r"no all-in price of 2026-02-05T17:00:00Z is known"):
        series_reading.explained(config, report, AT + timedelta(days=2))
    alone = series_reading.read_file("prices", path, None)
    with pytest.raises(UsageError, match="leave --file out"):
        series_reading.explained(None, alone, AT)


def test_all_in_prices_have_no_parts(tmp_path):
    path = table(tmp_path, "Preis brutto [ct/kWh]", ["28,4", "30,1"])
    report = series_reading.read_file("prices", path, None)
    assert series_reading.explained(None, report, AT) == [
        "price of 03.02.2026 18:00, ct/kWh",
        "  all-in price of the source: nothing is added",
        "  bought                     28.40",
    ]


@pytest.mark.parametrize(
    ("kind", "section"), [("load", {"source": "profile"}), ("pv", {"source": "none"})]
)
def test_nothing_to_read(tmp_path, kind, section):
    with pytest.raises(UsageError, match="nothing to read; name a file by --file"):
        series_reading.read_source(config_of(tmp_path, **{kind: section}), kind, AT)


def test_check_uses_the_words_of_read(tmp_path):
    path = table(tmp_path, "Hausverbrauch [W]", [500 + n % 3 for n in range(40)])
    load = {"source": "meter", "file": path}
    pv = {"source": "csv", "file": table(tmp_path, "PV [kW]", [1] * 30, name="pv.csv")}
    config = config_of(tmp_path, load=load, pv=pv)
    findings = list(source_diagnosis.house_sources(config, AT + timedelta(hours=2)))
    words = "in {}, stamps name the start: nothing shows it: assumed"
    assert f"'Hausverbrauch [W]' {words.format('W')}" in findings[0].text
    assert f"'PV [kW]' {words.format('kW')}" in findings[1].text


def test_check_warns_about_a_size(tmp_path):
    path = table(tmp_path, "Hausverbrauch [W]", [20 + n % 3 for n in range(40)])
    config = config_of(tmp_path, load={"source": "meter", "file": path})
    finding, *_ = source_diagnosis.house_sources(config, AT + timedelta(hours=41))
    assert finding.level is Level.WARN
    assert "184 kWh a year: is the load in kW?" in finding.text


def test_faults_of_a_past_are_noted(tmp_path):
    values = [500 + n % 7 for n in range(240)]
    values[100:110], values[200] = [333] * 10, 60_000
    path = table(tmp_path, "Hausverbrauch [W]", values)
    report = series_reading.read_file("load", path, None)
    assert "10 h of the past do not change at all: they are left out" in report.notes
    assert any("the first is 60 kW at 12.02. 02:00" in note for note in report.notes)
