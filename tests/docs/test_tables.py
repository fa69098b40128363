"""The page of tables: each of its examples is read as it says."""

import re
from pathlib import Path

import pytest

from optimizer.model.tariff import BERLIN
from optimizer.sources import owner_table

PAGE = Path(__file__).parents[2] / "optimizer" / "config" / "TABLES.md"
ROW = re.compile(r"^\| ([^|`]+) \| `(.+)` \| ([-0-9., ]+) \|$", re.MULTILINE)
LOAD, PRICES = PAGE.read_text().split("## Prices")


def examples(text):
    return {
        name: (lines.replace("\\|", "|").split(" · "), [float(one) for one in values.split(",")])
        for name, lines, values in ROW.findall(text)
    }


def written(tmp_path, lines):
    path = tmp_path / "data.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("name", examples(LOAD))
def test_a_load(tmp_path, name):
    lines, values = examples(LOAD)[name]
    path = written(tmp_path, lines)
    of_the_house = any(word in lines[0] for word in ("Solarproduktion", "Erzeugung"))
    made = owner_table.read_load(path, BERLIN, grid_only=not of_the_house)
    assert made.frame["load_w"].tolist() == pytest.approx(values)
    local = made.frame.index[0].tz_convert(BERLIN)
    assert f"{local:%d.%m. %H:%M}" == "03.02. 18:00"


@pytest.mark.parametrize("name", examples(PRICES))
def test_prices(tmp_path, name):
    lines, values = examples(PRICES)[name]
    made = owner_table.read_prices(written(tmp_path, lines), BERLIN, None, "DE-LU").frame
    assert made[made.columns.drop("end")[0]].tolist() == pytest.approx(values)


def test_every_row_of_the_page_is_an_example():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    heads = [line for line in rows if line.startswith("| from ")]
    assert len(rows) - len(heads) == len(examples(LOAD)) + len(examples(PRICES))
    assert len(examples(LOAD)) >= 18
