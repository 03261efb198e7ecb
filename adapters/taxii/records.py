"""A group of objects as the bundle of one record, and which version of it. Pure.

The publisher refuses other content under the same version. So a case that has new
company while its own object stayed the same gets a newer `modified`; nothing else of
what came is touched.
"""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from schemas import codec, timestamps
from schemas.errors import SchemaError
from schemas.markings import TLP_IDS, tlp_of

_NAMESPACE: Final = uuid.UUID("7d0a5f0e-6a52-4c8e-9c55-2f3f5b0c9a41")
_MAX_NAME_CHARS: Final = 200


class Written(msgspec.Struct, frozen=True):
    """What was last written of a case.

    Attributes:
        digest: Of the keys of all its objects.
        version: `modified` of its primary object there.
    """

    digest: bytes
    version: str


class Bundle(msgspec.Struct, frozen=True):
    """The file of one record.

    Attributes:
        name: For the file, without ending: the id of the primary object.
        is_raised: Whether `modified` of the primary object is ours.
    """

    name: str
    content: bytes
    written: Written
    is_raised: bool = False


def digest(keys: Iterable[bytes]) -> bytes:
    """Hash what a record consists of."""
    return hashlib.sha256(b"".join(sorted(keys))).digest()


def case_bundle(
    members: Sequence[dict[str, Any]], found: bytes, last: Written | None, *, now: str
) -> Bundle:
    """Make the bundle of a case.

    Args:
        members: Its objects as they came, the primary first.
        found: Digest of their keys.
        last: What was written of it before.
        now: RFC 3339; no version may be later.
    """
    first = members[0]
    version = first.get("modified")
    version = version if type(version) is str else ""
    is_raised = last is not None and _is_later_or_same(last.version, version)
    if last is not None and is_raised:
        version = _raised(last.version, members, now)
        first = {**first, "modified": version}
    return Bundle(
        name=first["id"],
        content=_encode([first, *members[1:]], found),
        written=Written(found, version),
        is_raised=is_raised,
    )


def rest_bundle(
    members: Sequence[dict[str, Any]], found: bytes, *, name: str, when: str
) -> Bundle:
    """Make the bundle of what belongs to no case: a report around it.

    Args:
        name: What the collection is called.
        when: RFC 3339, of the objects' arrival, where none of them has a time.
    """
    # Derived, so that what is written again after a crash is the same version.
    own = f"report--{uuid.uuid5(_NAMESPACE, found.hex())}"
    moment = max(_keys(members), default=timestamps.key(when))
    moment = timestamps.render(timestamps.parse(moment))
    listed = [each["id"] for each in members if each["type"] != "marking-definition"]
    report: dict[str, Any] = {
        "type": "report",
        "spec_version": "2.1",
        "id": own,
        "created": moment,
        "modified": moment,
        "name": f"Objects of {name}"[:_MAX_NAME_CHARS],
        "published": moment,
        "object_refs": listed,
    }
    known = [tlp for each in members if (tlp := tlp_of(_markings(each))) is not None]
    if known:
        report["object_marking_refs"] = [TLP_IDS[max(known)]]
    return Bundle(
        name=own,
        content=_encode([report, *members], found),
        written=Written(found, moment),
    )


def _encode(objects: list[dict[str, Any]], found: bytes) -> bytes:
    own = f"bundle--{uuid.uuid5(_NAMESPACE, 'bundle' + found.hex())}"
    return codec.encode_json({"type": "bundle", "id": own, "objects": objects})


def _markings(plain: dict[str, Any]) -> list[str]:
    refs = plain.get("object_marking_refs")
    return [r for r in refs if type(r) is str] if type(refs) is list else []


def _is_later_or_same(last: str, version: str) -> bool:
    try:
        return timestamps.compare(last, version) >= 0
    except SchemaError:  # as it came; `tocsin check` says what is wrong with it
        return False


def _raised(last: str, members: Sequence[dict[str, Any]], now: str) -> str:
    limit = timestamps.key(now)
    after_last = timestamps.from_epoch(timestamps.epoch(last) + 0.0015)
    newest = [each for each in _keys(members) if each <= limit]
    raised = max([timestamps.key(after_last), *newest])
    return timestamps.render(timestamps.parse(raised))


def _keys(members: Sequence[dict[str, Any]]) -> list[str]:
    """Give the versions of all objects that have a proper one."""
    found = []
    for each in members:
        modified = each.get("modified")
        if type(modified) is str:
            try:
                found.append(timestamps.key(modified))
            except SchemaError:
                continue
    return found
