"""Behaviours that an issuer names by number become objects, as every tool reads them.

The extension `disinformation` lists techniques by framework and number. Conduct is
judged by attack-patterns, though, and a member's tool shows those alone.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from schemas import stix
from schemas.markings import granular_marks
from schemas.stix.cases import Incident
from schemas.stix.columns import together
from schemas.stix.disinformation import Behaviour, disinformation
from schemas.stix.relationships import Relationship
from schemas.stix.threats import AttackPattern, Campaign

_NAMESPACE: Final = uuid.UUID("3587a91f-72a9-4303-91c3-da52768fd9ec")
_DISARM: Final = "disarm"
_HOLDERS: Final = frozenset({Campaign, Incident})


def of_behaviours(
    objects: Sequence[stix.StixObject], places: Mapping[str, str]
) -> list[tuple[stix.StixObject, str]]:
    """Make what the behaviours of campaigns and incidents lack, each with its place.

    For each an attack-pattern, unless one of that number and framework is there, and
    a relationship `uses`, unless there is one. They take over marking, author and
    time of the campaign or incident. The ids are derived; signing replaces them.

    Args:
        objects: Of one record.
        places: Where in the input each object comes from, by its id.

    Raises:
        SchemaError: `bad-property`: the extension is malformed.
    """
    holders = [objects[index] for index in together(objects).at(_HOLDERS)]
    named = [(o, disinformation(o, places.get(o.id, "$"))) for o in holders]
    if not any(said and said.behaviours for _, said in named):
        return []
    made: list[tuple[stix.StixObject, str]] = []
    patterns: dict[str, list[tuple[str, AttackPattern]]] = {}
    used: set[tuple[str, str]] = set()
    for each in objects:
        if isinstance(each, AttackPattern):
            words = _words(each)
            for number in dict.fromkeys(_numbers(each)):
                patterns.setdefault(number, []).append((words, each))
        elif isinstance(each, Relationship) and each.relationship_type == "uses":
            used.add((str(each.source_ref), str(each.target_ref)))
    for holder, said in named:
        place = places.get(holder.id, "$")
        for behaviour in dict.fromkeys(said.behaviours if said else ()):
            same = patterns.setdefault(behaviour.id, [])
            known = [p for words, p in same if _is_of(words, behaviour.framework)]
            if not known:
                known = [_pattern(holder, behaviour, place)]
                same.append((behaviour.framework, known[0]))
                made.append((known[0], place))
            if not any((holder.id, pattern.id) in used for pattern in known):
                made.append((_uses(holder, known[0], place), place))
    return made


def _numbers(pattern: AttackPattern) -> Iterator[str]:
    for reference in pattern.external_references or ():
        if reference.external_id is not UNSET:
            yield reference.external_id


def _words(pattern: AttackPattern) -> str:
    """Join what tells of which framework a technique is."""
    names = [phase.kill_chain_name for phase in pattern.kill_chain_phases or ()]
    for reference in pattern.external_references or ():
        names += [reference.source_name, reference.url or ""]
    return " ".join(names).casefold()


def _is_of(words: str, framework: str) -> bool:
    # DISARM's own bundle names `mitre-attack` as source and kill chain of its
    # techniques; only their addresses say whose they are.
    if _DISARM in words:
        return framework == _DISARM
    return framework in words


def _pattern(
    holder: stix.StixObject, behaviour: Behaviour, where: str
) -> AttackPattern:
    reference = {"source_name": behaviour.framework, "external_id": behaviour.id}
    made = _object(
        holder,
        "attack-pattern",
        (behaviour.framework, behaviour.id),
        {"name": behaviour.id, "external_references": [reference]},
        where,
    )
    assert isinstance(made, AttackPattern)  # noqa: S101  of this type by its struct
    return made


def _uses(
    holder: stix.StixObject, pattern: AttackPattern, where: str
) -> stix.StixObject:
    ends = {"source_ref": holder.id, "target_ref": pattern.id}
    words = {"relationship_type": "uses", **ends}
    return _object(holder, "relationship", (holder.id, pattern.id), words, where)


def _object(
    holder: stix.StixObject,
    kind: str,
    parts: Iterable[str],
    properties: Mapping[str, Any],
    where: str,
) -> stix.StixObject:
    body: dict[str, Any] = {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid.uuid5(_NAMESPACE, chr(10).join(parts))}",
        "created": holder.modified,
        "modified": holder.modified,
        "created_by_ref": holder.created_by_ref,
        "object_marking_refs": _marks(holder) or UNSET,
        **properties,
    }
    given = {name: value for name, value in body.items() if value is not UNSET}
    return stix.decode_object(given, where)


def _marks(holder: stix.StixObject) -> list[str]:
    """List the marks of *holder*, and those that it puts on its extensions."""
    own = granular_marks(holder).get("extensions", ())
    return list(dict.fromkeys([*(holder.object_marking_refs or ()), *sorted(own)]))
