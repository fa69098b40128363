"""`optimizer check`: the doctor."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from optimizer.cli.common_options import ConfigOption, JsonOption, client_of, load_config
from optimizer.cli.progress import Progress
from optimizer.cli.terminal import echo_json, local_text
from optimizer.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from optimizer.app.live_proof import Proof
    from optimizer.config.sections import Config
    from optimizer.control.live_test import LiveTestBeat
    from optimizer.doctor.finding import Finding
    from optimizer.fems.client import FemsClient

COLUMN = 28
"""Column at which the text of a finding begins."""


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
    schema: Annotated[
        bool, typer.Option("--schema", help="Only print the JSON Schema of the configuration.")
    ] = False,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Look at everything that has to be right, and say what to do where it is not."""
    from optimizer.doctor import finding

    if schema:
        _print_schema()
    try:
        settings = load_config(config)
    except ConfigError as error:
        group = finding.Group("configuration")
        found = [group.fail("file", text, "", ExitCode.CONFIG) for text in str(error).splitlines()]
        _end(found, as_json, None)
    from optimizer.app import diagnosis

    proof = None
    with client_of(settings) as client:
        with Progress("checking") as progress:
            found = []
            for item in diagnosis.diagnose(settings, client, config, datetime.now(UTC)):
                found.append(item)
                progress.show(f"checking, {len(found)} findings, the last one {item.name}")
            if save is not None:
                progress.show("reading the device's channels")
                found.append(diagnosis.save_record(client, save))
        if prove:
            proof = _prove(settings, client, found, as_json)
    _end(found, as_json, proof)


def _echo(lines: "list[str]") -> None:
    """Print the findings; on a terminal continued below their column, for programs a line each."""
    lines = [local_text(line) for line in lines]
    from optimizer.text.plan_table import fit

    if sys.stdout.isatty():
        lines = [part for line in lines for part in fit(line, COLUMN)]
    typer.echo("\n".join(lines))


def _print_schema() -> NoReturn:
    """Print the JSON Schema of the configuration, and end."""
    from optimizer.config import reference

    echo_json(json.dumps(reference.schema(), indent=2, ensure_ascii=False))
    raise typer.Exit


def _end(found: "list[Finding]", as_json: bool, proof: "Proof | None") -> None:
    """Print all findings, and end with the exit code of the worst."""
    from optimizer.doctor import finding

    code = finding.exit_code(found)
    if proof is not None and not proof.proved:
        code = code or ExitCode.REFUSED
    if as_json:
        data = {
            "schema": "check/1",
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "exit_code": int(code),
            "findings": [item.as_json() for item in found],
        }
        tail = {} if proof is None else {"proof": asdict(proof)}
        echo_json(json.dumps(data | tail, ensure_ascii=False))
    elif proof is None:
        _echo([*finding.lines(found), finding.summary(found)])
    raise typer.Exit(code)


def _prove(
    settings: "Config", client: "FemsClient", found: "list[Finding]", as_json: bool
) -> "Proof":
    """Print the findings, then the proof beat by beat, unless something stands against it."""
    from optimizer.app import live_proof
    from optimizer.cli.fems_command import report
    from optimizer.control import live_test
    from optimizer.doctor import finding

    if not as_json:
        _echo([*finding.lines(found), finding.summary(found)])
    reason = live_proof.obstacle(found)
    if reason:
        typer.echo(f"not proved: {reason}", err=True)
        return live_proof.Proof(False, reason)
    with Progress("proving") as progress:

        def on_beat(beat: "LiveTestBeat") -> None:
            progress.show(f"proving, {beat.second} of {live_test.PROOF_S:.0f} s")
            if not as_json:
                with progress.hidden():
                    report(beat)

        proof = live_proof.prove(settings, client, on_beat)
    if not as_json:
        typer.echo(f"{'proved' if proof.proved else 'not proved'}: {proof.reason}")
    return proof
