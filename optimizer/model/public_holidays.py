"""Public holidays by country, from the package `holidays`: imported where a tariff has them."""

import functools
from datetime import date
from types import ModuleType

from optimizer.errors import MissingExtraError


def check(code: str) -> None:
    """Refuse a country, or a part of one, of which no holidays are known.

    Parameters
    ----------
    code
        ISO 3166 code of a country, perhaps with its part: `DE`, `DE-BY`, `CH-ZH`.

    Raises
    ------
    ValueError
        With the parts that are known.
    MissingExtraError
        Without the package `holidays`.
    """
    country, _, part = code.partition("-")
    parts = _countries().get(country)
    if parts is None:
        raise ValueError(f"is '{code}', no country such as DE, AT, CH or ES, perhaps with its part")
    if part and part not in parts:
        raise ValueError(f"is '{code}', but the parts of {country} are: {', '.join(parts)}")


def is_holiday(day: date, code: str) -> bool:
    """Membership of a local day in the public holidays of a country or its part."""
    return day in _holidays(code, day.year)


def name_of(day: date, code: str) -> str | None:
    """Name of a local day's public holiday; None if it is none."""
    return _holidays(code, day.year).get(day)


@functools.cache
def _holidays(code: str, year: int) -> dict[date, str]:
    country, _, part = code.partition("-")
    package = _package()
    return dict(
        package.country_holidays(country, subdiv=part or None, years=year, language="en_US")
    )


@functools.cache
def _countries() -> dict[str, list[str]]:
    """Codes of the countries, each with those of its parts."""
    found: dict[str, list[str]] = _package().list_supported_countries()
    return found


def _package() -> ModuleType:
    try:
        import holidays
    except ImportError as error:
        raise MissingExtraError("tariff.holidays needs the package holidays", "holidays") from error
    return holidays
