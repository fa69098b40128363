"""What pyproject.toml declares, and what the locks of `.ci/lock` hold."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
NAME = PROJECT["name"]
BUILD = tuple(map(Requirement, PYPROJECT["build-system"]["requires"]))
CORE = tuple(map(Requirement, PROJECT["dependencies"]))
EXTRAS = {
    extra: tuple(map(Requirement, texts))
    for extra, texts in PROJECT["optional-dependencies"].items()
}
LOCKS = ROOT / ".ci" / "lock"
MACHINES = [
    {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    for python in ("3.11", "3.12", "3.13")
    for machine in ("x86_64", "aarch64")
]
"""The environments that a lock is for, in the words of dependency markers."""


@dataclass(frozen=True)
class Pin:
    """One locked version, for the environments that its marker names."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> Version:
        (only,) = self.requirement.specifier
        assert only.operator == "=="
        return Version(only.version)

    def applies(self, machine: dict[str, str] | None = None) -> bool:
        marker = self.requirement.marker
        return marker is None or marker.evaluate(machine)


@cache
def lock(name: str) -> tuple[Pin, ...]:
    """The pins of a lock."""
    text = (LOCKS / f"{name}.txt").read_text().replace(" \\\n", "")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return tuple(
        Pin(
            Requirement(line.split(" --hash=")[0].strip()), tuple(re.findall(r"--hash=(\S+)", line))
        )
        for line in lines
    )


def wanted(extra: str | None = None) -> tuple[Requirement, ...]:
    """What the core or an extra asks of others, the extras that it includes resolved."""
    found: list[Requirement] = []
    for requirement in CORE if extra is None else EXTRAS[extra]:
        if canonicalize_name(requirement.name) == NAME:
            found += [one for inner in requirement.extras for one in wanted(inner)]
        else:
            found.append(requirement)
    return tuple(found)
