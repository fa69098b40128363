"""Telling systemd that the loop is alive: sd_notify(3), a datagram to a socket that it names."""

import logging
import os
import socket
from collections.abc import MutableMapping
from dataclasses import dataclass

log = logging.getLogger(__name__)

PATIENCE_S = 1.0
"""systemd reads at once; a socket that nobody reads must not hold up the loop."""


@dataclass(slots=True)
class Supervisor:
    """Supervisor of this process: systemd, or none when `address` is empty.

    Its watchdog is fed by completed decisions only. There is no thread here: a loop that hangs
    tells nothing, and is killed and started again.
    """

    address: str = ""
    """A path, or "@..." for a socket without one."""
    _ready: bool = False
    _deaf: bool = False

    @classmethod
    def take(cls, environment: MutableMapping[str, str] = os.environ) -> "Supervisor":
        """The one that the environment names; our children shall not speak for us."""
        return cls(environment.pop("NOTIFY_SOCKET", ""))

    def decided(self, sentence: str) -> None:
        """Say that a decision was carried out; the first one means that we are up."""
        first = [] if self._ready else ["READY=1"]
        self._ready = self._send([*first, "WATCHDOG=1", f"STATUS={sentence}"]) or self._ready

    def stopping(self) -> None:
        """Say that we end of our own accord."""
        self._send(["STOPPING=1", "STATUS=stopped; control is with the FEMS"])

    def _send(self, lines: list[str]) -> bool:
        if not self.address:
            return False
        text = "\n".join(" ".join(line.splitlines()) for line in lines)
        path = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.settimeout(PATIENCE_S)
                line.sendto(text.encode(), path)
        except OSError as error:
            if not self._deaf:
                log.warning("systemd cannot be notified: %s", error)
            self._deaf = True
            return False
        self._deaf = False
        return True
