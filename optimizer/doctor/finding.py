"""Finding of the doctor: one line with its consequence and its fix."""

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
"""Exit codes in the order in which to mend: an earlier failure hides the later ones."""


class Level(StrEnum):
    """Severity of a finding."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check."""

    group: str
    name: str
    level: Level
    text: str
    """Result and consequence, as a sentence."""
    fix: str = ""
    exit_code: ExitCode = ExitCode.OK
    """Exit code of a command that meets this failure."""

    def line(self) -> str:
        """The finding for people."""
        fix = f" -> {self.fix}" if self.fix else ""
        return f"{self.level:<4}  {self.name:<19} {self.text}{fix}"

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON data."""
        return {
            "group": self.group,
            "name": self.name,
            "level": self.level.value,
            "text": self.text,
            "cure": self.fix,
            "exit_code": int(self.exit_code),
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Maker of the findings of one group."""

    name: str

    def ok(self, name: str, text: str) -> Finding:
        """A check that passed."""
        return Finding(self.name, name, Level.OK, text)

    def warn(self, name: str, text: str, fix: str) -> Finding:
        """A warning, which ends no command."""
        return Finding(self.name, name, Level.WARN, text, fix)

    def fail(self, name: str, text: str, fix: str, code: ExitCode) -> Finding:
        """A failure, which ends a command with its exit code."""
        return Finding(self.name, name, Level.FAIL, text, fix, code)

    def error(self, name: str, error: OptimizerError, level: Level = Level.FAIL) -> Finding:
        """A failure from a foreseen error, whose sentence ends with its fix."""
        text, colon, fix = str(error).rpartition(": ")
        if not colon:
            text, fix = fix, ""
        code = error.exit_code if level is Level.FAIL else ExitCode.OK
        return Finding(self.name, name, level, text.rstrip("."), fix.rstrip("."), code)


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """Exit code of the worst failure; 0 if there is none, whatever the warnings."""
    codes = {finding.exit_code for finding in findings if finding.level is Level.FAIL}
    if not codes:
        return ExitCode.OK
    return next((code for code in WORST_FIRST if code in codes), min(codes))


def lines(findings: Iterable[Finding]) -> list[str]:
    """All findings for people, under the names of their groups; each group stands once."""
    groups: dict[str, list[str]] = {}
    for finding in findings:
        groups.setdefault(finding.group, []).append(f"  {finding.line()}")
    return [line for group, found in groups.items() for line in (group, *found)]


def summary(findings: Iterable[Finding]) -> str:
    """Numbers of failures and warnings, in one line.

    >>> group = Group("FEMS")
    >>> summary([group.warn("coupling", "unknown", "say which"), group.ok("read", "in 12 ms")])
    'nothing is in the way, 1 warning'
    """
    levels = [finding.level for finding in findings]
    failures, warnings = levels.count(Level.FAIL), levels.count(Level.WARN)
    parts = [f"{failures} in the way (fail)" if failures else "nothing is in the way"]
    if warnings:
        parts.append(f"{warnings} warning{'s' if warnings > 1 else ''}")
    return ", ".join(parts)
