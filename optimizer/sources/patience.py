"""Asking again, politely and within bounds, what is busy or not yet published."""

from collections.abc import Callable, Sequence

from optimizer.errors import OptimizerError
from optimizer.sources.failures import BusyError, NotPublishedError
from optimizer.sources.quarters import Gathered

FIRST_PAUSE_S = 10.0


def patiently(
    gather: Callable[[Sequence[str]], Gathered], complete: Callable[[Gathered], bool],
    patience_s: float, sleep: Callable[[float], None], tell: Callable[[str], None],
) -> Gathered:  # fmt: skip
    """Gather, and ask again what is busy or not yet published, politely and within bounds.

    Parameters
    ----------
    gather
        Takes the names of sources that need not be asked again.
    complete
        Whether what was gathered is all that can be expected now.
    patience_s
        Longest time that is waited in all [s]; a service's `Retry-After` beyond it ends it.
    sleep, tell
        Waits [s], and tells the owner why.
    """
    pause_s, left_s = FIRST_PAUSE_S, patience_s
    hopeless: dict[str, OptimizerError] = {}
    order: dict[str, None] = {}
    while True:
        made = gather(sorted(hopeless))
        worth = {
            name: error
            for name, error in made.failures.items()
            if isinstance(error, BusyError | NotPublishedError)
        }
        hopeless |= {n: e for n, e in made.failures.items() if n not in worth}
        order |= dict.fromkeys(made.failures)
        made.failures = {n: e for n in order if (e := made.failures.get(n, hopeless.get(n)))}
        asked = [e.retry_after_s or 0.0 for e in worth.values() if isinstance(e, BusyError)]
        wait_s = max([pause_s, *asked])
        if complete(made) or not worth or wait_s > left_s:
            return made
        words = "; ".join(dict.fromkeys(str(error) for error in worth.values()))
        tell(f"{words} (they are asked again in {wait_s:.0f} s)")
        sleep(wait_s)
        left_s, pause_s = left_s - wait_s, 2 * pause_s
