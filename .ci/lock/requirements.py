"""Prints pyproject.toml's requirements, all extras and the build's, as `.ci/newest` installs them.

`newest` prints the ranges, `lowest` their lower bounds, `beyond` the ranges without upper bounds.
"""

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def declared() -> list[str]:
    """All requirements but those for our own extras."""
    document = tomllib.loads(PYPROJECT.read_text())
    project = document["project"]
    groups = [
        document["build-system"]["requires"],
        project["dependencies"],
        *project["optional-dependencies"].values(),
    ]
    texts = [text for group in groups for text in group]
    return [text for text in texts if not text.startswith(f"{project['name']}[")]


def changed(text: str, mode: str) -> str:
    """A requirement in a mode."""
    if mode == "lowest":
        return re.sub(r">=([^,]+).*", r"==\1", text)
    return re.sub(r",<[^,]+", "", text) if mode == "beyond" else text


if __name__ == "__main__":
    sys.stdout.writelines(f"{changed(text, sys.argv[1])}\n" for text in declared())
