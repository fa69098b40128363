"""Columns of a table by their words: quantity and unit.

Words in German, English, Dutch, French, Spanish and Czech, as in the headers of meter portals,
inverters' exports and the FEMS Online-Monitoring.
"""

import re
import unicodedata
from enum import StrEnum


class Quantity(StrEnum):
    """Meaning of a column."""

    HOUSE = "house"
    CONSUMPTION = "consumption"
    """The house's load beside columns of PV or battery; else what a meter has counted."""
    DRAW = "grid draw"
    FEED = "feed-in"
    PV = "PV"
    BATTERY = "battery"
    PRICE = "price"
    OTHER = "other"
    UNKNOWN = "unknown"


_HOUSE = (
    r"haus(?!halt)|house(?!hold)|\bhome\b(?!.?assistant)|home_|gebaude"
    r"|(?<![a-z])load(?![a-z])|lastgang|lastprofil"
)
_WORDS = (
    (Quantity.OTHER, r"ladezustand|state of charge|(?<![a-z])soc(?![a-z])|%|staat van lading"
                     r"|niveau de charge|estado de carga|stav poplatku|stav nabiti"),
    (Quantity.OTHER, r"blind|reactive|kvar|co2|temperatur|spannung|voltage|abregel|grenze|limit"
                     r"|autark|eigenverbrauch|self.?(consum|use)|eigendeckung|gemeinschaft"
                     r"|community|restnetz|restuber|prognose|forecast|status|qualit"),
    (Quantity.BATTERY, r"batter|speicher|akku|accu\b|storage|opslag|memoire|almacen|sklad|zasobnik"
                       r"|(?<![a-z])ess(?![a-z])"),
    (Quantity.FEED, r"einspeis|feed|(?<![a-z])sell|export|injection|injectie|inyeccion|teruglever"
                    r"|uberschuss|surplus|lieferung|alimentation du|alimentacion de|napajeni"
                    r"|prodej|2\.[89]\.\d|to grid"),
    (Quantity.DRAW, r"netz(bezug|verbrauch)|aus (dem )?netz|(from|ex) grid"
                    r"|grid.(import|purchase|draw|consum|supply)"),
    (Quantity.HOUSE, _HOUSE),
    (Quantity.DRAW, r"bezug|netz(?!werk)|grid|purchase|import|netvoeding|afname|soutirage|housse"
                    r"|referencia de la red|sit.{0,3}ovy|nakup|1\.[89]\.\d"),
    (Quantity.PV, r"(?<![a-z])pv|solar|photovolt|erzeug|produ[ckz]|generation|vyroba|opwek|roof"),
    (Quantity.CONSUMPTION, r"verbrauch|consum|usage|verbruik|consomm|spotreb|messwert|abnahme"
                           r"|consommation"),
)  # fmt: skip
_MONEY = re.compile(r"cost|kosten|preis|price|betrag|\beur\b|\bchf\b|umsatz|tarif|spot|auktion")
_COUNTER = re.compile(
    r"zahlerstand|zaehlerstand|meter.?reading|(?<![a-z])stand(?![a-z])|counter|meterstand"
    r"|index|kumul|cumul|lifetime"
)
_POWER = re.compile(r"(?<![a-z0-9])(k|m|g)?w(h)?(?![a-z0-9])", re.IGNORECASE)
_PRICE = re.compile(
    r"(?<![a-z])(eur|euro|cent|ct|chf|rp|rappen|gbp|pence|p|sek|nok|dkk|ore|øre|czk|kc|huf|ft|pln|zl|zł"
    r"|gr|ron|lei|bani|bgn|isk)\.?\s*"
    r"(?:/|je|per|pro|_per_)\s*(k|m)?wh"
)
_HUNDREDTHS = {"cent": "EUR", "ct": "EUR", "rp": "CHF", "rappen": "CHF", "pence": "GBP",
               "p": "GBP", "ore": "SEK", "øre": "", "gr": "PLN",
               "bani": "RON"}  # fmt: skip
