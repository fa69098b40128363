"""`optimizer release`: the panic button."""

from typing import Annotated

import typer

from optimizer.cli.options import ConfigOption, client_of, load_config


def release(
    own: Annotated[
        bool,
        typer.Option(
            "--own", help="Only what an executor may have left, for services: not another's value."
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Hand control back to the FEMS now."""
    settings = load_config(config)
    if own:
        from optimizer.model.state import Reason
        from optimizer.store import live

        last = live.read(live.path_for(settings.store.folder))
        given_back = {Reason.YIELDED.name.lower(), Reason.STOPPED.name.lower()}
        if last is not None and last["reason"] in given_back and not last["note"]:
            typer.echo("nothing to release: the executor had given everything back")
            return
    with client_of(settings) as client:
        client.release(everything=True)
    typer.echo("released: the FEMS controls the battery by itself")
