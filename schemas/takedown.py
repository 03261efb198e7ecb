"""A request that something be taken down: what must hold of its record. Pure.

Nothing here says whether it is justified; whoever gets it can judge that, and contest
it, only if it says who asks, on what legal basis, and why (DESIGN.md 7).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from schemas import stix
from schemas.errors import SchemaError
from schemas.pap import Pap, pap_of, pap_of_refs
from schemas.stix.takedown import LEGAL_BASIS, TakedownRequest
from schemas.terms import Marks, refs_of

_PREFIX: Final = "takedown-request--"


def is_request(primary_id: str) -> bool:
    """Tell whether a record about this primary object asks for a takedown.

    Its corrections and its retraction count: they say the same once more.
    """
    return primary_id.startswith(_PREFIX)


def need_own_kind(
    objects: Sequence[stix.StixObject],
    primary_id: str,
    places: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Refuse a request inside a record of another kind, which others may get.

    Args:
        places: Of each object, by its id.

    Raises:
        SchemaError: `kind-mismatch`.
    """
    types = [*map(type, objects)]
    if not is_request(primary_id) and TakedownRequest in types:
        place = types.index(TakedownRequest)
        where = places.get(objects[place].id, f"$.objects[{place}]")
        raise SchemaError("kind-mismatch", where)


def need_legal_basis(
    objects: Sequence[stix.StixObject],
    places: Mapping[str, str] = MappingProxyType({}),
    *,
    blank: str | None = "",
) -> None:
    """Refuse a request that does not say who asks, on what basis, and why.

    Args:
        places: Of each object, by its id.
        blank: Characters that say nothing; None: all white space.

    Raises:
        SchemaError: `no-legal-basis`.
    """
    if TakedownRequest not in map(type, objects):
        return  # as most hold none
    for i, each in enumerate(objects):
        if type(each) is not TakedownRequest:
            continue
        for name in LEGAL_BASIS:
            said = getattr(each, name)
            if not isinstance(said, str) or not said.strip(blank):
                where = places.get(each.id, f"$.objects[{i}]")
                raise SchemaError("no-legal-basis", f"{where}.{name}")


def pap_faults(
    objects: Iterable[stix.StixObject], marks: Marks, places: Mapping[str, str]
) -> Iterator[SchemaError]:
    """Yield `pap-forbids` for each object or part whose PAP is AMBER or RED.

    An adversary notices that something is taken down, and PAP:AMBER allows only what
    he does not notice (FIRST and MISP: no active steps).

    Args:
        marks: What the record's own definitions mean.
        places: Of each object, by its id.
    """
    for each in objects:
        where = places.get(each.id, "$")
        if _is_strict(pap_of(each, marks.paps)):
            yield SchemaError("pap-forbids", where)
        for place, ref in refs_of(each):
            is_part = place.startswith(".granular")
            if is_part and _is_strict(pap_of_refs((ref,), marks.paps)):
                yield SchemaError("pap-forbids", where + place)


def _is_strict(said: Pap | None) -> bool:
    return said is not None and said >= Pap.AMBER
