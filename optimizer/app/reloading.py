"""Reloading of the configuration while the executor runs: whole and valid, or not at all."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from optimizer.control.executor import SettingsChange
from optimizer.control.law import ControlSettings
from optimizer.control.replan import ReplanInterval
from optimizer.errors import OptimizerError

if TYPE_CHECKING:
    from optimizer.config.sections import Config
    from optimizer.model.battery import Battery

log = logging.getLogger(__name__)

FIXED = ("fems", "store")
"""Sections that a running executor keeps: they name its FEMS and its store."""


def change_of(
    config: "Config", battery: "Battery", follow: Literal["value", "intent", "power"] | None
) -> SettingsChange:
    """Settings of the executor from a configuration.

    Parameters
    ----------
    battery
        The configured battery, with its coupling decided.
    follow
        The command line's choice, which stands above the configuration's.
    """
    control = config.control
    law = ControlSettings(
        battery=battery,
        grid=config.connection,
        follow=follow or control.follow,
        write=control.write,
        site=config.site,
        peak=None if config.tariff is None else config.tariff.peak,
        zone=config.zone,
    )
    rhythm = ReplanInterval(timedelta(minutes=control.replan_minutes), config.zone, config.site)
    return SettingsChange(law, control.interval_s, rhythm)


@dataclass(slots=True)
class Reloading:
    """Reload requested by SIGHUP and carried out between two cycles."""

    read: "Callable[[], Config]"
    """Reads the configuration file."""
    coupled: "Callable[[Config], Battery]"
    """Returns the battery of a configuration, with its coupling decided."""
    current: "Config"
    follow: Literal["value", "intent", "power"] | None = None
    _asked: bool = False

    def ask(self) -> None:
        """Request a reload before the next cycle; safe in a signal handler."""
        self._asked = True

    def take(self) -> SettingsChange | None:
        """The new settings; None without a request, or if they cannot be used."""
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
                log.warning(
                    "[%s] was changed: that needs a restart, the rest is taken",
                    name,
                    extra={"kind": name},
                )
        self.current = config
        log.info("the configuration was read anew")
        return change_of(config, battery, self.follow)
