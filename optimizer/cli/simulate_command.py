"""`optimizer simulate`: a simulated FEMS for experiments."""

import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from optimizer.simulation.fems.simulator import SimulatedFems

_FAULTS = """A fault or a situation, written NAME, NAME=AMOUNT or NAME=AMOUNT/EVERY (each so
many-th request); may be given several times. Of the installation: read-only, nginx,
restart=SECONDS, second-inverter=SECONDS, internal, remote, wrong-order, limiter, reserve=PERCENT,
modbus=WATTS, state=STATE, off-grid, writes-refused=STATUS, unknown, api-timeout=SECONDS. On the
wire: drop-before, drop-after, reset, redirect, refused=STATUS, html, garbage, type-swap, null,
digits=NUMBER, long-numbers=DIGITS,
escapes, endless=IDS, huge=BYTES, delay=SECONDS, drip=SECONDS, drip-header=SECONDS, truncate=BYTES,
clock=SECONDS."""

LEAST_INTERVAL_S = 1.0
"""Least `control.interval_s`: an executor writes so often at most, or five times in a time-out."""
USUAL_INTERVAL_S = 10.0
"""Default of `control.interval_s`."""

DataOption = Annotated[
    Path | None,
    typer.Option(
        help="A folder with load.csv and roof.csv (default: the sample winter week).",
        file_okay=False,
        metavar="DIR",
    ),
]
EraOption = Annotated[
    Literal["2023", "2025"],
    typer.Option(help="How it refuses: like FEMS up to 2025.3, or from 2025.4 on."),
]
RecordedOption = Annotated[
    bool,
    typer.Option(
        "--recorded",
        help="The device of the recorded exchanges instead of the sample house: "
        "6 kW, 10 kWh, 3 kW of load, 5 s of time-out, no _sum.",
    ),
]


def simulate(
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 8084,
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    speed: Annotated[
        float,
        typer.Option(
            help="Simulated seconds per second, as long as a set-point can be held: 60 at most.",
            min=0.01,
            max=3600,
        ),
    ] = 1.0,
    data: DataOption = None,
    hybrid: Annotated[
        bool, typer.Option("--hybrid", help="The roof hangs behind the battery's inverter.")
    ] = False,
    soc: Annotated[float, typer.Option(help="State of charge at the start.", min=0, max=100)] = 50,
    era: EraOption = "2025",
    fault: Annotated[list[str] | None, typer.Option(help=_FAULTS, metavar="NAME")] = None,
    recorded: RecordedOption = False,
) -> None:
    """Serve a simulated FEMS over a simulated house; the password is 'owner', a guest's 'user'."""
    from optimizer.app.demo_run import house_now
    from optimizer.simulation import sample_data
    from optimizer.simulation.fems.answers import Era
    from optimizer.simulation.fems.simulator import SimulatedFems
    from optimizer.simulation.fems.situations import arrange, recorded_house
    from optimizer.simulation.http_simulation import PASSWORD

    if recorded:
        house = recorded_house(datetime.now(UTC).replace(microsecond=0), soc)
    else:
        house = house_now(data or sample_data.folder() / "winter", hybrid, soc)
    fems = SimulatedFems(
        house, host=host, port=port, owner_password=PASSWORD, speed=speed, era=Era(era)
    )
    try:
        arrange(fems, fault or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from None
    _refuse_too_fast(speed, house.written.timeout_s)
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    _serve(fems, host, port, PASSWORD, done)


def _refuse_too_fast(speed: float, timeout_s: float) -> None:
    """Refuse a speed at which no executor could hold a set-point."""
    most = timeout_s / min(LEAST_INTERVAL_S, timeout_s / 5) if timeout_s else speed
    if speed > most:
        raise typer.BadParameter(
            f"at {speed:g} times the time-out of {timeout_s:g} s passes between two writes of an "
            f"executor, which come every second at best: {most:g} at most",
            param_hint="--speed",
        )
    wanted_s = timeout_s / speed
    if timeout_s and wanted_s < USUAL_INTERVAL_S:
        typer.echo(
            f"note: the time-out of {timeout_s:g} s passes in {wanted_s:.1f} s here: an executor "
            "needs [control] interval_s = 1",
            err=True,
        )


def _serve(
    fems: "SimulatedFems", host: str, port: int, password: str, done: threading.Event
) -> None:
    try:
        fems.start()
    except OSError as error:
        raise typer.BadParameter(
            f"cannot listen on {host}:{port} ({error.strerror}): choose another with --port "
            "or --host, 0 takes a free port",
            param_hint="--port",
        ) from None
    try:
        typer.echo(f"simulated FEMS at {fems.url} (password '{password}'), Ctrl-C ends it")
        done.wait()
    finally:
        fems.stop()
