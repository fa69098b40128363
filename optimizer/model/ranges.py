"""Constraints of quantities, written into the annotations of dataclasses.

A number outside its range is a mistake of unit, or hostile. The same annotation is obeyed by
`json_records.read_record`, which reads stored runs, and by pydantic, which validates the owner's
TOML into the dataclasses of `model` and `sources`. pydantic finds a constraint by its method
`__get_pydantic_core_schema__`, so nothing of pydantic is imported here.
"""

import re
from collections.abc import Callable
from datetime import datetime, time
from typing import Annotated, Any, NamedTuple

from optimizer.model import moments
from optimizer.model.currency import LARGEST_SIZE

Schema = dict[str, Any]
"""A core schema of pydantic: plain data."""
MONEY_SIZE = "money_size"
"""Key of pydantic's context with the size of the currency."""


def _after(function: Callable[[Any], Any], schema: Schema) -> Schema:
    """Schema that calls a function with the validated value."""
    return {
        "type": "function-after",
        "function": {"type": "no-info", "function": function},
        "schema": schema,
    }


def _before(function: Callable[[Any], Any], schema: Schema) -> Schema:
    """Schema that calls a function with the value as it was read."""
    return _after(function, schema) | {"type": "function-before"}


def _no_bool(value: object) -> object:
    """Refuse `true` where a number is expected; pydantic would read it as 1."""
    if isinstance(value, bool):
        raise ValueError("should be a number")
    return value


class Range(NamedTuple):
    """Least and most of a quantity, both allowed."""

    least: float
    most: float

    def check(self, value: float, place: str) -> None:
        """Refuse a value outside.

        Raises
        ------
        ValueError
            With a sentence that begins with the place.
        """
        if not self.least <= value <= self.most:
            raise ValueError(f"{place} is {value:.6g}, not within {self.least:g} to {self.most:g}")

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Schema]) -> Schema:
        """Schema of a number within the range."""
        return _before(_no_bool, handler(source) | {"ge": self.least, "le": self.most})


class MoneyRange(NamedTuple):
    """Least and most of an amount in EUR; in another currency times its size."""

    least: float
    most: float

    def sized(self, size: float) -> Range:
        """The range in a currency of which so many units are about one EUR."""
        return Range(self.least * size, self.most * size)

    def within(self, value: float, size: float) -> bool:
        """Test an amount in a currency of which so many units are about one EUR."""
        return self.least * size <= value <= self.most * size

    def check(self, value: float, place: str) -> None:
        """Refuse an amount outside in every currency.

        Raises
        ------
        ValueError
            With a sentence that begins with the place.
        """
        Range(self.least * LARGEST_SIZE, self.most * LARGEST_SIZE).check(value, place)

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Schema]) -> Schema:
        """Schema of an amount within the range of the context's `money_size`, by default EUR's."""
        limits = {"ge": self.least * LARGEST_SIZE, "le": self.most * LARGEST_SIZE}
        checked = _before(_no_bool, handler(source) | limits)
        within = {"type": "with-info", "function": self._in_currency}
        return {"type": "function-after", "function": within, "schema": checked}

    def __get_pydantic_json_schema__(
        self, core: Schema, handler: Callable[[Any], Schema]
    ) -> Schema:
        """JSON Schema with the widest range, and EUR's as `x-eur`."""
        return handler(core) | {"x-eur": [self.least, self.most]}

    def _in_currency(self, value: float, info: Any) -> float:
        size = (info.context or {}).get(MONEY_SIZE, 1.0)
        if value < self.least * size:
            raise ValueError(f"should be at least {self.least * size:g}")
        if value > self.most * size:
            raise ValueError(f"should be at most {self.most * size:g}")
        return value


class Count(NamedTuple):
    """Most and least items of a tuple."""

    most: int
    least: int = 0

    def check(self, value: tuple[object, ...], place: str) -> None:
        """Refuse a longer or a shorter one.

        Raises
        ------
        ValueError
            With a sentence that begins with the place.
        """
        if len(value) > self.most:
            raise ValueError(f"{place} has {len(value)} items, more than {self.most}")
        if len(value) < self.least:
            raise ValueError(f"{place} has {len(value)} items, fewer than {self.least}")

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Schema]) -> Schema:
        """Schema of a tuple of that length."""
        return handler(source) | {"min_length": self.least, "max_length": self.most}


