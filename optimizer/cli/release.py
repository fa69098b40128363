"""`optimizer release`: the panic button."""

import typer

from optimizer.cli.options import ConfigOption, client_of, load_config


def release(config: ConfigOption = None) -> None:
    """Hand control back to the FEMS now."""
    settings = load_config(config)
    with client_of(settings) as client:
        client.release(everything=True)
    typer.echo("released: the FEMS controls the battery by itself")
