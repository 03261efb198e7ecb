"""Objects that several rows of a table give: each once, with what all of them say."""

from collections.abc import Mapping
from typing import Any, Final

from adapters.sources.found import Collected, Found, derived_id
from schemas.errors import SchemaError
from schemas.findings import Findings, fault
from schemas.markings import TLP_IDS, Tlp
from schemas.record import MAX_OBJECTS

_MAX_PARTS: Final = 100  # of a text or list; nobody reads more
_MAX_CHARS: Final = 2**19
_TEXTS: Final = frozenset({"description", "content"})
_TIMES: Final = frozenset({"valid_from", "publication_date"})


class Gathered:
    """Objects by id, until all rows are read."""

    def __init__(self, losses: Findings, *, when: str) -> None:
        """Begin with none.

        Args:
            when: As of `Collected`.
        """
        self.losses = losses
        self.when = when
        self._objects: dict[str, dict[str, Any]] = {}
        self._places: dict[str, str] = {}
        self._marks: dict[str, Tlp] = {}
        self._unmarked = False

    def put(self, plain: Mapping[str, Any], where: str, tlp: Tlp | None) -> str:
        """Add an object, or what a further row says of it.

        Of times the earliest counts, of marks the strictest; texts and lists are
        joined; of all else the first.

        Args:
            plain: With type and id; lists are lists.
            tlp: None if the row does not say.

        Returns:
            Its id.

        Raises:
            SchemaError: `too-many-objects`.
        """
        own = str(plain["id"])
        known = self._objects.get(own)
        if known is None:
            if len(self._objects) >= MAX_OBJECTS - 1:  # the primary one comes on top
                raise SchemaError("too-many-objects", where)
            known = self._objects[own] = {}
            self._places[own] = where
        for name, value in plain.items():
            if name.endswith("_refs"):  # as many as there are objects
                known.setdefault(name, {}).update(zip(value, value, strict=True))
            elif type(value) is list or name in _TEXTS:
                parts = known.setdefault(name, {})
                self._join(parts, [value] if name in _TEXTS else value, where)
            elif name in _TIMES and value:
                known[name] = min(value, known.get(name, value))
            elif not known.get(name):
                known[name] = value
        if tlp is not None:
            self._marks[own] = max(tlp, self._marks.get(own, tlp))
        else:
            self._unmarked = True
        return own

    def relate(
        self, kind: str, source: str, target: str, where: str, tlp: Tlp | None
    ) -> None:
        """Add a relationship."""
        plain = {
            "type": "relationship",
            "id": derived_id("relationship", kind, source, target),
            "relationship_type": kind,
            "source_ref": source,
            "target_ref": target,
        }
        self.put(plain, where, tlp)

    def of_type(self, kind: str) -> list[str]:
        """List the ids of one type."""
        return [own for own in self._objects if own.startswith(f"{kind}--")]

    def origin(self, own: str) -> tuple[str, Tlp | None]:
        """Give the place of an object, and its mark."""
        return self._places[own], self._marks.get(own)

    def ids(self) -> list[str]:
        """List the ids of all objects."""
        return list(self._objects)

    def found(self, primary: Mapping[str, Any]) -> Found:
        """Give all of it, with its primary object.

        That is marked with the strictest mark, if every row has one.
        """
        if not self._objects:
            nothing = fault(SchemaError("no-objects"))
            return Found(objects=(), losses=tuple(self.losses), faults=(nothing,))
        out = Collected(self.losses, when=self.when)
        top = max(self._marks.values()) if not self._unmarked else None
        own = out.add({**primary, **_marked(top)}, "row 1")
        for each, plain in self._objects.items():
            out.add(_plain(plain, self._marks.get(each)), self._places[each])
        return out.found(own)

    def _join(self, parts: dict[str, Any], more: list[Any], where: str) -> None:
        for each in more:
            key = each if type(each) is str else repr(each)
            if not key or key in parts:
                continue
            size = sum(map(len, parts)) + len(key)
            if len(parts) >= _MAX_PARTS or size > _MAX_CHARS:
                self.losses.add("too-long", where)
            else:
                parts[key] = each


def _plain(known: Mapping[str, Any], tlp: Tlp | None) -> dict[str, Any]:
    joined = {
        name: "\n".join(value) if name in _TEXTS else list(value.values())
        for name, value in known.items()
        if type(value) is dict
    }
    return {**known, **joined, **_marked(tlp)}


def _marked(tlp: Tlp | None) -> dict[str, list[str]]:
    return {} if tlp is None else {"object_marking_refs": [TLP_IDS[tlp]]}
