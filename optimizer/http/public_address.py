"""Addresses outside private networks, to which no password of a FEMS goes unasked."""

from ipaddress import ip_address


class PublicAddressError(Exception):
    """A host has only addresses outside private networks.

    No `OSError`: the libraries between would take it for a connection that failed.
    """

    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host} is {address}, outside private networks")


def is_public(host: str) -> bool:
    """Tell whether a host is an IP address outside private, link-local and loopback ranges.

    >>> is_public("192.168.0.23"), is_public("8.8.8.8"), is_public("::ffff:8.8.8.8"), is_public("x")
    (False, True, True, False)
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return not (mapped.is_private or mapped.is_link_local or mapped.is_loopback)
