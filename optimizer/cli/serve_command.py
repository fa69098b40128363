"""`optimizer serve`: the live page."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.common_options import ConfigOption


def serve(
    host: Annotated[
        str, typer.Option(help="Address to serve on; any but loopback needs --token-file.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)
    ] = 8765,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="A file (chmod 600) with the token that every request has to bring.",
            metavar="FILE", dir_okay=False,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name under which the page may be opened.", metavar="NAME"),
    ] = None,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Serve the live page: now, two days of plan, yesterday, the saving, health. It only reads.

    On another address than loopback every request needs the token: open the page once with
    ?token=... at its end, then a cookie does; programs send it as 'Authorization: Bearer ...'.
    /status.json and /plan.json are what 'status --json' and 'show --json' print.
    """
    from optimizer.app.followed_config import FollowedConfig
    from optimizer.app.live import LiveDocuments
    from optimizer.app.live_access import access_for
    from optimizer.app.live_server import application, listen, prepare
    from optimizer.app.live_server import serve as serve_until_stopped
    from optimizer.config import loading

    access = access_for(host, allow_host or (), token_file)
    followed = FollowedConfig(loading.find(config, os.environ))
    followed.current()  # a fault ends the command before anything is served
    documents = LiveDocuments(followed.current)
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s"
    )
    listening = listen(host, port)
    prepare(documents)
    serve_until_stopped(
        application(documents, access),
        listening,
        lambda address: typer.echo(f"the page is at {address}, Ctrl-C ends it"),
    )
