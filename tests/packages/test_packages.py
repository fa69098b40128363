"""Packages are decided by us: declared with both bounds, locked with hashes, named after us."""

import ast
import importlib.metadata as metadata
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packages.declared import (
    BUILD,
    EXTRAS,
    LOCKS,
    MACHINES,
    NAME,
    PROJECT,
    ROOT,
    Pin,
    lock,
    wanted,
)
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import optimizer
from optimizer.errors import DISTRIBUTION


def test_the_distribution_has_one_name_and_one_version():
    assert NAME == DISTRIBUTION == metadata.metadata(DISTRIBUTION)["Name"]
    assert PROJECT["dynamic"] == ["version"]  # one source: `optimizer.__version__`
    assert optimizer.__version__ == metadata.version(DISTRIBUTION)
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
    assert set(PROJECT["scripts"]) == {"optimizer"}


# Imports ------------------------------------------------------------------------------------------


def names(node: ast.AST) -> list[str]:
    """The top-level modules that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    return [node.module.split(".")[0]] if isinstance(node, ast.ImportFrom) and node.module else []


def imports(node: ast.AST, guarded: bool = False) -> Iterator[tuple[str, bool]]:
    """What a tree imports from others, and whether it is ready for its absence."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
            continue  # for type checkers only
        catches = isinstance(child, ast.Try) and any(
            isinstance(handler.type, ast.Name) and handler.type.id == "ImportError"
            for handler in child.handlers
        )
        yield from ((name, guarded) for name in names(child))
        yield from imports(child, guarded or catches)


OURS = {"optimizer", "tests", *(path.stem for path in (ROOT / "tests").iterdir())}


def imported(*folders: str, guarded: bool | None = None) -> set[str]:
    """The distributions whose modules the Python files of folders import."""
    found = {
        name
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for name, is_guarded in imports(ast.parse(path.read_text()))
        if guarded in (None, is_guarded) and name not in OURS | sys.stdlib_module_names
        and not (path.parent / f"{name}.py").exists()
    }  # fmt: skip
    known = metadata.packages_distributions()
    return {canonicalize_name(known[name][0]) for name in found}


def declared(*groups: tuple[Requirement, ...]) -> set[str]:
    return {canonicalize_name(one.name) for group in groups for one in group}


def test_what_the_program_imports_is_declared():
    always, perhaps = imported("optimizer", guarded=False), imported("optimizer", guarded=True)
    assert {"numpy", "urllib3", "pulp"} <= always
    assert {"paho-mqtt", "prometheus-client"} <= perhaps
    assert always <= declared(wanted())
    owners = [wanted(extra) for extra in EXTRAS if extra != "dev"]
    assert perhaps <= declared(wanted(), *owners)


def test_what_the_tests_import_is_declared():
    found = imported("tests", "data")
    assert {"pytest", "hypothesis", "distributed"} <= found
    assert found <= declared(wanted(), wanted("dev"))


# Ranges -------------------------------------------------------------------------------------------

ALL = sorted({str(one) for one in (*BUILD, *wanted(), *wanted("dev"))})


@pytest.mark.parametrize("text", ALL)
def test_every_range_has_both_ends(text):
    operators = sorted(one.operator for one in Requirement(text).specifier)
    assert [one for one in operators if one != "!="] == ["<", ">="]


# Locks --------------------------------------------------------------------------------------------

PARTS = {
    "core": (*wanted(), *BUILD),
    "dev": (*wanted(), *BUILD, *wanted("dev")),
    **{extra: wanted(extra) for extra in EXTRAS if extra != "dev"},
}
"""What each lock has to hold; that of an extra what is not in the core's."""


def test_there_is_a_lock_for_each_part():
    assert {path.stem for path in LOCKS.glob("*.txt")} == set(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_each_lock_holds_what_is_declared_once_and_inside_its_range(part):
    pins = lock(part) if part in ("core", "dev") else (*lock("core"), *lock(part))
    for machine in MACHINES:
        here: dict[str, Pin] = {}
        for pin in pins:
            if pin.applies(machine):
                assert pin.name not in here, f"{pin.name} is locked twice"
                here[pin.name] = pin
        for requirement in PARTS[part]:
            name = canonicalize_name(requirement.name)
            assert name in here, f"{name} is not locked: run .ci/lock/make"
            assert here[name].version in requirement.specifier, "run .ci/lock/make"


@pytest.mark.parametrize("part", PARTS)
def test_each_lock_has_hashes_and_no_address(part):
    assert all(pin.hashes for pin in lock(part))
    assert all(one.startswith("sha256:") for pin in lock(part) for one in pin.hashes)
    assert "://" not in (LOCKS / f"{part}.txt").read_text()


@pytest.mark.parametrize("part", sorted(PARTS.keys() - {"dev"}))
def test_all_locks_agree(part):
    assert {(str(pin.requirement.specifier), pin.name, pin.hashes) for pin in lock(part)} <= {
        (str(pin.requirement.specifier), pin.name, pin.hashes) for pin in lock("dev")
    }


def reached(requirements: tuple[Requirement, ...]) -> set[str]:
    """What has to be installed here for requirements, by what is installed."""
    found: set[str] = set()
    todo = [(one, extra) for one in requirements for extra in ("", *one.extras)]
    seen = set()
    while todo:
        requirement, extra = todo.pop()
        name = canonicalize_name(requirement.name)
        found.add(name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for text in metadata.requires(name) or ():
            inner = Requirement(text)
            if inner.marker is None or inner.marker.evaluate({"extra": extra}):
                todo += [(inner, one) for one in ("", *inner.extras)]
    return found


@pytest.mark.parametrize("part", ["core", "dev"])
def test_a_lock_holds_what_is_needed_here_and_nothing_else(part):
    here = {pin.name: str(pin.version) for pin in lock(part) if pin.applies()}
    installed = {name: version(name) for name in here}
    if installed != here:
        pytest.skip("other versions than the locked ones are installed")
    assert set(here) == reached(PARTS[part])


def version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def test_this_file_sees_the_whole_tree():
    assert Path(optimizer.__file__).parents[1] == ROOT
