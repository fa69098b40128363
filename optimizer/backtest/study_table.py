"""Study: many homes, batteries and tariffs as one table, on all cores or a Dask cluster."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import time
from pathlib import Path
from typing import Any

from optimizer.backtest import scenario_data
from optimizer.backtest.comparison import Comparison, Each, StrategyAccount, Variant, run
from optimizer.backtest.scenario_data import Scenario
from optimizer.errors import ConfigError, MissingExtraError, UsageError
from optimizer.model.battery import Battery
from optimizer.model.tariff import Export, FeeWindow, Tariff
from optimizer.simulation import sample_data

PARTS = Tariff(
    levies_eur_per_kwh=0.19 / 1.19 - 0.10,
    grid_fee_eur_per_kwh=0.10,
    vat_percent=19,
    export=Export(eur_per_kwh=0.08),
    time_zone=sample_data.ZONE,
)
"""1.19 x spot + 19 ct, of which 10 ct are the grid fee (net); 8 ct for the roof's energy."""

WINDOWS = (FeeWindow(time(0), time(6), 0.02), FeeWindow(time(17), time(21), 0.155))
"""Time-variable grid fees (section 14a, module 3), typical ones, all year; net."""

FLAT_EUR_PER_KWH = 0.30

TARIFFS = {
    "fix": PARTS,
    "neg0": replace(PARTS, export=Export(eur_per_kwh=0.08, zero_when_spot_negative=True)),
    "14a": replace(PARTS, window=WINDOWS),
    "flat": PARTS,
}
"""Dynamic with a fixed feed-in pay; the same with none while the spot price is negative; with
time-variable grid fees; one price all year (30 ct), where nothing is to be earned."""


def battery(text: str) -> Battery:
    """A battery from its capacity and power.

    Raises
    ------
    UsageError
        If it is no such text.

    Examples
    --------
    >>> battery("11/5").max_charge_w
    5000.0
    """
    size, _, power = text.partition("/")
    try:
        capacity_wh, power_w = float(size) * 1000, float(power or 10) * 1000
    except ValueError:
        capacity_wh = power_w = 0.0
    if not (0 < capacity_wh <= 1e6 and 0 < power_w <= 1e6):
        raise UsageError(f"battery '{text}': write kWh, or kWh/kW, such as 22 or 11/5")
    return replace(
        sample_data.BATTERY, capacity_wh=capacity_wh, max_charge_w=power_w, max_discharge_w=power_w
    )


def tariff(name: str) -> Tariff:
    """A tariff by its name.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name not in TARIFFS:
        raise UsageError(f"tariff '{name}' is not known: {', '.join(TARIFFS)}")
    return TARIFFS[name]


def scenarios(
    folders: Sequence[Path], batteries: Sequence[Battery], tariffs: Sequence[str],
    tick_minutes: int, seed: int, *, learned: bool,
) -> Iterator[Scenario]:  # fmt: skip
    """Every home with every battery and tariff."""
    chosen = [(name, tariff(name)) for name in tariffs]
    for path in folders:
        known = scenario_data.folder(path)
        for name, fees in chosen:
            for one in batteries:
                home = scenario_data.HouseSettings(
                    one, sample_data.GRID, fees, sample_data.ZONE, tick_minutes, seed
                )
                title = f"{path.name}, {one.capacity_wh / 1000:g} kWh, {name}"
                scenario = scenario_data.scenario_of(title, known, home, learned=learned)
                yield at_one_price(scenario) if name == "flat" else scenario


def at_one_price(scenario: Scenario) -> Scenario:
    """The same home with one price all the time."""
    return replace(scenario, buy=0 * scenario.buy + FLAT_EUR_PER_KWH)


@dataclass(frozen=True, eq=False)
class StudyItem:
    """A case and how it is tried."""

    scenario: Scenario
    variant: Variant


def side_by_side(jobs: int) -> Each:
    """The strategies of one trial on several processes.

    Raises
    ------
    MissingExtraError
        If joblib is not installed.
    """
    if jobs == 1:
        return map
    joblib = _joblib()

    def each(
        live: Callable[[str], StrategyAccount], names: tuple[str, ...]
    ) -> Iterable[StrategyAccount]:
        tasks = (joblib.delayed(live)(name) for name in names)
        made: Iterator[StrategyAccount] = _started(joblib, tasks, n_jobs=jobs)
        return made

    return each


def study(
    parts: Sequence[StudyItem], jobs: int = 1, dask: str | None = None,
    reported: Callable[[int, Comparison], None] = lambda _count, _trial: None,
) -> list[Comparison]:  # fmt: skip
    """Try all parts; the results come in their order, whoever works on them.

    Parameters
    ----------
    jobs
        Processes on this computer; -1 is one for each core.
    dask
        Address of a Dask scheduler, whose workers do the work instead.
    reported
        Gets how many are done, and the newest.

    Raises
    ------
    ConfigError
        If joblib or dask is not installed, or the cluster cannot be reached.
    """
    made: list[Comparison] = []
    for comparison in _results(parts, jobs, dask):
        made.append(comparison)
        reported(len(made), comparison)
    return made


def _results(parts: Sequence[StudyItem], jobs: int, dask: str | None) -> Iterator[Comparison]:
    if dask is None and jobs == 1:
        yield from (run(part.scenario, part.variant) for part in parts)
        return
    joblib = _joblib()
    if dask is None:
        yield from _parallel(joblib, parts, n_jobs=jobs)
        return
    try:
        import distributed
    except ImportError as error:
        raise MissingExtraError("--dask needs the package distributed", "dask") from error
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
        raise MissingExtraError(
            "several processes need joblib", "study", "take --jobs 1"
        ) from error
    return joblib


def _parallel(joblib: Any, parts: Sequence[StudyItem], **options: Any) -> Iterator[Comparison]:
    tasks = (joblib.delayed(run)(part.scenario, part.variant) for part in parts)
    results: Iterator[Comparison] = _started(joblib, tasks, **options)
    yield from results


def _started(joblib: Any, tasks: Iterable[Any], **options: Any) -> Any:
    """Results of tasks in their order, from processes that Ctrl-C does not reach.

    They inherit that it is ignored; this process is interrupted alone, and ends them. A signal mask
    would not do: starting loky's resource tracker clears it.
    """
    parallel = joblib.Parallel(return_as="generator", **options)
    if threading.current_thread() is not threading.main_thread():
        return parallel(tasks)  # only the main thread may say what becomes of signals
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return parallel(tasks)
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
