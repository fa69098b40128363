"""Putting the units where systemd looks, and taking them away again."""

import grp
import os
import pwd
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from optimizer.control.units import NAMES, PLANNER, STARTED, USERS
from optimizer.errors import ConfigError, OptimizerError, RefusedError

RUNNING = Path("/run/systemd/system")
"""Is there where systemd runs the computer."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the units of one systemd lie."""

    units: Path
    users: Path | None
    """Where it is told of users; None for the systemd of one user."""
    systemctl: tuple[str, ...] = ("systemctl",)
    image: Path | None = None
    """Root of a system that does not run, for those who build images."""

    @property
    def live(self) -> bool:
        """Whether there is a systemd to be told of changes."""
        return self.image is None and RUNNING.is_dir()

    def path(self, name: str) -> Path:
        """Where a file of this name lies."""
        return (self.users or self.units if name == USERS else self.units) / name


def system(image: Path | None = None) -> Place:
    """The computer's own systemd, or that of an image."""
    root = image or Path("/")
    extra = () if image is None else (f"--root={image}",)
    return Place(root / "etc/systemd/system", root / "etc/sysusers.d", ("systemctl", *extra), image)


def of_user(environment: Mapping[str, str] = os.environ) -> Place:
    """The systemd of the calling user."""
    home = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Place(home / "systemd/user", None, ("systemctl", "--user"))


def write(texts: Mapping[str, str], place: Place) -> list[Path]:
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


def make_user(place: Place) -> None:
    """Make the service's own user, if it is not there yet."""
    image = () if place.image is None else (f"--root={place.image}",)
    _call("systemd-sysusers", *image, str(place.path(USERS)))


def reload(place: Place) -> None:
    """Let systemd read what has changed."""
    if place.live:
        _call(*place.systemctl, "daemon-reload")


def start(place: Place) -> None:
    """Start now and at every boot; the first plan is made at once."""
    now = ("--now",) if place.live else ()
    _call(*place.systemctl, "enable", *now, *STARTED)
    if place.live:
        _call(*place.systemctl, "start", "--no-block", PLANNER)


def remove(place: Place) -> list[Path]:
    """Stop everything (the executor hands control back) and take it away; gives what was there."""
    paths = [path for path in map(place.path, (*NAMES, USERS)) if path.exists()]
    if not paths:
        return []
    now = ("--now",) if place.live else ()
    _call(*place.systemctl, "disable", *now, *STARTED)
    for path in paths:
        try:
            path.unlink()
        except OSError as error:
            raise RefusedError(f"{path} cannot be removed ({error.strerror}): use sudo") from error
    reload(place)
    return paths


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
        f"{what}: {path} cannot be read by user '{user}': {_cure(path, config, user)}"
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


def _cure(path: Path, config: Path, user: str) -> str:
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
    """Whether one of these lies in somebody's home folder."""
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