class Check(NamedTuple):
    """A constraint that a function states: it returns the value, or raises `ValueError`.

    The error's text is the rest of a sentence that begins with the value's place. A configuration
    takes the returned value, which may be normalised.
    """

    function: Callable[[Any], Any]

    def check(self, value: object, place: str) -> None:
        """Refuse what the function refuses.

        Raises
        ------
        ValueError
            With a sentence that begins with the place.
        """
        try:
            self.function(value)
        except ValueError as error:
            raise ValueError(f"{place} {error}") from error

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Schema]) -> Schema:
        """Schema of the type, then the function."""
        return _after(self.function, handler(source))


class Pattern(NamedTuple):
    """A constraint that a regular expression states for a whole text."""

    regex: str
    fix: str
    """Rest of the sentence about another text."""
    strip: str = ""
    """Characters that are taken off the end."""

    def check(self, value: str, place: str) -> None:
        """Refuse a text that does not match.

        Raises
        ------
        ValueError
            With a sentence that begins with the place.
        """
        Check(self._matching).check(value, place)

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Schema]) -> Schema:
        """Schema of a text that matches."""
        return _after(self._matching, handler(source))

    def __get_pydantic_json_schema__(
        self, core: Schema, handler: Callable[[Any], Schema]
    ) -> Schema:
        """JSON Schema with the pattern."""
        return handler(core) | {"pattern": f"^{self.regex}$"}

    def _matching(self, value: str) -> str:
        if not re.fullmatch(self.regex, value):
            raise ValueError(self.fix)
        return value.rstrip(self.strip) if self.strip else value


class Derived:
    """Marks a field that the program fills in: it is no key of the configuration."""

    def check(self, value: object, place: str) -> None:
        """Accept every value that has the field's type."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Schema]) -> Schema:
        """Schema that refuses every value, so that the default stands."""
        return {
            "type": "custom-error",
            "schema": {"type": "none"},
            "custom_error_type": "unexpected_keyword_argument",
        }


class LocalTime(NamedTuple):
    """Marks a time of day in local time, such as "10:00": no number, no offset from UTC."""

    end: bool = False
    """The time is an end: "24:00" is midnight."""

    def check(self, value: time, place: str) -> None:
        """Refuse an offset.

        Raises
        ------
        ValueError
            With a sentence that begins with the place.
        """
        Check(self._local).check(value, place)

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Schema]) -> Schema:
        """Schema of a time that is written as a time."""
        return _before(self._written, _after(self._local, handler(source)))

    def __get_pydantic_json_schema__(
        self, core: Schema, handler: Callable[[Any], Schema]
    ) -> Schema:
        """JSON Schema; its format "time" would want an offset."""
        return {"type": "string", "pattern": r"^\d{2}:\d{2}(:\d{2})?$"}

    def _written(self, value: object) -> object:
        if self.end and isinstance(value, str) and re.fullmatch(r"24:00(:00)?", value):
            return "00:00"
        if isinstance(value, int | float):
            raise ValueError('should be a time of day such as "10:00"')
        return value

    @staticmethod
    def _local(value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("is local time: leave the offset out")
        return value


PERCENT = Range(0, 100)
WATTS = Range(0, 1_000_000)
CAPACITY_WH = Range(1, 1_000_000)
EFFICIENCY = Range(0.3, 1)
EUR_PER_KWH = MoneyRange(-1, 5)
"""European exchanges allow -0.5 to +5 EUR/kWh."""
HOUSE_W = Range(0, 100_000)
"""Load or PV power: a home of more than 100 kW is a mistake of unit."""
TAPER_POINTS = 50
"""Most points of a taper."""
CURVE_POINTS = 12
"""Most points of an efficiency over power."""

Percent = Annotated[float, PERCENT]
Watts = Annotated[float, WATTS]
CapacityWh = Annotated[float, CAPACITY_WH]
Efficiency = Annotated[float, EFFICIENCY]
EfficiencyCurve = Annotated[tuple[tuple[Watts, Efficiency], ...], Count(CURVE_POINTS)]
EurPerKwh = Annotated[float, EUR_PER_KWH]
HouseWatts = Annotated[float, HOUSE_W]
Taper = Annotated[tuple[tuple[Percent, Watts], ...], Count(TAPER_POINTS)]
Port = Annotated[int, Range(1, 65_535)]
Moment = Annotated[datetime, Check(moments.utc)]
TimeOfDay = Annotated[time, LocalTime()]
EndTimeOfDay = Annotated[time, LocalTime(end=True)]
