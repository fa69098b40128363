"""One vocabulary: each name once, and none of the words that the house has left behind."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "optimizer"
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES_LEFT_BEHIND = {
    "ByLaw", "Lived", "Sight", "Grip", "Hand", "Approach", "Acquaintances", "Watch", "PlanBook",
    "Memory", "Past", "Still", "Terms", "Course", "Rhythm", "Told", "Foreseen", "Near", "Wishes",
    "own_use", "told", "lived", "mishap", "cure", "rests_roof", "dimming", "roof_w", "short_wh",
    "spare_wh", "at_hand", "acquaintances", "grip", "sight", "foreseen", "worth", "walked",
}  # fmt: skip
"""Identifiers of the former vocabulary (the left column of the glossary)."""

FORMER_KEYS = {"optimizer/config/loading.py", "optimizer/planning/run_record.py"}
"""Files that read what earlier versions wrote."""


def identifiers(path: Path) -> set[str]:
    """All names, attributes, arguments and definitions of a file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        for field in ("id", "attr", "arg", "name"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                found.add(value)
    return found


def docstrings(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    texts = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds)]
    return [text for text in texts if text]


def test_a_file_stem_occurs_once():
    stems = Counter(path.stem for path in FILES if path.stem != "__init__")
    assert [stem for stem, count in stems.items() if count > 1] == []


def test_a_class_name_occurs_once():
    classes = Counter(
        node.name
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in classes.items() if count > 1] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_identifier_is_of_the_former_vocabulary(path):
    if path.relative_to(ROOT).as_posix() not in FORMER_KEYS:
        assert identifiers(path) & NAMES_LEFT_BEHIND == set()


def test_every_file_that_is_named_exists():
    """In docstrings, comments and maps: `room/file.py`, or `file.py` by its stem."""
    stems = {path.stem for folder in ("optimizer", "tests", "data") for path in
             (ROOT / folder).rglob("*.py")}  # fmt: skip
    pages = [*FILES, *PACKAGE.rglob("*.md"), ROOT / "README.md"]
    wrong = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in pages
        for name in re.findall(r"`((?:[a-z_]+/)*[a-z_0-9]+)\.py`", page.read_text())
        if name.rsplit("/", 1)[-1] not in stems
        or ("/" in name and not any((base / f"{name}.py").exists() for base in (ROOT, PACKAGE)))
    ]
    assert wrong == []


def test_docstrings_begin_with_a_noun_or_a_verb():
    """ "What ...", "Whether ...", "How ..." make the reader guess what is described."""
    riddles = [
        f"{path.relative_to(ROOT)}: {text.splitlines()[0]}"
        for path in FILES
        for text in docstrings(path)
        if re.match(r"(What|Whether|How|Who|Which|Where|When) ", text)
    ]
    assert riddles == []


def described(function: ast.FunctionDef) -> list[str]:
    """Names in the section "Parameters" of a docstring."""
    text = ast.get_docstring(function) or ""
    section = re.search(
        r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n-{3,}$|\Z)", text, re.MULTILINE | re.DOTALL
    )
    lines = section[1].splitlines() if section else []
    names = [line.split(":")[0] for line in lines if re.match(r"[\w*][\w*, ]*(:.*)?$", line)]
    return [name.strip(" *") for line in names for name in line.split(",")]


def test_docstrings_describe_parameters_that_exist():
    """A renamed argument takes its description with it."""
    wrong = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                given = node.args
                every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
                every += [one for one in (given.vararg, given.kwarg) if one]
                extra = set(described(node)) - {one.arg for one in every}
                wrong += [f"{path.relative_to(ROOT)}: {node.name}: {name}" for name in extra]
    assert wrong == []
