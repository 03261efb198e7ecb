"""Decoding that finds all faults at once, for `tocsin check` and whoever signs."""

from typing import Any, Final

from schemas.errors import SchemaError
from schemas.findings import Finding, fault
from schemas.stix.bundles import joined, objects_in
from schemas.stix.core import StixObject
from schemas.stix.expected import expected_at
from schemas.stix.objects import TYPES, decode_object
from schemas.stix.required import missing_properties

_ANY_UUID: Final = "00000000-0000-4000-8000-000000000000"
MAX_FAULTS: Final = 1000  # more help nobody

Examined = tuple[tuple[StixObject, ...], dict[str, str], tuple[Finding, ...]]


def examine_bundle(value: Any, *, is_checked: bool = False) -> Examined:
    """Decode what `decode_bundle` does, every object complete.

    Args:
        is_checked: `check_plain` has taken it.

    Returns:
        The objects without a fault, the place of each by its id, and the faults.
    """
    by_id: dict[str, StixObject] = {}
    places: dict[str, str] = {}
    faults: list[Finding] = []
    try:
        for where, item in objects_in(value):
            try:
                decoded = decode_object(item, where, is_checked=is_checked)
                known = by_id.get(decoded.id)
                if known is not None:
                    decoded = joined(known, decoded, where)
            except SchemaError:
                faults += _faults_of(item, where, by_id)
                if len(faults) > MAX_FAULTS:
                    break
                continue
            missing = missing_properties(decoded)
            if missing:
                faults += [_missing(item, name, where) for name in missing]
            by_id[decoded.id] = decoded
            places.setdefault(decoded.id, where)
    except SchemaError as error:
        faults.append(fault(error))
    return tuple(by_id.values()), places, tuple(faults)


def _missing(item: dict[str, Any], name: str, where: str) -> Finding:
    return Finding("missing-property", f"{where}.{name}", expected_at(item, name))


def _faults_of(item: Any, where: str, by_id: dict[str, StixObject]) -> list[Finding]:
    """Find all faults of one object: take each faulty property out and look again."""
    found: list[Finding] = []
    left = item
    while True:
        try:
            decoded = decode_object(left, where)
            joined(by_id.get(decoded.id), decoded, where)
        except SchemaError as error:
            name = error.where.removeprefix(where).lstrip(".").partition(".")[0]
            name = name.partition("[")[0]
            found.append(fault(error, expected_at(item, name)))
            if type(left) is not dict or name not in left or name == "type":
                return found
            left = {k: v for k, v in left.items() if k != name}
            if name == "id":
                if left.get("type") not in TYPES:
                    return found
                left["id"] = f"{left['type']}--{_ANY_UUID}"
        else:
            names = [n for n in missing_properties(decoded) if n not in item]
            return found + [_missing(item, n, where) for n in names]
