"""Currencies of prices and bills, as people are shown them.

Names of fields and JSON keys say `_eur_` whatever the currency: their amounts are those of the
plan's own one. Only texts for people name it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency with the hundredth in which prices of a kWh are shown."""

    code: str
    """ISO 4217 code, for amounts."""
    hundredth: str
    """Unit of prices."""
    size: float = 1.0
    """Units that are about one EUR, for judging sizes; no exchange rate."""

    def price(self, amount_per_kwh: float, digits: int = 1) -> str:
        """A price of a kWh for people.

        >>> EUR.price(0.2814), EUR.price(-0.0001), CURRENCIES["CHF"].price(0.3)
        ('28.1 ct', '0.0 ct', '30.0 Rp')
        """
        return f"{amount_per_kwh * 100:z.{digits}f} {self.hundredth}"

    def amount(self, amount: float, digits: int = 2) -> str:
        """An amount for people.

        >>> EUR.amount(1.234), CURRENCIES["SEK"].amount(-0.001)
        ('1.23 EUR', '0.00 SEK')
        """
        return f"{amount:z.{digits}f} {self.code}"


CURRENCIES = {
    one.code: one
    for one in (
        Currency("EUR", "ct"), Currency("CHF", "Rp"), Currency("GBP", "p"),
        Currency("PLN", "gr", 4), Currency("SEK", "öre", 10), Currency("DKK", "øre", 10),
        Currency("NOK", "øre", 10),
    )
}  # fmt: skip
"""Currencies in which a kWh costs less than 5 units, by their codes."""
EUR = CURRENCIES["EUR"]
