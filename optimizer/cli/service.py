"""`optimizer service`: the units that let systemd run executor and planner for years."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.options import ConfigOption
from optimizer.errors import ConfigError

if TYPE_CHECKING:
    from optimizer.control.service import Place
    from optimizer.control.units import Service

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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the units.")] = False,
    user: UserOption = None,
    run_as: AsOption = "optimizer",
    root: RootOption = None,
    config: ConfigOption = None,
) -> None:
    """Write the units; nothing is started unless you say --now."""
    from optimizer.control import service, units

    place = _place(user, root)
    described, readable, writable = _described(config, None if place.users is None else run_as)
    texts = units.texts(described)
    if dry_run:
        _show(texts, place)
        return
    users = {name: text for name, text in texts.items() if name == units.USERS}
    written = service.write(users, place)
    if users:
        service.make_user(place)
    if described.user is not None and root is None:
        service.check_access(described.user, readable, writable, described.config)
    written += service.write({name: texts[name] for name in texts if name not in users}, place)
    for path in written:
        typer.echo(f"written  {path}")
    service.reload(place)
    if now:
        service.start(place)
    typer.echo("\n".join(_advice(described, place, now)))


@app.command(name="print")
def show(
    user: UserOption = None, run_as: AsOption = "optimizer", config: ConfigOption = None
) -> None:
    """Print the units, and write nothing."""
    from optimizer.control import units

    place = _place(user, None)
    described, *_ = _described(config, None if place.users is None else run_as)
    _show(units.texts(described), place)


@app.command()
def remove(user: UserOption = None, root: RootOption = None) -> None:
    """Stop it (control goes back to the FEMS) and take the units away; plans and journal stay."""
    from optimizer.control import service

    place = _place(user, root)
    for path in (removed := service.remove(place)):
        typer.echo(f"removed  {path}")
    if not removed:
        typer.echo(f"there is nothing in {place.units}")
    elif place.users is not None and root is None:
        typer.echo("kept     /var/lib/optimizer with plans and journal, and its user")


def _place(user: bool | None, root: Path | None) -> "Place":
    from optimizer.control import service

    if root is not None:
        return service.system(root)
    own = os.getuid() != 0 if user is None else user
    return service.of_user() if own else service.system()


def _described(
    given: Path | None, user: str | None
) -> tuple["Service", dict[str, Path], dict[str, Path]]:
    """What the units have to know; what the service has to read, and to write.

    Raises
    ------
    ConfigError
        Also if a secret is where a service cannot have it.
    """
    import optimizer
    from optimizer.cli.output import zone_of
    from optimizer.config import reading
    from optimizer.config.work import SYSTEM_STATE
    from optimizer.control.service import in_home
    from optimizer.control.units import Service

    path = reading.find(given, os.environ).absolute()
    config = reading.load(path)
    files, others = reading.secret_files(path)
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
    described = Service(
        python, path, user, config.control.interval_s, zone_of(config).key, files,
        tuple(writable.values()), in_home(*readable.values(), *writable.values()),
    )  # fmt: skip
    return described, readable, writable


def _own_state() -> Path:
    """Where the store of whoever calls lies by itself; the service has its own."""
    import platformdirs

    return platformdirs.user_state_path("optimizer")


def _show(texts: dict[str, str], place: "Place") -> None:
    for name, text in texts.items():
        typer.echo(f"# {place.path(name)}\n{text}")


def _advice(described: "Service", place: "Place", started: bool) -> list[str]:
    """What is left to do."""
    from optimizer.control.units import STARTED

    systemctl, tool = " ".join(place.systemctl), f"{described.python} -m optimizer"
    lines = []
    if not started:
        lines.append(f"start it with  {systemctl} enable --now {' '.join(STARTED)}")
    if described.user is None:
        lines.append("so that it goes on after you log out and at boot:  loginctl enable-linger")
        lines.append("units of your own are less protected than root's ('sudo' installs those)")
    sudo = "" if described.user is None else "sudo "
    config = f"--config {described.config}"
    lines.append(f"look at it with  {sudo}{tool} {config} status")
    return lines
