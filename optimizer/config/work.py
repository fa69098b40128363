"""How the work is done: `[planning]`, `[control]`, `[store]`."""

import os
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import Field

from optimizer.config.types import Number, Section

Follow = Literal["value", "intent", "power"]
Write = Literal["equals", "bounds"]


class Planning(Section):
    """The night."""

    horizon_h: Annotated[int, Field(ge=2, le=192)] = 48
    step_minutes: Literal[15, 30, 60] = 15
    stored_value: Literal["auto"] | Annotated[Number, Field(ge=0, le=5)] = "auto"


class Control(Section):
    """The day."""

    interval_s: Annotated[Number, Field(ge=1, le=20)] = 10
    follow: Follow = "value"
    write: Write = "equals"
    replan_minutes: Annotated[Number, Field(ge=0, le=1440)] = 60


SYSTEM_STATE = Path("/var/lib/optimizer")
"""The state folder of a service of the whole computer; systemd makes it."""


def _state_folder() -> Path:
    """The folder that systemd gives, an installed service's for commands by hand, or the user's."""
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    return SYSTEM_STATE if SYSTEM_STATE.is_dir() else platformdirs.user_state_path("optimizer")


class Store(Section):
    """Where plans and journal are kept."""

    folder: Path = Field(default_factory=_state_folder)
