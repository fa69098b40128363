"""A forecast with what the owner should know of it."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class Expected:
    """A checked series, and notes about where it comes from."""

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
