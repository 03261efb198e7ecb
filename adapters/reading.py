"""A verified record, read once for all views of it. Pure.

What depends on no view and no policy: the properties of its objects as policies spell
them, which of them mention ids, who is a victim, what its marks mean, its words in
comparable form. Whoever keeps a reading keeps what is withheld from others.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

from adapters import members, roles, text
from adapters.ids import Ids, may_hold_ids
from adapters.spelled import Spelled
from broker.blinding import org_identity
from broker.trust import Verified
from schemas import coarse, profile, stix, terms

_NO_TARGETS: Final = frozenset({"id", "object_marking_refs", "granular_markings"})
_ONLY_IDS: Final = frozenset({("id",), ("object_marking_refs",)})

# An accused whose name is that of one of these is no person.
_OPERATIONS: Final = frozenset({"campaign", "intrusion-set", "malware"})


Property = tuple[profile.Place, str, Any, bool, bool]
"""One place in an object: (place, name, value, is visible, is known).

The name is as policies spell it, "" where that would spell another place. Visible is
what the evidence shows in any case; known is what holds no member that nobody knows.
"""


class Use(NamedTuple):
    """Where an object is mentioned.

    Attributes:
        by: Index of the object that mentions it.
        element: Index of the element; None: the whole property.
        reason: Why the place goes, if the object that is mentioned does.
    """

    by: int
    place: profile.Place
    element: int | None
    reason: str = "reference-withheld"


class ObjectReading:
    """One object of a record.

    Attributes:
        visible: Names of the properties that the evidence always shows.
        mentions: (place, index of the element or None, id) of each that leads to one.
        with_ids: Places whose values hold any id.
        coarse: Places of the coarse values that the issuer states.
        has_strange_names: Whether a name of a property may hold an id.
    """

    __slots__ = (
        "coarse", "has_strange_names", "is_primary", "mentions", "properties", "source", "visible",
        "with_ids",
    )  # fmt: skip

    def __init__(
        self,
        source: stix.StixObject,
        plain: Mapping[str, Any],
        ids: Ids,
        *,
        is_primary: bool,
        is_own: bool,
    ) -> None:
        kind = source.type
        self.source, self.is_primary = source, is_primary
        self.visible = profile.visible(kind, primary=is_primary, own=is_own)
        self.mentions: list[tuple[profile.Place, int | None, str]] = []
        self.with_ids: set[profile.Place] = set()
        self.has_strange_names = False
        self.coarse: list[profile.Place] = []
        self.properties: list[Property] = []
        for name, value in plain.items():
            if name == "extensions":
                self._add_extensions(value, ids)
                continue
            place = (name,)
            is_known = name not in members.BOUNDED or _is_known(place, value)
            may_lead = name not in _NO_TARGETS
            if type(value) is str:
                if value in ids:
                    if may_lead:
                        self.mentions.append((place, None, value))
                        self.with_ids.add(place)
                elif may_lead and may_hold_ids(value):
                    self._mention(place, value, ids)
            elif (type(value) is list or type(value) is dict) and may_lead:
                self._mention(place, value, ids)
            spelled = name
            if not name.isidentifier():
                # No name of STIX has a dot; it would spell another place.
                spelled = "" if "." in name else profile.spell(place)
                self.has_strange_names |= may_hold_ids(name)
            elif name.startswith(coarse.PREFIX):
                self.coarse.append(place)
            is_visible = name in self.visible
            self.properties.append((place, spelled, value, is_visible, is_known))

    def shows(self, place: profile.Place) -> bool:
        """Tell whether the evidence shows what is at *place* in any case."""
        if len(place) == 1:
            return place[0] in self.visible
        return profile.is_visible(place, self.source.type, primary=self.is_primary)

    def _add_extensions(self, extensions: Any, ids: Ids) -> None:
        for place, value in profile.places([("extensions", extensions)]):
            spelled = profile.spell(place)
            if spelled.count(".") >= len(place):
                spelled = ""
            self._mention(place, value, ids)
            is_visible, is_known = self.shows(place), _is_known(place, value)
            self.properties.append((place, spelled, value, is_visible, is_known))

    def _mention(self, place: profile.Place, value: Any, ids: Ids) -> None:
        if ids.holds_any(value):
            self.with_ids.add(place)
            is_split = profile.is_split(place) and isinstance(value, list)
            for j, element in enumerate(value) if is_split else ((None, value),):
                self.mentions += [(place, j, one) for one in ids.mentioned(element)]


class Mentions:
    """Who mentions whom in a record.

    Attributes:
        index: Of each object, by its id.
        users: Uses of each id, numbered in the order of the record.
    """

    def __init__(self, ids: Ids, objects: Sequence[ObjectReading]) -> None:
        self.ids = ids
        self.index = {read.source.id: i for i, read in enumerate(objects)}
        self.users: dict[str, list[tuple[int, Use]]] = {}
        number = 0
        for i, read in enumerate(objects):
            for place, element, target in read.mentions:
                use = number, Use(i, place, element)
                self.users.setdefault(target, []).append(use)
                number += 1


class Reading:
    """What all views of one record need.

    Attributes:
        index: Of each object, by its id.
        issuer: Id of the issuer's own identity.
        marks: What the definitions in it mean.
    """

    def __init__(self, verified: Verified) -> None:
        self.verified = verified
        self.issuer = org_identity(verified.issuer)
        self.ids = Ids(o.id for o in verified.objects)
        self.victims = roles.victims(verified.objects)
        self.marks = terms.marks_of(verified.objects)
        self.objects = [
            ObjectReading(
                source,
                plain,
                self.ids,
                is_primary=i == verified.primary,
                is_own=plain.get("created_by_ref") == self.issuer,
            )
            for i, (source, plain) in enumerate(
                zip(verified.objects, verified.plain, strict=True)
            )
        ]

        self.mentions = Mentions(self.ids, self.objects)
        self.index = self.mentions.index

    @cached_property
    def operations(self) -> frozenset[str]:
        """Name the attacks in it, as `text.loosen` spells names."""
        return frozenset(
            text.loosen(text.normalise(str(getattr(each.source, "name", ""))))
            for each in self.objects
            if each.source.type in _OPERATIONS
        )

    @cached_property
    def spelled(self) -> Spelled:
        """Its words, in comparable form."""
        return Spelled(
            ((i, place), value)
            for i, read in enumerate(self.objects)
            for place, _, value, _, _ in read.properties
            if place not in _ONLY_IDS
        )


def _is_known(place: profile.Place, value: Any) -> bool:
    if profile.is_split(place) and isinstance(value, list):
        return all(members.passes(place, element) for element in value)
    return members.passes(place, value)
