"""Plan and control a FENECON home battery with price forecasts.

For notebooks: `optimizer.load(path)` gives the plan in force of a configuration's store.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.model.plan import Plan

__version__ = "0.1.0"


def load(path: Path | str, at: datetime | None = None) -> "Plan":
    """The plan in force under a configuration file.

    Parameters
    ----------
    path
        The configuration, `optimizer.toml`.
    at
        A moment with a time zone; now by default.

    Raises
    ------
    optimizer.errors.ConfigError
        If the file is wrong.
    optimizer.errors.NoPlanError
        If no stored plan covers the moment.
    """
    from optimizer.config import reading
    from optimizer.store import database, plans

    connection = database.connect(reading.load(Path(path)).store.folder)
    try:
        return plans.in_force(connection, at or datetime.now(UTC))
    finally:
        connection.close()
