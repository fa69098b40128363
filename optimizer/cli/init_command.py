"""`optimizer init`: the first configuration, in five questions at most."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from optimizer.cli.flag_faults import typed_number
from optimizer.errors import OptimizerError, UsageError
from optimizer.model.currency import CURRENCIES, EUR, LARGEST_SIZE, Currency, known
from optimizer.model.ranges import EUR_PER_KWH

if TYPE_CHECKING:
    from optimizer.app.first_setup import Answers, DeviceFacts

FILE = Path("optimizer.toml")
COLUMN = 9
"""Column at which the text of a line begins."""
FINDING_COLUMN = 26
"""The same of a finding."""
MOST_KWP = 1_000
"""Largest peak power of a PV system [kW]."""
MOST_RESERVE_PERCENT = 95
"""Largest charge that may always be kept [%]."""
RuleName = Literal["pv_only", "grid_charge", "green_export", "mixed"]

HostOption = Annotated[
    str | None, typer.Option(help="Address of the FEMS, such as 192.168.0.23.", metavar="ADDRESS")
]
PasswordOption = Annotated[
    Path | None,
    typer.Option(
        help="File with the password of the FEMS's user 'owner'.", metavar="FILE", dir_okay=False
    ),
]
SourceOption = Annotated[
    str | None, typer.Option(help="Source of prices (default: energy-charts).", metavar="NAME")
]
SourceValueOption = Annotated[
    str | None,
    typer.Option(help="What the source needs: its file, token or tariff.", metavar="TEXT"),
]
ZoneOption = Annotated[str, typer.Option(help="Bidding zone of the exchange.", metavar="NAME")]
PriceOption = Annotated[
    float | None,
    typer.Option(
        help="Fees and VAT on top of the exchange's price; with 'fixed' the whole price.",
        min=EUR_PER_KWH.least * LARGEST_SIZE,
        max=EUR_PER_KWH.most * LARGEST_SIZE,
        metavar="EUR_PER_KWH",
    ),
]
CurrencyOption = Annotated[
    str, typer.Option(help="Currency of your bill, such as CZK.", metavar="CODE")
]
RateOption = Annotated[
    float | None,
    typer.Option(
        help="Units of it for one EUR, for sources in EUR.", min=0.1, max=1_000, metavar="NUMBER"
    ),
]
PlaceOption = Annotated[
    str | None, typer.Option(help="Place of the house, such as 48.8,10.5.", metavar="LAT,LON")
]
KwpOption = Annotated[
    float | None,
    typer.Option(help="Peak power of the PV system [kW]; 0 for none.", min=0, max=MOST_KWP),
]
RuleOption = Annotated[
    RuleName | None, typer.Option(help="What may flow between battery and grid.")
]
ReserveOption = Annotated[
    float | None,
    typer.Option(
        help="Charge that is always kept [%].", min=0, max=MOST_RESERVE_PERCENT, metavar="PERCENT"
    ),
]


def init(
    host: HostOption = None,
    password_file: PasswordOption = None,
    source: SourceOption = None,
    source_value: SourceValueOption = None,
    zone: ZoneOption = "DE-LU",
    price: PriceOption = None,
    currency: CurrencyOption = "EUR",
    eur_rate: RateOption = None,
    place: PlaceOption = None,
    kwp: KwpOption = None,
    rule: RuleOption = None,
    reserve: ReserveOption = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The file.", metavar="FILE", dir_okay=False)
    ] = FILE,
    non_interactive: Annotated[
        bool, typer.Option("--non-interactive", help="Ask nothing; take the defaults.")
    ] = False,
) -> None:
    """Make the configuration: asks at most five things, reads the rest from the FEMS."""
    from optimizer.app import first_setup

    money = _currency(currency)
    _check_price(price, money)
    first_setup.refuse_existing(out)
    ask = not non_interactive
    if not ask and (host is None or password_file is None):
        raise UsageError("--non-interactive needs --host and --password-file")
    try:
        answers, device = _device(host, password_file, ask)
        for found in device.lines():
            _echo(found)
        answers = replace(answers, zone=zone, money=money)
        answers = _tariff(answers, source, source_value, price, eur_rate, ask)
        answers = _pv(answers, place, kwp, ask)
        wanted, kept = rule or _rule(device, ask), _reserve(device, reserve, ask)
        _write(out, replace(answers, rule=wanted, reserve_percent=kept), device, ask)
    except typer.Abort:  # Ctrl-C, or the end of the standard input
        raise UsageError(
            "ended before the last question: nothing was written; scripts say --non-interactive"
        ) from None


def _device(
    host: str | None, password_file: Path | None, ask: bool
) -> "tuple[Answers, DeviceFacts]":
    """Address and password, asked again until the FEMS can be read; and its facts."""
    from optimizer.app import first_setup
    from optimizer.app.device_access import DEADLINE_S
    from optimizer.fems.client import FemsClient

    while True:
        given = host or typer.prompt("1. Address of the FEMS on your network", "192.168.0.23")
        secret, written = _password(password_file)
        url = given if "://" in given else f"http://{given}"
        try:
            with FemsClient(url.rstrip("/"), secret, deadline_s=DEADLINE_S) as client:
                facts = first_setup.read_device(client, datetime.now(UTC))
        except OptimizerError as error:
            if not ask:
                raise
            typer.echo(f"{error}\nOnce more; Ctrl-C ends this.", err=True)
            host = password_file = None
            continue
        return first_setup.Answers(url=url.rstrip("/"), password=written), facts


def _password(file: Path | None) -> tuple[str, str]:
    """The password itself, and how it is written: as it is, or as the name of its file."""
    from optimizer.errors import ConfigError
    from optimizer.store import files

    if file is None:
        typed = typer.prompt(
            "   Password of its user 'owner' (not shown; as delivered: owner)", hide_input=True
        )
        return typed, typed
    text = files.text(file, 10_000, ConfigError).strip()
    return text, f"file:{file.absolute()}"


def _tariff(
    answers: "Answers", source: str | None, value: str | None, price: float | None,
    rate: float | None, ask: bool,
) -> "Answers":  # fmt: skip
    from optimizer.app import first_setup
    from optimizer.sources import registry

    names = list(registry.PRICES)
    if source is None:
        source = "energy-charts"
        if ask:
            _echo(f"2. Prices come from one of: {', '.join(names)}", 3)
            source = typer.prompt("   Source (energy-charts: the exchange's price)", source)
    registry.find(registry.PRICES, source, "prices.sources")
    money, unit = answers.money, f"{answers.money.price_unit}/kWh"
    if first_setup.needs_rate(source, money) and rate is None and ask:
        question = f"   Its prices are in EUR: how many {money.code} are one?"
        rate = typer.prompt(question, value_proc=typed_number(0.1, 1_000))
    need = first_setup.NEEDS.get(source)
    if need is not None and value is None and ask:
        value = typer.prompt(f"   {need}", hide_input=need.endswith("token"))
    if price is None and ask and source == "fixed":
        price = _asked_price(f"   What does a kWh cost, fees and VAT in? [{unit}]", None, money)
    if price is None and ask and source == "csv":
        _echo("   Prices of the exchange: what does your bill add, fees and VAT in?", 3)
        price = _asked_price(f"   {unit}, 0 if the file has it all", 0.0, money) or None
    if price is None and ask and source not in first_setup.ALL_IN:
        german = answers.zone == "DE-LU" and money == EUR
        typer.echo("   Your bill adds fees and VAT to the exchange's price: how much in all?")
        usual = first_setup.GERMAN_ADDED_EUR if german else None
        hint = " (usual in Germany: 18.4)" if german else ""
        price = _asked_price(f"   {unit}{hint}", usual, money)
    return replace(
        answers, source=source, source_value=value, price_eur_per_kwh=price, eur_rate=rate
    )


def _currency(code: str) -> Currency:
    """The currency of a code."""
    found = known(code.upper())
    if found is None:
        raise UsageError(f"--currency {code} is not known; there are: {', '.join(CURRENCIES)}")
    return found


def _check_price(price: float | None, money: Currency) -> None:
    """Refuse a price of a kWh that none has in its currency."""
    try:
        typed_number(*(limit * money.size for limit in EUR_PER_KWH))(price or 0.0)
    except typer.BadParameter as fault:
        raise typer.BadParameter(fault.message, param_hint="'--price'") from None


def _asked_price(question: str, usual: float | None, money: Currency) -> float:
    """A price of a kWh, asked in the unit in which bills have it."""
    unit = money.size * money.price_factor
    read = typed_number(*(limit * unit for limit in EUR_PER_KWH))
    shown = None if usual is None else money.in_price_units(usual)
    return float(typer.prompt(question, shown, value_proc=read)) / money.price_factor


def _pv(answers: "Answers", place: str | None, kwp: float | None, ask: bool) -> "Answers":
    if kwp is None and ask:
        kwp = typer.prompt(
            "3. Peak power of your PV system [kW], 0 for none",
            0.0,
            value_proc=typed_number(0, MOST_KWP),
        )
    if kwp and place is None and ask:
        place = typer.prompt("   Place of the house as latitude,longitude (48.8,10.5)")
    return replace(answers, kwp=kwp, place=None if place is None else _place(place))


def _place(text: str) -> tuple[float, float]:
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"'{text}' is no place: write latitude,longitude in degrees, such as 48.8,10.5"
        ) from None
    return latitude, longitude


def _rule(device: "DeviceFacts", ask: bool) -> str:
    """The rule by question or by what the FEMS says; no grid charge if nobody allowed it."""
    allowed = None if device.config is None else device.config.charge_from_grid
    if ask:
        typer.echo(
            "4. Charging from the grid keeps a fixed feed-in tariff, selling from it ends it."
        )
        allowed = typer.confirm(
            "   May the battery be charged from the grid?", allowed is not False
        )
    return "pv_only" if allowed is False else "grid_charge"


def _reserve(device: "DeviceFacts", given: float | None, ask: bool) -> float:
    if given is not None:
        return given
    if not ask:
        return device.reserve_percent
    return float(typer.prompt(
        "5. Charge that is always kept, for blackouts [%]", device.reserve_percent,
        value_proc=typed_number(0, MOST_RESERVE_PERCENT),
    ))  # fmt: skip


def _write(out: Path, answers: "Answers", device: "DeviceFacts", ask: bool) -> None:
    from optimizer.app import first_setup, stated_numbers

    text = first_setup.file_text(answers, device)
    with first_setup.draft(out, text) as (config, put):
        price, why = first_setup.price_finding(config)
        if price is None:
            _echo(f"price    unknown now: {why}", err=True)
        else:
            _echo(f"price    now {price.text}: is this what your bill says?")
        for finding in stated_numbers.unusual(config):
            _echo(finding.line(), FINDING_COLUMN, err=True)
        if ask and not typer.confirm(f"Write {out}?", default=True):
            typer.echo("Nothing was written.")
            return
        put()
    typer.echo(f"{out} is written, for your eyes only (0600). Next: {_next(out)}")


def _echo(line: str, column: int = COLUMN, *, err: bool = False) -> None:
    """Print a line, continued below its column where the terminal ends."""
    from optimizer.text.plan_table import fit

    typer.echo("\n".join(fit(line, column)), err=err)


def _next(out: Path) -> str:
    return "optimizer check" if out == FILE else f"optimizer --config {out} check"
