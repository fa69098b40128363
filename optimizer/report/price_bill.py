"""Bill of one quarter-hour: the exchange's price, each part of the tariff, VAT and the sum."""

from datetime import datetime

from optimizer.model.tariff import ExportKind, Tariff

PARTS = (
    ("markup", "supplier's markup"),
    ("levies", "levies"),
    ("tax", "electricity tax"),
    ("concession", "concession fee"),
)
"""Net parts of a tariff, apart from the grid fee, and their words."""


def lines(
    tariff: Tariff | None, spot_eur_per_kwh: float | None, buy_eur_per_kwh: float,
    sell_eur_per_kwh: float | None, at: datetime,
) -> list[str]:  # fmt: skip
    """Lines that add up to the price of the next kWh, in ct/kWh.

    Parameters
    ----------
    tariff
        None, or without stated parts, where nothing is added to the exchange's price.
    spot_eur_per_kwh
        None where the source gives all-in prices alone.
    """
    fees = tariff or Tariff(stated=False)
    part, local = fees.on(at), at.astimezone(fees.time_zone)
    made = [f"price of {local:%d.%m.%Y %H:%M}, ct/kWh"]
    added = spot_eur_per_kwh is not None and _same(fees.buy(spot_eur_per_kwh, at), buy_eur_per_kwh)
    if added and spot_eur_per_kwh is not None:
        items = {"exchange, net": spot_eur_per_kwh}
        items |= {words: getattr(part, f"{name}_eur_per_kwh") for name, words in PARTS}
        fee = part.local_grid_fee(local)
        window = any(item.covers(local) for item in part.window)
        items["grid fee (window)" if window else "grid fee"] = fee
        net = sum(items.values())
        items[f"VAT {part.vat_percent:g} %"] = net * part.vat_percent / 100
        made += [_line(words, value) for words, value in items.items()]
    else:
        made.append("  all-in price of the source: nothing is added")
    made.append(_line("bought", buy_eur_per_kwh))
    if sell_eur_per_kwh is not None:
        made.append(_line(f"sold ({_export(fees)})", sell_eur_per_kwh))
    return made


def _same(one: float, other: float) -> bool:
    return abs(one - other) < 1e-9


def _line(words: str, value: float) -> str:
    return f"  {words:24}{value * 100:8.2f}"


def _export(tariff: Tariff) -> str:
    kind = tariff.export.kind
    zero = ", 0 while the exchange is negative" if tariff.export.zero_when_spot_negative else ""
    words = {ExportKind.FIXED: "fixed", ExportKind.SPOT: "exchange"}.get(kind, "series")
    return f"{words}{zero}"
