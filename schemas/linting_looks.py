"""Looks at times, references and extensions: one property of one object each."""

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache, partial
from typing import Any, Final

from msgspec import UNSET

from schemas import iep, pap, profile, stix, timestamps
from schemas.linting_values import Look, Notes, looks_at_values
from schemas.terms import is_known_by_id

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
TARGETS: Final[dict[str, tuple[str, ...]]] = {
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


class Run(Notes):
    """What is known while the objects are gone through, and what was found.

    Attributes:
        targets: Ids that some object refers to.
    """

    def __init__(self, ids: set[str], now: str) -> None:
        super().__init__()
        self.ids = ids
        self.now = now
        self.targets: set[str] = set()

    @cached_property
    def late(self) -> str:
        """The first time that lies in the future, whatever the clock of its sender."""
        return timestamps.from_epoch(timestamps.epoch(self.now) + _CLOCK_SKEW_S)


@lru_cache(256)
def looks_of(struct: type[stix.StixObject]) -> tuple[tuple[str, Look], ...]:
    """List what to look at in objects of a type: property and how."""
    has = struct.__struct_fields__
    found: list[tuple[str, Look]] = [
        (later, partial(_is_in_order, earlier=earlier))
        for earlier, later in _PAIRS
        if earlier in has and later in has
    ]
    found += [(name, is_past) for name in _PAST if name in has]
    for name in has:
        if name in ("object_marking_refs", "granular_markings", "extensions"):
            found.append((name, _SPECIAL[name]))
        elif name in _HOLDING:
            found.append((name, _refers_inside))
        elif name.endswith("_ref"):
            found.append((name, refers))
        elif name.endswith("_refs"):
            found.append((name, refers_to_all))
    return (*found, *looks_at_values(struct))


def _is_in_order(
    run: Run, each: stix.StixObject, where: str, name: str, late: str, *, earlier: str
) -> None:
    early = getattr(each, earlier)
    if early is not UNSET and early != late and is_after(early, late):
        run.add("time-order", f"{where}.{name}", f"not before {earlier}")


def are_in_order(earlier: Iterable[Any], later: Iterable[Any]) -> bool:
    """Tell whether no time is after the other one of its pair, by their seconds."""
    return all(
        one == other
        or one is UNSET
        or other is UNSET
        or one[:_SECOND_CHARS] < other[:_SECOND_CHARS]
        for one, other in zip(earlier, later, strict=True)
    )


def is_after(one: str, other: str) -> bool:
    """Tell whether a time is after another."""
    # Most differ in the second: only equal ones need their fractions compared.
    left, right = one[:_SECOND_CHARS], other[:_SECOND_CHARS]
    return left > right or (left == right and timestamps.compare(one, other) > 0)


def is_past(run: Run, _each: stix.StixObject, where: str, name: str, time: str) -> None:
    """Say that a time lies in the future."""
    if time > run.late:  # to the second, as text: both are UTC
        run.add("time-future", f"{where}.{name}")


def refers(run: Run, each: stix.StixObject, where: str, name: str, target: str) -> None:
    """Say that a reference leads nowhere, or to an object of another type."""
    run.targets.add(target)
    if target not in run.ids or not target.startswith(TARGETS.get(name, "")):
        _look_at_target(run, each, f"{where}.{name}", TARGETS.get(name), target)


def refers_to_all(
    run: Run, each: stix.StixObject, where: str, name: str, targets: tuple[str, ...]
) -> None:
    """Say what `refers` does of each reference in a list."""
    run.targets.update(targets)
    wanted = TARGETS.get(name)
    if wanted is not None or not run.ids.issuperset(targets):
        for index, target in enumerate(targets):
            _look_at_target(run, each, f"{where}.{name}[{index}]", wanted, target)


def _look_at_target(
    run: Run,
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
    run: Run, _each: stix.StixObject, where: str, name: str, marks: tuple[str, ...]
) -> None:
    for index, mark in enumerate(marks):
        if mark not in run.ids and not is_known_mark(mark):
            run.add("dangling-marking", f"{where}.{name}[{index}]")


def _is_marked_in_part(
    run: Run, _each: stix.StixObject, where: str, name: str, markings: Any
) -> None:
    for index, marking in enumerate(markings):
        mark = marking.marking_ref or ""
        if mark and mark not in run.ids and not is_known_mark(mark):
            run.add("dangling-marking", f"{where}.{name}[{index}].marking_ref")


def is_known_mark(mark: str) -> bool:
    """Tell whether an id stands for a mark without a definition in the input."""
    return is_known_by_id(mark) or mark in pap.PAP_IDS


def _is_extended(
    run: Run, each: stix.StixObject, where: str, name: str, extensions: dict[str, Any]
) -> None:
    is_known = True
    for key, extension in extensions.items():
        if key in EXTENSIONS:
            _refers_inside(run, each, where, f"{name}[...]", extension)
        else:
            is_known = False
    if not is_known:
        run.add("unknown-extension", f"{where}.{name}[...]")


def _refers_inside(
    run: Run, each: stix.StixObject, where: str, name: str, value: Any
) -> None:
    targets = references_in(value)
    run.targets.update(targets)
    if not run.ids.issuperset(targets):
        for place, target in _placed_references(value, f"{where}.{name}"):
            if target not in run.ids:
                run.add("dangling-ref", place)


_SPECIAL: Final[dict[str, Look]] = {
    "object_marking_refs": _is_marked,
    "granular_markings": _is_marked_in_part,
    "extensions": _is_extended,
}


def links(each: stix.StixObject) -> bool:
    """Tell whether an object refers to others, but to who created it."""
    references, holding = _linking(type(each))
    for name in references:
        if getattr(each, name):
            return True
    if not holding and not each.extensions:
        return False
    extensions = each.extensions or {}
    held = [value for key, value in extensions.items() if key in EXTENSIONS]
    return bool(references_in([*held, *(getattr(each, name) for name in holding)]))


@lru_cache(256)
def _linking(struct: type[stix.StixObject]) -> tuple[list[str], list[str]]:
    """Name the properties that refer to others, and those that hold what does."""
    looks = looks_of(struct)
    whole = [name for name, look in looks if look in (refers, refers_to_all)]
    held = [name for name, look in looks if look is _refers_inside]
    return [name for name in whole if name != "created_by_ref"], held


def references_in(value: Any) -> list[str]:
    """List references in plain JSON, in no order."""
    found: list[str] = []
    below = [value]
    while below:
        item = below.pop()
        if type(item) is not dict:
            below += item if type(item) in _LISTS else ()
            continue
        for name, inner in item.items():
            kind = type(inner)
            if kind is str:
                if name.endswith("_ref"):
                    found.append(inner)
            elif kind is list and name.endswith("_refs"):
                found += (each for each in inner if type(each) is str)
            elif kind is dict or kind is list:
                below.append(inner)
    return found


_LISTS: Final = frozenset({list, tuple})


def _placed_references(value: Any, where: str) -> Iterator[tuple[str, str]]:
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
                yield from _placed_references(inner, place)
    elif type(value) in (list, tuple):
        for index, inner in enumerate(value):
            yield from _placed_references(inner, f"{where}[{index}]")


# Names of the formats; any other is the sender's text.
_NESTED: Final = stix.PROPERTY_NAMES | {
    "activities", "body_raw_ref", "email_address_ref", "email_addresses", "event_ref",
    "event_refs", "events", "impact_refs", "initial_ref", "message_body_data_ref",
    "next_steps", "result_ref", "service_dll_refs", "social_media_accounts", "task_ref",
    "task_refs", "tasks", "user_account_ref",
}  # fmt: skip


EXTENSIONS: Final = frozenset(
    {
        *profile.EXTENSION_ALIASES,
        # STIX 2.1, Cyber-observable Objects: those without an extension definition.
        "archive-ext", "ntfs-ext", "pdf-ext", "raster-image-ext",
        "windows-pebinary-ext", "http-request-ext", "icmp-ext", "socket-ext", "tcp-ext",
        "windows-process-ext", "windows-service-ext", "unix-account-ext",
        iep.EXTENSION, pap.EXTENSION,  # of marks
    }
)  # fmt: skip
