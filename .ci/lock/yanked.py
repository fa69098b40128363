"""Fails when a declared range or a lock contains a version that its maker has withdrawn (yanked).

Asks the index that pip is configured for, about the packages of `dev.txt` only.
"""

import json
import os
import re
import sys
import tomllib
import urllib.request
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version
from pip._internal.models.index import PyPI

ROOT = Path(__file__).parents[2]
INDEX = os.environ.get("PIP_INDEX_URL", PyPI.simple_url).rstrip("/")


def declared() -> list[Requirement]:
    """All requirements of pyproject.toml, the build's too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    texts = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    return [Requirement(text) for text in [*texts, *(text for extra in extras for text in extra)]]


def locked() -> list[Requirement]:
    """The pins of the larger lock."""
    lines = (ROOT / ".ci/lock/dev.txt").read_text().splitlines()
    return [Requirement(line.rstrip(" \\")) for line in lines if re.match(r"[a-z0-9]", line)]


def version(filename: str) -> Version | None:
    """The version of a release's file; None for the formats of long ago."""
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[1]
        return parse_sdist_filename(filename)[1]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def yanked(name: str) -> set[Version]:
    """The withdrawn versions of a package."""
    request = urllib.request.Request(  # noqa: S310 - the address is pip's own
        f"{INDEX}/{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        files: list[dict[str, Any]] = json.load(answer)["files"]
    found = {version(file["filename"]) for file in files if file.get("yanked")}
    return {one for one in found if one is not None}


def main() -> None:
    """Print each withdrawn version that could be installed."""
    requirements = [one for one in [*declared(), *locked()] if one.specifier]
    withdrawn = {name: yanked(name) for name in {canonicalize_name(r.name) for r in requirements}}
    faults = [
        f"{requirement.name}{requirement.specifier} contains {one}, which its maker has withdrawn"
        for requirement in requirements
        for one in sorted(withdrawn[canonicalize_name(requirement.name)])
        if one in requirement.specifier
    ]
    sys.exit("\n".join(faults) or None)


if __name__ == "__main__":
    main()
