"""One deadline for a whole exchange: looking a host up, connecting and every single read.

The time-outs of `requests` start anew with every byte that arrives and with every address of a host
name, and looking it up has none: a dripping answer, or a silent name server, holds a call without
any bound. Here each wait ends with the whole deadline, and when the program has to stop.
"""

import errno
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from optimizer.errors import StoppedError
from optimizer.http.public_address import PublicAddressError, is_public

POLL_S = 0.1
"""Longest wait without asking whether the program has to stop [s]."""

LOOKUP_S = 1.0
"""Wait for the name server where an address is known that worked before [s]."""

Address = tuple[socket.AddressFamily, tuple[Any, ...]]
"""Family of a socket address, and the address as `connect` takes it."""


class Deadline:
    """The moment when an exchange has to be over, whatever the other side does."""

    def __init__(self) -> None:
        self.stopping: Callable[[], bool] = bool
        """True once the program has to stop."""
        self.connections = 0
        """Number of connections that were opened under it."""
        self._ends_s = 0.0
        self._after_stop_s: float | None = 0.0
        self._stops_s: float | None = None

    def start(self, allowed_s: float, after_stop_s: float | None = None) -> None:
        """Allow some time from now on.

        Parameters
        ----------
        allowed_s
            Longest time of the exchange [s].
        after_stop_s
            Longest time that it goes on once the program has to stop [s]; None ends it at once.
        """
        self._ends_s = time.monotonic() + allowed_s
        self._after_stop_s, self._stops_s = after_stop_s, None

    def left_s(self) -> float:
        """Time left [s].

        Raises
        ------
        TimeoutError
            If there is none.
        StoppedError
            If the program has to stop, and the exchange is not worth waiting for.
        """
        now_s = time.monotonic()
        if self._stops_s is None and self.stopping():
            if self._after_stop_s is None:
                raise StoppedError
            self._stops_s = now_s + self._after_stop_s
        ends_s = self._ends_s if self._stops_s is None else min(self._ends_s, self._stops_s)
        if ends_s <= now_s:
            raise TimeoutError("the deadline has passed")
        return ends_s - now_s

    def wait(self, arrived: Callable[[float], bool], longest_s: float) -> bool:
        """Wait for something in short pieces; true once it has arrived.

        Parameters
        ----------
        arrived
            Waits for so many seconds; true if it has arrived.
        longest_s
            Longest time [s], at most what is left.
        """
        until_s = time.monotonic() + longest_s
        while (left_s := until_s - time.monotonic()) > 0:
            if arrived(min(left_s, self.left_s(), POLL_S)):
                return True
        return False


class PunctualSocket(socket.socket):
    """A socket that never waits for data beyond the deadline."""

    def __init__(self, opened: socket.socket, deadline: Deadline) -> None:
        patience_s = opened.gettimeout()
        super().__init__(fileno=opened.detach())
        self._deadline = deadline
        self.settimeout(patience_s)

    def settimeout(self, value: float | None) -> None:
        """Set how long a single read may take [s]; None leaves it to the deadline."""
        self._patience_s = value
        super().settimeout(value)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """Read, within what is left of the deadline."""
        received: list[int] = []

        def arrived(seconds: float) -> bool:
            super(PunctualSocket, self).settimeout(seconds)
            try:
                received.append(super(PunctualSocket, self).recv_into(buffer, nbytes, flags))
            except TimeoutError:
                return False
            return True

        longest_s = self._deadline.left_s() if self._patience_s is None else self._patience_s
        if not self._deadline.wait(arrived, longest_s):
            raise TimeoutError("nothing was received in time")
        return received[0]


class Dialler:
    """Opens sockets to a host within one deadline; remembers the address that worked last."""

    def __init__(self, deadline: Deadline, *, private_only: bool = False) -> None:
        self._deadline, self._private_only = deadline, private_only
        self._known: dict[tuple[str, int], Address] = {}
        self._lookup: _Lookup | None = None

    def dial(self, host: str, port: int, longest_s: float) -> socket.socket:
        """An open socket; the time is shared out among the host's addresses.

        Raises
        ------
        OSError
            If no address takes the connection in time (`TimeoutError`), or there is none
            (`socket.gaierror`).
        PublicAddressError
            If all of them are public, and only private ones are wanted.
        """
        until_s, error = time.monotonic() + longest_s, OSError("the host has no address")
        addresses = self._wanted(host, self._addresses(host, port, longest_s))
        for place, address in enumerate(addresses):
            share_s = (until_s - time.monotonic()) / (len(addresses) - place)
            try:
                opened = self._opened(address, share_s)
            except OSError as failed:
                error = failed
            else:
                self._known = {(host, port): address}
                return opened
        raise error

    def _wanted(self, host: str, addresses: Sequence[Address]) -> Sequence[Address]:
        """The addresses that may be connected to: a name can change its address at any time."""
        if not self._private_only:
            return addresses
        private = [address for address in addresses if not is_public(str(address[1][0]))]
        if addresses and not private:
            raise PublicAddressError(host, str(addresses[0][1][0]))
        return private

    def _addresses(self, host: str, port: int, longest_s: float) -> Sequence[Address]:
        """The host's addresses, the one that worked last in front."""
        known = [address for place, address in self._known.items() if place == (host, port)]
        try:
            found = self._found(host, port, min(longest_s, LOOKUP_S) if known else longest_s)
        except OSError:
            if not known:
                raise
            return known
        return [
            *(one for one in known if one in found),
            *(one for one in found if one not in known),
        ]

    def _found(self, host: str, port: int, longest_s: float) -> Sequence[Address]:
        if self._lookup is None or self._lookup.done:
            self._lookup = _Lookup(host, port)
        if not self._deadline.wait(self._lookup.wait, longest_s):
            raise TimeoutError(f"the name {host} was not looked up in time")
        return self._lookup.taken()

    def _opened(self, address: Address, longest_s: float) -> socket.socket:
        family, place = address
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.setblocking(False)
            code = opened.connect_ex(place)
            if code == errno.EINPROGRESS:
                code = self._connected(opened, longest_s)
            if code:
                raise OSError(code, os.strerror(code))
        except BaseException:
            opened.close()
            raise
        return opened

    def _connected(self, opened: socket.socket, longest_s: float) -> int:
        """Wait until a connection stands; its error code, 0 for none."""
        with selectors.DefaultSelector() as selector:
            selector.register(opened, selectors.EVENT_WRITE)
            if not self._deadline.wait(lambda s: bool(selector.select(s)), longest_s):
                raise TimeoutError("the connection was not taken in time")
        return opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


class _Lookup:
    """A host name on its way through the name server, in a thread: the call has no time-out.

    A name server that stays silent keeps one thread, whatever is asked meanwhile.
    """

    def __init__(self, host: str, port: int) -> None:
        self._asked = host, port
        self._addresses: Sequence[Address] = ()
        self._error: OSError | None = None
        self._over = threading.Event()
        self.done = False
        """True once its answer was taken."""
        threading.Thread(target=self._ask, daemon=True).start()

    def _ask(self) -> None:
        try:
            found = socket.getaddrinfo(*self._asked, type=socket.SOCK_STREAM)
            self._addresses = [(family, place) for family, _, _, _, place in found]
        except OSError as error:
            self._error = error
        finally:
            self._over.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the answer; true once it is there."""
        return self._over.wait(seconds)

    def taken(self) -> Sequence[Address]:
        """The addresses that were found; raises `OSError` if there are none."""
        self.done = True
        if self._error is not None:
            raise self._error
        return self._addresses
