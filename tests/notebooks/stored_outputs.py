"""Run notebooks: for the tests, and to store the outputs of the sample data.

`python -m tests.notebooks.stored_outputs` runs all notebooks and stores them with their outputs.
"""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
SAMPLE = "CONFIG = None"


def executed(path: Path, folder: Path, config: Path | None = None) -> nbformat.NotebookNode:
    """A notebook with its outputs, run in a folder, with a configuration instead of the sample."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if config is not None and cell.cell_type == "code":
            cell.source = cell.source.replace(SAMPLE, f"CONFIG = {str(config)!r}")
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )  # fmt: skip
    client.execute()
    return notebook


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """All outputs in order."""
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def printed(notebook: nbformat.NotebookNode) -> str:
    """Everything that was printed."""
    return "".join(output.get("text", "") for output in outputs(notebook))


def pictures(notebook: nbformat.NotebookNode) -> list[str]:
    """PNG pictures (base64)."""
    found = (output.get("data", {}).get("image/png") for output in outputs(notebook))
    return [picture for picture in found if picture]


if __name__ == "__main__":
    for path in NOTEBOOKS:
        notebook = executed(path, path.parent)
        notebook.metadata["language_info"] = {"name": "python"}  # no version of whoever ran it
        nbformat.write(notebook, path)
