"""New versions of a record that its issuer published before: correction, retraction. Pure."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from schemas import codec, stix, timestamps
from schemas.errors import SchemaError
from schemas.record import Draft, is_red

# What a retraction still says of the primary object, besides what STIX requires.
_KEPT: Final = frozenset(
    {"type", "id", "spec_version", "created", "created_by_ref", "lang"}
    | {"object_marking_refs"}
)


def with_version(draft: Draft, ver: str) -> Draft:
    """Give *draft* with another version: `modified` of its primary object."""
    main = msgspec.structs.replace(draft.objects[draft.primary], modified=ver)
    before, after = draft.objects[: draft.primary], draft.objects[draft.primary + 1 :]
    return msgspec.structs.replace(draft, objects=(*before, main, *after))


def with_id(draft: Draft, new: str) -> Draft:
    """Give *draft* with another id of its primary object, wherever that stands.

    Raises:
        SchemaError: `kind-mismatch`: an id of another type.
    """
    old = draft.objects[draft.primary].id
    if old.rpartition("--")[0] != new.rpartition("--")[0]:
        raise SchemaError("kind-mismatch")
    return msgspec.structs.replace(
        draft, objects=tuple(_renamed(each, old, new) for each in draft.objects)
    )


def _renamed(each: stix.StixObject, old: str, new: str) -> stix.StixObject:
    text = codec.encode_json(stix.encode_object(each))
    if old.encode() not in text:
        return each
    return stix.decode_object(
        msgspec.json.decode(text.replace(old.encode(), new.encode()))
    )


def newer(draft: Draft, ver: str, *, now: str) -> Draft:
    """Give *draft* as a version after *ver*: its own if that is later, else *now*.

    Few who correct a file by hand think of its `modified`.
    """
    modified = draft.objects[draft.primary].modified
    assert isinstance(modified, str)  # noqa: S101  of a complete object
    is_later = timestamps.compare(modified, ver) > 0
    return draft if is_later else with_version(draft, now)


def retracted(
    objects: Sequence[stix.StixObject],
    primary: int,
    *,
    now: str,
    why: str,
    note_id: str,
) -> tuple[stix.StixObject, ...]:
    """Make the objects of a retraction: as little of the record as is possible.

    A record may be taken back because of what it says, so nothing is said again but
    what STIX requires of its primary object.

    Args:
        primary: Index of the primary object.
        now: RFC 3339; the new version.
        why: Reason for people, "" for none.
        note_id: Id of the note that gives the reason.
    """
    main = objects[primary]
    plain = stix.encode_object(main)
    names = _KEPT | stix.required_of(main)
    body: dict[str, Any] = {k: v for k, v in plain.items() if k in names}
    if "object_refs" in body:
        body["object_refs"] = [main.id]  # required of reports; the others are gone
    if "object_refs" in body and main.type in ("note", "opinion"):
        body["object_refs"] = plain["object_refs"]
    body |= {"modified": now, "revoked": True}
    out = [stix.decode_object(body)]
    creator = plain.get("created_by_ref")
    out += [o for o in objects if o.id == creator and not is_red(o)]
    if why:
        out.append(_note(why, body, now, note_id))
    return tuple(out)


def _note(why: str, main: dict[str, Any], now: str, note_id: str) -> stix.StixObject:
    note = {
        "type": "note",
        "id": note_id,
        "spec_version": "2.1",
        "created": now,
        "modified": now,
        "abstract": "Why this record is taken back",
        "content": why,
        "object_refs": [main["id"]],
    }
    for name in ("created_by_ref", "object_marking_refs"):
        if name in main:
            note[name] = main[name]
    return stix.decode_object(note)
