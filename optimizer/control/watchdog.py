"""The FEMS's own time-out, which ends our control when we cannot: never armed without it."""

from optimizer.errors import UnsafeTimeoutError

LONGEST_S = 300
"""A set-point that outlives its program by more than this is a danger [s]."""

WRITES_A_TIMEOUT = 5
"""So often a set-point is written anew within the time-out: three in a row may be lost, with time
to spare for the next."""


def safe_interval_s(timeout_s: int | None, interval_s: float) -> float:
    """How often to write [s], at most a fifth of the time-out; an unknown one changes nothing.

    Raises
    ------
    UnsafeTimeoutError
        If the FEMS would hold a set-point for ever, or for longer than 300 s.

    Examples
    --------
    >>> safe_interval_s(60, 10), safe_interval_s(15, 10), safe_interval_s(None, 10)
    (10, 3.0, 10)
    """
    if timeout_s is None:
        return interval_s
    if not 0 < timeout_s <= LONGEST_S:
        effect = (
            "never lets a set-point go"
            if timeout_s <= 0
            else f"holds a set-point for {timeout_s} s after its program has died"
        )
        raise UnsafeTimeoutError(
            f"The FEMS {effect}: set the time-out of its app REST/JSON Write Access to 60 s."
        )
    return min(interval_s, timeout_s / WRITES_A_TIMEOUT)
