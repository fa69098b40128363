"""Bill of one quarter-hour: the net price, each part of the tariff, VAT and the sum."""

from datetime import datetime

from optimizer.model.currency import EUR, Currency
from optimizer.model.local_hours import LocalHours
from optimizer.model.tariff import ExportKind, Tariff

PARTS = (
    ("markup", "supplier's markup"),
    ("levies", "levies"),
    ("tax", "electricity tax"),
    ("concession", "concession fee"),
)
"""Net parts of a tariff, apart from the grid fee, and their words."""


def lines(
    tariff: Tariff | None, net_eur_per_kwh: float | None, buy_eur_per_kwh: float,
    sell_eur_per_kwh: float | None, at: datetime, money: Currency = EUR, net: str = "exchange, net",
    window: LocalHours | None = None,
) -> list[str]:  # fmt: skip
    """Lines that add up to the price of the next kWh, in the unit of prices.

    Parameters
    ----------
    tariff
        None, or without stated parts, where nothing is added to the net price.
    net_eur_per_kwh
        Price that the tariff meets; None where the source gives all-in prices alone.
    net
        Words for it.
    window
        Hours for which a stated price holds.
    """
    fees = tariff or Tariff(stated=False)
    local = at.astimezone(fees.time_zone)
    made = [f"price of {local:%d.%m.%Y %H:%M}{_holiday(fees, at)}, {money.price_unit}/kWh"]
    if net_eur_per_kwh is not None and _same(fees.buy(net_eur_per_kwh, at), buy_eur_per_kwh):
        made += _parts(fees, net_eur_per_kwh, at, net, money)
        made[1] += _window(window)
    else:
        made.append(f"  all-in price of the source: nothing is added{_window(window)}")
    made.append(_line("bought", buy_eur_per_kwh, money))
    if sell_eur_per_kwh is not None:
        made.append(_line(f"sold ({_export(fees)})", sell_eur_per_kwh, money))
    return made


def _parts(
    tariff: Tariff, net_eur_per_kwh: float, at: datetime, words: str, money: Currency
) -> list[str]:
    """The net price, each part that is added to it, and VAT on their sum."""
    part, window = tariff.on(at), tariff.window_at(at)
    items = [(words, net_eur_per_kwh)]
    items += [(text, getattr(part, f"{name}_eur_per_kwh")) for name, text in PARTS]
    items.append(("grid fee", tariff.grid_fee(at)))
    net = sum(value for _, value in items)
    items.append((f"VAT {part.vat_percent:g} %", net * part.vat_percent / 100))
    made = [_line(text, value, money) for text, value in items]
    if tariff.grid_operator is not None:
        made[-2] += f"   {tariff.grid_operator}"
    made[-2] += _window(window)
    return made


def _window(window: LocalHours | None) -> str:
    return "" if window is None else f"   window {window}"


def _holiday(tariff: Tariff, at: datetime) -> str:
    """Words for a public holiday, which counts as a Sunday."""
    name = tariff.holiday(at)
    return "" if name is None else f" ({name}, counts as a Sunday)"


def _same(one: float, other: float) -> bool:
    return abs(one - other) < 1e-9


def _line(words: str, value: float, money: Currency) -> str:
    return f"  {words:24}{money.number(value, 1):>8}"


def _export(tariff: Tariff) -> str:
    kind = tariff.export.kind
    zero = ", 0 while the exchange is negative" if tariff.export.zero_when_spot_negative else ""
    words = {ExportKind.FIXED: "fixed", ExportKind.SPOT: "exchange"}.get(kind, "series")
    return f"{words}{zero}"