_WHOLE = {"euro": "EUR", "kc": "CZK", "ft": "HUF", "zl": "PLN", "zł": "PLN", "lei": "RON"}
_POWERS_OF_TEN = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
SPOT = re.compile(r"spot|borse|day.?ahead|epex|markt|market|exchange|auktion|auflosung|energy")
ALL_IN = re.compile(r"brutto|gross|all.?in|total|gesamt|endkunde|endpreis|buy|bezug|consumer|kauf")
SELL = re.compile(r"sell|einspeis|vergut|feed|export|verkauf|remuneration")


class Unit:
    """Unit of a column.

    Parameters
    ----------
    text
        As it is shown to the owner.
    factor
        Factor into W, Wh or currency/kWh.
    kind
        `power`, `energy` or `price`.
    """

    __slots__ = ("currency", "factor", "kind", "text")

    def __init__(self, text: str, factor: float, kind: str, currency: str = "") -> None:
        self.text, self.factor, self.kind, self.currency = text, factor, kind, currency


def folded(text: str) -> str:
    """Lower case without accents.

    >>> folded("Zählerstand Größe")
    'zahlerstand grosse'
    """
    plain = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss").replace("€", "eur"))
    return "".join(char for char in plain if not unicodedata.combining(char))


def unit_of(header: str) -> Unit | None:
    """The unit that a header, or a cell of a unit column, names.

    Examples
    --------
    >>> [unit_of(text).text for text in ("Verbrauch (kWh)", "load_w", "DE/LU [€/MWh] Auktion")]
    ['kWh', 'W', 'EUR/MWh']
    >>> unit_of("Einheit") is None
    True
    """
    text = folded(header)
    price = _PRICE.search(text)
    if price:
        name, power = price[1], _POWERS_OF_TEN[price[2] or ""]
        hundredths = name in _HUNDREDTHS
        currency = _HUNDREDTHS.get(name, _WHOLE.get(name, name.upper()))
        shown = (
            "ct" if name in ("cent", "ct") else currency if not hundredths else name.capitalize()
        )
        per = f"{price[2].upper() if price[2] == 'm' else price[2] or ''}Wh"
        factor = 1e3 / power * (0.01 if hundredths else 1.0)
        return Unit(f"{shown}/{per}", factor, "price", currency)
    found = _POWER.search(text)
    if found is None:
        return None
    prefix = (found[1] or "").lower()
    shown = {"k": "k", "m": "M", "g": "G"}.get(prefix, "")
    hours = bool(found[2])
    return Unit(f"{shown}W{'h' if hours else ''}", _POWERS_OF_TEN[prefix],
                "energy" if hours else "power")  # fmt: skip


def quantity_of(header: str) -> Quantity:
    """The meaning of a header's words.

    Examples
    --------
    >>> [str(quantity_of(text)) for text in ("Hausverbrauch [W]", "Netzbezug [W]", "Verbrauch")]
    ['house', 'grid draw', 'consumption']
    """
    text = folded(header)
    unit = unit_of(header)
    if (unit is not None and unit.kind == "price") or (unit is None and _MONEY.search(text)):
        return Quantity.PRICE
    for quantity, words in _WORDS:
        if re.search(words, text):
            return quantity
    return Quantity.UNKNOWN


def is_counter(header: str) -> bool:
    """Test for the words of a meter's reading, which only rises."""
    return bool(_COUNTER.search(folded(header)))


def is_register(header: str) -> bool:
    """Test for an OBIS code of active energy, which meters count in kWh.

    >>> is_register("Verbrauch Gesamt - 1.8.0"), is_register("Verbrauch")
    (True, False)
    """
    return bool(re.search(r"(?<![\d.])[12]\.[89]\.\d(?!\d)", header))


def names_end(header: str) -> bool:
    """Test for a stamp's header that says that it names the end."""
    return bool(re.search(r"messzeitpunkt|(?<![a-z])(bis|ende?|to|until|fin|tot)(?![a-z])",
                          folded(header)))  # fmt: skip


def names_start(header: str) -> bool:
    """Test for a stamp's header that says that it names the start."""
    return bool(re.search(r"(?<![a-z])(von|vom|ab|beginn|start|from|begin|debut|van|zeitstempel)",
                          folded(header)))  # fmt: skip


def names_utc(header: str) -> bool:
    """Test for a stamp's header that says that its moments are UTC."""
    return bool(re.search(r"(?<![a-z])(utc|gmt|zulu)(?![a-z+])", folded(header)))
