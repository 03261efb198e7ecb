"""MISP attributes, read and not yet placed; and which of them are left out."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from adapters.sources import misp_types
from adapters.sources.found import Intake
from adapters.sources.misp_clusters import read_clusters
from adapters.sources.misp_making import Context, Making
from adapters.sources.misp_marks import NO_TAGS, Tags, effective, read_tags
from adapters.sources.misp_objects import Item
from adapters.sources.misp_templates import SECRETS
from adapters.sources.misp_values import url
from schemas.markings import Tlp

READERS: Final = {
    **misp_types.OBSERVABLES,
    **misp_types.WITH_PAYLOAD,
    misp_types.LINK: url,
}
"""Type -> how to read its value as an observable, also where it usually is none."""


class Sighted(NamedTuple):
    """One sighting.

    Attributes:
        kind: 0 seen, 1 a false positive, 2 not valid any more.
        when: None if it does not say.
        who: Id of the organisation.
    """

    where: str
    kind: str
    uuid: str
    when: str | None
    who: str | None
    source: str


class Common(NamedTuple):
    """What attributes and objects both have.

    Attributes:
        uuid: One that nothing else has.
        given_uuid: The one that others refer to it by.
        clusters: Id and tag of each.
    """

    where: str
    uuid: str
    given_uuid: str
    tlp: Tlp | None
    when: str
    first: str | None
    last: str | None
    comment: str
    labels: tuple[str, ...]
    confidence: int | None
    clusters: Sequence[tuple[str, str]]
    sightings: Sequence[Sighted]

    @property
    def seen(self) -> bool:
        """Whether MISP says when it was seen."""
        return bool(self.first or self.last)

    @property
    def times(self) -> tuple[str, ...]:
        """At which it was seen; when it was written down, if nothing tells."""
        return tuple(t for t in (self.first, self.last) if t) or (self.when,)


class Piece(NamedTuple):
    """An attribute, read and not yet placed."""

    item: Item
    category: str
    to_ids: bool
    common: Common


def read_tags_of(making: Making, thing: Intake) -> Tags:
    """Take the tags of something."""
    if not thing.has("Tag"):
        return NO_TAGS
    return read_tags(making.each(thing, "Tag"), making.losses)


def read_common(making: Making, thing: Intake, context: Context) -> Common:
    """Take what attributes and objects both have."""
    tags = read_tags_of(making, thing)
    tlp = effective(thing, tags.tlp, context.tlp, making.losses)
    when = making.moment(thing, "timestamp") or context.when
    clusters: Sequence[tuple[str, str]] = ()
    labels = tags.labels
    if tags.galaxies or thing.has("Galaxy"):
        clusters, more = read_clusters(making, thing, tags, tlp, when)
        labels += tuple(more)
    uuid, given = making.uuid(thing)
    return Common(
        thing.where,
        uuid,
        given,
        tlp,
        when,
        making.moment(thing, "first_seen"),
        making.moment(thing, "last_seen"),
        thing.text("comment"),
        labels,
        tags.confidence,
        clusters,
        _sightings(making, thing, tlp, when) if thing.has("Sighting") else (),
    )


def _sightings(
    making: Making, thing: Intake, tlp: Tlp | None, when: str
) -> list[Sighted]:
    found = []
    for each in making.each(thing, "Sighting"):
        seen = making.moment(each, "date_sighting")
        who = making.organisation(each.members("Organisation"), tlp, seen or when)
        kind, source = each.text("type") or "0", each.text("source")
        uuid, _ = making.uuid(each)
        found.append(Sighted(each.where, kind, uuid, seen, who, source))
        making.close(each)
    return found


def is_withheld(thing: Intake, kind: str, category: str, relation: str) -> bool:
    """Tell whether an attribute is left out, and list it."""
    if thing.flag("deleted"):
        thing.lose("deleted")
    elif kind in misp_types.PERSONS or category in misp_types.PERSON_CATEGORIES:
        thing.lose("person-left-out")
    elif kind in misp_types.SECRETS or relation in SECRETS:
        thing.lose("secret-left-out")
    elif category in misp_types.LOCAL_CATEGORIES:
        thing.lose("local-only")
    elif kind not in _KNOWN:
        thing.lose("unknown-attribute")
    else:
        return False
    return True


_KNOWN: Final = misp_types.NOTES.union(
    READERS, misp_types.PATTERNS, misp_types.LANGUAGES, misp_types.OBJECTS,
    misp_types.REFERENCES,
)  # fmt: skip


def read_piece(making: Making, thing: Intake, context: Context) -> Piece | None:
    """Read one attribute; None if it is left out."""
    kind, category = thing.text("type"), thing.text("category")
    relation = thing.text("object_relation")
    for proposal in making.each(thing, "ShadowAttribute"):
        proposal.lose("proposal")
    if is_withheld(thing, kind, category, relation):
        return None
    value = thing.text("value")
    if not value:
        thing.lose("bad-value", "a value")
        return None
    to_ids = thing.flag("to_ids")
    common = read_common(making, thing, context)
    thing.drop("payload-left-out", "data")
    making.close(thing)
    return Piece(Item(relation, kind, value), category, to_ids, common)
