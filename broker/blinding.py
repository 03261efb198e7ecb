"""Replaces ids that give values away, before signing (DESIGN.md, section 2, step 2). Pure.

STIX derives ids of observables from their values (UUIDv5), so an id would undo
the redaction of its value; real producers derive identity ids from names too.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from schemas import stix
from schemas.record import org_urn
from schemas.stix.values import ID_TAIL_CHARS
from schemas.terms import is_known_by_id

_NAMESPACE: Final = uuid.UUID("9a2f6c0e-52f5-4a44-9d2f-6d3b0f7c51ab")
# In two steps, from the rare part backwards: one pattern for the whole takes a
# time that grows with the square of a text without spaces (40,000 letters: 27 s).
_UUID: Final = r"--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TAIL = re.compile(_UUID, re.ASCII | re.IGNORECASE)
_TAIL_AS_WRITTEN = re.compile(_UUID)
_TYPE = re.compile(r"[a-z][a-z0-9-]{0,249}+\Z", re.ASCII | re.IGNORECASE)
_MAX_TYPE_CHARS: Final = 250  # STIX 2.1, 2.5
_RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]", re.IGNORECASE)
_ALWAYS_REPLACED: Final = stix.OBSERVABLE_TYPES | {"identity"}


@lru_cache(1024)
def org_identity(org: str) -> str:
    """Id of an organisation's own STIX identity: derived from its public name."""
    return f"identity--{uuid.uuid5(_NAMESPACE, org_urn(org))}"


def own_id(org: str, identity: str | None) -> dict[str, str]:
    """Map the id that an issuer's tools give its own identity to `org_identity`.

    Without it the issuer's identity would be one of many organisations in its own
    records, with a new id in each.
    """
    return {} if identity is None else {identity.lower(): org_identity(org)}


def must_replace(stix_id: str, own: str) -> bool:
    """Tell whether an id may derive from a value.

    Every id that is no random UUIDv4, and every identity, account and observable
    id whatever its kind; the issuer's own, known markings and extension
    definitions stay.
    """
    kind, _, value = stix_id.rpartition("--")
    if stix_id == own or kind == "extension-definition" or is_known_by_id(stix_id):
        return False
    return kind in _ALWAYS_REPLACED or not _RANDOM.match(value)


def blind(
    objects: Iterable[dict[str, Any]], *, own: str, replace: Callable[[str], str]
) -> Iterator[dict[str, Any]]:
    """Replace ids everywhere they stand: as ids, as references, inside strings.

    Args:
        objects: Plain STIX objects of one record.
        own: The issuer's own identity id.
        replace: Gives the replacement for an id; the same one for the same id
            within a record's lineage, never shared between records.
    """
    swapped: dict[str, str] = {}  # most strings with ids stand many times

    def swap(text: str) -> str:
        if text not in swapped:
            swapped[text] = swap_anew(text)
        return swapped[text]

    def swap_anew(text: str) -> str:
        kind, tail = text[:-ID_TAIL_CHARS], text[-ID_TAIL_CHARS:]
        if kind in _PLAIN_TYPES and _TAIL_AS_WRITTEN.fullmatch(tail):
            # Nothing but an id, as most of them are: no need to look for one.
            return replace(text) if must_replace(text, own) else text
        out: list[str] = []
        done = 0
        for start, end in _ids_in(text):
            found = text[start:end]
            lower = found.lower()
            instead = replace(lower) if must_replace(lower, own) else found
            out += (text[done:start], instead)
            done = end
        return "".join([*out, text[done:]])

    def walk(value: Any) -> Any:
        kind = type(value)
        if kind is str:
            return swap(value) if "--" in value else value
        if kind is dict:
            out: dict[str, Any] = {}
            for name, inner in value.items():
                # Most are strings without an id: a call for each would be felt.
                is_plain = type(inner) is str and "--" not in inner
                key = swap(name) if "--" in name else name
                out[key] = inner if is_plain else walk(inner)
            return out
        if kind is list or kind is tuple:
            return [walk(v) for v in value]
        return value

    for candidate in objects:
        yield walk(candidate)


def _ids_in(text: str) -> Iterator[tuple[int, int]]:
    """Find where ids stand in *text*: start and end of each."""
    done = 0
    for tail in _TAIL.finditer(text):
        end = tail.start()
        kind = _TYPE.search(text, max(done, end - _MAX_TYPE_CHARS), end)
        if kind is not None:
            done = tail.end()
            yield end - len(_innermost_type(kind.group().lower())), done


@lru_cache(1024)
def _innermost_type(kind: str) -> str:
    # In a text something may stand in front: `ref-identity--...`, `2ipv4-addr--...`.
    ends = (each for each in _ALWAYS_REPLACED if kind.endswith(each))
    return max(ends, key=len, default=kind)


_PLAIN_TYPES: Final = frozenset(t for t in stix.TYPES if _innermost_type(t) == t)


class BlindMap:
    """Replacement ids of one lineage: known ones first, random ones for new ids."""

    def __init__(self, new_uuid: Callable[[], str], known: Mapping[str, str]) -> None:
        self._new_uuid = new_uuid
        self._known = known
        self.added: dict[str, str] = {}

    def __call__(self, original: str) -> str:
        """Give the replacement of *original*."""
        found = self._known.get(original) or self.added.get(original)
        if found is None:
            found = f"{original.rpartition('--')[0]}--{self._new_uuid()}"
            self.added[original] = found
        return found
