"""The first configuration: what the FEMS says of itself, the owner's few answers, the file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from optimizer.errors import ConfigError, DataError, OptimizerError, UsageError
from optimizer.fems.channels import EssChannels
from optimizer.model.currency import EUR, Currency
from optimizer.model.grid import Grid
from optimizer.sources.source_settings import SOURCE_CURRENCY

if TYPE_CHECKING:
    from optimizer.config.sections import Config
    from optimizer.doctor.finding import Finding
    from optimizer.fems.client import FemsClient
    from optimizer.fems.edge_config import EdgeConfig
    from optimizer.model.snapshot import Snapshot

T = TypeVar("T")

LEAST_RESERVE_PERCENT = 5.0
"""Charge below which cells age quickly [%]; the default of `[battery] min_soc_percent`."""

HISTORY_DAYS = 28
"""Length of the past that is looked for in the FEMS's memory [days]."""

GERMANY = {
    "markup_eur_per_kwh": 0.018, "levies_eur_per_kwh": 0.02946, "tax_eur_per_kwh": 0.0205,
    "concession_eur_per_kwh": 0.0166,
}  # fmt: skip
"""German parts of 2026 beside the grid fee, net [EUR/kWh]; sources in `Tariff`'s notes."""

GERMAN_ADDED_EUR = 0.184
"""Fees and VAT on top of the exchange's price in a German town, gross [EUR/kWh]."""

VAT_PERCENT = {"DE-LU": 19.0, "AT": 20.0, "BE": 6.0, "NL": 21.0, "FR": 20.0, "CH": 8.1}
"""VAT on household power by bidding zone [%], of 2026."""

ALL_IN = ("tibber", "swiss", "octopus", "csv", "fixed")
"""Sources whose prices need no [tariff]; a table may have prices of the exchange too."""

NEEDS = {"csv": "file", "tibber": "tibber_token", "entsoe": "entsoe_token", "swiss": "swiss",
         "octopus": "octopus_tariff"}  # fmt: skip
"""Key that a source cannot do without."""


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """Facts of the FEMS; None is unknown."""

    origin: str
    soc_percent: float | None = None
    capacity_wh: float | None = None
    max_charge_w: float | None = None
    max_discharge_w: float | None = None
    hybrid: bool | None = None
    max_ac_w: float | None = None
    timeout_s: int | None = None
    config: "EdgeConfig | None" = None
    history_days: float = 0.0

    def lines(self) -> list[str]:
        """The facts in five lines."""
        return [
            f"FEMS     {self.origin}, battery at {_known(self.soc_percent, '%')}",
            f"battery  {_known(self.capacity_wh, 'kWh', 1000)}, charges with up to "
            f"{_known(self.max_charge_w, 'kW', 1000)}, gives up to "
            f"{_known(self.max_discharge_w, 'kW', 1000)}, {self._coupling()}",
            f"grid     {self._connection()}",
            f"control  {self._control()}",
            f"history  {self.history_days:.0f} of the last {HISTORY_DAYS} days of the house's load",
        ]

    def _coupling(self) -> str:
        if self.hybrid is None:
            return "coupling of the roof unknown"
        return "hybrid: the roof is on its inverter" if self.hybrid else "no roof on its inverter"

    def _connection(self) -> str:
        config = self.config
        if config is None:
            return "unknown: the FEMS does not show its settings"
        parts = [f"buys up to {_known(config.max_buy_w, 'kW', 1000)} (fuse)",
                 f"feeds in up to {_known(self.max_sell_w, 'kW', 1000)}"]  # fmt: skip
        return ", ".join(parts + (["the operator may limit it (14a)"] * config.operator_limits))

    def _control(self) -> str:
        config, parts = self.config, [f"time-out {_known(self.timeout_s, 's')}"]
        if config is not None:
            writes = {None: "unknown", True: "installed", False: "MISSING"}[config.rest_writes]
            parts.append(f"app for writing {writes}")
            if config.rest_above_balancing is False:
                parts.append("REST comes AFTER balancing: set-points have no effect")
            if config.above:
                parts.append(f"before us: {', '.join(config.above)}")
        return ", ".join(parts)

    @property
    def max_sell_w(self) -> float | None:
        """Feed-in limit [W]; None if unknown or none."""
        config = self.config
        if config is None or config.feed_in_type == "NO_LIMITATION":
            return None
        return config.max_sell_w

    @property
    def reserve_percent(self) -> float:
        """Charge that the FEMS keeps for blackouts [%]."""
        found = None if self.config is None else self.config.reserve_soc_percent
        return max(LEAST_RESERVE_PERCENT, found or 0.0)


def _known(value: float | None, unit: str, factor: float = 1.0) -> str:
    return "unknown" if value is None else f"{value / factor:.4g} {unit}"


