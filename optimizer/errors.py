"""Errors by the owner's next move; each class knows its exit code."""

import sys
from enum import IntEnum
from pathlib import Path

DISTRIBUTION = "fems-optimizer"
"""Name under which pip knows this program; the package index has a stranger's `optimizer`."""


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
    INTERRUPTED = 130
    """Ended by Ctrl-C: 128 and the signal's number, as shells have it."""


class StoppedError(BaseException):
    """The program has to stop: an exchange was given up for it.

    Like `KeyboardInterrupt` it passes every `except` on its way to the loop, which releases.
    """


class OptimizerError(Exception):
    """Anything that we foresaw: one sentence that says what, where and what to do."""

    exit_code = ExitCode.BUG


class UsageError(OptimizerError):
    """A command or a call lacks something: give what the text names."""

    exit_code = ExitCode.USAGE


class ConfigError(OptimizerError):
    """The configuration is wrong: mend the file that the text names."""

    exit_code = ExitCode.CONFIG


class MissingExtraError(ConfigError):
    """A package is missing that an extra brings: type the command that the text ends with.

    Parameters
    ----------
    need
        What needs which package.
    extra
        The extra of `pyproject.toml` that brings it.
    alternative
        What to do instead of installing it, if there is something.
    """

    def __init__(self, need: str, extra: str, alternative: str | None = None) -> None:
        fix = f"install the extra '{extra}' of {DISTRIBUTION} by {install_command(extra)}"
        super().__init__(f"{need}: {fix if alternative is None else f'{alternative}, or {fix}'}")


def install_command(extra: str) -> str:
    """The command that installs the locked packages of an extra beside the running program."""
    from importlib.util import find_spec
    from shlex import quote

    python, lock, source = quote(sys.executable), Path(".ci", "lock", f"{extra}.txt"), _source()
    # `uv tool` makes environments without pip; uv checks a lock's hashes without being asked to
    installer = (
        f"{python} -m pip install --require-hashes -r"
        if find_spec("pip")
        else f"uv pip install --python {python} -r"
    )
    if source is None or not (source / lock).is_file():
        return f"{installer} {lock} in the folder of its source"
    return f"{installer} {quote(str(source / lock))}"


def _source() -> Path | None:
    """The folder from which this distribution was installed, as pip and uv have noted it."""
    import json
    from importlib.metadata import distributions
    from urllib.parse import unquote, urlsplit

    # an egg-info folder of a build may stand before what is installed, and notes nothing
    notes = (one.read_text("direct_url.json") for one in distributions(name=DISTRIBUTION))
    url = urlsplit(next((json.loads(note)["url"] for note in notes if note), ""))
    return Path(unquote(url.path)) if url.scheme == "file" else None


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


class NoStoreError(NoPlanError):
    """Nothing was stored yet: run the planner, or mend the folder that the text names."""


class InfeasibleError(OptimizerError):
    """The solver found no plan at all: look at the bounds that the text names."""

    exit_code = ExitCode.INFEASIBLE


class DataError(OptimizerError):
    """Input data were rejected: mend the file or source at the place that the text names."""

    exit_code = ExitCode.BAD_DATA


class NewerStoreError(DataError):
    """A newer version has written the store: update this one."""


class AlreadyRunningError(OptimizerError):
    """Another executor holds the lock: stop it first."""

    exit_code = ExitCode.ALREADY_RUNNING


class UnsafeTimeoutError(OptimizerError):
    """The FEMS would hold our set-points too long without us: change its app's time-out."""

    exit_code = ExitCode.UNSAFE_TIMEOUT
