"""Whom a request comes from, as far as a limit on misses must know."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from starlette.requests import Request

_NETWORK_BITS: Final = 64  # what one customer of a provider has at least (RFC 6177)
UNKNOWN: Final = "unknown"


def client_of(request: Request, trusted_proxies: int) -> str:
    """An IPv4 address, or an IPv6 network of 64 bits, all of whose addresses one client may use.

    Each proxy adds to `X-Forwarded-For` whom it heard from. Of these, the first that the outermost
    of our own `trusted_proxies` added is the client; what stands before it, anybody may have made
    up. It is the peer of the connection where there are no proxies, or the request came around them.
    """
    heard_from = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    if 0 < trusted_proxies <= len(heard_from):
        return _network(heard_from[-trusted_proxies].strip()) or _peer(request)
    return _peer(request)


def is_of_a_reader(client: str) -> bool:
    """Whether a client's address is a public one.

    Any other may be that of a proxy of ours that nobody told us of, with all readers behind it.
    """
    return client != UNKNOWN and ip_network(client).is_global


def _peer(request: Request) -> str:
    return (request.client and _network(request.client.host)) or UNKNOWN


def _network(written: str) -> str | None:
    try:
        address = ip_address(_without_port(written).partition("%")[0])
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, _NETWORK_BITS), strict=False))


def _without_port(written: str) -> str:
    """`192.0.2.1:80` and `[2001:db8::1]:80` are written by some proxies."""
    if written.startswith("["):
        return written[1:].partition("]")[0]
    return written.partition(":")[0] if written.count(":") == 1 else written