@dataclass(frozen=True, slots=True)
class Answers:
    """The owner's answers; None leaves a thing out."""

    url: str
    password: str
    """Password of the FEMS, or "file:NAME"."""
    source: str = "energy-charts"
    source_value: str | None = None
    """What the source needs: a file, a token, a tariff's name."""
    zone: str = "DE-LU"
    price_eur_per_kwh: float | None = None
    """Fees and VAT on top of the exchange's price, gross; with `fixed` the whole price."""
    money: Currency = EUR
    """Currency of the bill."""
    eur_rate: float | None = None
    """Units of it for one EUR, where the source answers in EUR."""
    place: tuple[float, float] | None = None
    """Latitude and longitude [degrees]."""
    kwp: float | None = None
    rule: str = "grid_charge"
    reserve_percent: float = 5.0


def read_device(client: "FemsClient", now: datetime) -> DeviceFacts:
    """Ask the FEMS for everything that a configuration needs.

    Raises
    ------
    UnreachableError, RefusedError
        If it cannot be read at all.
    """
    seen = client.snapshot(now)
    config = _quietly(client.edge_config)
    hybrid = _quietly(client.hybrid)
    coupled = config.hybrid if config is not None and not hybrid else hybrid
    ac_w = _channel(client, "MaxApparentPower")
    return DeviceFacts(
        origin=client.origin,
        soc_percent=seen.soc_percent,
        capacity_wh=_channel(client, EssChannels.CAPACITY),
        max_charge_w=_largest(seen.allowed_charge_w, ac_w),
        max_discharge_w=_largest(_battery_discharge_w(seen, coupled), ac_w),
        hybrid=coupled,
        max_ac_w=ac_w,
        timeout_s=_quietly(client.timeout_s),
        config=config,
        history_days=_quietly(lambda: _history_days(client, now)) or 0.0,
    )


def _quietly(ask: Callable[[], T]) -> T | None:
    """An answer, None where the FEMS does not give it."""
    try:
        return ask()
    except OptimizerError:
        return None


def _channel(client: "FemsClient", name: str) -> float | None:
    from optimizer.fems import channels

    points = _quietly(lambda: client.points(client.ess, name)) or []
    return channels.number(channels.read_values(points), f"{client.ess}/{name}")


def _battery_discharge_w(seen: "Snapshot", hybrid: bool | None) -> float | None:
    """Discharging power allowed to the battery alone [W]: on a hybrid the FEMS adds the PV's."""
    if not hybrid or None in (seen.allowed_discharge_w, seen.ess_w, seen.battery_w):
        return seen.allowed_discharge_w
    dc_pv_w = (seen.ess_w or 0.0) - (seen.battery_w or 0.0)
    return max((seen.allowed_discharge_w or 0.0) - max(dc_pv_w, 0.0), 0.0)


def _largest(allowed_w: float | None, ac_w: float | None) -> float | None:
    """Power by the inverter's rating: what is allowed now may be less, near full or in frost."""
    known = [abs(watts) for watts in (allowed_w, ac_w) if watts]
    return max(known, default=None)


def _history_days(client: "FemsClient", now: datetime) -> float:
    from optimizer.fems import device_history
    from optimizer.model.tariff import BERLIN

    today = now.astimezone(BERLIN).date()
    begin = today - timedelta(days=HISTORY_DAYS)
    quarters = device_history.fetch_power(client.rpc, begin, today, BERLIN)
    return sum(quarter.load_w is not None for quarter in quarters) / 96


def file_text(answers: Answers, device: DeviceFacts) -> str:
    """The configuration as commented TOML.

    Raises
    ------
    UsageError
        If an answer is missing that another one needs.
    DataError
        If the FEMS does not say how large the battery is.
    """
    from optimizer.config import starter_file

    values, notes = _values(answers, device)
    return starter_file.text(values, notes)


