"""What several views get of one record, side by side. Pure.

Every value in a column is read from that view's projection; where there is none, the cell
has the sentence for the cut. `adapters.compare_page` makes a page of it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from adapters import made
from adapters.comparison import STATES, Card, Cell, Column, Comparison, Row, State
from adapters.cuts import NotGivenError
from adapters.explaining import (
    ADAPTERS_OWN,
    Explanation,
    Refusal,
    explained,
    json_path,
    made_of,
    projected,
    refused,
)
from adapters.ids import Ids
from adapters.policy import Policy
from adapters.projection import Author
from adapters.redaction import Redacted, redact
from adapters.view import View
from broker.trust import Verified
from schemas import coarse, profile, stix

MAX_VIEWS: Final = 5  # more columns nobody can read

_DEFANGED: Final = (
    "Kept, but written so that nobody opens it by accident; the signed evidence has it "
    "as the issuer wrote it."
)
_REWRITTEN: Final = (
    "The adapter writes this anew; the signed evidence has it as the issuer wrote it."
)
# Were it not for the object, something would stand there.
_WOULD_BE_MADE: Final = frozenset({"policy-generalise", "policy-pseudonymise"})
# In the head of each object.
_HEAD: Final = frozenset({("type",), ("id",), ("spec_version",)})
_MARKINGS: Final = frozenset(
    {("object_marking_refs",), ("granular_markings",), ("revoked",), ("lang",)}
)
_TIMES: Final = frozenset({("created",), ("modified",), ("created_by_ref",)})
_TITLES: Final = ("name", "value", "relationship_type", "abstract", "user_id", "title")


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What one view gets.

    Attributes:
        name: What to call the column.
        redacted: None if it gets nothing.
        projection: As it was made, or as it arrived.
        refusal: None if it gets something.
    """

    name: str
    view: View
    redacted: Redacted | None = None
    projection: bytes = b""
    refusal: Refusal | None = None


def give(
    verified: Verified,
    view: View,
    policy: Policy,
    *,
    author: Author,
    now: str,
    name: str = "",
) -> Given:
    """Redact for one view, or tell why it gets nothing."""
    name = name or view.audience
    try:
        redacted = redact(verified, view, policy, author=author, now=now)
    except NotGivenError as error:
        refusal = refused(verified, view, policy, error)
        return Given(name=name, view=view, refusal=refusal)
    return Given(
        name=name, view=view, redacted=redacted, projection=redacted.projection
    )


def compare(verified: Verified, policy: Policy, given: Sequence[Given]) -> Comparison:
    """Set side by side what was given of one record."""
    sides = [_Side(verified, policy, each) for each in given]
    order = sorted(
        range(len(verified.objects)),
        key=lambda i: (i != verified.primary, _rank(verified.objects[i].type), i),
    )
    cards = tuple(
        _card(verified, i, number, sides) for number, i in enumerate(order, 1)
    )
    claims = verified.claims
    return Comparison(
        issuer=verified.issuer,
        title=next((c.title for c in cards if c.object_id == claims.sub), ""),
        record=claims.sub,
        version=claims.ver,
        kind=claims.kind,
        tlp=claims.tlp,
        token=verified.token_id,
        complete=verified.complete,
        policy=policy.name,
        policy_sha256=policy.sha256,
        columns=tuple(
            _column(side, policy, [row.cells[n] for c in cards for row in c.rows])
            for n, side in enumerate(sides)
        ),
        cards=cards,
    )


def _rank(kind: str) -> int:
    """Put what a record is about first, links and marks last."""
    if kind in ("relationship", "sighting"):
        return 2
    if kind in ("marking-definition", "extension-definition"):
        return 3
    return 1 if kind in stix.OBSERVABLE_TYPES else 0


def _column(side: "_Side", policy: Policy, cells: Sequence[Cell]) -> Column:
    view = side.given.view
    entry = policy.audiences.get(view.audience)
    counts = Counter(cell.state for cell in cells)
    return Column(
        name=side.given.name,
        audience=view.audience,
        called=entry.called if entry else view.audience,
        clearance=view.clearance.label,
        jurisdiction=view.jurisdiction,
        addressed=view.addressed,
        concerned=view.concerned,
        after_days=entry.after_days if entry else 0,
        refusal=side.given.refusal,
        totals={state: counts[state] for state in STATES},
        ids=side.back,
    )


