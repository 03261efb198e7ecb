"""MISP attributes -> indicators, observables, notes and references.

An attribute to detect by (`to_ids`) becomes an indicator, any other an observable. What
MISP says of an observable beyond its value (category, comment, times, tags) stands in an
observed-data, since observables have no place for it.
"""

from collections.abc import Sequence
from typing import Any, Final

from adapters.sources import misp_types
from adapters.sources.misp_making import Making, uuid_of
from adapters.sources.misp_pieces import READERS, Common, Piece, Sighted
from adapters.sources.misp_values import Tree, compared, pattern_of

# STIX 2.1, Indicator: what an indicator indicates.
_INDICATED: Final = frozenset(
    {
        "attack-pattern", "campaign", "infrastructure", "intrusion-set", "malware",
        "threat-actor", "tool",
    }
)  # fmt: skip


def is_placed_by_type(piece: Piece) -> bool:
    """Tell whether the attribute alone becomes more than a note."""
    kind = piece.item.type
    if kind in misp_types.PATTERNS:
        return piece.to_ids
    return kind not in misp_types.NOTES


def place(making: Making, piece: Piece, labels: Sequence[str] = ()) -> list[str]:
    """Make of an attribute what its type says: the ids of what came out.

    Args:
        labels: Of the object that it is part of.
    """
    kind, common = piece.item.type, piece.common
    every = [*labels, *labels_of(piece)]
    if kind in misp_types.LANGUAGES:
        pattern = piece.item.value
        made = indicator(making, common, every, pattern, misp_types.LANGUAGES[kind])
    elif kind in misp_types.REFERENCES:
        made = _reference(making, piece, every)
    elif kind in misp_types.OBJECTS:
        made = _object(making, piece, every)
    elif kind in misp_types.PATTERNS:
        made = _detail(making, piece, every)
    elif kind in misp_types.NOTES:
        made = _noted(making, piece, every)
    else:
        made = _observable(making, piece, every)
    if made and common.given_uuid:
        making.by_uuid.setdefault(common.given_uuid, made[0])
    return made


def labels_of(piece: Piece) -> list[str]:
    """Write type and category as MISP's own converter does, then the tags."""
    labels = [f'misp:type="{piece.item.type}"', *category_of(piece)]
    if piece.item.relation:
        labels.append(f'misp:object-relation="{piece.item.relation}"')
    return [*labels, *piece.common.labels]


def category_of(piece: Piece) -> list[str]:
    """Write the category as a label."""
    return [f'misp:category="{piece.category}"'] if piece.category else []


def indicator(
    making: Making,
    common: Common,
    labels: Sequence[str],
    pattern: str,
    pattern_type: str = "stix",
) -> list[str]:
    """Add an indicator, and what its clusters and sightings say of it."""
    valid_from = common.first or common.when
    added = making.add(
        {
            "type": "indicator",
            "id": f"indicator--{common.uuid}",
            "created": common.when,
            "description": common.comment,
            "pattern": pattern,
            "pattern_type": pattern_type,
            "valid_from": valid_from,
            "valid_until": _until(making, common, valid_from),
            "labels": labels,
            "confidence": common.confidence,
        },
        common.tlp,
        common.where,
    )
    if added is None:
        return []
    for target, _ in common.clusters:
        is_attack = target.partition("--")[0] in _INDICATED
        word = "indicates" if is_attack else "related-to"
        making.relate(word, (added, target), common.where, common.when)
    if common.last:
        _sighting(making, common, added, first=common.first, last=common.last)
    sighted(making, common, added)
    return [added]


def _until(making: Making, common: Common, valid_from: str) -> str | None:
    ends = [s for s in common.sightings if s.kind == "2" and s.when]
    for each in ends:
        if each.when is not None and each.when > valid_from:
            return each.when
        making.losses.add("bad-value", each.where, "a time after the first")
    return None


def sighted(making: Making, common: Common, of: str) -> None:
    """Add what the sightings say of an object."""
    for each in common.sightings:
        if each.kind == "0":
            _sighting(
                making, common, of, each, first=each.when or "", last=each.when or ""
            )
        elif each.kind == "1":
            # As MISP's own converter: whoever saw it fail disagrees with it.
            making.add(
                {
                    "type": "opinion",
                    "id": f"opinion--{each.uuid}",
                    "created": each.when or common.when,
                    "created_by_ref": each.who or making.author,
                    "opinion": "strongly-disagree",
                    "explanation": "False positive sighting. " + each.source
                    if each.source
                    else "False positive sighting.",
                    "object_refs": [of],
                },
                common.tlp,
                each.where,
            )
        elif each.kind != "2" or not of.startswith("indicator--"):
            making.losses.add("no-equivalent", each.where)


def _sighting(
    making: Making,
    common: Common,
    of: str,
    each: Sighted | None = None,
    *,
    first: str | None,
    last: str,
) -> None:
    name = each.uuid if each else uuid_of("seen", of)
    making.add(
        {
            "type": "sighting",
            "id": f"sighting--{name}",
            "created": (each.when if each else None) or common.when,
            "sighting_of_ref": of,
            "first_seen": first,
            "last_seen": last,
            "count": 1 if each else None,
            "description": each.source if each else None,
            "where_sighted_refs": [each.who] if each and each.who else None,
        },
        common.tlp,
        each.where if each else common.where,
    )


