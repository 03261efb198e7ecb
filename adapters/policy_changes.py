"""What changes from one policy to another, as values. Pure; `policy_compare` finds it."""

from typing import Final, Literal

import msgspec

from broker.directory import Audience

Mark = Literal["more", "less", "other"]
_OPPOSITE: Final[dict[Mark, Mark]] = {"more": "less", "less": "more", "other": "other"}


class Place(msgspec.Struct, frozen=True, order=True):
    """A property of objects of a type and role, as one view meets it.

    Attributes:
        concerned: Where the record names the member as concerned.
    """

    type: str
    property: str
    role: str
    concerned: bool


class Given(msgspec.Struct, frozen=True, order=True):
    """What becomes of a property under one policy.

    Attributes:
        action: With what bounds it, such as `listed: harmless-labels`.
        title: Of the row, or of the limit that made it stricter; "" if none names it.
    """

    action: str
    title: str


class RowChange(msgspec.Struct, frozen=True, kw_only=True):
    """Properties whose action changes in the same way.

    Attributes:
        laws: Countries under whose law alone that is so; none: wherever no limit of
            a law is the stricter.
    """

    audience: Audience
    laws: tuple[str, ...]
    mark: Mark
    before: Given
    after: Given
    places: tuple[Place, ...]


class OtherChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of an audience, a gate, an age, a list, or of the time for review.

    Attributes:
        subject: `audience`, `gate`, `retention`, `list` or `review`.
        name: Of the gate's mark, the list, the property of the audience.
        audience: Whom it concerns; None: all.
    """

    subject: Literal["audience", "gate", "retention", "list", "review"]
    name: str
    audience: Audience | None
    laws: tuple[str, ...] = ()
    mark: Mark
    before: str
    after: str


class Differences(msgspec.Struct, frozen=True):
    """What changes from one policy to another, in a stable order."""

    rows: tuple[RowChange, ...]
    others: tuple[OtherChange, ...]

    def __bool__(self) -> bool:
        return bool(self.rows or self.others)

    def count(self, mark: Mark) -> int:
        """Tell how many changes bear this mark."""
        rows = sum(each.mark == mark for each in self.rows)
        return rows + sum(each.mark == mark for each in self.others)


def mirrored(found: Differences) -> Differences:
    """Give what `compare` gives the other way round."""
    rows = (
        msgspec.structs.replace(
            each, mark=_OPPOSITE[each.mark], before=each.after, after=each.before
        )
        for each in found.rows
    )
    others = tuple(
        msgspec.structs.replace(
            each, mark=_OPPOSITE[each.mark], before=each.after, after=each.before
        )
        for each in found.others
    )
    return Differences(tuple(sorted(rows, key=msgspec.structs.astuple)), others)
