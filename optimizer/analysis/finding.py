"""A finding of the doctor: one line with its consequence and its cure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from optimizer.errors import ExitCode, OptimizerError

WORST_FIRST = (
    ExitCode.CONFIG,
    ExitCode.UNREACHABLE,
    ExitCode.REFUSED,
    ExitCode.UNSAFE_TIMEOUT,
    ExitCode.BAD_DATA,
    ExitCode.INFEASIBLE,
)
"""Which failure to mend first: what stands before hides what comes behind."""


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    group: str
    name: str
    level: Level
    text: str
    """What was found, and what that means."""
    cure: str = ""
    exit_code: ExitCode = ExitCode.OK
    """Of a failure: what a command would end with."""

    def line(self) -> str:
        """The finding for people."""
        cure = f" -> {self.cure}" if self.cure else ""
        return f"{self.level:<4}  {self.name:<19} {self.text}{cure}"

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON data."""
        return {
            "group": self.group,
            "name": self.name,
            "level": self.level.value,
            "text": self.text,
            "cure": self.cure,
            "exit_code": int(self.exit_code),
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Makes the findings of one group."""

    name: str

    def ok(self, name: str, text: str) -> Finding:
        """All is well."""
        return Finding(self.name, name, Level.OK, text)

    def warn(self, name: str, text: str, cure: str) -> Finding:
        """Worth knowing; nothing ends because of it."""
        return Finding(self.name, name, Level.WARN, text, cure)

    def fail(self, name: str, text: str, cure: str, code: ExitCode) -> Finding:
        """Mend this first."""
        return Finding(self.name, name, Level.FAIL, text, cure, code)

    def error(self, name: str, error: OptimizerError, level: Level = Level.FAIL) -> Finding:
        """A foreseen error, whose sentence ends with its cure."""
        text, colon, cure = str(error).rpartition(": ")
        if not colon:
            text, cure = cure, ""
        code = error.exit_code if level is Level.FAIL else ExitCode.OK
        return Finding(self.name, name, level, text.rstrip("."), cure.rstrip("."), code)


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """The code of the worst failure; 0 if there is none, warnings or not."""
    codes = {finding.exit_code for finding in findings if finding.level is Level.FAIL}
    if not codes:
        return ExitCode.OK
    return next((code for code in WORST_FIRST if code in codes), min(codes))


def lines(findings: Iterable[Finding]) -> list[str]:
    """All findings for people, under the names of their groups."""
    told, group = [], ""
    for finding in findings:
        if finding.group != group:
            group = finding.group
            told.append(group)
        told.append(f"  {finding.line()}")
    return told
