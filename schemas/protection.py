"""Marks of those whom an alert may harm: stricter than any TLP that stands beside it.

They say whom something concerns, not who may see it; whom that lets pass is for the
redaction policy. Written as a marking definition with one of the ids below, which need
not travel along, or as a label `protect:minors`.
"""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from schemas.stix import OBSERVABLE_TYPES, StixObject, properties
from schemas.stix.cases import ObservedData

_PREFIX: Final = "protect:"


class Group(enum.StrEnum):
    """Whom a mark protects.

    Attributes:
        MINORS: Children and young people, whatever the record says of them.
        SURVIVORS: Of gender-based violence.
        DEFENDERS: Of human rights; the journalists and witnesses beside them.
    """

    MINORS = "minors"
    SURVIVORS = "survivors"
    DEFENDERS = "defenders"


PROTECTION_IDS: Final[Mapping[str, Group]] = {
    "marking-definition--0c1b6a8e-57f4-4a39-9a55-3f2d6f0c7b11": Group.MINORS,
    "marking-definition--6f0f5f0b-1d5e-4d0a-8c0e-94d4bb3b2a52": Group.SURVIVORS,
    "marking-definition--b1f4c7d6-2e3a-4f68-b7a9-d05c9e8a7f93": Group.DEFENDERS,
}
"""They hold whatever body is sent along."""


def is_label(label: str) -> bool:
    """Tell whether a label asks for protection, known or not."""
    return label.strip().lower().startswith(_PREFIX)


def groups_of_refs(refs: Iterable[str]) -> set[Group]:
    """Give whom marks protect."""
    return {PROTECTION_IDS[ref] for ref in refs if ref in PROTECTION_IDS}


def groups_of(marked: StixObject) -> set[Group]:
    """Give whom the marks of a whole object protect.

    A label that asks for protection and names no known group counts as all of them.
    """
    found = groups_of_refs(marked.object_marking_refs or ())
    for label in marked.labels or ():
        if is_label(label):
            found |= {_WORDS[_word(label)]} if names_group(label) else set(Group)
    return found


def observed(objects: Sequence[StixObject]) -> dict[str, set[Group]]:
    """Give whom observables protect through the observed-data that lists them, by id.

    Observables have no labels in STIX, and whoever marks an observation means what was
    observed; what those refer to is part of it.
    """
    waiting = [
        (ref, groups)
        for each in objects
        if type(each) is ObservedData and (groups := groups_of(each))
        for ref in each.object_refs or ()
    ]
    found: dict[str, set[Group]] = {}
    known = {each.id: each for each in objects} if waiting else {}
    while waiting:
        ref, groups = waiting.pop()
        each = known.get(ref)
        if each is None or each.type not in OBSERVABLE_TYPES:
            continue
        if not groups <= found.setdefault(ref, set()):
            found[ref] |= groups
            waiting += [(inner, groups) for inner in _targets(each)]
    return found


def _targets(observable: StixObject) -> Iterator[str]:
    for name, value in properties(observable):
        if name.endswith("_ref") and isinstance(value, str):
            yield value
        elif name.endswith("_refs") and isinstance(value, tuple | list):
            yield from (each for each in value if isinstance(each, str))


def names_group(label: str) -> bool:
    """Tell whether a label that asks for protection says for whom."""
    return _word(label) in _WORDS


def _word(label: str) -> str:
    return label.strip().lower().removeprefix(_PREFIX).strip()


_WORDS: Final = {group.value: group for group in Group}
