"""Currencies of prices and bills: their names, units and sizes.

Names of fields and JSON keys say `_eur_` whatever the currency: their amounts are those of the
plan's own one. Only texts for people name it. Every bound, threshold and default of money is
stated for EUR and counts times the currency's `size`.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency with the unit in which prices of a kWh are shown."""

    code: str
    """ISO 4217 code, for amounts."""
    price_unit: str
    """Unit of prices: the hundredth, or the currency itself where suppliers quote it."""
    size: float = 1.0
    """Units that are about one EUR, for judging sizes; no exchange rate."""
    price_factor: float = 100.0
    """Units of prices in one unit of the currency."""
    price_digits: int = 1
    """Decimals of a price."""

    def in_price_units(self, amount_per_kwh: float) -> float:
        """A price of a kWh in its unit."""
        return amount_per_kwh * self.price_factor

    def number(self, amount_per_kwh: float, more_digits: int = 0) -> str:
        """A price of a kWh for people, without its unit."""
        return f"{self.in_price_units(amount_per_kwh):z.{self.price_digits + more_digits}f}"

    def price(self, amount_per_kwh: float, more_digits: int = 0) -> str:
        """A price of a kWh for people.

        >>> EUR.price(0.2814), EUR.price(-0.0001), CURRENCIES["CHF"].price(0.3)
        ('28.1 ct', '0.0 ct', '30.0 Rp')
        >>> CURRENCIES["CZK"].price(6.514), CURRENCIES["HUF"].price(36.52, 1)
        ('6.51 Kč', '36.52 Ft')
        """
        return f"{self.number(amount_per_kwh, more_digits)} {self.price_unit}"

    def amount(self, amount: float, digits: int = 2) -> str:
        """An amount for people.

        >>> EUR.amount(1.234), CURRENCIES["SEK"].amount(-0.001)
        ('1.23 EUR', '0.00 SEK')
        """
        return f"{amount:z.{digits}f} {self.code}"


CurrencyCode = Literal[
    "EUR", "CHF", "GBP", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN", "ISK"
]
"""Codes of `CURRENCIES`."""
CURRENCIES = {
    one.code: one
    for one in (
        Currency("EUR", "ct"), Currency("CHF", "Rp"), Currency("GBP", "p"),
        Currency("PLN", "gr", 4), Currency("SEK", "öre", 10), Currency("DKK", "øre", 10),
        Currency("NOK", "øre", 10), Currency("CZK", "Kč", 25, 1, 2),
        Currency("HUF", "Ft", 400, 1, 1), Currency("RON", "bani", 5), Currency("BGN", "st", 2),
        Currency("ISK", "kr", 150, 1, 1),
    )
}  # fmt: skip
"""Currencies of bills, by their codes."""
EUR = CURRENCIES["EUR"]
LARGEST_SIZE = max(one.size for one in CURRENCIES.values())
"""Most units of a currency that are about one EUR."""


def known(code: object) -> Currency | None:
    """The currency of a code; None for anything else."""
    return CURRENCIES.get(code) if isinstance(code, str) else None
