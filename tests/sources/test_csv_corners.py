"""Corners of CSV files."""

import pytest

from optimizer.errors import DataError
from optimizer.sources import owner_csv


@pytest.mark.parametrize("row", ["0001-01-01T00:00+05:00,1", "9999-12-31T23:00Z,1"])
def test_impossible_years_are_data_errors(tmp_path, row):
    path = tmp_path / "a.csv"
    path.write_text(f"start,load_w\n9999-12-31T22:00Z,1\n{row}\n")
    with pytest.raises(DataError):
        owner_csv.read_power(path, "load_w")


def test_underscores_are_no_numbers(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("start,load_w\n2026-01-15T00:00Z,1_000\n2026-01-15T01:00Z,2\n")
    with pytest.raises(DataError):
        owner_csv.read_power(path, "load_w")
