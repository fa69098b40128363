"""Access to the configured FEMS: its client, and the battery with its coupling decided."""

import socket
from typing import TYPE_CHECKING

from optimizer.errors import ConfigError, OptimizerError

if TYPE_CHECKING:
    from typing import TypeVar

    from optimizer.config.sections import Config
    from optimizer.fems.client import FemsClient
    from optimizer.model.battery import Battery

    Client = TypeVar("Client", bound=FemsClient)

DEADLINE_S = 3.0
"""Longest time for one exchange with the FEMS [s]: reading, releasing, and releasing again on
SIGTERM stay below 10 s also when it hangs."""


def client_of(config: "Config") -> "FemsClient":
    """A client for the configured FEMS."""
    from optimizer.fems.client import FemsClient

    return client_like(FemsClient, config)


def client_like(kind: "type[Client]", config: "Config") -> "Client":
    """A client of a given class for the configured FEMS.

    Raises
    ------
    ConfigError
        If its name belongs to a public address, and that was not allowed.
    """
    fems = config.fems
    if not fems.allow_public:
        _refuse_public_name(fems.host)
    guest = fems.guest_password
    return kind(
        fems.url,
        fems.password.get_secret_value(),
        fems.ess,
        guest_password=None if guest is None else guest.get_secret_value(),
        reactive=fems.reactive,
        jsonrpc_port=fems.jsonrpc_port,
        deadline_s=DEADLINE_S,
        allow_public=fems.allow_public,
    )


LOCAL_NAMES = (".local", ".lan", ".home", ".internal", ".home.arpa", ".fritz.box", ".localhost")
"""Ends of names that no public address has; their look-up may take seconds."""


def _refuse_public_name(host: str) -> None:
    """Look a name up, and refuse a public address; one that is not found is left to the client."""
    from optimizer.http.public_address import is_public

    single = "." not in host and ":" not in host and not host[:1].isdigit()
    if single or host.endswith(LOCAL_NAMES):
        return
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return
    public = sorted(str(address) for address in found if is_public(str(address)))
    if public:
        raise ConfigError(
            f"fems.url: {host} is {public[0]}, outside private networks: a FEMS speaks plain HTTP "
            "with a known password; if you mean it write allow_public = true into [fems]"
        )


def battery_of(config: "Config", client: "FemsClient | None") -> "tuple[Battery, list[str]]":
    """The configured battery, and notes for the owner; `hybrid = "auto"` asks the FEMS.

    Without an answer a hybrid is assumed: most FENECON Home are, and the assumption only adds the
    inverter's rating as a limit.
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
