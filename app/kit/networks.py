"""IP addresses, and the networks that count as one sender."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_HOST_BITS, _SITE_BITS = 64, 48
_PORT_LENGTH_MAX = 5
#: The quota of an IPv6 /48 is this many times the quota of each /64 in it.
SITE_FACTOR = 10
#: The network of a request that has no IP address, for example by a Unix socket.
UNKNOWN = "unknown"


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address that a proxy wrote: alone, with a port, in brackets; None if the text
    is no address. An IPv4 address that is mapped into IPv6 is returned as IPv4."""
    text = text.strip()
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        if not bracket or (port and not _is_port(port.removeprefix(":"))):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _is_port(port):
            return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def network_of(text: str) -> str:
    """Return what counts as one sender: an IPv4 address, or the /64 network of an IPv6 address."""
    address = parse_address(text)
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, _HOST_BITS), strict=False))


def site_of(network: str) -> str | None:
    """Return the /48 network around a /64: what providers give to one site, with 65,536 of them.

    None for other networks.
    """
    if not network.endswith(f"/{_HOST_BITS}"):
        return None
    return str(ip_network((network.partition("/")[0], _SITE_BITS), strict=False))


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _PORT_LENGTH_MAX
