"""`optimizer release`: the panic button."""

import os
from typing import Annotated

import typer

from optimizer.cli.options import ConfigOption, client_of, load_config


def release(
    after_failure: Annotated[
        bool,
        typer.Option(
            "--after-failure",
            help="For systemd's ExecStopPost: only if the executor did not end by itself.",
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Hand control back to the FEMS now."""
    if after_failure and os.environ.get("SERVICE_RESULT") == "success":
        return  # it has handed back, and what is held now is somebody else's
    settings = load_config(config)
    with client_of(settings) as client:
        client.release(everything=True)
    typer.echo("released: the FEMS controls the battery by itself")