def _card(verified: Verified, i: int, number: int, sides: Sequence["_Side"]) -> Card:
    source, plain = verified.objects[i], verified.plain[i]
    titles = (plain.get(name) for name in _TITLES)
    return Card(
        number=number,
        object_id=source.id,
        object_type=source.type,
        title=next((t for t in titles if isinstance(t, str)), ""),
        path=json_path(i, ()),
        lost=tuple(side.lost(source.id) for side in sides),
        rows=tuple(
            Row(
                profile.spell(place),
                json_path(i, place),
                value,
                tuple(side.cell(source.id, place, value) for side in sides),
                _weight(place) >= _MINOR,
            )
            for place, value in _places(plain)
        ),
    )


def _places(plain: Mapping[str, Any]) -> Iterator[tuple[profile.Place, Any]]:
    """List what to compare of an object: what says most first, handling last."""
    found: dict[profile.Place, Any] = {}
    for place, value in profile.places(plain.items()):
        if place[0].startswith(coarse.PREFIX):
            # In a projection it stands where the exact value would.
            base = (place[0].removeprefix(coarse.PREFIX),)
            found.setdefault(base, plain.get(base[0], coarse.shown_as(value)))
        elif place not in _HEAD:
            found[place] = value
    yield from sorted(found.items(), key=lambda each: (_weight(each[0]), each[0]))


_MINOR: Final = 3


def _weight(place: profile.Place) -> int:
    if place in _TIMES or place in _MARKINGS or place[-1] == "extension_type":
        return _MINOR
    return 0 if place[0] in _TITLES else len(place[:2])


class _Side:
    """One column in the making."""

    def __init__(self, verified: Verified, policy: Policy, given: Given) -> None:
        self.given = given
        self._objects: dict[str, dict[str, Any]] = {}
        self._notes: dict[tuple[str, str], list[Explanation]] = {}
        if given.redacted is not None:
            cuts = given.redacted.cuts
            self._objects = projected(verified, cuts, given.projection)
            for each in explained(given.redacted, policy):
                key = (each.object_id, each.property)
                self._notes.setdefault(key, []).append(each)
        self.back = {one["id"]: signed for signed, one in self._objects.items()}
        self._ids = Ids(self.back)

    def lost(self, object_id: str) -> tuple[str, ...]:
        """Tell why all of an object is withheld; empty if it is not."""
        if self.given.refusal is not None:
            return (self.given.refusal.why,)
        return _why(self._notes.get((object_id, ""), []))

    def cell(self, object_id: str, place: profile.Place, signed: Any) -> Cell:
        """Look up one property of one object."""
        if self.given.refusal is not None:
            return Cell("withheld", None, (self.given.refusal.why,))
        notes = self._notes.get((object_id, profile.spell(place)), [])
        found = self._objects.get(object_id)
        if found is None:
            gone = self._notes[object_id, ""]
            own = [each for each in notes if each.reason not in _WOULD_BE_MADE]
            return Cell(
                "waiting" if _waits(gone) else "withheld", None, _why(own or gone)
            )
        return self._cell_of(found, place, signed, notes)

    def _cell_of(
        self,
        found: dict[str, Any],
        place: profile.Place,
        signed: Any,
        notes: Sequence[Explanation],
    ) -> Cell:
        """Look up a property of an object that is there."""
        value = _at(found, place)
        whole = [note for note in notes if note.element is None]
        if whole:
            how = made_of(found).get(profile.spell(place), "")
            if value is None or not how or place[0] in ADAPTERS_OWN:
                return _withheld(whole)
            state: State = "waiting" if _waits(whole) else "made"
            return Cell(state, value, _why(whole), _instead(whole))
        if notes:
            return Cell("part", value, _why(notes))
        if self._ids.renamed(value, lambda new: self.back.get(new, new)) == signed:
            return Cell("full", value)
        if value is None or place[0] in ADAPTERS_OWN:
            return Cell("full", None, (_REWRITTEN,), "the adapter's own")
        is_safe = value == made.defanged(signed)
        return Cell("full", value, (_DEFANGED if is_safe else _REWRITTEN,))


def _withheld(notes: Sequence[Explanation]) -> Cell:
    return Cell("waiting" if _waits(notes) else "withheld", None, _why(notes))


def _why(notes: Sequence[Explanation]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note.why for note in notes))


def _instead(notes: Sequence[Explanation]) -> str:
    return next((note.instead for note in notes if note.instead), "")


def _waits(notes: Sequence[Explanation]) -> bool:
    return any(note.approvals for note in notes)


def _at(value: Any, place: profile.Place) -> Any:
    for name in place:
        value = value.get(name) if isinstance(value, dict) else None
    return value
