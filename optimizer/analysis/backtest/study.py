"""Many trials as a table, on all cores or on a Dask cluster."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from optimizer.analysis.backtest.case import Case
from optimizer.analysis.backtest.outcome import Account
from optimizer.analysis.backtest.trial import Each, Trial, Way, run
from optimizer.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Part:
    """A case and how it is tried."""

    case: Case
    way: Way


def side_by_side(jobs: int) -> Each:
    """The strategies of one trial on several processes.

    Raises
    ------
    ConfigError
        If joblib is not installed.
    """
    if jobs == 1:
        return map
    joblib = _joblib()

    def each(live: Callable[[str], Account], names: tuple[str, ...]) -> Iterable[Account]:
        made: list[Account] = joblib.Parallel(n_jobs=jobs)(joblib.delayed(live)(n) for n in names)
        return made

    return each


def study(
    parts: Sequence[Part], jobs: int = 1, dask: str | None = None,
    told: Callable[[int, Trial], None] = lambda _count, _trial: None,
) -> list[Trial]:  # fmt: skip
    """Try all parts; the results come in their order, whoever works on them.

    Parameters
    ----------
    jobs
        Processes on this computer; -1 is one for each core.
    dask
        Address of a Dask scheduler, whose workers do the work instead.
    told
        Gets how many are done, and the newest.

    Raises
    ------
    ConfigError
        If joblib or dask is not installed, or the cluster cannot be reached.
    """
    made: list[Trial] = []
    for trial in _results(parts, jobs, dask):
        made.append(trial)
        told(len(made), trial)
    return made


def _results(parts: Sequence[Part], jobs: int, dask: str | None) -> Iterator[Trial]:
    if dask is None and jobs == 1:
        yield from (run(part.case, part.way) for part in parts)
        return
    joblib = _joblib()
    if dask is None:
        yield from _parallel(joblib, parts, n_jobs=jobs)
        return
    try:
        import distributed
    except ImportError as error:
        raise ConfigError("--dask needs a library: pip install 'optimizer[dask]'") from error
    try:
        client = distributed.Client(dask, timeout=10)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {dask}: write --dask tcp://HOST:8786 "
            f"({type(error).__name__})"
        ) from error
    with client, joblib.parallel_config("dask"):
        yield from _parallel(joblib, parts)


def _joblib() -> Any:
    try:
        import joblib
    except ImportError as error:
        raise ConfigError(
            "several processes need joblib: pip install 'optimizer[study]', or take --jobs 1"
        ) from error
    return joblib


def _parallel(joblib: Any, parts: Sequence[Part], **options: Any) -> Iterator[Trial]:
    tasks = (joblib.delayed(run)(part.case, part.way) for part in parts)
    results: Iterator[Trial] = joblib.Parallel(return_as="generator", **options)(tasks)
    yield from results
