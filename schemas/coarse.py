"""Verifiable generalisation: the issuer's own coarse value next to an exact one.

DESIGN.md 4.3. `x_tocsin_coarse_value` of an address is its network, of a time its
day. As the issuer signs both, a reader who gets the coarse one alone can prove it. That
it fits the exact one is checked wherever both are seen, so always by the gate.
"""

import ipaddress
from collections.abc import Iterator, Mapping, Set
from typing import Any, Final, Literal

from schemas import timestamps
from schemas.errors import SchemaError

Coarse = Literal["address", "time"]

PREFIX: Final = "x_tocsin_coarse_"
# What providers hand to many customers.
_NETWORK_BITS: Final[Mapping[str, int]] = {"ipv4-addr": 24, "ipv6-addr": 48}
# Times of what happened; `created` and `modified` are about the object.
TIMES: Final = frozenset(
    {
        "account_created", "atime", "ctime", "date", "end", "end_time",
        "first_observed", "first_seen", "last_observed", "last_seen", "mtime",
        "publication_date", "published", "start", "start_time", "stop_time",
        "valid_from",
    }
)  # fmt: skip
_DAY_CHARS: Final = len("2026-11-02")


def coarse_of(kind: str, name: str, value: Any) -> str | None:
    """Give the coarse value of a property, None where there is none.

    Args:
        kind: STIX type.
        value: An address or a network, or an RFC 3339 time.

    Returns:
        A network such as "203.0.113.0/24" or "2001:db8:1::/48", or a day such
        as "2026-11-02".
    """
    if not isinstance(value, str):
        return None
    if name == "value" and kind in _NETWORK_BITS:
        return _network(value, _NETWORK_BITS[kind])
    if name not in TIMES:
        return None
    try:
        return timestamps.truncate(value, "day")[:_DAY_CHARS]
    except SchemaError:
        return None


def added(
    plain: Mapping[str, Any], what: Set[Coarse], *, marked: Set[str]
) -> Iterator[tuple[str, str]]:
    """Yield name and value of each coarse property to put into an object.

    Args:
        what: Of which kinds of values.
        marked: Properties with a marking of their own; they get none, since the
            issuer has not said what a part of them is marked.
    """
    kind = plain["type"]
    for name, value in plain.items():
        wanted: Coarse = "address" if name == "value" else "time"
        if wanted not in what or name in marked or PREFIX + name in plain:
            continue
        coarse = coarse_of(kind, name, value)
        if coarse is not None:
            yield PREFIX + name, coarse


def check(kind: str, plain: Mapping[str, Any], where: str) -> None:
    """Refuse a coarse value that is none, or that the exact one contradicts.

    Raises:
        SchemaError: `coarse`.
    """
    for name, value in plain.items():
        if name.startswith(PREFIX):
            base = name.removeprefix(PREFIX)
            exact = plain.get(base, _exact(value))
            coarse = coarse_of(kind, base, exact)
            if coarse is None or coarse != value:
                raise SchemaError("coarse", f"{where}{_spot(base)}")


def _exact(value: Any) -> Any:
    """Spell a day as a time, so that it can be made coarse again.

    A network such as 8.8.8.0/24 has as many characters.
    """
    if isinstance(value, str) and len(value) == _DAY_CHARS and "/" not in value:
        return f"{value}T00:00:00Z"
    return value


def _spot(base: str) -> str:
    # The name of an unknown property is the sender's text.
    return f".{base}" if base == "value" or base in TIMES else "[...]"


def shown_as(value: str) -> str:
    """Give a coarse value in the form that STIX has for the exact one."""
    exact = str(_exact(value))
    return value if exact == value else timestamps.truncate(exact, "day")


def _network(address: str, bits: int) -> str | None:
    try:
        found = ipaddress.ip_network(address, strict=False)
    except ValueError:
        return None
    if found.prefixlen < bits or found.version != (4 if bits == 24 else 6):
        return None
    return str(found.supernet(new_prefix=bits))