def observed(
    making: Making,
    common: Common,
    labels: Sequence[str],
    trees: Sequence[Tree],
    *,
    alone: bool = False,
) -> list[str]:
    """Add observables: their ids first, then that of their observed-data.

    Args:
        alone: They share their observed-data with no others.
    """
    refs: list[str] = []
    mains: list[str] = []
    for tree in trees:
        own = f"{tree.kind}--{common.uuid}" if len(trees) == 1 else ""
        made = making.observe(tree, common.tlp, common.where, common.uuid, own)
        refs += made
        mains += made[:1]
    if not refs:
        return []
    data = making.group(
        refs,
        labels=[*labels, *cluster_labels(common)],
        comment=common.comment,
        tlp=common.tlp,
        times=common.times,
        when=common.when,
        where=common.where,
        uuid=common.uuid if alone or common.sightings or common.seen else "",
    )
    sighted(making, common, data)
    return [*mains, data]


def cluster_labels(common: Common) -> list[str]:
    """Name the clusters where no relationship does."""
    # No relationship: whose the observable is, attacker's or victim's, is not said.
    return [tag for _, tag in common.clusters if tag]


_MAIN: Final = ("value", "cpe", "name")  # where the value of a type in `PATHS` is


def _observable(making: Making, piece: Piece, labels: list[str]) -> list[str]:
    kind, value = piece.item.type, piece.item.value
    tree = READERS[kind](value)
    if tree is None:
        making.losses.add("bad-value", piece.common.where)
        return []
    if not piece.to_ids:
        return observed(making, piece.common, labels, [tree])
    path = misp_types.PATHS.get(kind)
    if path is None:
        pattern = pattern_of([tree])
    else:
        text = next(tree.members[n] for n in _MAIN if n in tree.members)
        pattern = f"[{compared(path, text)}]"
    return indicator(making, piece.common, labels, pattern)


def _detail(making: Making, piece: Piece, labels: list[str]) -> list[str]:
    if not piece.to_ids:
        return _noted(making, piece, labels)
    path, is_number = misp_types.PATTERNS[piece.item.type]
    value: Any = piece.item.value
    if is_number:
        if not value.isascii() or not value.isdigit() or len(value) > 15:
            making.losses.add("bad-value", piece.common.where, "a whole number")
            return []
        value = int(value)
    return indicator(making, piece.common, labels, f"[{compared(path, value)}]")


def _noted(making: Making, piece: Piece, labels: list[str]) -> list[str]:
    common = piece.common
    added = making.note(
        piece.item.value,
        [],
        uuid=common.uuid,
        tlp=common.tlp,
        when=common.when,
        where=common.where,
        abstract=common.comment,
        labels=[*labels, *cluster_labels(common)],
        confidence=common.confidence,
    )
    _without_place(making, common)
    return [] if added is None else [added]


def _without_place(making: Making, common: Common) -> None:
    for name in ("first", "last"):
        if getattr(common, name):
            making.losses.add("no-equivalent", f"{common.where}.{name}_seen")
    for each in common.sightings:
        making.losses.add("no-equivalent", each.where)


def _reference(making: Making, piece: Piece, labels: list[str]) -> list[str]:
    common, kind, value = piece.common, piece.item.type, piece.item.value
    if kind == misp_types.LINK and piece.to_ids:
        return _observable(making, piece, labels)
    # An external reference is marked as the report is, and has no tags.
    if common.tlp != making.tlp or common.labels or common.clusters:
        return _noted(making, piece, labels)
    named = {"source_name": "misp:link", "url": value}
    if kind == misp_types.WEAKNESS:
        named = {"source_name": "cwe", "external_id": value}
    if common.comment:
        named["description"] = common.comment
    making.references.append(named)
    _without_place(making, common)
    if piece.category:
        making.losses.add("no-equivalent", f"{common.where}.category")
    return [making.report]


def _object(making: Making, piece: Piece, labels: list[str]) -> list[str]:
    common, value = piece.common, piece.item.value
    kind, constant = misp_types.OBJECTS[piece.item.type]
    body: dict[str, Any] = {
        "type": kind,
        "id": f"{kind}--{common.uuid}",
        "created": common.when,
        "name": value,
        "description": common.comment,
        "labels": labels,
        "confidence": common.confidence,
        **constant,
    }
    if kind == "malware":
        body["malware_types"] = [value.lower()]
    elif kind == "vulnerability" and value.upper().startswith("CVE-"):
        body["name"] = value.upper()
        number = {"source_name": "cve", "external_id": value.upper()}
        body["external_references"] = [number]
    elif kind in ("campaign", "threat-actor"):
        body["first_seen"], body["last_seen"] = common.first, common.last
        common = common._replace(first=None, last=None)
    added = making.add(body, common.tlp, common.where)
    if added is None:
        return []
    for target, _ in common.clusters:
        making.relate("related-to", (added, target), common.where, common.when)
    _without_place(making, common)
    return [added]
