"""The doctor looks at price sources: each one is asked, and the chain is judged as a whole."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from optimizer.analysis.doctor_house import SOURCES
from optimizer.analysis.finding import Finding, Level
from optimizer.errors import ConfigError, ExitCode, OptimizerError
from optimizer.model import frames

if TYPE_CHECKING:
    import pandas as pd

PRICES = "prices"
NET = "net, of the exchange"


@dataclass(frozen=True, slots=True)
class Asked:
    """A source of the chain, and how it is asked."""

    ask: "Callable[[], pd.DataFrame]"
    licence: str
    kept_days: int = 0
    """Days of it that are kept in the store."""


def sources(
    chain: Mapping[str, Asked], now: datetime, expected: datetime, zone: ZoneInfo, *, stated: bool
) -> Iterator[Finding]:
    """One finding a source; only if none of them knows the present price is that a failure.

    Parameters
    ----------
    expected
        Up to when prices should be known now.
    stated
        Whether the owner has stated what is added to a net price.
    """
    found = [_source(name, asked, now, expected, zone) for name, asked in chain.items()]
    useful = any(covers for _, covers in found)
    for item, _ in found:
        if item.level is Level.WARN and not useful:
            code = item.exit_code or ExitCode.BAD_DATA
            yield replace(item, level=Level.FAIL, exit_code=code)
        else:
            yield replace(item, exit_code=ExitCode.OK)
    if not stated and any(covers and NET in item.text for item, covers in found):
        yield SOURCES.warn(
            PRICES, "[tariff] does not say what is added to the exchange's prices: nothing is "
            "charged from the grid", "state markup, levies, tax, grid fee and VAT, see README",
        )  # fmt: skip


def _source(
    name: str, asked: Asked, now: datetime, expected: datetime, zone: ZoneInfo
) -> tuple[Finding, bool]:
    """The finding, and whether the source knows the present price."""
    try:
        frame = asked.ask()
    except ConfigError as error:
        text = str(error).removeprefix("prices: ")
        item = SOURCES.warn(PRICES, text, "look at section [prices]")
        return replace(item, exit_code=error.exit_code), False
    except OptimizerError as error:
        kept = f" ({asked.kept_days} days of it are kept)" if asked.kept_days else ""
        item = SOURCES.error(PRICES, error, Level.WARN)
        text = f"{name}: {item.text}{kept}"
        return replace(item, text=text, exit_code=error.exit_code), False
    starts, ends = frames.starts_of(frame), frames.ends_of(frame)
    first, end = (at.astimezone(zone) for at in (starts[0], ends[-1]))
    step = (ends[0] - starts[0]) / timedelta(minutes=1)
    gaps = sum(after > before for before, after in zip(ends, starts[1:], strict=False))
    kind = "all-in" if "buy_eur_per_kwh" in frame.columns else NET
    text = (
        f"{name}: {len(frame)} steps of {step:g} min, {first:%d.%m. %H:%M} to "
        f"{end:%d.%m. %H:%M}, {gaps or 'no'} gaps; {kind}; {asked.licence}"
    )
    if not first <= now < end:
        return SOURCES.warn(
            PRICES, f"{text}: the present is not in it", "bring it up to date"
        ), False
    if end < expected:
        words = "the prices up to then are not there yet"
        return SOURCES.warn(
            PRICES, f"{text}: {expected.astimezone(zone):%d.%m. %H:%M} was expected",
            f"{words}; the next source of the chain is asked for them",
        ), True  # fmt: skip
    ahead = (end - now) / timedelta(hours=1)
    return SOURCES.ok(PRICES, f"{text}; {ahead:.0f} h ahead"), True
