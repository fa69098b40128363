"""Record of the quarter-hours for grid operator and tax office: energies, prices, what was held.

`savings/energy_flows.py` states the rule of the flows, `savings/held_quarters.py` what was held.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from optimizer.app.device_access import client_of
from optimizer.app.stored_tables import StoredTable
from optimizer.errors import DataError
from optimizer.fems.device_history import fetch_meters
from optimizer.model.moments import QUARTER
from optimizer.model.plan import iso
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.report import table_files
from optimizer.savings import daily_accounts
from optimizer.savings.energy_flows import DelimitedEnergies, EnergyFlows, delimited, flows
from optimizer.savings.held_quarters import HeldQuarter, held_quarters
from optimizer.savings.measured_day import SEEN_S, QuarterPrice
from optimizer.store import journal, quarter_record, reading

if TYPE_CHECKING:
    from optimizer.config.sections import Config

STATE_BEFORE = timedelta(days=1)
"""So long before the span a change of the journal may have begun."""

PRICE_COLUMNS = ("buy_eur_per_kwh", "sell_eur_per_kwh", "cost_eur")

COLUMNS = (
    *table_files.QUARTER_COLUMNS, "end", *EnergyFlows._fields, *PRICE_COLUMNS, *HeldQuarter._fields,
    *DelimitedEnergies._fields,
)  # fmt: skip


def quarter_table(config: "Config", begin: datetime, end: datetime) -> StoredTable:
    """Metered quarter-hours that began in a span, oldest first, with all that explains them.

    The quantities of MiSpeL are empty unless `battery.hybrid` is false: they are defined by a meter
    before the battery alone.
    """
    with closing(reading.reader(config.store.folder)) as connection:
        quarters = quarter_record.between(connection, begin, end)
        if not quarters:
            return StoredTable(COLUMNS, [])
        first, last = quarters[0].start, quarters[-1].start + QUARTER
        prices = daily_accounts.metered(connection, first, last).prices
        ticks = journal.ticks_between(connection, first - STATE_BEFORE, last)
    held = held_quarters(ticks, last)
    alone = config.battery.hybrid is False
    rows = [
        dict(metered)
        | {"end": iso(quarter.start + QUARTER)}
        | flows(quarter)._asdict()
        | _priced(quarter, prices.get(quarter.start))
        | _held(quarter, held.get(quarter.start))
        | (delimited(quarter)._asdict() if alone else dict.fromkeys(DelimitedEnergies._fields))
        for quarter, metered in zip(quarters, table_files.quarter_rows(quarters), strict=True)
    ]
    return StoredTable(COLUMNS, rows)


def _priced(quarter: QuarterEnergy, price: QuarterPrice | None) -> dict[str, Any]:
    if price is None:
        return dict.fromkeys(PRICE_COLUMNS)
    cost_eur = (quarter.drawn_wh * price.buy - quarter.fed_wh * price.sell) / 1000
    return dict(zip(PRICE_COLUMNS, (price.buy, price.sell, cost_eur), strict=True))


def _held(quarter: QuarterEnergy, held: HeldQuarter | None) -> dict[str, Any]:
    """State of control; of the time that was not seen, as after a crash, nothing was held."""
    if held is None:
        return dict.fromkeys(HeldQuarter._fields)
    return held._replace(held_s=min(held.held_s, quarter.seconds))._asdict()


@dataclass(frozen=True, slots=True)
class CounterComparison:
    """An energy by this record and by the FEMS's own counter, over the same quarter-hours."""

    name: str
    """Name of the record's column."""
    quarters: int
    """Quarter-hours that both know whole."""
    record_wh: float
    fems_wh: float

    def text(self) -> str:
        """The figures as a line.

        >>> CounterComparison("drawn_wh", 96, 12_345.6, 12_400.0).text()
        'drawn: record 12.346 kWh, FEMS 12.400 kWh, difference -0.054 kWh (-0.4 %)'
        """
        off_wh = self.record_wh - self.fems_wh
        share = f" ({100 * off_wh / self.fems_wh:+.1f} %)" if abs(self.fems_wh) >= 1 else ""
        return (
            f"{self.name.removesuffix('_wh')}: record {self.record_wh / 1000:.3f} kWh, FEMS "
            f"{self.fems_wh / 1000:.3f} kWh, difference {off_wh / 1000:+.3f} kWh{share}"
        )


def compared(
    quarters: Sequence[QuarterEnergy], counters: Mapping[str, Mapping[datetime, float]]
) -> list[CounterComparison]:
    """Compare the record with the device's counters, by quarter-hours that both know whole.

    Parameters
    ----------
    counters
        Energies [Wh] by the record's names and by the start of the quarter-hour.
    """
    whole = [quarter for quarter in quarters if quarter.seconds >= SEEN_S]
    found = []
    for name, values in counters.items():
        both = [
            (energy, values[quarter.start])
            for quarter in whole
            if (energy := getattr(quarter, name)) is not None and quarter.start in values
        ]
        record_wh, fems_wh = (sum(column) for column in zip(*both, strict=True)) if both else (0, 0)
        found.append(CounterComparison(name, len(both), record_wh, fems_wh))
    return found


def counter_comparison(config: "Config", begin: datetime, end: datetime) -> list[CounterComparison]:
    """Ask the FEMS for its own counters over the recorded part of a span, and compare.

    Raises
    ------
    DataError
        If nothing is recorded in the span.
    UnreachableError, RefusedError
        If the FEMS does not answer.
    """
    with closing(reading.reader(config.store.folder)) as connection:
        quarters = quarter_record.between(connection, begin, end)
    if not quarters:
        raise DataError("no quarter-hour is recorded there: there is nothing to compare")
    zone = config.zone
    first, last = (quarters[place].start.astimezone(zone).date() for place in (0, -1))
    with client_of(config) as client:
        counters = fetch_meters(client.rpc, first, last + timedelta(days=1), zone)
    return compared(quarters, counters)
