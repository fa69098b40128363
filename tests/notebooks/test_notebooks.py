"""Every notebook runs, on the sample data and on an owner's store, and is stored with outputs."""

import ast
import base64
import math

import nbformat
import pytest
from notebooks.stored_outputs import NOTEBOOKS, SAMPLE, executed, pictures, printed

from optimizer.simulation import minute_simulation, sample_data
from optimizer.store import database

PRINTED = {
    "1-a-day": "expected saving",
    "2-your-savings": "EUR against the battery left to itself",
    "3-battery-or-tariff": "flat tariff: a plan adds 0.0 EUR a year",
    "4-forecasts": "better forecasts could gain",
}
"""A sentence that each notebook prints."""
PUBLIC = ("optimizer", "dataclasses", "datetime")
"""Modules that notebooks may import."""
MOST_BYTES, MOST_PICTURE_BYTES = 300_000, 120_000
PNG = b"\x89PNG\r\n"
CONFIG = """
[fems]
url = "http://127.0.0.1:9"
password = "owner"
[battery]
capacity_wh = 22_000
hybrid = false
[grid]
max_sell_w = 9_000
[prices]
sources = ["csv"]
file = "{week}/prices.csv"
[tariff]
grid_fee_eur_per_kwh = 0.07
levies_eur_per_kwh = 0.085
vat_percent = 19
[tariff.export]
eur_per_kwh = 0.0778
[load]
source = "journal"
"""

# the kernel's own libraries warn about their future; ours are errors in the rooms' tests
pytestmark = [
    pytest.mark.no_cover,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning"),
]
every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code(notebook):
    """The notebook's Python, without the notebook's own commands."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return "\n".join(line for line in text.splitlines() if not line.startswith("%"))


def numbers(text):
    """A printed text as words, and its numbers apart."""
    words, found = [], []
    for word in text.split():
        try:
            found.append(float(word))
        except ValueError:
            words.append(word)
    return words, found


def test_there_are_notebooks():
    assert sorted(PRINTED) == [path.stem for path in NOTEBOOKS]


@every
def test_a_notebook_is_short_and_uses_the_public_api_alone(path):
    notebook = nbformat.read(path, as_version=4)
    assert len(notebook.cells) < 18
    assert notebook.cells[1].source.count(SAMPLE) == 1
    tree = ast.walk(ast.parse(code(notebook)))
    names = [
        name
        for node in tree
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module] if isinstance(node, ast.ImportFrom) else []
        )
    ]  # fmt: skip
    assert "optimizer" in names
    assert set(names) <= set(PUBLIC)


@every
def test_a_notebook_is_stored_with_the_outputs_of_the_sample_data(path, tmp_path):
    stored, fresh = nbformat.read(path, as_version=4), executed(path, tmp_path)
    assert PRINTED[path.stem] in printed(fresh)
    then, now = numbers(printed(stored)), numbers(printed(fresh))
    assert then[0] == now[0]
    assert all(map(lambda a, b: math.isclose(a, b, abs_tol=0.0101), then[1], now[1]))
    assert len(pictures(stored)) == len(pictures(fresh)) >= 1
    for picture in pictures(stored):
        assert base64.b64decode(picture).startswith(PNG)
        assert len(picture) < MOST_PICTURE_BYTES
    assert path.stat().st_size < MOST_BYTES


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """An owner's configuration, whose store holds a simulated week."""
    folder, week = tmp_path_factory.mktemp("owner"), sample_data.folder() / "autumn"
    connection = database.connect(folder / "store")
    minute_simulation.simulate_minutes(connection, week, days=7)
    connection.close()
    file = folder / "optimizer.toml"
    file.touch(mode=0o600)
    file.write_text(CONFIG.format(week=week) + f'[store]\nfolder = "{folder}/store"\n')
    return file


@every
def test_a_notebook_runs_on_an_owners_record(path, config, tmp_path):
    notebook = executed(path, tmp_path, config)
    assert PRINTED[path.stem] in printed(notebook)
    stored = nbformat.read(path, as_version=4)
    assert printed(notebook) != printed(stored)
    assert len(pictures(notebook)) == len(pictures(stored))
    assert pictures(notebook) != pictures(stored)
