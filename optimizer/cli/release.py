"""`optimizer release`: the panic button."""

import typer

from optimizer.cli.options import ConfigOption, client_of, load_config


def release(config: ConfigOption = None) -> None:
    """Hand control back to the FEMS now."""
    from optimizer.model.state import Channel

    settings = load_config(config)
    with client_of(settings) as client:
        for channel in Channel:
            client.give_back(channel)
    typer.echo("released: the FEMS controls the battery by itself")
