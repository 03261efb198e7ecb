"""What is allowed in a record and yet probably a mistake: findings, object by object.

`lint` looks at times, references, names and what no audience is shown. What it finds
refuses nothing (`schemas.rules`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from schemas import iep, pap, profile, stix, timestamps
from schemas.findings import Finding
from schemas.markings import is_known_marking

LONG_TEXT_CHARS: Final = 20_000  # ten pages; no text of the real records has more
LARGE_OBJECTS: Final = 5_000
_SECOND_CHARS: Final = len("2026-11-02T08:15:00")

# STIX 2.1 wants the second of each pair not to be before the first.
_PAIRS: Final = (
    ("created", "modified"),
    ("first_seen", "last_seen"),
    ("first_observed", "last_observed"),
    ("start_time", "stop_time"),
    ("start_time", "end_time"),
    ("start", "end"),
    ("valid_from", "valid_until"),
    ("validity_not_before", "validity_not_after"),
    ("analysis_started", "analysis_ended"),
    ("account_first_login", "account_last_login"),
)
# What lies behind us when it is written; the others may be plans or forecasts.
_PAST: Final = ("created", "modified", "first_seen", "first_observed")
_NAMES: Final = ("name", "display_name", "title", "subject")
_LISTS: Final = ("aliases", "labels")
# Lists of objects that refer to others.
_HOLDING: Final = ("body_multipart", "changed_objects", "subevents", "subtasks")
# Feedback is about somebody else's objects, which stay where they are.
_ABOUT_OTHERS: Final = frozenset({"opinion", "note", "sighting", "language-content"})
# Unicode 15, UAX 9: embeddings, overrides, isolates; and what is not seen at all.
_TRICKS = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b\u2060\ufeff"
    "\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)


class _Plan(NamedTuple):
    """Which properties of a type to look at."""

    pairs: tuple[tuple[str, str], ...]
    past: tuple[str, ...]
    refs: tuple[str, ...]
    ref_lists: tuple[str, ...]
    names: tuple[str, ...]
    lists: tuple[str, ...]
    texts: tuple[str, ...]
    nested: tuple[str, ...]


@lru_cache(256)
def _plan(struct: type[stix.StixObject]) -> _Plan:
    has = frozenset(struct.__struct_fields__)
    return _Plan(
        pairs=tuple(p for p in _PAIRS if has.issuperset(p)),
        past=tuple(n for n in _PAST if n in has),
        refs=tuple(sorted(n for n in has if n.endswith("_ref"))),
        ref_lists=tuple(
            sorted(n for n in has if n.endswith("_refs") and n in _REFERENCES)
        ),
        names=tuple(n for n in _NAMES if n in has),
        lists=tuple(n for n in _LISTS if n in has),
        texts=tuple(sorted(n for n in has if profile.is_text((n,)))),
        nested=tuple(n for n in _HOLDING if n in has),
    )


_REFERENCES: Final = stix.PROPERTY_NAMES - {"object_marking_refs"}


def lint(
    objects: Sequence[stix.StixObject], places: Mapping[str, str], *, now: str
) -> list[Finding]:
    """Find what is probably a mistake.

    Args:
        places: Where in the input each object comes from, by its id.
        now: RFC 3339; later times lie in the future.
    """
    found: list[Finding] = []
    ids = {each.id for each in objects}
    if len(objects) > LARGE_OBJECTS:
        found.append(Finding("large-record", ""))
    for each in objects:
        where = places.get(each.id, "$")
        plan = _plan(type(each))
        _lint_times(each, plan, where, now, found)
        _lint_references(each, plan, where, ids, found)
        _lint_texts(each, plan, where, found)
        _lint_unknown(each, where, found)
    return found


def _lint_times(
    each: stix.StixObject, plan: _Plan, where: str, now: str, found: list[Finding]
) -> None:
    for first, second in plan.pairs:
        early, late = getattr(each, first), getattr(each, second)
        if early is not UNSET and late is not UNSET and _is_after(early, late):
            found.append(
                Finding("time-order", f"{where}.{second}", f"not before {first}")
            )
    for name in plan.past:
        time = getattr(each, name)
        if time is not UNSET and _is_after(time, now):
            found.append(Finding("time-future", f"{where}.{name}"))


def _is_after(one: str, other: str) -> bool:
    if one == other:
        return False
    # Most differ in the second: only equal ones need their fractions compared.
    left, right = one[:_SECOND_CHARS], other[:_SECOND_CHARS]
    return left > right or (left == right and timestamps.compare(one, other) > 0)


def _lint_references(
    each: stix.StixObject, plan: _Plan, where: str, ids: set[str], found: list[Finding]
) -> None:
    rule = "external-ref" if each.type in _ABOUT_OTHERS else "dangling-ref"
    for name in plan.refs:
        target = getattr(each, name)
        if target is not UNSET and target not in ids:
            found.append(Finding(rule, f"{where}.{name}"))
    for name in plan.ref_lists:
        targets = getattr(each, name)
        if targets is not UNSET and not ids.issuperset(targets):
            for index, target in enumerate(targets):
                if target not in ids:
                    found.append(Finding(rule, f"{where}.{name}[{index}]"))
    for mark in each.object_marking_refs or ():
        is_known = is_known_marking(mark) or mark in pap.PAP_IDS
        if not is_known and mark not in ids:
            found.append(Finding("dangling-marking", f"{where}.object_marking_refs"))
    for place, target in _nested_references(each, plan, where):
        if target not in ids:
            found.append(Finding("dangling-ref", place))


def _nested_references(
    each: stix.StixObject, plan: _Plan, where: str
) -> Iterator[tuple[str, str]]:
    for name in plan.nested:
        yield from _references_in(getattr(each, name), f"{where}.{name}")
    for key, extension in (each.extensions or {}).items():
        if key in profile.EXTENSION_ALIASES or key in _PREDEFINED:
            yield from _references_in(extension, f"{where}.extensions[...]")


def _references_in(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """List references in plain JSON: (place, id). Names of the format are spelled."""
    if type(value) is dict:
        for name, inner in value.items():
            place = f"{where}.{name}" if name in _NESTED else f"{where}[...]"
            if name.endswith("_ref") and type(inner) is str:
                yield place, inner
            elif name.endswith("_refs") and type(inner) is list:
                for index, one in enumerate(inner):
                    if type(one) is str:
                        yield f"{place}[{index}]", one
            else:
                yield from _references_in(inner, place)
    elif type(value) in (list, tuple):
        for index, inner in enumerate(value):
            yield from _references_in(inner, f"{where}[{index}]")


# Names of the formats; any other is the sender's text.
_NESTED: Final = stix.PROPERTY_NAMES | {
    "activities", "body_raw_ref", "email_address_ref", "email_addresses", "event_ref",
    "event_refs", "events", "impact_refs", "initial_ref", "message_body_data_ref",
    "next_steps", "result_ref", "service_dll_refs", "social_media_accounts", "task_ref",
    "task_refs", "tasks", "user_account_ref",
}  # fmt: skip


def _lint_texts(
    each: stix.StixObject, plan: _Plan, where: str, found: list[Finding]
) -> None:
    for name in plan.names:
        text = getattr(each, name)
        if text is not UNSET and not text.isprintable() and _TRICKS.search(text):
            found.append(Finding("hidden-character", f"{where}.{name}"))
    for name in plan.lists:
        for index, text in enumerate(getattr(each, name) or ()):
            if not text.isprintable() and _TRICKS.search(text):
                found.append(Finding("hidden-character", f"{where}.{name}[{index}]"))
    for name in plan.texts:
        text = getattr(each, name)
        if type(text) is str and len(text) > LONG_TEXT_CHARS:
            found.append(Finding("long-text", f"{where}.{name}"))


def _lint_unknown(each: stix.StixObject, where: str, found: list[Finding]) -> None:
    if type(each) is stix.UnknownObject:
        found.append(Finding("unknown-type", where))
    elif each.extra and any(not n.startswith("x_tocsin_") for n in each.extra):
        found.append(Finding("custom-property", f"{where}[...]"))
    if each.extensions is not UNSET and any(
        key not in profile.EXTENSION_ALIASES and key not in _PREDEFINED
        for key in each.extensions
    ):
        found.append(Finding("unknown-extension", f"{where}.extensions[...]"))


# STIX 2.1, Cyber-observable Objects: extensions without an extension definition.
_PREDEFINED: Final = frozenset(
    {
        "archive-ext", "ntfs-ext", "pdf-ext", "raster-image-ext",
        "windows-pebinary-ext", "http-request-ext", "icmp-ext", "socket-ext", "tcp-ext",
        "windows-process-ext", "windows-service-ext", "unix-account-ext",
        iep.EXTENSION, pap.EXTENSION,  # of marks
    }
)  # fmt: skip