def _values(
    answers: Answers, device: DeviceFacts
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    from optimizer.config.starter_file import Verbatim

    battery, notes = _battery(answers, device)
    grid: dict[str, Any] = {"rule": answers.rule}
    buy_w = None if device.config is None else device.config.max_buy_w
    for key, found in (("max_buy_w", buy_w), ("max_sell_w", device.max_sell_w)):
        grid[key] = round(found if found is not None else getattr(Grid(), key))
        notes[f"grid.{key}"] = "from the FEMS" if found is not None else "assumed"
    values: dict[str, dict[str, Any]] = {
        "fems": {"url": answers.url, "password": answers.password},
        "battery": battery,
        "grid": grid,
        **_prices(answers, notes),
    }
    if answers.kwp:
        if answers.place is None:
            raise UsageError("the PV forecast needs the house's place: --place LATITUDE,LONGITUDE")
        kwp = f"{answers.kwp:g}"
        values["pv"] = {
            "source": "open-meteo", "latitude": answers.place[0], "longitude": answers.place[1],
            "inverter_w": round(device.max_ac_w or 1000 * answers.kwp),
            "planes": Verbatim(
                f"[{{ kwp = {kwp}, tilt_degrees = 30, compass_degrees = 180 }}]"
            ),
        }  # fmt: skip
        notes["pv.planes"] = "assumed: 30 degrees, to the south"
    values["load"] = {"source": "fems" if device.history_days >= 1 else "profile"}
    if device.history_days < 1:
        notes["load.source"] = 'assumed; take "fems" when the FEMS knows some days'
        values["load"]["annual_kwh"] = 4000
    return values, notes


def _battery(answers: Answers, device: DeviceFacts) -> tuple[dict[str, Any], dict[str, str]]:
    if device.capacity_wh is None:
        raise DataError(
            "the FEMS does not say how large the battery is: write [battery] capacity_wh by hand, "
            "as in optimizer/config/example.toml"
        )
    battery: dict[str, Any] = {
        "capacity_wh": round(device.capacity_wh),
        "min_soc_percent": answers.reserve_percent,
    }
    notes = {"battery.capacity_wh": "from the FEMS"}
    for key in ("max_charge_w", "max_discharge_w", "max_ac_w"):
        found = getattr(device, key)
        if found is not None:
            battery[key] = round(found)
            notes[f"battery.{key}"] = "from the FEMS"
    battery["hybrid"] = "auto" if device.hybrid is None else device.hybrid
    return battery, notes


def _prices(answers: Answers, notes: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Sections `[prices]` and `[tariff]`; the parts make up what the owner pays in all."""
    name = answers.source
    chain = [name, "smard"] if (name, answers.zone) == ("energy-charts", "DE-LU") else [name]
    prices: dict[str, Any] = {"sources": chain, "zone": answers.zone}
    if answers.money != EUR:
        prices["currency"] = answers.money.code
    if needs_rate(name, answers.money):
        if answers.eur_rate is None:
            raise UsageError(
                f"prices of '{name}' are in EUR: how many {answers.money.code} are one EUR? "
                "--eur-rate NUMBER"
            )
        prices["eur_rate"] = answers.eur_rate
    if name in NEEDS:
        if not answers.source_value:
            raise UsageError(f"the source '{name}' needs its {NEEDS[name]}: --source-value VALUE")
        prices[NEEDS[name]] = answers.source_value
    if name == "fixed":
        if answers.price_eur_per_kwh is None:
            raise UsageError("the source 'fixed' needs your price: --price EUR_PER_KWH, all-in")
        prices |= {"eur_per_kwh": answers.price_eur_per_kwh, "all_in": True}
    export = {
        "eur_per_kwh": round(0.0778 * answers.money.size, 2 if answers.money.size > 1 else 4),
        "zero_when_spot_negative": False,
    }
    notes["tariff.export.eur_per_kwh"] = "assumed: see your feed-in contract"
    if name in ALL_IN and not (name == "csv" and answers.price_eur_per_kwh is not None):
        return {"prices": prices, "tariff": {}, "tariff.export": export}
    return {"prices": prices, "tariff": _tariff(answers, notes), "tariff.export": export}


def needs_rate(source: str, money: Currency) -> bool:
    """Test for a source in EUR beside a bill in another currency."""
    return money != EUR and SOURCE_CURRENCY.get(source) == EUR.code


def _tariff(answers: Answers, notes: dict[str, str]) -> dict[str, Any]:
    vat = VAT_PERCENT.get(answers.zone, 0.0)
    german = answers.zone == "DE-LU" and answers.money == EUR
    gross = answers.price_eur_per_kwh
    if gross is None and not german:
        raise UsageError(
            f"what is added to the exchange's price in {answers.zone} is not known here: "
            "--price EUR_PER_KWH, fees and VAT in"
        )
    parts = GERMANY if german else {}
    net = (GERMAN_ADDED_EUR if gross is None else gross) / (1 + vat / 100)
    fee = round(net - sum(parts.values()), 5)
    notes["tariff.grid_fee_eur_per_kwh"] = (
        "assumed: see your grid operator's price sheet" if gross is None else "the rest of your "
        "price"
    )  # fmt: skip
    return {**parts, "grid_fee_eur_per_kwh": fee, "vat_percent": vat}


@contextmanager
def draft(path: Path, text: str) -> "Iterator[tuple[Config, Callable[[], None]]]":
    """The configuration that a text makes at a path, and the function that puts it there.

    Until it is called, the text is in a hidden file beside (0600), which is removed in any case.

    Raises
    ------
    ConfigError
        If an answer is wrong; with one sentence for each fault.
    UsageError
        If there is a file of that name.
    DataError
        If it cannot be written.
    """
    from optimizer.config import loading
    from optimizer.store import files

    refuse_existing(path)
    part = path.with_name(f".{path.name}.init")
    try:
        files.replace_private(part, text)
        yield loading.load(part), lambda: _put(part, path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error
    except ConfigError as error:
        raise ConfigError(str(error).replace(f"{part}: ", "")) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _put(part: Path, path: Path) -> None:
    refuse_existing(path)
    part.replace(path)


def price_finding(config: "Config") -> "tuple[Finding | None, str]":
    """The price now for comparison with the bill, or the reason why it is not known."""
    from optimizer.app import price_now

    try:
        return price_now.price_now(config, datetime.now(UTC)), "no source covers this moment"
    except OptimizerError as error:
        return None, str(error)


def refuse_existing(path: Path) -> None:
    """Refuse to overwrite a configuration.

    Raises
    ------
    UsageError
    """
    if path.exists():
        raise UsageError(f"{path} exists already: move it away, or name another file with --out")
