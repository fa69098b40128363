"""Tables of an owner: meter portals, inverters and monitoring, saved workbooks, price downloads.

One reader for load, PV and prices. The own form (`owner_csv.py`) is strict and asked first. Of any
other table stamps, numbers and units are recognised by what the columns hold and by their words.
A meter of the grid operator counts energy bought from the grid: with PV or battery that is not the
house's load.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from optimizer.errors import ConfigError, DataError
from optimizer.http.service_client import ServiceClient
from optimizer.model import frames
from optimizer.model.currency import EUR, LARGEST_SIZE, Currency, known
from optimizer.model.plan import iso
from optimizer.sources import (
    owner_csv,
    parsing,
    price_checks,
    state_history,
    table_choice,
    table_columns,
    table_days,
    table_layout,
    table_steps,
    table_text,
)
from optimizer.sources.parsing import StepValue
from optimizer.sources.source_settings import LoadSettings, PriceSettings, PvSettings, Span
from optimizer.sources.table_choice import TableColumn
from optimizer.sources.table_columns import Quantity
from optimizer.sources.table_layout import Layout
from optimizer.sources.table_steps import Steps

SHORT_STEPS = {1: 15, 2: 30, 3: 15, 5: 15, 10: 30}
"""Steps of monitoring exports that are averaged, and the step that they become [min]."""
FEMS_EXPORT = re.compile(r"(datum|date|fecha) ?/ ?(uhrzeit|time|tijd|heure|hora|cas)$")
"""Header of the moments in an export of the FEMS Online-Monitoring: all languages that it has."""
DRAWN = (
    "load: {} holds energy bought from the grid ('{}'); that is the house's load only without roof "
    "and battery: set grid_only = true if there was neither"
)
PLANTS = {Quantity.PV, Quantity.BATTERY}
ZONE_WORDS = {
    "DE-LU": "deutschland/luxemburg", "AT": "osterreich", "CH": "schweiz", "FR": "frankreich",
    "NL": "niederlande", "BE": "belgien", "PL": "polen", "DK1": "danemark 1", "DK2": "danemark 2",
    "CZ": "tschechien", "HU": "ungarn", "SI": "slowenien", "IT-North": "italien (nord)",
}  # fmt: skip
"""Names of zones in SMARD's downloads, folded."""


@dataclass(frozen=True, slots=True)
class TableReading:
    """A table, and how it was understood."""

    frame: pd.DataFrame
    taken: tuple[str, ...]
    """Headers of the columns in use, the first one of the main quantity."""
    left: tuple[str, ...] = ()
    unit: str = ""
    stamps: str = ""
    """`start` or `end`, and what shows it."""
    zone: str = ""
    notes: tuple[str, ...] = ()
    drawn: bool = False
    """It holds energy bought from the grid."""
    currency: str = ""
    """Currency of prices, where the header names one."""

    @property
    def understood(self) -> str:
        """Columns and stamps in a few words.

        >>> TableReading(pd.DataFrame(), ("Verbrauch",), (), "kWh", "end: whole days").understood
        "'Verbrauch' in kWh, stamps name the end: whole days"
        """
        taken = ", ".join(f"'{name}'" for name in self.taken)
        return f"{taken} in {self.unit}, stamps name the {self.stamps}"


