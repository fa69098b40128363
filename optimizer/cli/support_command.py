"""`optimizer support`: a redacted bundle for questions."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.common_options import ConfigOption, load_config
from optimizer.cli.progress import Progress

FILE = Path("optimizer-support.zip")


def support(
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The bundle.", metavar="FILE", dir_okay=False),
    ] = FILE,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Ask the device and the sources, too.")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be in it.")
    ] = False,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Write a bundle to send with a question: settings, plans, decisions, check, versions.

    Names, addresses, places, files, users and secrets are left out: only what is on a list of the
    program is in it. It can be made with a broken configuration, too.
    """
    from optimizer.app import support_bundle

    now = datetime.now(UTC)
    with Progress("gathering"):
        parts = list(support_bundle.gathered(lambda: load_config(config), config, now, check=check))
    typer.echo(f"{out}, for your eyes only (0600):")
    for part in parts:
        size = f"{len(part.content.encode()) / 1000:.1f} kB"
        typer.echo(f"  {part.name:<19} {size:>9}  {part.about}")
    if dry_run:
        typer.echo("nothing was written (--dry-run)")
        return
    support_bundle.write(out, parts)
    typer.echo("written; look into it before you send it: 'unzip -p FILE plans.json'")
