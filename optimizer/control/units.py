"""The systemd units as text, pure: what runs, when, as whom, and what it may touch.

Written for systemd 252 (Debian 12), whose `systemd-analyze security` scores the executor.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

EXECUTOR, PLANNER = "optimizer.service", "optimizer-plan.service"
TIMER, ASKED = "optimizer-plan.timer", "optimizer-plan.path"
NAMES = (EXECUTOR, PLANNER, TIMER, ASKED)
STARTED = (EXECUTOR, TIMER, ASKED)
"""What is enabled; timer and path start the planner: every day, and when the executor asks."""

USERS = "optimizer.conf"
"""Not a unit: for sysusers.d, makes the service's user."""

USER = "optimizer"

WATCHDOG_S = 30
"""The executor is killed when it has completed no decision for so long [s]."""

CYCLES = 3
"""The same in cycles, if that is longer."""

NO_CURE = "2 3 9 10"
"""Exit codes that a restart cannot cure: usage, configuration, already running, and a FEMS that
would never let a set-point go. A refused password (5) is not among them: a FEMS that is being
updated refuses too, and the executor takes its time between tries."""

WANTED = "%t/optimizer/plan-wanted"
"""The file that the executor touches; %t is /run, or the user's own."""

LAN = (
    "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 ::1/128 fe80::/10 fc00::/7"
)
"""All that the executor may speak to: this computer and private networks."""


@dataclass(frozen=True, slots=True)
class Service:
    """What the units have to know."""

    python: Path
    """The interpreter of the environment that optimizer is installed in; not resolved."""
    config: Path
    user: str | None
    """None: units of the calling user's own systemd."""
    interval_s: float = 10.0
    zone: str = "Europe/Berlin"
    """Where the day-ahead prices come out in the early afternoon."""
    credentials: Mapping[str, Path] = field(default_factory=dict)
    """Files with secrets by their names in the configuration ("fems.password")."""
    writable: tuple[Path, ...] = ()
    """Folders outside the state folder that are written to."""
    at_home: bool = False
    """Whether something of it lies in a home folder, which is hidden otherwise."""


def texts(service: Service) -> dict[str, str]:
    """The units by their names, and the user's file where one is made."""
    environment = Environment(
        loader=PackageLoader("optimizer.control", "systemd"),
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True,
        lstrip_blocks=True, autoescape=False,  # noqa: S701 - no HTML; `quoted` is systemd's way
    )  # fmt: skip
    environment.filters |= {"quoted": quoted, "plain": plain}
    facts = {
        "service": service,
        "system": service.user is not None,
        "watchdog_s": max(WATCHDOG_S, round(CYCLES * service.interval_s)),
        "no_cure": NO_CURE,
        "lan": LAN,
        "wanted": "%t/optimizer-plan-wanted" if service.user is None else WANTED,
    }
    names = NAMES if service.user != USER else (*NAMES, USERS)
    return {name: environment.get_template(f"{name}.j2").render(facts) for name in names}


def plain(text: object) -> str:
    """Text where systemd takes the rest of the line as it is, but for %.

    >>> plain("/srv/100 %")
    '/srv/100 %%'
    """
    return str(text).replace("%", "%%")


def quoted(text: object) -> str:
    r"""Text as one word of a systemd list or command line.

    >>> quoted('/home/my "pi"/x')
    '"/home/my \\"pi\\"/x"'
    """
    escaped = plain(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
