"""`optimizer release`: the panic button, and what a service does after its executor has ended."""

from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.common_options import ConfigOption, client_of, load_config
from optimizer.errors import ConfigError


def release(
    own: Annotated[
        bool,
        typer.Option(
            "--own", help="Only what an executor may have left, for services: not another's value."
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Hand control back to the FEMS now, and keep executors away until `optimizer resume`."""
    if own:
        _release_own(config)
        return
    from optimizer.app.handing_back import Release, author
    from optimizer.control.clock import SystemClock
    from optimizer.store.pause import Pause

    settings, clock = load_config(config), SystemClock()
    with client_of(settings) as client:
        release = Release(client, settings.store.folder, clock)
        typer.echo(release.execute(Pause(clock.now(), author("release"))))


def _release_own(config: Path | None) -> None:
    """Give back what an executor may have left, unless it says that it left nothing."""
    from optimizer.app.shutdown import last_run
    from optimizer.model.snapshot import Reason
    from optimizer.store import live_state
    from optimizer.store.executor_lock import executor_running

    try:
        settings = load_config(config)
    except ConfigError as error:
        former = last_run()
        if former is None:
            raise
        typer.echo(f"{error}\nreleased by the configuration that the executor ran with", err=True)
        settings = load_config(former)
    last = live_state.read(live_state.path_for(settings.store.folder))
    given_back = {Reason.YIELDED.name.lower(), Reason.STOPPED.name.lower()}
    if last is not None and last["reason"] in given_back and not last["note"]:
        typer.echo("nothing to release: the executor had given everything back")
        return
    if executor_running(settings.store.folder):
        typer.echo("nothing to release: another executor is at work")
        return
    with client_of(settings) as client:
        client.release(everything=True)
    typer.echo("released: the FEMS controls the battery by itself")
