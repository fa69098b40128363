"""How a service can fail, by what the planner does next; all are rejected input to the owner."""

from optimizer.errors import DataError


class NotPublishedError(DataError):
    """The service has nothing for this time yet: normal before early afternoon; ask again later."""


class KeyRefusedError(DataError):
    """The service says "no" (401, 403): do not ask again, the owner mends key or contract."""


class BusyError(DataError):
    """The service is down, slow, or wants to be left alone (429, 5xx): ask again later.

    Parameters
    ----------
    text
        What, where, what to do.
    retry_after_s
        How long the service wants to be left alone [s]; None if it does not say.
    """

    def __init__(self, text: str, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class RejectedError(DataError):
    """The service answered, but not with data of the documented shape: ask another source."""
