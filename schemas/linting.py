"""What is allowed in a record and yet probably a mistake: findings, object by object.

`lint` looks at times, references and what no audience is shown;
`schemas.linting_values` at texts and values. What they find refuses nothing
(`schemas.rules`).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Final

from msgspec import UNSET

from schemas import iep, pap, profile, stix, timestamps
from schemas.findings import Finding
from schemas.linting_values import Look, Notes, looks_at_values
from schemas.markings import is_known_marking
from schemas.protection import PROTECTION_IDS
from schemas.stix.threats import Indicator

LARGE_OBJECTS: Final = 5_000
_SECOND_CHARS: Final = len("2026-11-02T08:15:00")
_CLOCK_SKEW_S: Final = 120  # as in verifying: DESIGN.md 4.2, `iat` and `ver`

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
_PAST: Final = (
    "modified", "first_seen", "last_seen", "first_observed", "last_observed",
)  # fmt: skip
# Lists of objects that refer to others.
_HOLDING: Final = ("body_multipart", "changed_objects", "subevents", "subtasks")
# Feedback is about somebody else's objects, which stay where they are.
_ABOUT_OTHERS: Final = frozenset({"opinion", "note", "sighting", "language-content"})
# STIX 2.1: what these may refer to; most others may refer to nearly all.
_TARGETS: Final[dict[str, tuple[str, ...]]] = {
    "bcc_refs": ("email-addr--",),
    "cc_refs": ("email-addr--",),
    "created_by_ref": ("identity--",),
    "from_ref": ("email-addr--",),
    "image_ref": ("file--",),
    "observed_data_refs": ("observed-data--",),
    "parent_directory_ref": ("directory--",),
    "sender_ref": ("email-addr--",),
    "to_refs": ("email-addr--",),
    "where_sighted_refs": ("identity--", "location--"),
}
# Others refer to them in ways of their own, or the whole record is about them.
_PRIMARY: Final = frozenset({"incident", "campaign", "report", "grouping"})
_ALONE: Final = _PRIMARY | {
    "marking-definition", "extension-definition", "language-content",
}  # fmt: skip


class _Run(Notes):
    """What is known while the objects are gone through, and what was found.

    Attributes:
        targets: Ids that some object refers to.
        linking: Ids of the objects that refer to others, but for who created them.
    """

    def __init__(self, ids: frozenset[str], now: str) -> None:
        super().__init__()
        self.ids = ids
        self.now = now
        self.late = timestamps.from_epoch(timestamps.epoch(now) + _CLOCK_SKEW_S)
        self.targets: set[str] = set()
        self.linking: set[str] = set()


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
    ids = frozenset(places).union((each.id for each in objects), (own or "",))
    run = _Run(ids, now)
    if len(objects) > LARGE_OBJECTS:
        run.add("large-record", "")
    for each in objects:
        where = places.get(each.id, "$")
        for name, look in _looks(type(each)):
            value = getattr(each, name)
            if value is not UNSET:
                look(run, each, where, name, value)
        if each.extra or type(each) is stix.UnknownObject:
            _lint_unknown(run, each, where)
    _lint_indicators(run, objects, places)
    _lint_alone(run, objects, places)
    return run.found


@lru_cache(256)
def _looks(struct: type[stix.StixObject]) -> tuple[tuple[str, Look], ...]:
    """List what to look at in objects of a type: property and how."""
    has = struct.__struct_fields__
    found: list[tuple[str, Look]] = [
        (later, partial(_is_in_order, earlier=earlier))
        for earlier, later in _PAIRS
        if earlier in has and later in has
    ]
    found += [(name, _is_past) for name in _PAST if name in has]
    for name in has:
        if name in ("object_marking_refs", "granular_markings", "extensions"):
            found.append((name, _SPECIAL[name]))
        elif name in _HOLDING:
            found.append((name, _refers_inside))
        elif name.endswith("_ref"):
            found.append((name, _refers))
        elif name.endswith("_refs"):
            found.append((name, _refers_to_all))
    return (*found, *looks_at_values(struct))


def _is_in_order(
    run: _Run, each: stix.StixObject, where: str, name: str, late: str, *, earlier: str
) -> None:
    early = getattr(each, earlier)
    if early is not UNSET and early != late and _is_after(early, late):
        run.add("time-order", f"{where}.{name}", f"not before {earlier}")


def _is_after(one: str, other: str) -> bool:
    # Most differ in the second: only equal ones need their fractions compared.
    left, right = one[:_SECOND_CHARS], other[:_SECOND_CHARS]
    return left > right or (left == right and timestamps.compare(one, other) > 0)


def _is_past(
    run: _Run, _each: stix.StixObject, where: str, name: str, time: str
) -> None:
    if time > run.late:  # to the second, as text: both are UTC
        run.add("time-future", f"{where}.{name}")


def _refers(
    run: _Run, each: stix.StixObject, where: str, name: str, target: str
) -> None:
    run.targets.add(target)
    if name != "created_by_ref":
        run.linking.add(each.id)
    if target not in run.ids or not target.startswith(_TARGETS.get(name, "")):
        _look_at_target(run, each, f"{where}.{name}", _TARGETS.get(name), target)


def _refers_to_all(
    run: _Run, each: stix.StixObject, where: str, name: str, targets: tuple[str, ...]
) -> None:
    run.targets.update(targets)
    run.linking.add(each.id)
    wanted = _TARGETS.get(name)
    if wanted is not None or not run.ids.issuperset(targets):
        for index, target in enumerate(targets):
            _look_at_target(run, each, f"{where}.{name}[{index}]", wanted, target)


def _look_at_target(
    run: _Run,
    each: stix.StixObject,
    where: str,
    wanted: tuple[str, ...] | None,
    target: str,
) -> None:
    if target not in run.ids:
        is_about_others = each.type in _ABOUT_OTHERS
        run.add("external-ref" if is_about_others else "dangling-ref", where)
    elif wanted is not None and not target.startswith(wanted):
        kinds = " or ".join(kind.removesuffix("--") for kind in wanted)
        run.add("ref-type", where, f"an object of type {kinds}")


def _is_marked(
    run: _Run, _each: stix.StixObject, where: str, name: str, marks: tuple[str, ...]
) -> None:
    for index, mark in enumerate(marks):
        if mark not in run.ids and not _is_known(mark):
            run.add("dangling-marking", f"{where}.{name}[{index}]")


def _is_marked_in_part(
    run: _Run, _each: stix.StixObject, where: str, name: str, markings: Any
) -> None:
    for index, marking in enumerate(markings):
        mark = marking.marking_ref or ""
        if mark and mark not in run.ids and not _is_known(mark):
            run.add("dangling-marking", f"{where}.{name}[{index}].marking_ref")


def _is_known(mark: str) -> bool:
    return is_known_marking(mark) or mark in pap.PAP_IDS or mark in PROTECTION_IDS


def _is_extended(
    run: _Run, each: stix.StixObject, where: str, name: str, extensions: dict[str, Any]
) -> None:
    is_known = True
    for key, extension in extensions.items():
        if key in profile.EXTENSION_ALIASES or key in _PREDEFINED:
            _refers_inside(run, each, where, f"{name}[...]", extension)
        else:
            is_known = False
    if not is_known:
        run.add("unknown-extension", f"{where}.{name}[...]")


def _refers_inside(
    run: _Run, each: stix.StixObject, where: str, name: str, value: Any
) -> None:
    for place, target in _references_in(value, f"{where}.{name}"):
        run.targets.add(target)
        run.linking.add(each.id)
        if target not in run.ids:
            run.add("dangling-ref", place)


_SPECIAL: Final[dict[str, Look]] = {
    "object_marking_refs": _is_marked,
    "granular_markings": _is_marked_in_part,
    "extensions": _is_extended,
}


def _references_in(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """List references in plain JSON: (place, id). Names of the format are spelled."""
    if type(value) is dict:
        for name, inner in value.items():
            kind = type(inner)
            if kind is not str and kind is not list and kind is not dict:
                continue
            place = f"{where}.{name}" if name in _NESTED else f"{where}[...]"
            if kind is str:
                if name.endswith("_ref"):
                    yield place, inner
            elif kind is list and name.endswith("_refs"):
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


def _lint_unknown(run: _Run, each: stix.StixObject, where: str) -> None:
    if type(each) is stix.UnknownObject:
        run.add("unknown-type", where)
    elif any(not name.startswith("x_tocsin_") for name in each.extra):
        run.add("custom-property", f"{where}[...]")


def _lint_indicators(
    run: _Run, objects: Sequence[stix.StixObject], places: Mapping[str, str]
) -> None:
    ends = [
        (each.id, each.valid_until) for each in objects if isinstance(each, Indicator)
    ]
    if ends and all(end is not UNSET and _is_after(run.now, end) for _, end in ends):
        run.add("all-expired", f"{places.get(ends[0][0], '$')}.valid_until")


def _lint_alone(
    run: _Run, objects: Sequence[stix.StixObject], places: Mapping[str, str]
) -> None:
    if not any(each.type in _PRIMARY for each in objects):
        return  # loose objects, to be wrapped in a report
    linked = run.targets | run.linking
    for each in objects:
        if each.id not in linked and each.type not in _ALONE:
            run.add("unconnected", places.get(each.id, "$"))


# STIX 2.1, Cyber-observable Objects: extensions without an extension definition.
_PREDEFINED: Final = frozenset(
    {
        "archive-ext", "ntfs-ext", "pdf-ext", "raster-image-ext",
        "windows-pebinary-ext", "http-request-ext", "icmp-ext", "socket-ext", "tcp-ext",
        "windows-process-ext", "windows-service-ext", "unix-account-ext",
        iep.EXTENSION, pap.EXTENSION,  # of marks
    }
)  # fmt: skip
