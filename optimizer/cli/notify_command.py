"""`optimizer notify`: messages to the owner about what needs a look."""

from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.common_options import ConfigOption, load_config, moment
from optimizer.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.config.sections import Config, NotifySection
    from optimizer.telemetry.apprise_service import Service

TestOption = Annotated[bool, typer.Option("--test", help="Send a trial message, and nothing else.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print what would be sent; send and remember nothing.")
]


def notify(
    test: TestOption = False, dry_run: DryRunOption = False, config: ConfigOption = None
) -> None:
    """Send what needs the owner's look, once when it begins and once when it is over.

    The service's timer runs it every 10 minutes. It only reads, beside what it has sent.
    """
    from optimizer.app import message_run

    settings = load_config(config)
    section = _section(settings)
    if dry_run:
        _show(settings, section, test=test)
        return
    from optimizer.telemetry import apprise_service

    services = apprise_service.services(section.urls.get_secret_value())
    if test:
        _try(settings, services)
        return
    done = message_run.run(settings, section, services, moment(None))
    for message in done.sent:
        typer.echo(f"sent     {message.title}")
    if done.failed:
        raise DataError(
            f"{' and '.join(done.failed)} did not take a message ({len(done.waiting)} wait): they "
            "are sent again at the next runs, for 3 days; 'optimizer notify --test' tries it now"
        )
    if not done.sent:
        typer.echo("nothing to tell")


def _section(settings: "Config") -> "NotifySection":
    if settings.notify is None:
        raise ConfigError(
            'there is no section [notify]: write one with urls = "file:notify.urls", the file with '
            "an address of apprise such as ntfy://ntfy.sh/TOPIC, mode 600"
        )
    return settings.notify


def _show(settings: "Config", section: "NotifySection", *, test: bool) -> None:
    """Print what a run would send."""
    from optimizer.app import message_run
    from optimizer.telemetry.owner_messages import trial
    from optimizer.text.plan_table import fit

    now = moment(None)
    due = [trial(now, settings.site)] if test else message_run.due(settings, section, now)
    for message in due:
        typer.echo(message.title)
        typer.echo("\n".join(f"  {line}" for line in fit(message.body)))
    if not due:
        typer.echo("nothing to tell")


def _try(settings: "Config", services: "Sequence[Service]") -> None:
    """Send a trial message to every service; all are tried."""
    from optimizer.telemetry.owner_messages import trial

    message = trial(moment(None), settings.site)
    failed = []
    for service in services:
        taken = service.send(message)
        typer.echo(f"{'sent' if taken else 'refused':<8} {service.name}")
        failed += [] if taken else [service.name]
    if failed:
        raise DataError(
            f"{' and '.join(failed)} did not take the message: look at the address, and at the way "
            "into the internet"
        )