def fetch_load(settings: LoadSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """Read the owner's table of the past load."""
    return read_load(_file(settings), span.zone, settings.column,
                     grid_only=settings.grid_only).frame  # fmt: skip


def fetch_pv(settings: PvSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """Read the owner's table of PV power."""
    return read_pv(_file(settings), span.zone, settings.column).frame


def fetch_prices(settings: PriceSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """Read the owner's table of prices."""
    reading = configured_prices(settings, span.zone)
    stated = None if settings.rate_from(reading.currency) != 1.0 else known(reading.currency)
    price_checks.check_table(str(settings.file), reading.frame, stated or settings.money)
    return reading.frame


def configured_prices(settings: PriceSettings, zone: ZoneInfo) -> TableReading:
    """The owner's table of prices in the owner's currency.

    Raises
    ------
    ConfigError, DataError
        With file and place.
    """
    path = _file(settings)
    reading = read_prices(path, zone, settings.column, settings.zone, settings.money)
    named = reading.currency
    others = tuple(note for note in reading.notes if "set [prices] currency" not in note)
    if named in ("", settings.money.code):
        return replace(reading, notes=others)
    rate = settings.rate_from(named)
    if rate != 1.0:
        frame = parsing.at_rate(reading.frame, rate)
        return replace(reading, frame=frame, notes=(*others, settings.rate_note(str(path))))
    text = (
        f"{path}: its prices are in {named}, and are taken as {settings.money.code}: set "
        f'[prices] currency = "{named}"'
    )
    reading.frame.attrs[frames.NOTES] = (text,)
    return replace(reading, notes=(*others, text))


def _file(settings: PriceSettings | LoadSettings | PvSettings) -> Path:
    if settings.file is None:
        raise ConfigError(f"{settings.section}: a table needs a key 'file'")
    return settings.file


def read_load(
    path: Path, zone: ZoneInfo, column: str | None = None, *, grid_only: bool = False
) -> TableReading:  # fmt: skip
    """`load_w` [W]; beside it `pv_w` and `grid_w` where the table has them, NaN where unknown.

    Raises
    ------
    ConfigError
        If it holds energy bought from the grid and the configuration does not state that the house
        had neither PV nor battery.
    DataError
        With file and place.
    """
    text = table_text.read(path)
    if column is None and owner_csv.is_own(text, ("load_w",)):
        return _own(owner_csv.power_of(text, "load_w"), ("load_w",), text)
    if state_history.is_history(text):
        return _of_history(text, "load_w", column, grid_only=grid_only)
    table = _Table.read(text, zone)
    plants = [item for item in table.columns if item.quantity in PLANTS]
    of_house = {Quantity.HOUSE}
    if plants or FEMS_EXPORT.match(table_columns.folded(table.layout.names[0])):
        of_house.add(Quantity.CONSUMPTION)
    ranks = [{quantity} for quantity in sorted(of_house, reverse=True)]
    metered = {Quantity.CONSUMPTION, Quantity.DRAW}
    taken = table.choose([*ranks, metered, {Quantity.UNKNOWN}], column)
    producing = [item for item in table.columns if item.quantity in {*PLANTS, Quantity.FEED}]
    drawn = taken.quantity in metered - of_house or (
        taken.quantity is Quantity.UNKNOWN and column is None
    )
    if drawn:
        _refuse_draw(path, taken, list(filter(_is_used, producing)), grid_only=grid_only)
    frame = table.frame(taken, "load_w")
    others = [] if drawn else table.beside(frame)
    return table.reading(frame.assign(**{n: s for n, s, _ in others}),
                         (taken.name, *(name for *_, names in others for name in names)),
                         taken, drawn=drawn)  # fmt: skip


def read_pv(path: Path, zone: ZoneInfo, column: str | None = None) -> TableReading:
    """`pv_w` [W].

    Raises
    ------
    ConfigError, DataError
        With file and place.
    """
    text = table_text.read(path)
    if column is None and owner_csv.is_own(text, ("pv_w",)):
        return _own(owner_csv.power_of(text, "pv_w"), ("pv_w",), text)
    if state_history.is_history(text):
        return _of_history(text, "pv_w", column, grid_only=True)
    table = _Table.read(text, zone)
    taken = table.choose([{Quantity.PV}, {Quantity.UNKNOWN}], column)
    return table.reading(table.frame(taken, "pv_w"), (taken.name,), taken)


def read_prices(
    path: Path, zone: ZoneInfo, column: str | None = None, bidding_zone: str = "",
    money: Currency = EUR,
) -> TableReading:  # fmt: skip
    """`spot_eur_per_kwh`, or `buy_eur_per_kwh` and perhaps `sell_eur_per_kwh` [EUR/kWh].

    Parameters
    ----------
    money
        Currency of the prices where the table names none.

    Raises
    ------
    ConfigError, DataError
        With file and place.
    """
    text = table_text.read(path)
    if column is None and owner_csv.is_own(text, owner_csv.PRICE_COLUMNS):
        frame = owner_csv.prices_of(text, money.size)
        return _own(frame, tuple(str(name) for name in frame.columns.drop("end")), text)
    table = _Table.read(text, zone, mixed=True)
    priced = [c for c in table.columns if c.unit is not None and c.unit.kind == "price"]
    buying = [c for c in priced if not table_columns.SELL.search(table_columns.folded(c.name))]
    word = ZONE_WORDS.get(bidding_zone, bidding_zone.lower())
    of_zone = [c for c in buying if word and _of_zone(c.name, word, bidding_zone)]
    if column is None and not buying:
        names = ", ".join(f"'{name}'" for name in table.layout.names)
        raise DataError(
            f"{path}: no column of prices with a unit such as EUR/MWh or ct/kWh; it has {names}"
        )
    taken = table.choose([{Quantity.PRICE}], column, of_zone or buying)
    stated = known(taken.unit.currency) if taken.unit else None
    made = table.frame(taken, _price_column(taken, path), (stated or money).size)
    return table.reading(made, (taken.name,), taken)


def _of_zone(name: str, word: str, zone: str) -> bool:
    text = table_columns.folded(name)
    return text.startswith(word) or f"({zone.lower()})" in text or f"|{zone.lower()}" in text


def _price_column(column: TableColumn, path: Path) -> str:
    """Net exchange price or all-in price, by the column's words; EUR/MWh is the exchange's."""
    text = table_columns.folded(column.name)
    if table_columns.SPOT.search(text) or (column.unit and column.unit.text.endswith("/MWh")):
        return "spot_eur_per_kwh"
    if table_columns.ALL_IN.search(text):
        return "buy_eur_per_kwh"
    raise DataError(
        f"{path}: column '{column.name}' does not say whether its prices are the exchange's (net) "
        "or all-in: write 'spot' or 'all-in' into its header"
    )


def _own(frame: pd.DataFrame, wanted: tuple[str, ...], text: table_text.TableText) -> TableReading:
    """A table of the own form."""
    names = [str(cell).strip() for cell in text.rows[0].cells]
    taken = tuple(name for name in names if owner_csv.FACTORS.get(name, (name,))[0] in wanted)
    left = tuple(name for name in names if name not in ("start", *taken))
    unit = table_columns.unit_of(taken[0])
    return TableReading(
        frame, taken, left, unit.text if unit else "", "start: the own form", "offsets are written"
    )


def _of_history(
    text: table_text.TableText, name: str, column: str | None, *, grid_only: bool
) -> TableReading:
    """An exported history of Home Assistant."""
    history = state_history.read(text, column)
    drawn = table_columns.quantity_of(history.entity.replace("_", " ")) is Quantity.DRAW
    if drawn and not grid_only:
        raise ConfigError(DRAWN.format(text.path, history.entity))
    frame = state_history.quarters(history, name, str(text.path))
    kind = "rises between readings" if history.unit.kind == "energy" else "means over time"
    return TableReading(
        frame, (history.entity,), (), f"{history.unit.text}, {kind}",
        "start: each state holds until the next", "offsets are written", drawn=drawn,
    )  # fmt: skip


def _is_used(column: TableColumn) -> bool:
    return any(value for value in column.values)


def _refuse_draw(
    path: Path, column: TableColumn, plants: Sequence[TableColumn], *, grid_only: bool
) -> None:
    if plants and grid_only:
        raise ConfigError(
            f"load: {path}: '{column.name}' is not the house's load: the table itself has "
            f"'{plants[0].name}', so there was PV or a battery; take grid_only out and use a file "
            "with the house's consumption"
        )
    if not grid_only and column.quantity is Quantity.UNKNOWN:
        raise ConfigError(
            f"load: {path} does not say whether '{column.name}' is the house's load or energy "
            f'bought from the grid: set column = "{column.name}" if it is the house\'s, or '
            "grid_only = true if there was neither roof nor battery"
        )
    if not grid_only:
        raise ConfigError(DRAWN.format(path, column.name))


@dataclass(frozen=True, slots=True)
class _Table:
    """A table with the steps of its rows and its columns of numbers."""

    layout: Layout
    steps: Steps
    columns: list[TableColumn]
    zone: ZoneInfo

    @classmethod
    def read(cls, text: table_text.TableText, zone: ZoneInfo, *, mixed: bool = False) -> "_Table":
        """The table of a text; one with a row for each day is turned into steps first."""
        steps, notes = table_days.by_steps(text, zone)
        layout = table_layout.layout_of(steps)
        return cls.of(replace(layout, notes=(*notes, *layout.notes)), zone, mixed=mixed)

    @classmethod
    def of(cls, layout: Layout, zone: ZoneInfo, *, mixed: bool = False) -> "_Table":
        path = str(layout.text.path)
        layout = table_layout.without_hours_that_do_not_exist(layout, zone)
        steps = table_steps.steps_of(layout.stamps, layout.ends, zone, path,
                                     word=layout.stamp_words)  # fmt: skip
        if len(set(steps.lengths)) > 1 and not mixed:
            shown = " and ".join(
                f"{n / timedelta(minutes=1):g} min" for n in sorted(set(steps.lengths))
            )
            raise DataError(f"{path}: steps of {shown} are mixed: save it with one step")
        return cls(layout, steps, table_choice.columns_of(layout, steps.step), zone)

    def choose(
        self, ranks: list[set[Quantity]], wanted: str | None,
        among: Sequence[TableColumn] | None = None,
    ) -> TableColumn:  # fmt: skip
        columns = self.columns if among is None or wanted is not None else among
        return table_choice.chosen(columns, ranks, self.steps, self.layout, wanted)

    def frame(self, column: TableColumn, name: str, money_size: float = 1.0) -> pd.DataFrame:
        """A checked frame of a column; impossible values are holes."""
        steps = table_choice.starts_of(column, self.steps)
        values = table_choice.in_base_unit(column, self.steps)
        points = [StepValue(at, at + length, value)
                  for at, length, value in zip(steps.starts, steps.lengths, values, strict=True)
                  if at is not None]  # fmt: skip
        path = str(self.layout.text.path)
        self._refuse_several(points)
        minutes = round(steps.step / timedelta(minutes=1))
        if minutes in SHORT_STEPS:
            points = parsing.averaged(
                parsing.without_impossible(points, name),
                timedelta(minutes=SHORT_STEPS[minutes]),
            )
        return parsing.series_frame(points, name, path, money_size)

    def _refuse_several(self, points: Sequence[StepValue]) -> None:
        """Refuse a table of several meters, and name the column that distinguishes them."""
        values: dict[datetime, float] = {}
        double = next((p for p in points if p.value is not None
                       and values.setdefault(p.start, p.value) != p.value), None)  # fmt: skip
        if double is None:
            return
        for number, name in enumerate(self.layout.names):
            kinds = {str(cell).strip() for cell in self.layout.cells(number)}
            if 2 <= len(kinds) <= 1 + len(points) // 20 and number not in self.layout.columns.all \
                    and number not in {column.number for column in self.columns}:  # fmt: skip
                raise DataError(
                    f"{self.layout.text.path}: two values for {iso(double.start)}; column '{name}' "
                    f"has {', '.join(sorted(kinds))}: save one of them only"
                )

    def beside(self, frame: pd.DataFrame) -> list[tuple[str, "pd.Series[float]", tuple[str, ...]]]:
        """PV and grid power beside a house's load, each where one column of power has it."""
        found: list[tuple[str, pd.Series[float], tuple[str, ...]]] = []
        pv, draw, feed = (self._single(q) for q in (Quantity.PV, Quantity.DRAW, Quantity.FEED))
        if pv is not None:
            found.append(("pv_w", self._series(pv, frame), (pv.name,)))
        if draw is not None and feed is not None:
            grid = self._series(draw, frame) - self._series(feed, frame)
            found.append(("grid_w", grid, (draw.name, feed.name)))
        return found

    def _single(self, quantity: Quantity) -> TableColumn | None:
        fitting = [c for c in self.columns if c.quantity is quantity and c.unit is not None]
        return fitting[0] if len(fitting) == 1 else None

    def _series(self, column: TableColumn, frame: pd.DataFrame) -> "pd.Series[float]":
        """Values of a column on the steps of a frame, NaN where unknown."""
        steps = table_choice.starts_of(column, self.steps)
        values = table_choice.in_base_unit(column, self.steps)
        rows = {
            at: math.nan if value is None else value
            for at, value in zip(steps.starts, values, strict=True)
            if at is not None
        }
        starts = sorted(rows)
        made = frames.frame_of(starts, [at + steps.step for at in starts],
                               value=[rows[at] for at in starts])  # fmt: skip
        return frames.on_steps(made, frame)["value"]

    def reading(
        self, frame: pd.DataFrame, taken: tuple[str, ...], main: TableColumn, *,
        drawn: bool = False,
    ) -> TableReading:  # fmt: skip
        """The frame with what was understood."""
        layout, steps = self.layout, table_choice.starts_of(main, self.steps)
        used = {layout.names[n] for n in layout.columns.all} | set(taken)
        written = any(stamp.offset is not None for stamp in layout.stamps[:1])
        unit = main.unit.text if main.unit else ""
        return TableReading(
            frame, taken, tuple(name for name in layout.names if name and name not in used),
            f"{unit}, a counter" if main.counter else unit, f"{steps.named}: {steps.shown_by}",
            "offsets are written" if written else self.zone.key,
            (*layout.notes, *steps.notes, *self._notes(main, frame)), drawn,
            main.unit.currency if main.unit else "",
        )  # fmt: skip

    def _notes(self, main: TableColumn, frame: pd.DataFrame) -> list[str]:
        """Sentences about rows that are not in the frame, and about currency."""
        values = table_choice.in_base_unit(main, self.steps)
        column = next(frames.COLUMNS[n] for n in frame.columns if n in frames.COLUMNS)
        least, most = column.limits(LARGEST_SIZE)  # a price that is none has been refused
        wrong = [(n, v) for n, v in enumerate(values)
                 if v is not None and not least <= v <= most]  # fmt: skip
        notes = []
        if wrong:
            place, value = wrong[0]
            line = self.layout.text.place(self.layout.rows[place].line)
            notes.append(f"{len(wrong)} impossible values are holes: {line}: {value:.6g} "
                         f"{column.unit}")  # fmt: skip
        if main.counter:
            known = [v for v in main.values if v is not None]
            falls = sum(b < a for a, b in pairwise(known))
            if falls:
                notes.append(f"the counter '{main.name}' falls {falls} times: holes there")
        if main.unit is not None and main.unit.currency not in ("", "EUR"):
            currency = main.unit.currency
            notes.append(f'prices are in {currency}: set [prices] currency = "{currency}"')
        return notes
