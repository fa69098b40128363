"""Reading the configuration anew while the executor runs: whole and valid, or not at all."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from optimizer.control.executor import Change
from optimizer.control.memory import Settings
from optimizer.control.replan import Rhythm
from optimizer.errors import OptimizerError

if TYPE_CHECKING:
    from optimizer.config.sections import Config
    from optimizer.model.battery import Battery

log = logging.getLogger(__name__)

FIXED = ("fems", "store")
"""Sections that a running executor keeps: they would mean another FEMS or another file."""


def change_of(
    config: "Config", battery: "Battery", follow: Literal["value", "intent", "power"] | None
) -> Change:
    """What the executor takes from a configuration.

    Parameters
    ----------
    battery
        The configured one, with its coupling decided.
    follow
        The command line's word, which goes before the configuration's.
    """
    control = config.control
    zone = ZoneInfo(config.tariff.time_zone if config.tariff else "Europe/Berlin")
    law = Settings(
        battery,
        config.grid.grid(config.pv.kwp),
        follow or control.follow,
        control.write,
        config.site,
    )
    rhythm = Rhythm(timedelta(minutes=control.replan_minutes), zone, config.site)
    return Change(law, control.interval_s, rhythm)


@dataclass(slots=True)
class Reloading:
    """Asked by SIGHUP, answered between two cycles."""

    read: "Callable[[], Config]"
    """Reads the file."""
    coupled: "Callable[[Config], Battery]"
    """The battery of a configuration, with its coupling decided."""
    current: "Config"
    follow: Literal["value", "intent", "power"] | None = None
    _asked: bool = False

    def ask(self) -> None:
        """Have it read before the next cycle; safe in a signal's context."""
        self._asked = True

    def take(self) -> Change | None:
        """The new settings; None if nobody asked or they cannot be used."""
        if not self._asked:
            return None
        self._asked = False
        try:
            config = self.read()
            battery = self.coupled(config)
        except OptimizerError as error:
            log.warning("the old configuration stays: %s", "; ".join(str(error).splitlines()))
            return None
        for name in FIXED:
            if getattr(config, name) != getattr(self.current, name):
                log.warning("[%s] was changed: that needs a restart, the rest is taken", name)
        self.current = config
        log.info("the configuration was read anew")
        return change_of(config, battery, self.follow)
