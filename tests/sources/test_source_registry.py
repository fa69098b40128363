"""Sources by the names that the configuration uses."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.errors import ConfigError, DataError, ExitCode
from optimizer.http.service_client import ServiceClient
from optimizer.sources import registry
from optimizer.sources.registry import LOAD, PRICES, PV
from optimizer.sources.source_settings import LoadSettings, PriceSettings, PvSettings, Span

STAMPS = ["2026-01-15T00:00Z", "2026-01-15T01:00Z"]
KINDS = {"prices": PRICES, "load": LOAD, "pv": PV}
SETTINGS = {"prices": PriceSettings, "load": LoadSettings, "pv": PvSettings}
BEGIN = datetime(2026, 1, 15, tzinfo=UTC)


def fetch(section, name, file=None):
    span = Span(BEGIN, BEGIN + timedelta(days=1))
    return registry.fetch(KINDS[section], name, SETTINGS[section](file=file), span, ServiceClient())


@pytest.mark.parametrize(
    ("section", "header", "columns"),
    [
        ("prices", "start,spot_eur_per_mwh", ["end", "spot_eur_per_kwh"]),
        ("load", "start,load_w", ["end", "load_w"]),
        ("pv", "start,pv_w", ["end", "pv_w"]),
    ],
)
def test_csv_is_a_source_of_everything(csv_file, section, header, columns):
    path = csv_file([header, *(f"{stamp},100" for stamp in STAMPS)])
    frame = fetch(section, "csv", path)
    assert frame.columns.tolist() == columns
    assert len(frame) == 2


@pytest.mark.parametrize("section", KINDS)
def test_csv_without_a_file_names_the_missing_key(section):
    with pytest.raises(ConfigError) as caught:
        fetch(section, "csv")
    assert str(caught.value) == f"{section}: a table needs a key 'file'"
    assert caught.value.exit_code is ExitCode.CONFIG


@pytest.mark.parametrize("name", ["cvs", "csv2", "cs"])
def test_an_unknown_source_names_the_nearest(name):
    with pytest.raises(ConfigError) as caught:
        fetch("prices", name)
    assert str(caught.value).startswith(
        f"prices: this version has no source '{name}'; did you mean 'csv'? there are: "
    )


@pytest.mark.parametrize("section", KINDS)
def test_an_unknown_source_lists_what_there_is(section):
    with pytest.raises(
        ConfigError, match=f"{section}: this version has no source 'oracle'"
    ) as caught:
        fetch(section, "oracle")
    listed = str(caught.value).rsplit("there are: ", 1)[1].split(", ")
    assert listed == sorted(KINDS[section])
    assert "csv" in listed


def test_a_rejected_answer_names_its_file(csv_file):
    path = csv_file(["start,load_w", f"{STAMPS[0]},-1"])
    with pytest.raises(DataError, match=r"data\.csv, line 2: load_w -1 is not plausible"):
        fetch("load", "csv", path)
