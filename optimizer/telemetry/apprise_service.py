"""Sending messages by the services of apprise; their addresses contain secrets and are never shown.

Nothing is logged while apprise works. A service is named by its place in `notify.urls` and by its
scheme.
"""

import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256

from optimizer.errors import ConfigError, MissingExtraError
from optimizer.telemetry.owner_messages import OwnerMessage

try:
    import apprise
except ImportError as error:
    raise MissingExtraError("[notify] needs the package apprise", "notify") from error


@dataclass(frozen=True, slots=True)
class Service:
    """One address that messages are sent to."""

    name: str
    """Place and scheme, for sentences."""
    mark: str
    """Digest of the address, by which a message remembers where it has arrived."""
    url: str = field(repr=False)

    def send(self, message: OwnerMessage) -> bool:
        """Send a message; true if the service took it."""
        with _silent():
            sender = _sender(self.url)
            return sender is not None and bool(sender.notify(message.body, title=message.title))


def services(urls: str) -> Sequence[Service]:
    """The addresses of a text, separated by blanks or lines.

    Raises
    ------
    ConfigError
        If there is none, or apprise does not understand one.
    """
    found = urls.split()
    if not found:
        raise ConfigError("notify.urls is empty: write an address such as ntfy://ntfy.sh/TOPIC")
    made = []
    for place, url in enumerate(found, start=1):
        scheme = re.match(r"([a-z][a-z0-9+.-]{0,20})://", url)
        name = f"address {place} of {len(found)}{f' ({scheme[1]})' if scheme else ''}"
        with _silent():
            known = _sender(url) is not None
        if not known:
            raise ConfigError(
                f"notify.urls: {name} is none that apprise understands: its documentation has the "
                "form of each service's address"
            )
        made.append(Service(name, sha256(url.encode()).hexdigest()[:16], url))
    return made


def _sender(url: str) -> "apprise.Apprise | None":
    asset = apprise.AppriseAsset(app_id="optimizer", app_desc="optimizer", async_mode=False)
    sender = apprise.Apprise(asset=asset)
    return sender if sender.add(url) else None


@contextmanager
def _silent() -> Iterator[None]:
    """Close all logs: apprise and the libraries below it write addresses into theirs.

    Warnings about what its many plugins import are nothing for an owner either.
    """
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
