"""Options that several commands share, and how a configuration is found and unpacked."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.errors import OptimizerError

if TYPE_CHECKING:
    from typing import TypeVar

    from optimizer.config.sections import Config
    from optimizer.fems.client import FemsClient
    from optimizer.model.battery import Battery

    Client = TypeVar("Client", bound=FemsClient)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        help="The configuration (default: $OPTIMIZER_CONFIG, ./optimizer.toml, the user's folder, "
        "/etc/optimizer).",
        metavar="FILE",
    ),
]
AtOption = Annotated[
    str | None, typer.Option(help="A moment with its offset instead of now.", metavar="ISO")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
CsvOption = Annotated[
    Path | None, typer.Option(help="Write the steps as CSV too.", metavar="FILE", dir_okay=False)
]

DEADLINE_S = 3.0
"""Longest time for one exchange with the FEMS: read, release and release again on SIGTERM stay
below 10 s also when it hangs."""


def load_config(given: Path | None) -> "Config":
    """Find and read the configuration."""
    from optimizer.config import reading

    return reading.load(reading.find(given, os.environ))


def moment(text: str | None, name: str = "--at") -> datetime:
    """The moment that an option names, or now; UTC."""
    if text is None:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"'{text}' is not a moment such as 2026-01-14T13:00:00+01:00", param_hint=name
        ) from error
    if at.tzinfo is None:
        raise typer.BadParameter(
            f"'{text}' has no offset from UTC: write {text}+01:00 (winter) or {text}+02:00",
            param_hint=name,
        )
    return at.astimezone(UTC)


def client_of(config: "Config") -> "FemsClient":
    """A client for the configured FEMS."""
    from optimizer.fems.client import FemsClient

    return client_like(FemsClient, config)


def client_like(kind: "type[Client]", config: "Config") -> "Client":
    """A client of a kind of one's own."""
    fems = config.fems
    guest = fems.guest_password
    return kind(
        fems.url,
        fems.password.get_secret_value(),
        fems.ess,
        guest_password=None if guest is None else guest.get_secret_value(),
        reactive=fems.reactive,
        jsonrpc_port=fems.jsonrpc_port,
        deadline_s=DEADLINE_S,
    )


def battery_of(config: "Config", client: "FemsClient | None") -> "tuple[Battery, list[str]]":
    """The battery, and notes; `hybrid = "auto"` asks the FEMS.

    Where it cannot be asked a hybrid is assumed: most FENECON Home are, and the assumption only
    adds the inverter's rating as a limit.
    """
    setting = config.battery.hybrid
    if setting != "auto":
        return config.battery.battery(hybrid=setting), []
    answer = None
    if client is not None:
        try:
            answer = client.hybrid()
        except OptimizerError:
            answer = None
    if answer is None:
        return config.battery.battery(hybrid=True), [
            'battery.hybrid is "auto" and the FEMS was not asked: planned as a hybrid'
        ]
    return config.battery.battery(hybrid=answer), []
