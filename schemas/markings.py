"""Handling marks: TLP 2.0, its order, its ids, and marks on parts of an object.

TLP is read from the table of ids, never from a name or a body sent along: RRN and
other real bundles send {"tlp": "clear"} under the id of TLP 1's WHITE.
"""

import enum
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, Self

from msgspec import UNSET

from schemas.errors import SchemaError
from schemas.stix import StixObject, encode_object

# Nested parts are names or list positions: `contents.th.name`, `labels.[0]`.
# STIX 2.1, Granular Marking. Selectors are always visible, so no text may stand there.
_SELECTOR = re.compile(
    r"([a-z0-9_-]{1,250})(?:\.(?:\[[0-9]{1,9}\]|[A-Za-z0-9_-]{1,100})){0,16}"
)


class Tlp(enum.IntEnum):
    """Traffic Light Protocol 2.0 (FIRST); a greater one is stricter.

    No member is 0, so that none is false.
    """

    CLEAR = 1
    GREEN = 2
    AMBER = 3
    AMBER_STRICT = 4
    RED = 5

    @property
    def label(self) -> str:
        """The word as written: `AMBER+STRICT`."""
        return self.name.replace("_", "+")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a label in any case, with or without `TLP:`; TLP 1's WHITE is CLEAR.

        Raises:
            SchemaError: `bad-tlp`.
        """
        word = text.strip().upper().removeprefix("TLP:").replace("WHITE", "CLEAR")
        for member in cls:
            if member.label == word:
                return member
        raise SchemaError("bad-tlp")


def _id(uuid: str) -> str:
    return f"marking-definition--{uuid}"


TLP_IDS: Final[dict[Tlp, str]] = {
    Tlp.CLEAR: _id("94868c89-83c2-464b-929b-a1a8aa3c8487"),
    Tlp.GREEN: _id("bab4a63c-aed9-4cf5-a766-dfca5abac2bb"),
    Tlp.AMBER: _id("55d920b0-5e8b-4f79-9ee9-91f868d9b421"),
    Tlp.AMBER_STRICT: _id("939a9414-2ddd-4d32-a0cd-375ea402b003"),
    Tlp.RED: _id("e828b379-4e03-4974-9ac4-e53a884c97c1"),
}
"""The ids of TLP 2.0 (OASIS), the ones to write."""

TLP_1_AMBER: Final = _id("f88d31f6-486f-44da-b317-01333bde0b82")
"""TLP 1's AMBER, which TLP 2.0 split into AMBER and AMBER+STRICT."""

_KNOWN: Final[dict[str, Tlp]] = {
    **{marking: tlp for tlp, marking in TLP_IDS.items()},
    # TLP 1: STIX 2.1, TLP Marking Object Type.
    _id("613f2e26-407d-48c7-9eca-b8e91df99dc9"): Tlp.CLEAR,
    _id("34098fce-860f-48ae-8e50-ebd3cc5e41da"): Tlp.GREEN,
    TLP_1_AMBER: Tlp.AMBER,
    _id("5e57c739-391a-4eb3-b6be-7d15ca92d5ed"): Tlp.RED,
    # OpenCTI, which writes the others under the ids of TLP 1.
    _id("826578e1-40ad-459f-bc73-ede076f81f37"): Tlp.AMBER_STRICT,
}


RED_IDS: Final = frozenset(m for m, tlp in _KNOWN.items() if tlp is Tlp.RED)
"""Every id that means RED."""


KNOWN_IDS: Final = frozenset(_KNOWN)
"""Every id that stands for a TLP."""


def is_known_marking(marking: str) -> bool:
    """Tell whether the id *marking* stands for a TLP."""
    return marking in _KNOWN


def tlp_of(marking_refs: Iterable[str]) -> Tlp | None:
    """Give the strictest TLP among the ids, or None if there is none.

    Ids it does not know (statements, PAP, a TLP of tomorrow) are passed over.
    """
    known = [_KNOWN[m] for m in marking_refs if m in _KNOWN]
    return max(known) if known else None


