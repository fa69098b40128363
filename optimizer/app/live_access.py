"""Rules of access to the live page: host names and the token; pure but for the token's file."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from optimizer.errors import UsageError

COOKIE = "optimizer_access"

LEAST_TOKEN = 16
"""Least length of a token [characters]."""

MAKE_ONE = "openssl rand -hex 16"


@dataclass(frozen=True, slots=True)
class Access:
    """Conditions of an answer."""

    hosts: frozenset[str] = frozenset()
    """Names that a request may ask for beside loopback and the address that it came to."""
    token: str | None = None

    @property
    def cookie(self) -> str:
        """Value of the cookie: computed from the token, which cannot be computed from it."""
        token = (self.token or "").encode()
        return hmac.new(token, b"optimizer live page", hashlib.sha256).hexdigest()

    def allows_host(self, host: str, came_to: str) -> bool:
        """Return true if a request may ask for a host.

        Parameters
        ----------
        host
            The header `Host`.
        came_to
            Address of the server's end of the connection.
        """
        name = host_name(host)
        return is_loopback(name) or name in self.hosts or name == _plain_address(came_to)

    def allows(self, authorization: str, cookie: str) -> bool:
        """Return true if a request carries the token or its cookie, or none is needed.

        Parameters
        ----------
        authorization
            The header `Authorization`, `Bearer TOKEN`.
        cookie
            Value of the cookie.
        """
        if self.token is None:
            return True
        scheme, _, given = authorization.partition(" ")
        bearer = scheme.lower() == "bearer" and _same(given.strip(), self.token)
        return bearer or _same(cookie, self.cookie)

    def takes(self, given: str | None) -> bool:
        """Return true if a query's token is the right one."""
        return self.token is not None and given is not None and _same(given, self.token)


def _same(one: str, other: str) -> bool:
    """Compare in a time that does not depend on the texts."""
    return hmac.compare_digest(one.encode(), other.encode())


def host_name(host: str) -> str:
    """The name or address in a `Host` header, without port and brackets.

    >>> host_name("Pi.local:8765"), host_name("[::1]:8765"), host_name("::1")
    ('pi.local', '::1', '::1')
    """
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, colon, _ = host.rpartition(":")
    return name if colon and ":" not in name else host


def _plain_address(address: str) -> str:
    """An address as a `Host` header has it; one of IPv4 within IPv6 is that of IPv4.

    >>> _plain_address("::ffff:192.168.0.5")
    '192.168.0.5'
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address.lower()
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)


def is_loopback(name: str) -> bool:
    """Return true for `localhost` and for addresses of this computer alone.

    >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("pi")
    (True, True, True, False)
    """
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _is_wildcard(name: str) -> bool:
    try:
        return ip_address(name).is_unspecified
    except ValueError:
        return not name


def access_for(host: str, more_hosts: Iterable[str], token_file: Path | None) -> Access:
    """The rules for an address to listen on.

    Raises
    ------
    UsageError
        If others can reach the address and there is no token.
    ConfigError
        If the token's file cannot be read, or can be read by others.
    """
    names = (host_name(name) for name in (host, *more_hosts))
    hosts = frozenset(name for name in names if not _is_wildcard(name))
    if token_file is None:
        if not is_loopback(host_name(host)):
            raise UsageError(
                f"--host {host} can be reached from other computers: protect the page with "
                f"--token-file FILE ('umask 077; {MAKE_ONE} > FILE' makes one)"
            )
        return Access(hosts)
    return Access(hosts, _token_in(token_file))


def _token_in(path: Path) -> str:
    from optimizer.config.loading import secret_in

    token = secret_in(path, "--token-file")
    if len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            f"--token-file: the token in {path} should have {LEAST_TOKEN} characters or more "
            f"without spaces: '{MAKE_ONE}' makes one"
        )
    return token
