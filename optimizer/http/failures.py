"""Failures of a service, by the planner's next move; to the owner all are rejected input."""

from optimizer.errors import DataError


class NotPublishedError(DataError):
    """The service has nothing for this time yet: normal before early afternoon; ask again later."""


class KeyRefusedError(DataError):
    """The service refuses (401, 403): do not ask again, the owner mends key or contract."""


class BusyError(DataError):
    """The service is down, slow, or limits the rate (429, 5xx): ask again later.

    Parameters
    ----------
    text
        What, where, what to do.
    retry_after_s
        Time before the next request that the service asks for [s]; None if it names none.
    """

    def __init__(self, text: str, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class RejectedError(DataError):
    """The service answered, but not with data of the documented shape: ask another source."""