def normalise_refs(marking_refs: Iterable[str]) -> tuple[str, ...]:
    """Write every known TLP under its 2.0 id, each id once, in the order given."""
    return tuple(
        dict.fromkeys(TLP_IDS[_KNOWN[m]] if m in _KNOWN else m for m in marking_refs)
    )


def granular_tlp(marked: StixObject, where: str = "$") -> dict[str, Tlp]:
    """Give the strictest TLP that granular markings put on each property.

    A selector counts for the whole property that it begins with, so that no part
    is shown because a path was read differently. Markings of language and of
    other kinds are passed over, their selectors checked all the same.

    Raises:
        SchemaError: `bad-selector`.
    """
    strictest: dict[str, Tlp] = {}
    for marking_ref, name in _selected(marked, where):
        tlp = _KNOWN.get(marking_ref or "")
        if tlp is not None:
            strictest[name] = max(tlp, strictest.get(name, tlp))
    return strictest


def granular_marks(marked: StixObject) -> dict[str, set[str]]:
    """List the marking ids that granular markings put on each property.

    Raises:
        SchemaError: `bad-selector`.
    """
    found: dict[str, set[str]] = {}
    for marking_ref, name in _selected(marked, "$"):
        if marking_ref is not None:
            found.setdefault(name, set()).add(marking_ref)
    return found


def granular_languages(marked: StixObject) -> Iterator[tuple[str, str]]:
    """Yield (property, language) of each part whose language is marked.

    Raises:
        SchemaError: `bad-selector`.
    """
    for number, marking in enumerate(marked.granular_markings or ()):
        if marking.lang is not UNSET:
            for position, selector in enumerate(marking.selectors):
                yield _first(selector, "$", number, position), marking.lang


def check_selectors(marked: StixObject, where: str = "$") -> None:
    """Refuse a selector that leads to no part of the object, at any depth.

    For what an issuer is about to sign: a misspelt selector protects nothing
    (STIX 2.1, Granular Marking, forbids it). In a redacted copy the part may be cut.

    Raises:
        SchemaError: `bad-selector`; `bad-property` where a granular marking has
            both a mark and a language, or neither.
    """
    if not marked.granular_markings:
        return
    plain = encode_object(marked)
    for number, marking in enumerate(marked.granular_markings):
        # STIX 2.1, Granular Marking: exactly one of them.
        if (marking.marking_ref is UNSET) == (marking.lang is UNSET):
            raise SchemaError("bad-property", f"{where}.granular_markings[{number}]")
        for position, selector in enumerate(marking.selectors):
            _first(selector, where, number, position)
            if not _leads_somewhere(selector, plain):
                place = _place(where, number, position)
                raise SchemaError("bad-selector", place)


def _leads_somewhere(selector: str, plain: Any) -> bool:
    """Tell whether the path ends at a value (STIX 2.1, 7.2.3.1)."""
    value = plain
    for part in selector.split("."):
        if part.startswith("["):
            index = int(part[1:-1])
            if type(value) is not list or index >= len(value):
                return False
            value = value[index]
        elif type(value) is dict and part in value:
            value = value[part]
        else:
            return False
    return True


def _first(selector: str, where: str, number: int, position: int) -> str:
    """Give the property that a selector begins with."""
    found = _SELECTOR.fullmatch(selector)
    if found is None:
        raise SchemaError("bad-selector", _place(where, number, position))
    return found[1]


def _place(where: str, number: int, position: int) -> str:
    return f"{where}.granular_markings[{number}].selectors[{position}]"


def _selected(marked: StixObject, where: str) -> Iterator[tuple[str | None, str]]:
    """Yield (marking id or None, property) for each selector."""
    for number, marking in enumerate(marked.granular_markings or ()):
        for position, selector in enumerate(marking.selectors):
            name = _first(selector, where, number, position)
            yield marking.marking_ref or None, name
