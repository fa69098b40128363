"""Which sources there are, by the names that the configuration uses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.sources import table


@dataclass(frozen=True, slots=True)
class Settings:
    """What a source may need to know; a source refuses when its own part is missing."""

    section: str
    """Section of the configuration, for messages."""
    file: Path | None = None


Source = Callable[[Settings], pd.DataFrame]


def _file(settings: Settings) -> Path:
    if settings.file is None:
        raise ConfigError(f"{settings.section}: the source 'csv' needs a key 'file'")
    return settings.file


PRICES: Mapping[str, Source] = {"csv": lambda settings: table.read_prices(_file(settings))}
"""Answer a frame with `spot_eur_per_kwh`, or `buy_eur_per_kwh` and `sell_eur_per_kwh`."""

LOAD: Mapping[str, Source] = {"csv": lambda settings: table.read_power(_file(settings), "load_w")}
"""Answer a frame with `load_w`."""

ROOF: Mapping[str, Source] = {"csv": lambda settings: table.read_power(_file(settings), "pv_w")}
"""Answer a frame with `pv_w`."""


def fetch(kind: Mapping[str, Source], name: str, settings: Settings) -> pd.DataFrame:
    """Ask one source.

    Raises
    ------
    ConfigError
        If there is no source of that name.
    DataError
        If its answer is rejected.
    """
    source = kind.get(name)
    if source is None:
        near = get_close_matches(name, kind, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise ConfigError(
            f"{settings.section}: this version has no source '{name}'; {hint}"
            f"there are: {', '.join(sorted(kind))}"
        )
    return source(settings)
