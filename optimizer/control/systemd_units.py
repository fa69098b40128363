"""Systemd units: their texts from the templates in `systemd/`, installing and removing them.

Written for systemd 252 (Debian 12), whose `systemd-analyze security` scores the executor.
"""

import grp
import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from optimizer.errors import ConfigError, OptimizerError, RefusedError

EXECUTOR, PLANNER = "optimizer.service", "optimizer-plan.service"
TIMER, ASKED = "optimizer-plan.timer", "optimizer-plan.path"
AGAIN = "optimizer-again.timer"
"""Starts the executor 10 minutes after a failure of the kinds in `SLOW_RESTART`."""
NAMES = (EXECUTOR, PLANNER, TIMER, ASKED, AGAIN)
STARTED = (EXECUTOR, TIMER, ASKED)
"""Units that are enabled; timer and path start the planner: daily, and when the executor asks."""
NOTIFIER, NOTIFY_TIMER = "optimizer-notify.service", "optimizer-notify.timer"
MESSAGES = (NOTIFIER, NOTIFY_TIMER)
"""Units of the messages, which are only there with a section `[notify]`."""

USERS = "optimizer.conf"
"""Not a unit: for sysusers.d, makes the service's user."""

USER = "optimizer"

WATCHDOG_S = 30
"""The executor is killed when it has completed no decision for so long [s]."""

CYCLES = 3
"""The same in cycles, if that is longer."""

SLOW_RESTART = "2 3 8 9 10"
"""Exit codes that a restart after 5 s does not cure: usage, configuration, a store of a newer
version, already running, and a FEMS that would never let a set-point go. (`RestartSteps=` would do
it too, from systemd 254 on.) A refused password (5) is not among them: a FEMS that is being updated
refuses too, and the executor takes its time between tries."""

WANTED = "%t/optimizer/plan-wanted"
"""The file that the executor touches; %t is /run, or the user's own."""

LAN = (
    "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 ::1/128 fe80::/10 fc00::/7"
)
"""All that the executor may speak to: this computer and private networks."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Settings that the units are rendered from."""

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
    """True if a part of it lies in a home folder; those are hidden otherwise."""
    root_owned: bool = True
    """True if the program's files are root's: others are never run as root."""
    fems_network: str = ""
    """Networks of the FEMS beside `LAN`, if its address is public."""
    messages: bool = False
    """True where the owner gets messages."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its units."""
        return (*NAMES, *MESSAGES) if self.messages else NAMES


def texts(service: ServiceSettings) -> dict[str, str]:
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
        "slowly": SLOW_RESTART,
        "again": AGAIN,
        "executor": EXECUTOR,
        "lan": f"{LAN} {service.fems_network}".rstrip(),
        "wanted": "%t/optimizer-plan-wanted" if service.user is None else WANTED,
    }
    names = service.names if service.user != USER else (*service.names, USERS)
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


RUNNING = Path("/run/systemd/system")
"""Is there where systemd runs the computer."""


@dataclass(frozen=True, slots=True)
class SystemdPlace:
    """Folders of one systemd's units."""

    units: Path
    users: Path | None
    """Folder of sysusers.d; None for the systemd of one user."""
    systemctl: tuple[str, ...] = ("systemctl",)
    image: Path | None = None
    """Root of a system that does not run, for those who build images."""

    @property
    def live(self) -> bool:
        """True if a systemd runs that has to reload after changes."""
        return self.image is None and RUNNING.is_dir()

    def path(self, name: str) -> Path:
        """Path of a file of this name."""
        return (self.users or self.units if name == USERS else self.units) / name


def system(image: Path | None = None) -> SystemdPlace:
    """The computer's own systemd, or that of an image."""
    root = image or Path("/")
    extra = () if image is None else (f"--root={image}",)
    return SystemdPlace(
        root / "etc/systemd/system", root / "etc/sysusers.d", ("systemctl", *extra), image
    )


def of_user(environment: Mapping[str, str] = os.environ) -> SystemdPlace:
    """The systemd of the calling user."""
    home = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return SystemdPlace(home / "systemd/user", None, ("systemctl", "--user"))


def write(texts: Mapping[str, str], place: SystemdPlace) -> list[Path]:
    """Write the units, and make the user that they name; gives what was written.

    Raises
    ------
    RefusedError
        If something of it is not allowed.
    """
    written = []
    for name, text in texts.items():
        path = place.path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o644)
        except OSError as error:
            raise RefusedError(f"{path} cannot be written ({error.strerror}): use sudo") from error
        written.append(path)
    return written


def make_user(place: SystemdPlace) -> None:
    """Make the service's own user, if it is not there yet."""
    image = () if place.image is None else (f"--root={place.image}",)
    _call("systemd-sysusers", *image, str(place.path(USERS)))


