"""What is allowed in a record and yet probably a mistake: findings, object by object.

`schemas.linting_looks` looks at times, references and what no audience is shown;
`schemas.linting_values` at texts and values. What they find refuses nothing
(`schemas.rules`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from schemas import stix
from schemas.findings import Finding
from schemas.linting_looks import Run, is_after, links, looks_of
from schemas.linting_quiet import to_look_at
from schemas.stix.columns import Objects, together
from schemas.stix.threats import Indicator

LARGE_OBJECTS: Final = 5_000
# Others refer to them in ways of their own, or the whole record is about them.
_PRIMARY: Final = frozenset(
    stix.TYPES[kind]
    for kind in ("takedown-request", "incident", "campaign", "report", "grouping")
)
_ALONE: Final = _PRIMARY | {
    stix.TYPES[kind]
    for kind in ("marking-definition", "extension-definition", "language-content")
}


def lint(
    objects: Sequence[stix.StixObject],
    places: Mapping[str, str],
    *,
    now: str,
    own: str | None = None,
) -> list[Finding]:
    """Find what is probably a mistake.

    Args:
        places: Where in the input each object comes from, by its id; also of those
            that could not be read.
        now: RFC 3339; later times lie in the future.
        own: Id that the input gives the issuer's own identity.
    """
    objects = together(objects)
    run = Run({*places, *objects.columns.id, own or ""}, now)
    if len(objects) > LARGE_OBJECTS:
        run.add("large-record", "")
    for index in to_look_at(run, objects):
        each = objects[index]
        where = places.get(each.id, "$")
        for name, look in looks_of(type(each)):
            value = getattr(each, name)
            if value is not UNSET:
                look(run, each, where, name, value)
        if each.extra or type(each) is stix.UnknownObject:
            _lint_unknown(run, each, where)
    _lint_indicators(run, objects, places)
    _lint_alone(run, objects, places)
    return run.found


def _lint_unknown(run: Run, each: stix.StixObject, where: str) -> None:
    if type(each) is stix.UnknownObject:
        run.add("unknown-type", where)
    elif any(not name.startswith("x_tocsin_") for name in each.extra):
        run.add("custom-property", f"{where}[...]")


def _lint_indicators(run: Run, objects: Objects, places: Mapping[str, str]) -> None:
    indicators = [objects[index] for index in objects.by_type.get(Indicator, ())]
    if indicators and all(_has_ended(each, run.now) for each in indicators):
        run.add("all-expired", f"{places.get(indicators[0].id, '$')}.valid_until")


def _has_ended(indicator: Any, now: str) -> bool:
    end = indicator.valid_until
    return end is not UNSET and is_after(now, end)


def _lint_alone(run: Run, objects: Objects, places: Mapping[str, str]) -> None:
    if _PRIMARY.isdisjoint(objects.by_type):
        return  # loose objects, to be wrapped in a report
    alone = {*objects.columns.id} - run.targets
    for each in objects if alone else ():
        if each.id in alone and type(each) not in _ALONE and not links(each):
            run.add("unconnected", places.get(each.id, "$"))
