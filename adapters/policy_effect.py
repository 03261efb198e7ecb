"""What another policy would show or hide of a record, found by redacting it twice. Pure.

Both redactions are made as the hub makes them, with one key and one moment, and what
came out of them is compared: the disclosures that the evidence keeps, and the values that
stand in the projection instead. Values themselves are compared and never told.
"""

from collections.abc import Iterator, Mapping, Set
from typing import Any, Final, Literal

import msgspec

from adapters.cuts import Cut, NotGivenError
from adapters.explaining import made_of, projected
from adapters.policy import Policy
from adapters.projection import Author
from adapters.redaction import Redacted, redact
from adapters.view import View
from broker import carried
from broker.directory import Audience
from broker.trust import Verified
from schemas import profile

State = Literal["nothing", "waits", "made", "signed"]
Change = Literal["shown", "hidden", "changed"]
Spot = tuple[str, str]
"""(id of the object as signed, property as policies spell it; "" for all of it)"""

WHOLE_RECORD: Final = "The record as a whole"
_BY_REASON: Final = {
    "guard": "What repeats a value that is withheld elsewhere",
    "marking-withheld": "What is under terms that are withheld",
    "not-named": "What no row names",
    "reference-withheld": "What refers to something withheld",
    "required-withheld": "What is incomplete without something withheld",
    "type-not-named": "Kinds of objects that no row names",
}
_BY_MARKS: Final = "What its marks withhold"
# The adapter writes these, whatever the policy says of them.
_ALWAYS_MADE: Final = frozenset(
    {"modified", "created_by_ref", "spec_version", "defanged"}
)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one redaction gives.

    Attributes:
        refused: Why it gives nothing at all; "" if it gives something.
        signed: Parts that the evidence discloses, and which element of each; -1 is
            the part itself. What is always visible goes with its object.
        made: Values of the adapter's, by part; of an object, that it is projected.
        waits: Parts that persons may agree to show.
        cuts: By part.
    """

    refused: str = ""
    signed: frozenset[tuple[Spot, int]] = frozenset()
    made: Mapping[Spot, Any] = {}
    waits: frozenset[Spot] = frozenset()
    cuts: Mapping[Spot, tuple[Cut, ...]] = {}

    def state(self, spot: Spot) -> State:
        """Tell what there is of a part: the issuer's own words count more."""
        if (spot, -1) in self.signed:
            return "signed"
        if spot in self.made:
            return "made"
        return "waits" if spot in self.waits else "nothing"


