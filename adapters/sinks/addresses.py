"""Which network addresses a member may make the hub connect to. Pure.

A member chooses the URL, the hub opens the connection: without this a member
could reach what only the hub can (server-side request forgery). Allowed is what
the IANA special-purpose registries call globally reachable, nothing else. Ours
and not `ipaddress.is_global`, whose answers differ between Python releases.
"""

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import Final

_FORBIDDEN_4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT
            "127.0.0.0/8",
            "169.254.0.0/16",  # link-local: cloud metadata
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays, withdrawn
            "192.168.0.0/16",
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
_GLOBAL_6: Final = IPv6Network("2000::/3")  # RFC 4291, 2.4: all that is assigned
_FORBIDDEN_6: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # Teredo and other protocol assignments
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: any IPv4 address inside
            "3fff::/20",  # documentation
        ),
    )
)
# Addresses that stand for the IPv4 address in their last 32 bits. The local-use
# NAT64 prefix (64:ff9b:1::/48) puts it elsewhere and stays forbidden.
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052, 2.1


def is_public(text: str) -> bool:
    """Tell whether *text* is an address of the public Internet.

    What is no address is not public. A mapped (`::ffff:…`) or NAT64 address is
    judged by the IPv4 address in it.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is None:
            return address in _GLOBAL_6 and not any(
                address in network for network in _FORBIDDEN_6
            )
        address = inner
    return not any(address in network for network in _FORBIDDEN_4)
