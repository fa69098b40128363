"""`optimizer service`: the units that let systemd run executor and planner for years."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.common_options import ConfigOption
from optimizer.errors import ConfigError

if TYPE_CHECKING:
    from optimizer.config.sections import FemsSection
    from optimizer.control.systemd_units import ServiceSettings, SystemdPlace

app = typer.Typer(
    help="Let systemd run it: the executor always, the planner every day.", no_args_is_help=True
)

UserOption = Annotated[
    bool | None,
    typer.Option(
        "--user/--system",
        help="Units of your own systemd, or the computer's (default: the computer's for root).",
        show_default=False,
    ),
]
AsOption = Annotated[
    str, typer.Option("--as", help="Who runs it; 'optimizer' is made.", metavar="NAME")
]
RootOption = Annotated[
    Path | None,
    typer.Option(help="Install into a system's image instead.", metavar="FOLDER", file_okay=False),
]


@app.command()
def install(
    now: Annotated[bool, typer.Option("--now", help="Start it too, now and at boot.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print the systemd_units.")
    ] = False,
    user: UserOption = None,
    run_as: AsOption = "optimizer",
    root: RootOption = None,
    config: ConfigOption = None,
) -> None:
    """Write the units; nothing is started unless you say --now."""
    from optimizer.control import systemd_units

    place = _place(user, root)
    described, readable, writable = _described(config, None if place.users is None else run_as)
    texts = systemd_units.texts(described)
    if dry_run:
        _show(texts, place)
        return
    users = {name: text for name, text in texts.items() if name == systemd_units.USERS}
    written = systemd_units.write(users, place)
    if users:
        systemd_units.make_user(place)
    if described.user is not None and root is None:
        systemd_units.check_access(described.user, readable, writable, described.config)
    written += systemd_units.write(
        {name: texts[name] for name in texts if name not in users}, place
    )
    for path in written:
        typer.echo(f"written  {path}")
    for path in [] if described.messages else systemd_units.remove_messages(place):
        typer.echo(f"removed  {path}")
    systemd_units.reload(place)
    if now:
        systemd_units.start(place)
    typer.echo("\n".join(_advice(described, place, now)))


@app.command(name="print")
def show(
    user: UserOption = None, run_as: AsOption = "optimizer", config: ConfigOption = None
) -> None:
    """Print the units, and write nothing."""
    from optimizer.control import systemd_units

    place = _place(user, None)
    described, *_ = _described(config, None if place.users is None else run_as)
    _show(systemd_units.texts(described), place)


@app.command()
def remove(user: UserOption = None, root: RootOption = None) -> None:
    """Stop it (control goes back to the FEMS) and take the units away; plans and journal stay."""
    from optimizer.control import systemd_units

    place = _place(user, root)
    for path in (removed := systemd_units.remove(place)):
        typer.echo(f"removed  {path}")
    if not removed:
        typer.echo(f"there is nothing in {place.units}")
    elif place.users is not None and root is None:
        typer.echo("kept     /var/lib/optimizer with plans and journal, and its user")


def _place(user: bool | None, root: Path | None) -> "SystemdPlace":
    from optimizer.control import systemd_units

    if root is not None:
        return systemd_units.system(root)
    own = os.getuid() != 0 if user is None else user
    return systemd_units.of_user() if own else systemd_units.system()


def _described(
    given: Path | None, user: str | None
) -> tuple["ServiceSettings", dict[str, Path], dict[str, Path]]:
    """Settings of the units, and the paths that the service reads and writes.

    Raises
    ------
    ConfigError
        Also if a secret is where a service cannot have it.
    """
    import optimizer
    from optimizer.config import loading
    from optimizer.config.sections import SYSTEM_STATE
    from optimizer.control.systemd_units import ServiceSettings, in_home

    path = loading.find(given, os.environ).absolute()
    config = loading.load(path)
    files, others = loading.secret_files(path)
    if user is not None and others:
        raise ConfigError(
            "\n".join(
                f"{path}: {name} has to lie in a file of its own for a service, such as "
                f'"file:{name}" (root\'s, mode 600: systemd hands it over)'
                for name in others
            )
        )
    python, package = Path(sys.executable), Path(optimizer.__file__).parent
    readable = {"python": python, "optimizer": package, "configuration": path}
    named = {"prices.file": config.prices.file, "load.file": config.load.file,
             "pv.file": config.pv.file}  # fmt: skip
    readable |= {key: file for key, file in named.items() if file is not None}
    writable = {}
    if config.store.folder not in (SYSTEM_STATE, _own_state()):
        writable["store.folder"] = config.store.folder
    if config.metrics.textfile is not None:
        writable["metrics.textfile"] = config.metrics.textfile.parent
    described = ServiceSettings(
        python, path, user, config.control.interval_s, config.zone.key, files,
        tuple(writable.values()), in_home(*readable.values(), python.resolve(), *writable.values()),
        fems_network=_fems_network(config.fems), messages=config.notify is not None,
        root_owned=all(path.exists() and path.stat().st_uid == 0 for path in (python, package)),
    )  # fmt: skip
    return described, readable, writable


def _fems_network(fems: "FemsSection") -> str:
    """Networks of the FEMS outside private ranges, as systemd writes them; "" for none."""
    from ipaddress import ip_address

    if not fems.allow_public:
        return ""
    try:
        return str(ip_address(fems.host))
    except ValueError:  # a name
        return "any"


def _own_state() -> Path:
    """Default folder of the calling user's store; the service has its own."""
    import platformdirs

    return platformdirs.user_state_path("optimizer")


def _show(texts: dict[str, str], place: "SystemdPlace") -> None:
    for name, text in texts.items():
        typer.echo(f"# {place.path(name)}\n{text}")


def _advice(described: "ServiceSettings", place: "SystemdPlace", started: bool) -> list[str]:
    """Lines about what the owner does next."""
    from optimizer.control.systemd_units import started as enabled

    systemctl, tool = " ".join(place.systemctl), f"{described.python} -m optimizer"
    lines = []
    if not started:
        lines.append(f"start it with  {systemctl} enable --now {' '.join(enabled(place))}")
    if described.user is None:
        lines.append("so that it goes on after you log out and at boot:  loginctl enable-linger")
        lines.append("units of your own are less protected than root's ('sudo' installs those)")
    sudo = "" if described.user is None else "sudo "
    config = f"--config {described.config}"
    lines.append(f"look at it with  {sudo}{tool} {config} status")
    if described.messages:
        lines.append(f"see whether messages arrive with  {sudo}{tool} {config} notify --test")
    return lines
