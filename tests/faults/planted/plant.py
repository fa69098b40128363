"""Planting a fault: a piece of a module's source is replaced before anybody imports it."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple


class Planted(NamedTuple):
    """One fault, and who has to find it."""

    module: str
    changes: tuple[tuple[str, str], ...]
    """Source texts, each of which has to be there exactly once, and what stands there instead."""
    campaign: str
    """Name of a campaign of `run_command.py`."""
    promise: str
    """Name of the promise that is seen broken."""


class NotPlantedError(Exception):
    """The text to replace is no longer there: the fault has to be planted anew."""


def check(fault: Planted) -> Path:
    """The file that a fault changes; raises if its text is not there exactly once."""
    spec = importlib.util.find_spec(fault.module)
    if spec is None or spec.origin is None:
        raise NotPlantedError(f"there is no module {fault.module}")
    path = Path(spec.origin)
    text = path.read_text(encoding="utf-8")
    for old, _ in fault.changes:
        if text.count(old) != 1:
            raise NotPlantedError(f"{fault.module} has {text.count(old)} times: {old!r}")
    return path


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module with other text."""

    fault: Planted

    def source_to_code(  # type: ignore[override]
        self, data: bytes, path: str, *, _optimize: int = -1
    ) -> CodeType:
        """Replace, then compile; never from or into a cache."""
        text = data.decode("utf-8")
        for old, new in self.fault.changes:
            text = text.replace(old, new)
        return compile(text, path + " (planted)", "exec", dont_inherit=True, optimize=_optimize)

    def get_code(self, fullname: str) -> CodeType:
        """Always from the source."""
        path = self.get_filename(fullname)
        return self.source_to_code(Path(path).read_bytes(), path)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, fault: Planted) -> None:
        self.fault = fault

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Only the one module is ours."""
        if name != self.fault.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin is None:
            raise NotPlantedError(f"there is no module {name}")
        loader = _Loader(name, spec.origin)
        loader.fault = self.fault
        return importlib.util.spec_from_file_location(name, spec.origin, loader=loader)


def plant(fault: Planted) -> None:
    """Replace the module's text for this process, which must not have imported it yet."""
    check(fault)
    if fault.module in sys.modules:
        raise NotPlantedError(f"{fault.module} is already imported")
    sys.meta_path.insert(0, _Finder(fault))
