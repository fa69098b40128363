"""What can go wrong, sorted by what the owner does next; each class knows its exit code."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command: a contract, other programs rely on them."""

    OK = 0
    BUG = 1
    USAGE = 2
    CONFIG = 3
    UNREACHABLE = 4
    REFUSED = 5
    NO_PLAN = 6
    INFEASIBLE = 7
    BAD_DATA = 8
    ALREADY_RUNNING = 9
    UNSAFE_TIMEOUT = 10


class OptimizerError(Exception):
    """Anything that we foresaw: one sentence that says what, where and what to do."""

    exit_code = ExitCode.BUG


class ConfigError(OptimizerError):
    """The configuration is wrong: mend the file that the text names."""

    exit_code = ExitCode.CONFIG


class UnreachableError(OptimizerError):
    """The FEMS does not answer, or not like a FEMS: look at network, address and device."""

    exit_code = ExitCode.UNREACHABLE


class RefusedError(OptimizerError):
    """The FEMS answers "no": look at password, role and installed apps."""

    exit_code = ExitCode.REFUSED


class LoginError(RefusedError):
    """It is the password or its role: asking again at once would only look like an attack."""


class NoPlanError(OptimizerError):
    """There is no plan to show or to follow: run the planner."""

    exit_code = ExitCode.NO_PLAN


class InfeasibleError(OptimizerError):
    """The solver found no plan at all: look at the bounds that the text names."""

    exit_code = ExitCode.INFEASIBLE


class DataError(OptimizerError):
    """Input data were rejected: mend the file or source at the place that the text names."""

    exit_code = ExitCode.BAD_DATA


class AlreadyRunningError(OptimizerError):
    """Another executor holds the lock: stop it first."""

    exit_code = ExitCode.ALREADY_RUNNING


class UnsafeTimeoutError(OptimizerError):
    """The FEMS would hold our set-points too long without us: change its app's time-out."""

    exit_code = ExitCode.UNSAFE_TIMEOUT
