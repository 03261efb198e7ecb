"""PAP: what may be done with information, beside TLP, which says who may see it.

Permissible Actions Protocol (MISP taxonomy), written in four ways: as a label
`PAP:AMBER`, by the ids of OASIS's draft (cti-stix-common-objects,
pap-marking-definition-f8d), as a definition with that extension, and as a statement or
a definition of type PAP. What says PAP and cannot be read counts as RED.
"""

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from schemas.stix import StixObject
from schemas.stix.meta import MarkingDefinition

EXTENSION: Final = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b"
_PREFIX: Final = "PAP:"


class Pap(enum.IntEnum):
    """What recipients may do; a greater one is stricter. No member is 0.

    Attributes:
        CLEAR: Anything.
        GREEN: Active steps too: asking the attacker's machines, blocking them.
        AMBER: Passive checks that third parties may see, not the attacker.
        RED: Only what nobody outside can notice.
    """

    CLEAR = 1
    GREEN = 2
    AMBER = 3
    RED = 4

    @property
    def label(self) -> str:
        """The label as MISP writes it: `PAP:AMBER`."""
        return _PREFIX + self.name

    @classmethod
    def parse(cls, text: str) -> "Pap | None":
        """Read a word in any case, with or without `PAP:`; WHITE is CLEAR."""
        word = text.strip().upper().removeprefix(_PREFIX).strip()
        return cls.__members__.get("CLEAR" if word == "WHITE" else word)


def _id(uuid: str) -> str:
    return f"marking-definition--{uuid}"


PAP_IDS: Final[Mapping[str, Pap]] = {
    _id("ad15a0cd-55b6-4588-a14c-a66105329b92"): Pap.CLEAR,
    _id("a3bea94c-b469-41dc-9cfe-d6e7daba7730"): Pap.CLEAR,  # WHITE
    _id("c43594d1-4b11-4c59-93ab-1c9b14d53ce9"): Pap.GREEN,
    _id("60f8932b-e51e-4458-b265-a2e8be9a80ab"): Pap.AMBER,
    _id("740d36e5-7714-4c30-961a-3ae632ceee0e"): Pap.RED,
}
"""The ids of OASIS's draft; they hold whatever body is sent along."""


def is_label(label: str) -> bool:
    """Tell whether a label, a MISP tag or a statement says PAP."""
    return label.lstrip()[:4].upper() == _PREFIX


def read(definition: MarkingDefinition) -> Pap | None:
    """Give the PAP that a marking definition says; None if it says none."""
    said = [_or_red(parsed(word)) for word in words_of(definition)]
    if definition.id in PAP_IDS:
        said.append(PAP_IDS[definition.id])
    return max(said, default=None)


def words_of(definition: MarkingDefinition) -> list[Any]:
    """List what a marking definition says of PAP, whatever it is."""
    return list(_words(definition))


def _words(definition: MarkingDefinition) -> Iterator[Any]:
    extensions = definition.extensions or {}
    if EXTENSION in extensions:
        body = extensions[EXTENSION]
        yield body.get("pap") if isinstance(body, dict) else None
    kind = (definition.definition_type or "").lower()
    members = list((definition.definition or {}).values())
    if kind == "pap":
        # OpenCTI: {"pap": "PAP:RED"}, or no body but the name.
        yield from members or [definition.name]
    elif kind == "statement":
        yield from (m for m in members if isinstance(m, str) and is_label(m))


def parsed(word: Any) -> Pap | None:
    """Read what stands in a definition; None if that is no word of PAP."""
    return Pap.parse(word) if isinstance(word, str) else None


def _or_red(found: Pap | None) -> Pap:
    return Pap.RED if found is None else found


def pap_of(marked: StixObject, markings: Mapping[str, Pap]) -> Pap | None:
    """Give the strictest PAP of an object as a whole, None if it has none.

    Args:
        markings: What the record's own definitions say, by id.
    """
    said = [_or_red(Pap.parse(x)) for x in marked.labels or () if is_label(x)]
    meant = pap_of_refs(marked.object_marking_refs or (), markings)
    return max(said if meant is None else [*said, meant], default=None)


def pap_of_refs(refs: Iterable[str], markings: Mapping[str, Pap]) -> Pap | None:
    """Give the strictest PAP of some marks, None if none of them says one."""
    # The record's own definitions include those under known ids, see `read`.
    said = (markings.get(ref) or PAP_IDS.get(ref) for ref in refs)
    return max((pap for pap in said if pap is not None), default=None)
