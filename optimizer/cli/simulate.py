"""`optimizer simulate`: a simulated FEMS to try things on."""

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer


def simulate(
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 8084,
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    speed: Annotated[
        float, typer.Option(help="Simulated seconds per second.", min=0.01, max=3600)
    ] = 1.0,
    data: Annotated[
        Path | None,
        typer.Option(
            help="A folder with load.csv and roof.csv (default: the sample winter week).",
            file_okay=False, metavar="DIR",
        ),
    ] = None,
    hybrid: Annotated[
        bool, typer.Option("--hybrid", help="The roof hangs behind the battery's inverter.")
    ] = False,
    soc: Annotated[float, typer.Option(help="State of charge at the start.", min=0, max=100)] = 50,
) -> None:  # fmt: skip
    """Serve a simulated FEMS over a simulated house; the password is 'owner'."""
    from optimizer.analysis import sample
    from optimizer.analysis.demo import PASSWORD, house_now
    from optimizer.fems.simulator import SimulatedFems

    house = house_now(data or sample.folder() / "winter", hybrid, soc)
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    with SimulatedFems(house, host=host, port=port, owner_password=PASSWORD, speed=speed) as fems:
        typer.echo(f"simulated FEMS at {fems.url} (password '{PASSWORD}'), Ctrl-C ends it")
        done.wait()
