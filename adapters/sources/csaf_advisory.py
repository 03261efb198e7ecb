"""What all parts of a CSAF document share: its ids, its times and marks, its limits."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from adapters.sources.found import Collected, Found, derived_id
from schemas import stix
from schemas.codec import encode_json
from schemas.errors import SchemaError
from schemas.findings import Findings
from schemas.record import MAX_OBJECTS

# Every relation is half a dozen disclosures, and a token has at most 65,536. A
# hundred flaws in a hundred products are told in a hundred notes instead.
MAX_RELATIONS: Final = 4_000
# One group of products, named again and again, would grow with the square.
MAX_REFERENCES: Final = 500_000


class Advisory:
    """Makes the objects of one CSAF document."""

    def __init__(
        self,
        losses: Findings,
        key: Sequence[str],
        *,
        when: str,
        common: Mapping[str, Any],
        marks: Sequence[str],
    ) -> None:
        """Begin with none.

        Args:
            key: What identifies the document; all ids derive from it.
            common: Members of every object that has versions.
            marks: Ids of markings of every object.
        """
        self.losses = losses
        self._key = key
        self._made = Collected(losses, when=when)
        self._marks = {"object_marking_refs": list(marks)}
        self._common = {**common, **self._marks}
        self._relations = 0
        self._references = 0

    def id(self, kind: str, *parts: Any) -> str:
        """Give the id of an object, from what identifies it in the document."""
        return derived_id(kind, encode_json([*self._key, *parts]).decode())

    def add(
        self, kind: str, where: str, parts: Sequence[Any], **members: Any
    ) -> str | None:
        """Add an object, unless it is there already: its id, None if it is not valid.

        Args:
            parts: What identifies it in the document.

        Raises:
            SchemaError: `too-many-objects`.
        """
        if len(self._made) >= MAX_OBJECTS:
            raise SchemaError("too-many-objects", where)
        common = self._marks if kind in stix.OBSERVABLE_TYPES else self._common
        own = {"type": kind, "id": self.id(kind, *parts), **common, **members}
        return self._made.add(own, where)

    def credit(self, author: str | None) -> None:
        """Name who has created all objects added from now on."""
        self._common = {**self._common, "created_by_ref": author}

    def note(
        self,
        where: str,
        about: Iterable[str],
        abstract: str,
        content: str,
        labels: Sequence[str] = (),
        **members: Any,
    ) -> None:
        """Add a note about objects; without a content, its abstract is one."""
        refs = list(dict.fromkeys(about))
        self.add(
            "note",
            where,
            [refs, abstract, content, list(labels)],
            abstract=abstract,
            content=content or abstract,
            labels=list(labels),
            object_refs=refs,
            **members,
        )

    def relate(
        self, kind: str, pairs: Sequence[tuple[str, str]], where: str, words: str
    ) -> None:
        """Add relations from sources to targets; a note in *words* if they are many."""
        if self._relations + len(pairs) > MAX_RELATIONS:
            self.note(where, chain.from_iterable(pairs), "", words)
            return
        self._relations += len(pairs)
        for source, target in pairs:
            self.add(
                "relationship",
                where,
                [kind, source, target],
                relationship_type=kind,
                source_ref=source,
                target_ref=target,
            )

    def count_references(self, number: int, where: str) -> None:
        """Count references to products, so that they stay bounded.

        Raises:
            SchemaError: `too-many-values`.
        """
        self._references += number
        if self._references > MAX_REFERENCES:
            raise SchemaError("too-many-values", where)

    def __contains__(self, object_id: str) -> bool:
        """Tell whether an object of this id is there."""
        return object_id in self._made

    def ids(self) -> list[str]:
        """List the ids of all objects so far."""
        return self._made.ids()

    def found(self, primary: str | None) -> Found:
        """Give what was made."""
        return self._made.found(primary)


def label(name: str, value: str) -> list[str]:
    """Write a value of the document as a machine tag; nothing for an empty one."""
    return [f'csaf:{name}="{value}"'] if value else []


def words(term: str) -> str:
    """Write a term of the format for people: `vendor_fix`, "vendor fix"."""
    return term.replace("_", " ")
