"""`read` as an owner runs it: text, JSON, CSV, and its exit codes."""

import json

import pytest


@pytest.fixture
def meter(tmp_path):
    rows = [f"03.02.2026 18:{n * 15:02};{910 + n};ok" for n in range(4)]
    path = tmp_path / "meter.csv"
    path.write_text("\n".join(["Zeitstempel;Hausverbrauch [W];Notiz", *rows]) + "\n")
    return path


def test_a_file_is_read_without_a_configuration(in_process, meter, tmp_path):
    done = in_process("read", "load", "--file", str(meter), "--csv", "again.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 steps of 15 min" in done.stdout
    again = in_process("read", "load", "--file", "again.csv", "--json")
    made = json.loads(again.stdout)
    assert made["schema"] == "series/1"
    assert [row["load_w"] for row in made["rows"]] == [910.0, 911.0, 912.0, 913.0]


def test_what_is_refused_says_where(in_process, meter):
    meter.write_text(meter.read_text().replace("912;ok", '912;"ok'))
    done = in_process("read", "load", "--file", str(meter))
    assert done.returncode == 8
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "meter.csv, line 4: a quotation mark is not closed" in done.stderr


def test_the_configured_sources(in_process, write_config):
    write_config()
    for what, column in (("load", "load_w"), ("pv", "pv_w"), ("prices", "buy_eur_per_kwh")):
        done = in_process("read", what, "--at", "2026-01-14T18:00:00+01:00", "--json")
        assert done.returncode == 0, done.stderr
        assert column in json.loads(done.stdout)["rows"][0]
    done = in_process("read", "prices", "--explain", "--at", "2026-01-14T18:00:00+01:00")
    assert "VAT 19 %" in done.stdout


@pytest.mark.parametrize(
    "words", [["load", "--explain"], ["load", "--column", "x"], ["weather"], []]
)
def test_wrong_words(in_process, words):
    assert in_process("read", *words).returncode == 2
