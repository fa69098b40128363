"""Every notebook runs from top to bottom, is short, and is stored without outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
TOLD = {
    "1-a-day": "expected saving",
    "2-your-savings": "EUR against the battery left to itself",
    "3-battery-or-tariff": "flat tariff: a plan adds 0.0 EUR a year",
    "4-forecasts": "with the forecasts   saved",
}
"""What each notebook has to tell."""


def test_there_are_notebooks():
    assert sorted(TOLD) == [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_and_has_no_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    assert len(notebook.cells) < 15
    assert all(not cell.get("outputs") for cell in notebook.cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# the kernel's own libraries warn about their future; ours are errors in the rooms' tests
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    texts = "".join(output.get("text", "") for output in outputs)
    assert TOLD[path.stem] in texts