class PartChange(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A part of one record of which one audience would get more, less or other.

    Attributes:
        title: Of the row or limit that withholds it under the policy that gives less.
        object_id: As signed.
        property: As policies spell it; "" for the object itself.
        is_part: Both show some of it; sentences or elements come or go.
    """

    change: Change
    title: str
    object_type: str
    object_id: str
    property: str
    before: State
    after: State
    is_part: bool = False


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What changes of one record for one audience.

    Attributes:
        refused_before: Why it got nothing of it; "" if it got something.
    """

    audience: Audience
    refused_before: str
    refused_after: str
    parts: tuple[PartChange, ...]

    @property
    def is_given(self) -> bool:
        """Whether the audience gets the record, and did not before."""
        return bool(self.refused_before) and not self.refused_after

    @property
    def is_refused(self) -> bool:
        """Whether the audience got the record, and does not any more."""
        return bool(self.refused_after) and not self.refused_before

    def count(self, change: Change) -> int:
        """Tell how many parts change like this."""
        return sum(each.change == change for each in self.parts)


def effect(
    verified: Verified,
    view: View,
    old: Policy,
    new: Policy,
    *,
    author: Author,
    now: str,
) -> Effect:
    """Tell what would change for a view if *new* took the place of *old*.

    Args:
        now: RFC 3339.
    """
    before = seen(verified, view, old, author=author, now=now)
    after = seen(verified, view, new, author=author, now=now)
    kinds = {candidate.id: candidate.type for candidate in verified.objects}
    return Effect(
        audience=view.audience,
        refused_before=before.refused,
        refused_after=after.refused,
        parts=tuple(sorted(_changes((before, old), (after, new), kinds))),
    )


def seen(
    verified: Verified, view: View, policy: Policy, *, author: Author, now: str
) -> Seen:
    """Redact, and read from what came out what there is to be seen."""
    try:
        redacted = redact(verified, view, policy, author=author, now=now)
    except NotGivenError as error:
        return Seen(refused=error.reason)
    cuts: dict[Spot, tuple[Cut, ...]] = {}
    for cut in redacted.cuts:
        cuts[cut.part] = (*cuts.get(cut.part, ()), cut)
    return Seen(
        signed=frozenset(_signed(redacted)),
        made=dict(_made(redacted)),
        waits=frozenset(cut.part for cut in redacted.cuts if cut.approvals),
        cuts=cuts,
    )


def _signed(redacted: Redacted) -> Iterator[tuple[Spot, int]]:
    """List what the evidence discloses."""
    opened = redacted.verified.opened
    transmitted = frozenset(carried.decode(redacted.evidence).token.split(b"~")[1:])
    kept = {i for i, text in enumerate(opened.texts) if text in transmitted}
    for candidate, plain, origin in zip(
        redacted.verified.objects,
        redacted.verified.plain,
        redacted.verified.origins,
        strict=True,
    ):
        if origin.own not in kept:
            continue
        yield (candidate.id, ""), -1
        for place, _ in profile.places(plain.items()):
            if origin.slot(place) not in kept:
                continue
            spot = candidate.id, profile.spell(place)
            yield spot, -1
            j = 0
            while (*place, j) in origin.slots:
                if origin.slots[(*place, j)] in kept:
                    yield spot, j
                j += 1


def _made(redacted: Redacted) -> Iterator[tuple[Spot, Any]]:
    """List what the projection holds of the adapter's making, and of which objects."""
    objects = projected(redacted.verified, redacted.cuts, redacted.projection)
    for object_id, one in objects.items():
        yield (object_id, ""), True
        for name in made_of(one):
            if name not in _ALWAYS_MADE:
                yield (object_id, name), _at(one, profile.place_of(name))


def _at(value: Any, place: profile.Place) -> Any:
    for name in place:
        value = value[name]
    return value


_Side = tuple[Seen, Policy]


def _changes(old: _Side, new: _Side, kinds: Mapping[str, str]) -> Iterator[PartChange]:
    before, after = old[0], new[0]
    gained = {spot for spot, _ in after.signed - before.signed}
    lost = {spot for spot, _ in before.signed - after.signed}
    remade = {
        spot
        for spot in before.made.keys() | after.made.keys()
        if before.made.get(spot) != after.made.get(spot)
    }
    for spot in gained | lost | remade | (before.waits ^ after.waits):
        change = _change(spot, before, after, gained, lost)
        yield PartChange(
            change=change,
            title=_title(change, spot, old, new),
            object_type=kinds[spot[0]],
            object_id=spot[0],
            property=spot[1],
            before=before.state(spot),
            after=after.state(spot),
            is_part=before.state(spot) == after.state(spot) == "signed",
        )


def _change(
    spot: Spot, before: Seen, after: Seen, gained: Set[Spot], lost: Set[Spot]
) -> Change:
    """Tell whether a part is shown or hidden; the issuer's own words count first."""
    came, went = spot in gained, spot in lost
    is_signed = "signed" in (before.state(spot), after.state(spot))
    if not (came or went or is_signed):
        came = spot in after.made.keys() - before.made.keys()
        went = spot in before.made.keys() - after.made.keys()
    if came == went:
        return "changed"
    return "shown" if came else "hidden"


def _title(change: Change, spot: Spot, old: _Side, new: _Side) -> str:
    """Name the row that tells the change; it is that of the policy that gives less."""
    sides = (old, new) if change == "shown" else (new, old)
    for side, policy in sides:
        if side.refused:
            return WHOLE_RECORD
        found = (*side.cuts.get(spot, ()), *side.cuts.get((spot[0], ""), ()))
        decided = next((cut for cut in found if cut.row), None)
        if decided is not None:
            limits, limit = policy.file.limit, decided.limit
            return limits[limit - 1].title if limit else policy.row(decided.row).title
        if found:
            return _BY_REASON.get(found[0].reason, _BY_MARKS)
    return _of_safe_writing(spot, (new[1], old[1]))


def _of_safe_writing(spot: Spot, policies: tuple[Policy, Policy]) -> str:
    """Name the row under which a signed value is written safely: nothing was cut."""
    kind = spot[0].partition("--")[0]
    titles = (
        row.title
        for policy in policies
        for row in policy.file.row
        if kind in row.types
        and spot[1] in row.properties
        and "defang" in msgspec.structs.astuple(row)
    )
    return next(titles, _BY_REASON["not-named"])
