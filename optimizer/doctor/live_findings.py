"""Findings about a running executor from its live file: no network, no exchange with the FEMS."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from optimizer.doctor.finding import Finding, Group
from optimizer.model.snapshot import CALM, Reason

EXECUTOR = Group("executor")

EXPECTED = CALM | {Reason.STOPPED, Reason.PAUSED}
"""Reasons that need no attention."""

RESUME = "look at 'optimizer report' and at the part named, then 'optimizer resume'"


def executor(live: Mapping[str, Any] | None, now: datetime, *, running: bool) -> Iterator[Finding]:
    """Check the last cycle of the executor, and the FEMS's answer in it.

    Parameters
    ----------
    live
        The live file; None without one.
    running
        True where an executor runs.
    """
    if live is None or not running:
        last = "no executor is running"
        yield EXECUTOR.warn("executor", last, "run 'optimizer run', or start its service")
        return
    ago_s = max(0.0, (now - datetime.fromisoformat(live["at"])).total_seconds())
    reason = Reason.__members__.get(str(live["reason"]).upper())
    if reason is Reason.STOOD_DOWN:
        yield EXECUTOR.warn("executor", str(live["note"]), RESUME)
    elif reason is None or reason in EXPECTED:
        yield EXECUTOR.ok("executor", f"decided {ago_s:.0f} s ago")
    else:
        yield EXECUTOR.warn(
            "executor", f"holds nothing: {reason.value}", "look at 'optimizer check'"
        )
    yield _fems(live, reason)


def _fems(live: Mapping[str, Any], reason: Reason | None) -> Finding:
    read_s = live.get("read_s")
    if reason is Reason.UNREACHABLE or read_s is None:
        return EXECUTOR.warn(
            "FEMS", "did not answer at the last cycle", "look at its network, and at 'optimizer "
            "check'",
        )  # fmt: skip
    return EXECUTOR.ok("FEMS", f"answered within {1000 * read_s:.0f} ms at the last cycle")
