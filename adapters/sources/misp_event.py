"""One MISP event -> STIX objects and the report that lists them."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from adapters.sources import misp_objects, misp_templates
from adapters.sources.found import Found, Intake
from adapters.sources.misp_attributes import (
    category_of,
    cluster_labels,
    indicator,
    is_placed_by_type,
    observed,
    place,
)
from adapters.sources.misp_clusters import read_clusters
from adapters.sources.misp_making import (
    Context,
    Making,
    in_order,
    strictest,
    uuid_of,
)
from adapters.sources.misp_marks import effective
from adapters.sources.misp_pieces import (
    Common,
    Piece,
    read_common,
    read_piece,
    read_tags_of,
)
from adapters.sources.misp_values import moment, pattern_of
from adapters.sources.source import Input
from schemas.errors import SchemaError
from schemas.findings import Findings
from schemas.stix.values import MAX_TEXT_CHARS

_MENTION: Final = re.compile(r"@!?\[(?:attribute|object)\]\(([0-9a-f-]{36})\)")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_RELATION: Final = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")  # STIX's, as words

_THREAT_LEVELS: Final = {
    # the taxonomy `misp`; 4 is undefined
    "1": 'misp:threat-level="high-risk"',
    "2": 'misp:threat-level="medium-risk"',
    "3": 'misp:threat-level="low-risk"',
}
_ANALYSES: Final = {
    "0": 'misp:analysis="initial"',
    "1": 'misp:analysis="ongoing"',
    "2": 'misp:analysis="completed"',
}

# Several texts may become one, and escapes of a pattern double some characters.
_SMALL_BYTES: Final = MAX_TEXT_CHARS // 4

_Reference = tuple[Intake, str]


def read_event(
    event: Intake,
    losses: Findings,
    *,
    attributes: Iterable[Intake] = (),
    objects: Iterable[Intake] = (),
    given: Input,
) -> Found:
    """Read an event, or loose attributes and objects.

    Args:
        event: Empty if there is none.
        attributes: More than it holds.
        objects: More than it holds.
        given: The input.

    Raises:
        SchemaError: `no-objects`, `too-many-objects`.
    """
    when = given.when
    making = Making(
        losses,
        own=uuid_of(hashlib.sha256(given.data).hexdigest()),
        when=when,
        is_small=len(given.data) < _SMALL_BYTES,
    )
    tags = read_tags_of(making, event)
    making.begin(event, effective(event, tags.tlp, None, losses))
    changed = making.moment(event, "timestamp")
    published = making.moment(event, "publish_timestamp")
    created = _date(making, event)
    modified = changed or published or created or when
    context = Context(making.tlp, modified)
    making.author = making.organisation(event.members("Orgc"), making.tlp, modified)
    _, labels = read_clusters(making, event, tags, making.tlp, modified)
    labels = [*tags.labels, *labels, *_grades(making, event)]
    info = event.text("info") or given.name or "MISP data"
    _leave_out(making, event)
    references = [
        reference
        for thing in chain(making.each(event, "Object"), objects)
        for reference in _object(making, thing, context)
    ]
    for attribute in chain(making.each(event, "Attribute"), attributes):
        piece = read_piece(making, attribute, context)
        if piece is not None:
            place(making, piece)
    for reference, source in references:
        _refer(making, reference, source, modified)
    for report in making.each(event, "EventReport"):
        _report(making, report, context)
    making.close(event)
    # With its author: a policy that keeps no indicator still leaves a report then.
    refs = list(dict.fromkeys(making.finish()))
    if not refs and not making.references:
        raise SchemaError("no-objects", "$")
    primary = making.add(
        {
            "type": "report",
            "id": making.report,
            "created": min(created or modified, modified, key=in_order),
            "modified": modified,
            "published": published or modified,
            "name": info,
            "labels": labels,
            "confidence": tags.confidence,
            "external_references": making.references,
            "object_refs": refs or [making.report],
        },
        making.tlp,
        event.where,
    )
    return making.found(primary)


def _date(making: Making, event: Intake) -> str | None:
    text = event.text("date")
    known = moment(text) if _DATE.match(text) else None
    if text and known is None:
        making.losses.add("bad-value", event.place("date"), "a day such as 2026-11-02")
    return known


def _grades(making: Making, event: Intake) -> Iterator[str]:
    for name, words in (("threat_level_id", _THREAT_LEVELS), ("analysis", _ANALYSES)):
        number = event.text(name)
        if number in words:
            yield words[number]
        elif number not in ("", "4"):
            making.losses.add("bad-value", event.place(name))


def _leave_out(making: Making, event: Intake) -> None:
    if event.has("published") and not event.flag("published"):
        making.losses.add("unpublished", event.place("published"))
    for related in making.each(event, "RelatedEvent"):
        related.lose("other-event")
    event.drop("other-event", "extends_uuid")
    for proposal in making.each(event, "ShadowAttribute"):
        proposal.lose("proposal")


# --- objects


def _object(making: Making, thing: Intake, context: Context) -> list[_Reference]:
    """Read one object: its references, to be followed when all is read."""
    name = thing.text("name")
    if thing.flag("deleted"):
        thing.lose("deleted")
        return []
    if name in misp_templates.PERSONS:
        thing.lose("person-left-out")
        return []
    common = read_common(making, thing, context)
    inner = Context(common.tlp, common.when)
    pieces = [
        piece
        for attribute in making.each(thing, "Attribute")
        if (piece := read_piece(making, attribute, inner)) is not None
    ]
    labels = [f'misp:name="{name}"'] * bool(name)
    category = thing.text("meta-category")
    labels += [f'misp:meta-category="{category}"'] * bool(category)
    references = list(making.each(thing, "ObjectReference"))
    thing.ignore("description")  # the template's
    making.close(thing)
    made = _made(making, name, common, pieces, labels)
    if not made:
        return [(each, "") for each in references]
    if common.given_uuid:
        making.by_uuid.setdefault(common.given_uuid, made[0])
    return [(each, made[0]) for each in references]


def _made(
    making: Making, name: str, common: Common, pieces: list[Piece], labels: list[str]
) -> list[str]:
    """Make what an object says: ids, the most telling first."""
    if name in misp_templates.DOMAIN_OBJECTS:
        made, left = _domain_object(making, name, common, pieces, labels)
    else:
        made, left = _observables(making, name, common, pieces, labels)
    if made is None:
        return []
    lines: list[Piece] = []
    loose: list[str] = []
    for piece in left:
        if name not in misp_templates.NOTED and is_placed_by_type(piece):
            # Not the observed-data, which it may share with others.
            loose += place(making, piece, labels)[:1]
        else:
            lines.append(piece)
    made += loose
    if lines or len(loose) > 1:
        title = f"MISP object: {name}"
        made += _lines(making, common, lines, labels, refs=made, title=title)
    return made


def _domain_object(
    making: Making, name: str, common: Common, pieces: list[Piece], labels: list[str]
) -> tuple[list[str] | None, list[Piece]]:
    kind, members, left = misp_objects.object_of(name, [p.item for p in pieces])
    used, rest = _parted(pieces, left)
    whole = _joined(common, used)
    if kind == "identity" and (
        members.get("identity_class") not in misp_templates.ORGANISATION_CLASSES
    ):
        making.losses.add("person-left-out", common.where)
        return None, []
    if whole.comment:
        members.setdefault("description", whole.comment)
    added = making.add(
        {
            "type": kind,
            "id": f"{kind}--{whole.uuid}",
            "created": whole.when,
            "labels": [*labels, *whole.labels],
            "confidence": whole.confidence,
            **members,
        },
        whole.tlp,
        whole.where,
    )
    if added is None:
        return [], pieces
    for target, _ in whole.clusters:
        making.relate("related-to", (added, target), whole.where, whole.when)
    _placed(making, used, added)
    return [added], rest


def _observables(
    making: Making, name: str, common: Common, pieces: list[Piece], labels: list[str]
) -> tuple[list[str], list[Piece]]:
    trees, left = misp_objects.assemble(name, [p.item for p in pieces])
    used, rest = _parted(pieces, left)
    to_detect, undetected = misp_objects.assemble(
        name, [p.item for p in used if p.to_ids]
    )
    whole = _joined(common, used)
    every = [*labels, *whole.labels]
    made: list[str] = []
    if to_detect:
        made = indicator(making, whole, every, pattern_of(to_detect))
    if trees and trees != to_detect:
        seen = whole._replace(sightings=()) if made else whole
        ids = observed(making, seen, every, trees, alone=True)
        if made and ids:
            # STIX 2.1, Indicator: based-on an observed-data.
            ends = (made[0], ids[-1])
            making.relate("based-on", ends, whole.where, whole.when)
        made = [*ids[:-1], *made]
    _placed(making, used, made[0] if made else "")
    # What is to be detected and in no pattern yet stands for itself.
    alone = {id(item) for item in undetected}
    return made, [*rest, *(p for p in used if id(p.item) in alone)]


def _parted(
    pieces: Sequence[Piece], left: Sequence[misp_objects.Item]
) -> tuple[list[Piece], list[Piece]]:
    out = {id(item) for item in left}
    used = [p for p in pieces if id(p.item) not in out]
    return used, [p for p in pieces if id(p.item) in out]


def _joined(common: Common, pieces: Sequence[Piece]) -> Common:
    """Join what an object and its attributes say: the strictest mark counts."""
    every = [p.common for p in pieces]
    categories = [label for p in pieces for label in category_of(p)]
    comments = [
        f"{p.item.relation}: {p.common.comment}" for p in pieces if p.common.comment
    ]
    return common._replace(
        tlp=strictest([common.tlp, *(c.tlp for c in every)]),
        comment="\n".join([common.comment, *comments]).strip(),
        labels=tuple(
            dict.fromkeys(
                [*categories, *common.labels, *(t for c in every for t in c.labels)]
            )
        ),
        clusters=[*common.clusters, *(t for c in every for t in c.clusters)],
        sightings=[*common.sightings, *(s for c in every for s in c.sightings)],
        first=min(
            (c.first for c in [common, *every] if c.first), default=None, key=in_order
        ),
        last=max(
            (c.last for c in [common, *every] if c.last), default=None, key=in_order
        ),
    )


def _placed(making: Making, pieces: Sequence[Piece], stix_id: str) -> None:
    for piece in pieces:
        if piece.common.given_uuid and stix_id:
            making.by_uuid.setdefault(piece.common.given_uuid, stix_id)


def _lines(
    making: Making,
    common: Common,
    pieces: Sequence[Piece],
    labels: list[str],
    *,
    refs: Sequence[str],
    title: str,
) -> list[str]:
    """Note the attributes that have no place of their own, one a line."""
    whole = _joined(common._replace(comment="" if refs else common.comment), pieces)
    lines = list(misp_objects.lines(p.item for p in pieces))
    title = whole.comment or title
    added = making.note(
        "\n".join(lines) or title,
        refs,
        uuid=whole.uuid,
        tlp=whole.tlp,
        when=whole.when,
        where=whole.where,
        abstract=title if lines else None,
        labels=[*labels, *whole.labels, *cluster_labels(whole)],
    )
    if added is None:
        return []
    _placed(making, pieces, added)
    for each in whole.sightings:
        making.losses.add("no-equivalent", each.where)
    return [added]


# --- what refers to the rest


def _refer(making: Making, reference: Intake, source: str, when: str) -> None:
    if reference.flag("deleted"):
        reference.lose("deleted")
        return
    target = making.by_uuid.get(reference.text("referenced_uuid").lower(), "")
    said = reference.text("relationship_type").strip()
    if not source or not target or source == target:
        reference.lose("dangling")
        return
    changed = making.moment(reference, "timestamp") or when
    comment = reference.text("comment")
    word = said.lower()
    if not _RELATION.match(word):
        # It is always visible, so no sentence may stand there.
        word, comment = "related-to", "\n".join(filter(None, (said, comment)))
    # They repeat the other end.
    reference.ignore("Object", "Attribute", "uuid", "object_uuid")
    making.close(reference)
    ends = (source, target)
    making.relate(word, ends, reference.where, changed, description=comment)


def _report(making: Making, report: Intake, context: Context) -> None:
    if report.flag("deleted"):
        report.lose("deleted")
        return
    content = report.text("content")
    name = report.text("name")
    common = read_common(making, report, context)
    refs = [
        making.by_uuid[uuid]
        for uuid in dict.fromkeys(_MENTION.findall(content))
        if uuid in making.by_uuid
    ]
    making.close(report)
    if not content and not name:
        report.lose("unusable")
        return
    making.note(
        content or name,
        refs,
        uuid=common.uuid,
        tlp=common.tlp,
        when=common.when,
        where=common.where,
        abstract=name if content else None,
        labels=['misp:data-layer="Event Report"', *common.labels],
    )
