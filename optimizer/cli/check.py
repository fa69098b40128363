"""`optimizer check`: the doctor."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.options import ConfigOption, JsonOption, client_of, load_config
from optimizer.errors import ConfigError, ExitCode, OptimizerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.analysis.finding import Finding
    from optimizer.config.sections import Config
    from optimizer.fems.client import FemsClient


def check(
    as_json: JsonOption = False,
    prove: Annotated[
        bool,
        typer.Option("--prove", help="If all is well: hold a harmless power for 60 s, and look."),
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            help="Write the device's channels, without names and numbers of anybody, as JSON.",
            metavar="FILE", dir_okay=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Look at everything that has to be right, and say what to do where it is not."""
    from optimizer.analysis import finding

    try:
        settings = load_config(config)
    except ConfigError as error:
        group = finding.Group("configuration")
        found = [group.fail("file", text, "", ExitCode.CONFIG) for text in str(error).splitlines()]
        _end(found, as_json, None)
    proof: dict[str, Any] | None = None
    with client_of(settings) as client:
        found = list(_findings(settings, client, config))
        if save is not None:
            found.append(_save(client, save))
        if prove:
            proof = _prove(settings, client, found, as_json)
    _end(found, as_json, proof)


def _end(found: "list[Finding]", as_json: bool, proof: dict[str, Any] | None) -> None:
    """Print all findings, and end with the code of the worst."""
    from optimizer.analysis import finding

    code = finding.exit_code(found)
    if proof is not None and not proof["proved"]:
        code = code or ExitCode.REFUSED
    if as_json:
        data = {
            "schema": "check/1",
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "exit_code": int(code),
            "findings": [item.as_json() for item in found],
        }
        typer.echo(json.dumps(data | ({"proof": proof} if proof else {}), ensure_ascii=False))
    elif proof is None:
        typer.echo("\n".join(finding.lines(found)))
    raise typer.Exit(code)


def _findings(settings: "Config", client: "FemsClient", given: Path | None) -> "Iterator[Finding]":
    from optimizer.analysis import doctor_fems, doctor_house
    from optimizer.cli import learned
    from optimizer.cli.diagnosis import configuration, own_channel, sources, tiny_plan, wanted
    from optimizer.cli.output import zone_of

    now, zone = datetime.now(UTC), zone_of(settings)
    yield from configuration(settings, given, now.astimezone(zone).date())
    yield from sources(settings, now)
    own = own_channel(settings, now)
    yield from doctor_fems.findings(client, wanted(settings), now, zone, own)
    yield doctor_house.clock()
    yield from doctor_house.store(settings.store.folder, now, zone)
    yield doctor_house.solver(tiny_plan)
    yield from learned.findings(settings, client, now, zone)


def _save(client: "FemsClient", path: Path) -> "Finding":
    """Write the cleaned record."""
    from optimizer.analysis.finding import Group
    from optimizer.fems import record

    try:
        text = json.dumps(record.take(client), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
    except OptimizerError as error:
        return Group("record").error("save", error)
    except OSError as error:
        text = f"{path} cannot be written ({error.strerror})"
        return Group("record").fail("save", text, "name another file", ExitCode.BAD_DATA)
    return Group("record").ok("save", f"{path}, without names and numbers of anybody")


def _prove(
    settings: "Config", client: "FemsClient", found: "list[Finding]", as_json: bool
) -> dict[str, Any]:
    """Hold a harmless power for a minute, unless something is wrong or in the way."""
    from optimizer.analysis import finding
    from optimizer.cli.diagnosis import obstacle
    from optimizer.cli.fems import tell
    from optimizer.cli.options import battery_of
    from optimizer.cli.signals import stop_on_signals
    from optimizer.control import trial
    from optimizer.control.clock import SystemClock
    from optimizer.model.state import Channel

    if not as_json:
        typer.echo("\n".join(finding.lines(found)))
    reason = obstacle(found)
    if reason:
        typer.echo(f"not proved: {reason}", err=True)
        return {"proved": False, "reason": reason}
    battery, _ = battery_of(settings, client)
    clock, tally = SystemClock(), trial.Tally()
    stop_on_signals(clock)

    def heard(beat: trial.Beat) -> None:
        tally.count(beat)
        if not as_json:
            tell(beat)

    wish = trial.harmless(
        client.snapshot(clock.now()), hybrid=battery.hybrid,
        min_soc_percent=battery.min_soc_percent,
    )  # fmt: skip
    trial.hold_for(client, clock, Channel.EQUALS, wish, trial.PROOF_S, heard)
    words = f"{tally.applied} of {tally.beats} set-points were applied, and all is given back"
    if not as_json:
        typer.echo(f"{'proved' if tally.proved else 'not proved'}: {words}")
    return {"proved": tally.proved, "reason": words}