def reload(place: SystemdPlace) -> None:
    """Let systemd read what has changed."""
    if place.live:
        _call(*place.systemctl, "daemon-reload")


def started(place: SystemdPlace) -> tuple[str, ...]:
    """Units of a place that are enabled."""
    return (*STARTED, NOTIFY_TIMER) if place.path(NOTIFY_TIMER).exists() else STARTED


def start(place: SystemdPlace) -> None:
    """Start now and at every boot; the first plan is made at once."""
    now = ("--now",) if place.live else ()
    _call(*place.systemctl, "enable", *now, *started(place))
    if place.live:
        _call(*place.systemctl, "start", "--no-block", PLANNER)


def remove(place: SystemdPlace) -> list[Path]:
    """Stop everything (the executor hands control back) and take it away; gives what was there."""
    paths = _there(place, (*NAMES, *MESSAGES, USERS))
    if paths:
        _take_away(place, paths, started(place), (AGAIN, PLANNER, NOTIFIER))
    return paths


def remove_messages(place: SystemdPlace) -> list[Path]:
    """Take the units of the messages away, where nobody wants them any more."""
    paths = _there(place, MESSAGES)
    if paths:
        _take_away(place, paths, (NOTIFY_TIMER,), (NOTIFIER,))
    return paths


def _there(place: SystemdPlace, names: Sequence[str]) -> list[Path]:
    return [path for path in map(place.path, names) if path.exists()]


def _take_away(
    place: SystemdPlace, paths: Sequence[Path], enabled: Sequence[str], stopped: Sequence[str]
) -> None:
    """Disable and stop units, and remove their files."""
    now = ("--now",) if place.live else ()
    _call(*place.systemctl, "disable", *now, *enabled)
    others = [name for name in stopped if place.path(name) in paths]
    if place.live and others:
        _call(*place.systemctl, "stop", *others)
    for path in paths:
        try:
            path.unlink()
        except OSError as error:
            raise RefusedError(f"{path} cannot be removed ({error.strerror}): use sudo") from error
    reload(place)


def check_access(
    user: str, readable: Mapping[str, Path], writable: Mapping[str, Path], config: Path
) -> None:
    """Try, as the service's user, what it has to read and write; only root can.

    Parameters
    ----------
    readable, writable
        Files and folders by what they are ("prices.file").
    config
        The configuration, for the cure.

    Raises
    ------
    ConfigError
        With a sentence for each that cannot be used.
    """
    try:
        entry = pwd.getpwnam(user)
    except KeyError as error:
        raise ConfigError(f"there is no user '{user}': name one that is there with --as") from error
    faults = [
        f"{what}: {path} cannot be read by user '{user}': {_fix(path, config, user)}"
        for what, path in readable.items()
        if not _may(entry, "-r", path)
    ]
    faults += [
        f"{what}: {path} cannot be written by user '{user}': "
        f"'sudo install -d -o {user} -m 700 \"{path}\"', or leave the key out"
        for what, path in writable.items()
        if not _may(entry, "-w", path)
    ]
    if faults:
        raise ConfigError("\n".join(faults))


def _fix(path: Path, config: Path, user: str) -> str:
    home = _in_home(path)
    if home and home.name != user:
        return f"run the service as the owner of {home} ('--as {home.name}'), or move it to /opt"
    if path == config:
        group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
        return f'\'sudo chgrp {group} "{path}" && sudo chmod 640 "{path}"\''
    return f"'sudo chmod a+r \"{path}\"', and its folders a+x"


def _in_home(path: Path) -> Path | None:
    """The home folder that a path lies in."""
    parts = path.parts
    if parts[:2] == ("/", "home") and len(parts) > 2:
        return Path(*parts[:3])
    return Path("/root") if parts[:2] == ("/", "root") else None


def in_home(*paths: Path) -> bool:
    """Return true if one of these paths lies in a home folder."""
    return any(_in_home(path) is not None for path in paths)


def _may(entry: pwd.struct_passwd, what: str, path: Path) -> bool:
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    tried = subprocess.run(  # noqa: S603 - own words
        ["/usr/bin/test", what, str(path)], check=False,
        user=entry.pw_uid, group=entry.pw_gid, extra_groups=groups,
    )  # fmt: skip
    return tried.returncode == 0


def _call(*command: str) -> None:
    """Run one of systemd's programs; its own words say what is wrong."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise OptimizerError(f"{command[0]} is not there: this needs systemd") from error
    if done.returncode != 0:
        words = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise RefusedError(f"'{' '.join(command)}' failed: {words}")
