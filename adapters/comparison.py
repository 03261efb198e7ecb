"""One record side by side: the form that `adapters.comparing` makes and pages show. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from adapters.explaining import Refusal
from schemas import profile

State = Literal["full", "part", "made", "withheld", "waiting"]
STATES: Final[tuple[State, ...]] = ("full", "part", "made", "withheld", "waiting")


class Cell(msgspec.Struct, frozen=True):
    """One part of a record, as one view has it.

    Attributes:
        value: As the projection has it; None if nothing stands there.
        why: Sentences, if it is not as the issuer signed it.
        instead: What *value* is, if it is not the issuer's, in words.
    """

    state: State
    value: Any = None
    why: tuple[str, ...] = ()
    instead: str = ""


class Row(msgspec.Struct, frozen=True):
    """One property of an object.

    Attributes:
        name: The property, as policies spell it.
        path: JSON path in the record as signed.
        signed: The value as its issuer signed it.
        cells: One a column.
        is_minor: It says when, by whom and how to handle it, not what happened.
    """

    name: str
    path: str
    signed: Any
    cells: tuple[Cell, ...]
    is_minor: bool = False

    @property
    def spoken(self) -> str:
        """The property in words."""
        name = self.name.removeprefix("extensions.")
        return name.replace(".", " ").replace("_", " ")


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One object.

    Attributes:
        number: Its place on the page, from 1.
        title: Its name or value as signed, "" if it has none.
        lost: For each column why all of it is withheld; empty where it is not.
    """

    number: int
    object_id: str
    object_type: str
    title: str
    path: str
    lost: tuple[tuple[str, ...], ...]
    rows: tuple[Row, ...]


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One view.

    Attributes:
        after_days: Gets a record so long after the hub first saw it.
        refusal: None if it gets something.
        totals: Parts by state.
        ids: Id in the record as signed by id in this projection.
    """

    name: str
    audience: str
    called: str
    clearance: str
    jurisdiction: str
    addressed: bool
    concerned: bool
    after_days: int
    refusal: Refusal | None
    totals: Mapping[State, int]
    ids: Mapping[str, str]

    @property
    def heading(self) -> str:
        """What people call it."""
        return self.called if self.name == self.audience else self.name

    @property
    def described(self) -> str:
        """Say what the policy knows of this view."""
        said = [f"{self.audience}, up to TLP:{self.clearance}"]
        said += [f"law of {self.jurisdiction}"] if self.jurisdiction else []
        said += ["addressed by name"] if self.addressed else []
        said += ["named as concerned"] if self.concerned else []
        said += [f"{self.after_days} days later"] if self.after_days else []
        return ", ".join(said)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One record side by side."""

    issuer: str
    title: str
    record: str
    version: str
    kind: str
    tlp: str
    token: str
    complete: bool
    policy: str
    policy_sha256: str
    columns: tuple[Column, ...]
    cards: tuple[Card, ...]

    def numbers(self) -> dict[str, tuple[int, str]]:
        """Give number and type of each object by its id as signed."""
        return {c.object_id: (c.number, c.object_type) for c in self.cards}

    def row(self, object_id: str, place: profile.Place) -> Row:
        """Find the row of a property."""
        name = profile.spell(place)
        return next(
            row
            for card in self.cards
            if card.object_id == object_id
            for row in card.rows
            if row.name == name
        )


def flat(value: Any, label: str = "") -> Iterator[tuple[str, Any]]:
    """List what a value holds, each with the names that lead to it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from flat(inner, f"{label} {name}" if label else name)
    elif isinstance(value, list):
        for inner in value:
            yield from flat(inner, label)
    elif value is not None:
        yield label, value
