"""What a source gives: objects, where each comes from, and what did not come along.

Nothing is dropped without being listed: a source takes members out of an `Intake`,
and what it has not taken is listed when it closes that.
"""

import uuid
from collections.abc import Iterator, Mapping, Set
from typing import Any, Final

import msgspec

from schemas import stix
from schemas.codec import check_values
from schemas.errors import SchemaError
from schemas.findings import Finding, Findings
from schemas.stix.values import MAX_TEXT_CHARS

_NAMESPACE: Final = uuid.UUID("3c1f0a52-6f0e-4a0b-9b1a-8f5f2d7c6e14")
# STIX 2.1, Deterministic ID Creation.
_OBSERVABLES: Final = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
_NOTHING: Final[frozenset[str]] = frozenset()
_EMPTY: Final[tuple[Any, ...]] = ("", None, [], {})


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a source found in an input.

    Attributes:
        objects: Complete STIX objects with distinct ids.
        places: Where in the input each object comes from, by its id.
        losses: What could not be carried over, and by which rule.
        faults: Why the input is refused; the objects are those without a fault.
        primary: Id of the primary object, where the format itself tells.
    """

    objects: tuple[stix.StixObject, ...]
    places: Mapping[str, str] = {}
    losses: tuple[Finding, ...] = ()
    faults: tuple[Finding, ...] = ()
    primary: str | None = None

    def whole(self) -> tuple[stix.StixObject, ...]:
        """Give the objects of an input without a fault.

        Raises:
            SchemaError: With the first fault.
        """
        for first in self.faults:
            raise SchemaError(first.rule, first.where)
        return self.objects


class Intake:
    """The members of one JSON object of an input, taken out one by one.

    A member of a type that is not the one asked for is listed (`wrong-type`) and
    counts as missing, so a source need not check types itself.
    """

    __slots__ = ("_left", "_losses", "_names", "where")

    def __init__(
        self,
        members: Mapping[str, Any],
        where: str,
        losses: Findings,
        names: Set[str] = _NOTHING,
    ) -> None:
        """Take *members* in.

        Args:
            where: Their place in the input.
            names: Names of the format, which a place may spell; any other name is
                the sender's text and shows as `[...]`.
        """
        self._left = dict(members)
        self._losses = losses
        self._names = names
        self.where = where

    def place(self, name: str) -> str:
        """Spell the place of a member."""
        return f"{self.where}.{name}" if name in self._names else f"{self.where}[...]"

    def has(self, name: str) -> bool:
        """Tell whether the member is there, not taken yet, and not empty."""
        return self._left.get(name) not in _EMPTY

    def has_text(self, name: str) -> bool:
        """Tell whether the member is there and a text."""
        return type(self._left.get(name)) is str

    def text(self, name: str) -> str:
        """Take a text; "" if there is none. A number counts as its digits."""
        value = self._left.pop(name, None)
        if type(value) is str:
            return value
        if type(value) is int:
            return str(value)
        self._odd(name, value, "a text")
        return ""

    def flag(self, name: str) -> bool:
        """Take a boolean, also written 0, 1, "0", "1"; False if there is none."""
        value = self._left.pop(name, None)
        if value not in (True, False, "0", "1"):  # 0 and 1 are equal to them
            self._odd(name, value, "true or false")
        return value in (True, "1")

    def number(self, name: str) -> int | None:
        """Take a whole number, also written as digits; None if there is none."""
        value = self._left.pop(name, None)
        if type(value) is int:
            return value
        if type(value) is str and value.isdecimal() and len(value) < 16:
            return int(value)
        self._odd(name, value, "a whole number")
        return None

    def members(self, name: str) -> "Intake | None":
        """Take an object; None if there is none."""
        value = self._left.pop(name, None)
        if type(value) is dict:
            return self._inner(value, self.place(name))
        self._odd(name, value, "an object")
        return None

    def items(self, name: str) -> Iterator["Intake"]:
        """Take a list of objects, one by one."""
        place = self.place(name)
        odd: list[int] = []
        for index, value in enumerate(self._list(name)):
            if type(value) is dict:
                yield self._inner(value, f"{place}[{index}]")
            elif value not in _EMPTY:
                odd.append(index)
        self._odd_items(place, odd, "an object")

    def texts(self, name: str) -> Iterator[tuple[str, str]]:
        """Take a list of texts: (place, text), one by one; empty ones left out."""
        place = self.place(name)
        odd: list[int] = []
        for index, value in enumerate(self._list(name)):
            if type(value) is str and value:
                yield f"{place}[{index}]", value
            elif value not in _EMPTY:
                odd.append(index)
        self._odd_items(place, odd, "a text")

    def plain(self, name: str) -> Any:
        """Take a value as it is, to keep it under a property of ours.

        None if there is none, or if no object may hold it (`unusable`).
        """
        value = self._left.pop(name, None)
        if value in _EMPTY:
            return None
        try:
            check_values(
                {name: value}, max_chars=MAX_TEXT_CHARS, reserved=stix.RESERVED_NAMES
            )
        except SchemaError:
            self._losses.add("unusable", self.place(name))
            return None
        return value

    def rest(self) -> dict[str, Any]:
        """Take all that is left, each as `plain` does."""
        taken = {name: self.plain(name) for name in list(self._left)}
        return {name: value for name, value in taken.items() if value is not None}

    def put(self, name: str, value: Any) -> None:
        """Put a value back, or another in its place."""
        self._left[name] = value

    def drop(self, rule: str, *names: str) -> None:
        """List members that are left out by *rule*, where they are there."""
        for name in names:
            if self._left.pop(name, None) not in _EMPTY:
                self._losses.add(rule, self.place(name))

    def drop_rest(self, rule: str) -> None:
        """List all members that are left, as left out by *rule*."""
        self.drop(rule, *list(self._left))

    def remaining(self) -> list[tuple[str, Any]]:
        """Take all that is left, for a source to list itself; empty ones left out."""
        left, self._left = self._left, {}
        return [item for item in left.items() if item[1] not in _EMPTY]

    def ignore(self, *names: str) -> None:
        """Take members that say nothing which is not said elsewhere."""
        for name in names:
            self._left.pop(name, None)

    def lose(self, rule: str, expected: str = "") -> None:
        """List the whole object as left out."""
        self._losses.add(rule, self.where, expected)

    def close(self) -> None:
        """List everything that nobody took, unless it is empty."""
        for name, _ in self.remaining():
            self._losses.add("no-equivalent", self.place(name))

    def _inner(self, value: Mapping[str, Any], where: str) -> "Intake":
        return Intake(value, where, self._losses, self._names)

    def _list(self, name: str) -> list[Any]:
        value = self._left.pop(name, None)
        if type(value) is list:
            return value
        self._odd(name, value, "a list")
        return []

    def _odd_items(self, place: str, positions: list[int], expected: str) -> None:
        # At once: a hostile list has millions.
        if positions:
            where = f"{place}[{positions[0]}]"
            count = len(positions)
            self._losses.put(Finding("wrong-type", where, expected, count))

    def _odd(self, name: str, value: Any, expected: str) -> None:
        if value not in _EMPTY:
            self._losses.add("wrong-type", self.place(name), expected)


class Collected:
    """Objects that a source makes, each once, in the order it makes them."""

    def __init__(
        self, losses: Findings, *, when: str, is_checked: bool = False
    ) -> None:
        """Begin with none.

        Args:
            when: RFC 3339; `created` and `modified` of objects that have no times.
            is_checked: As in `stix.decode_object`, of all that will be added.
        """
        self.losses = losses
        self._when = when
        self._is_checked = is_checked
        self._objects: dict[str, stix.StixObject] = {}
        self._places: dict[str, str] = {}

    def add(self, plain: Mapping[str, Any], where: str) -> str | None:
        """Add an object, unless its id is there already.

        `spec_version`, and `created` and `modified` where the type has versions,
        are filled in; members that are None, "" or empty are left out.

        Args:
            plain: With type and id.
            where: Its place in the input.

        Returns:
            Its id; None if what the input gives is not valid there, which is
            listed (`unusable`).
        """
        body = {k: v for k, v in plain.items() if v not in _EMPTY}
        if body["id"] in self._objects:
            return str(body["id"])
        body.setdefault("spec_version", "2.1")
        if body["type"] not in stix.OBSERVABLE_TYPES:
            body.setdefault("created", body.get("modified", self._when))
            if body["type"] != "marking-definition":  # STIX 2.1: it has no versions
                body.setdefault("modified", body["created"])
        try:
            decoded = stix.decode_object(body, where, is_checked=self._is_checked)
            stix.check_required(decoded, where)
        except SchemaError:
            self.losses.add("unusable", where)
            return None
        self._objects[decoded.id] = decoded
        self._places[decoded.id] = where
        return decoded.id

    def observable(
        self, kind: str, where: str, /, *contributing: str, **members: Any
    ) -> str | None:
        """Add an observable under its deterministic id.

        Args:
            contributing: Names of the properties that its id derives from.
        """
        parts = {name: members[name] for name in contributing if members.get(name)}
        own = observable_id(kind, parts)
        return self.add({"type": kind, "id": own, **members}, where)

    def relate(self, kind: str, source: str | None, target: str | None) -> None:
        """Add a relationship, if both its ends came along."""
        if source is not None and target is not None:
            self.add(
                {
                    "type": "relationship",
                    "id": derived_id("relationship", kind, source, target),
                    "relationship_type": kind,
                    "source_ref": source,
                    "target_ref": target,
                },
                self._places.get(source, "$"),
            )

    def __contains__(self, object_id: str) -> bool:
        """Tell whether an object of this id is there."""
        return object_id in self._objects

    def __len__(self) -> int:
        """Count the objects so far."""
        return len(self._objects)

    def ids(self) -> list[str]:
        """List the ids of all objects so far."""
        return list(self._objects)

    def found(self, primary: str | None = None) -> Found:
        """Give what was collected."""
        return Found(
            objects=tuple(self._objects.values()),
            places=self._places,
            losses=tuple(self.losses),
            primary=primary,
        )


def observable_id(kind: str, parts: Mapping[str, Any]) -> str:
    """Derive the id of an observable from the values that identify it."""
    # STIX 2.1, Deterministic ID Creation. Signing replaces it in any case.
    text = msgspec.json.encode(parts, order="sorted").decode()
    return f"{kind}--{uuid.uuid5(_OBSERVABLES, text)}"


def derived_id(kind: str, *parts: str) -> str:
    """Derive the same id from the same *parts* always; signing replaces it."""
    name = "\n".join((kind, *parts))
    return f"{kind}--{uuid.uuid5(_NAMESPACE, name)}"
