"""Values an adapter makes in place of withheld ones; the projection marks them. Pure."""

import ipaddress
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from adapters.policy_file import TimeGrain
from schemas import profile, stix, timestamps
from schemas.vocabularies.countries import COUNTRIES

_NOTHING: Final[Mapping[profile.Place, Any]] = MappingProxyType({})
_SMALLEST_BUCKET = 10  # counts below it are withheld
_NETWORK_BITS: Final = {4: 24, 6: 48}  # what providers hand to many customers
# The incident suite's entity-type-ov, and how far disinformation went. A count under any
# other name is left out: the name is the sender's own word.
_ENTITY_TYPES: Final = frozenset(
    {
        "computers-mobile", "computers-personal", "computers-server", "customer",
        "customer-individual", "customer-organization", "domain-controller", "employee",
        "group", "ics-actuator", "ics-engineering-workstation", "ics-historian",
        "ics-hmi", "ics-other", "ics-plc", "ics-safety-system", "ics-sensor",
        "individual", "network-device", "organization", "system", "vehicles",
    }
)  # fmt: skip
_DEGREE: Final = frozenset({"channels", "contents", "platforms", "reach", "engagement"})


def generalised(
    candidate: stix.StixObject,
    place: profile.Place,
    value: Any,
    grain: TimeGrain,
    shown: Mapping[profile.Place, Any] = _NOTHING,
) -> Any:
    """Coarsen *value*; None where nothing coarse can be said.

    Times are cut to the hour or day, counts and amounts to their order of magnitude
    (none below 10), addresses to their network, the name of an identity to its
    sectors, that of a place to its country.

    Args:
        shown: What the view is shown of the object.
    """
    if type(value) is int or type(value) is float:
        return bucket(value)
    if place == ("name",) and candidate.type == "identity":
        sectors = ", ".join(shown.get(("sectors",), ()))
        return f"an organisation ({sectors})" if sectors else "an organisation"
    if place == ("name",) and candidate.type == "location":
        country = shown.get(("country",))
        return COUNTRIES.get(country.upper()) if isinstance(country, str) else None
    if isinstance(value, str):
        networked = candidate.type in ("ipv4-addr", "ipv6-addr")
        return network(value) if networked else _moment(value, grain)
    return _counts(value, place[-1]) if isinstance(value, dict) else None


def bucket(count: float) -> int | None:
    """Give the power of ten at or below *count*; None below 10."""
    if count < _SMALLEST_BUCKET:
        return None
    power = _SMALLEST_BUCKET
    while power * 10 <= count:
        power *= 10
    return power


def _moment(value: str, grain: TimeGrain) -> str | None:
    try:
        return timestamps.truncate(value, grain)
    except ValueError:
        return None


def _counts(value: dict[str, Any], name: str) -> dict[str, int] | None:
    known = _DEGREE if name == "degree" else _ENTITY_TYPES
    buckets = {k: bucket(v) for k, v in value.items() if k in known and type(v) is int}
    return {k: v for k, v in buckets.items() if v is not None} or None


def network(address: str) -> str | None:
    """Give the /24 or /48 around an address; None for what is none.

    A range that is as wide, or wider, is None too: it would be no made value.
    """
    try:
        found = ipaddress.ip_network(address, strict=False)
    except ValueError:
        return None
    bits = _NETWORK_BITS[found.version]
    return str(found.supernet(new_prefix=bits)) if found.prefixlen > bits else None


def defanged(value: Any) -> Any:
    """Write addresses so that nobody follows them by accident."""
    if isinstance(value, str):
        return value.replace("http", "hxxp").replace(".", "[.]")
    return value
