"""Who else is told what the executor does: `[metrics]` and `[mqtt]`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from optimizer.config.types import Section

Topic = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_/-]{1,64}$")]
Port = Annotated[int, Field(ge=1, le=65_535)]


class Metrics(Section):
    """Figures for Prometheus; nothing is told unless one of the two is set."""

    textfile: Path | None = None
    """Where node_exporter looks, a name that ends with .prom."""
    port: Port | None = None
    """Where Prometheus can ask."""
    host: str = "127.0.0.1"


class Mqtt(Section):
    """The broker that Home Assistant listens to."""

    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]+$")]
    port: Port = 1883
    user: str | None = None
    password: SecretStr | None = None
    tls: bool = False
    prefix: Topic = "homeassistant"
    """Where Home Assistant looks for new devices."""
