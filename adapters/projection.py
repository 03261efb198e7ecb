"""What stays of a record -> the plain STIX bundle a member's tools read. Pure.

The projection is written anew from what the policy kept, never cut from received
bytes. It is the adapter's work and says so: other ids than the issuer's, created
by the adapter's identity, every made value listed under our extension.
"""

import hmac
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from adapters.ids import is_mark
from adapters.pseudonyms import KEY_BYTES, NONE, Pseudonyms
from adapters.reading import Reading
from adapters.view import View
from broker.blinding import org_identity
from broker.trust import Verified
from schemas import coarse, codec, profile, stix, timestamps

# A property extension of ours on every projected object.
EXTENSION_ID: Final = "extension-definition--5a3f2c41-7d0e-4f3b-9a86-0b1f4e2d7c55"
_EXTENSION_CREATED: Final = "2026-11-22T00:00:00.000Z"
_SCHEMA: Final = "docs/projection.md"
# STIX 2.1, 2.9: namespace of deterministic observable ids.
_SCO_NAMESPACE: Final = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
_ID_FROM_VALUE: Final = frozenset(
    {"domain-name", "email-addr", "ipv4-addr", "ipv6-addr", "mac-addr", "url"}
)


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """In whose name projections are written, and with which keys.

    Attributes:
        org: The organisation that runs the adapter.
        name: Its display name.
        id_key: At least 32 random bytes, the same for ever; hidden from `repr`.
        pseudonyms: Of the period that the record is in.
    """

    org: str
    name: str
    id_key: bytes
    pseudonyms: Pseudonyms = NONE

    def __repr__(self) -> str:
        return f"Author(org={self.org!r})"


def trial_author(entropy: Callable[[int], bytes]) -> Author:
    """Give an author with keys of the moment, for what nobody is sent."""
    return Author(
        org="local",
        name="Local trial",
        id_key=entropy(KEY_BYTES),
        pseudonyms=Pseudonyms("trial", entropy(KEY_BYTES)),
    )


class ObjectParts(msgspec.Struct):
    """What stays of one object: shown values, made values, lost elements.

    Attributes:
        kind: Its STIX type.
        lost: Indexes of the elements that go, by place of their array.
    """

    source: stix.StixObject
    kind: str
    shown: dict[profile.Place, Any] = {}
    made: dict[profile.Place, Any] = {}
    lost: dict[profile.Place, set[int]] = {}

    def shows_whole(self, place: profile.Place) -> bool:
        """Tell whether a property is shown, with all its elements."""
        return place in self.shown and not self.lost.get(place)


def project(
    reading: Reading,
    parts: Sequence[ObjectParts],
    *,
    author: Author,
    view: View,
    scope: str,
    now: str,
) -> bytes:
    """Write the bundle.

    Args:
        scope: Audience that ids derive for: see `adapters.scopes`.
        now: RFC 3339; `modified` of every object.

    Returns:
        JSON bytes of a STIX 2.1 bundle: the adapter's identity, our extension
        definition, then the objects.
    """
    verified, issuer, own = reading.verified, reading.issuer, org_identity(author.org)
    new = _new_ids(parts, author, scope, issuer)

    def rename(original: str) -> str:
        found = new.get(original)
        if found is None and (original == issuer or is_mark(original)):
            return original
        # Feedback mentions objects of other records, by their ids there.
        return found or scoped_id(original, author, scope)

    objects = [_identity(author, own, now), _extension_definition(own)]
    if issuer not in new and issuer != own:
        objects.append(_issuer_identity(verified, issuer, own, now))
    objects += [
        _object(p, _written(p, reading, rename), own, verified, now) for p in parts
    ]
    # Nobody else can know it: a receipt has the digest of these bytes, and members of
    # one audience could else tell by it whether they guess right what another one got.
    name = f"{verified.token_id} {view.audience} {scope} ".encode()
    body = codec.encode_json(objects)
    mac = hmac.digest(author.id_key, b"bundle " + name + body, "sha256")
    start = codec.encode_json({"type": "bundle", "id": f"bundle--{_uuid(mac)}"})
    return start[:-1] + b',"objects":' + body + b"}"


def _new_ids(
    parts: Sequence[ObjectParts], author: Author, scope: str, issuer: str
) -> dict[str, str]:
    """Give each object its id in the projection, none to two of them."""
    new: dict[str, str] = {}
    taken: set[str] = set()
    for part in parts:
        original = part.source.id
        found = _new_id(part, author, scope, issuer)
        if found in taken:  # two objects of one value
            found = scoped_id(original, author, scope)
        taken.add(found)
        new[original] = found
    return new


def _new_id(part: ObjectParts, author: Author, scope: str, issuer: str) -> str:
    original = part.source.id
    if part.kind == "marking-definition" or original in profile.EXTENSION_ALIASES:
        return original
    if original == issuer:
        return original
    value = part.shown.get(("value",))
    if part.kind in _ID_FROM_VALUE and isinstance(value, str):
        # All that the id derives from is disclosed, so it gives nothing away.
        name = codec.encode_json({"value": value}).decode()
        return f"{part.kind}--{uuid.uuid5(_SCO_NAMESPACE, name)}"
    return scoped_id(original, author, scope)


def scoped_id(original: str, author: Author, scope: str) -> str:
    """Give the id of an object in the projections of one scope, in every record."""
    text = f"{scope} {original}"
    mac = hmac.digest(author.id_key, text.encode(), "sha256")
    return f"{original.rpartition('--')[0]}--{_uuid(mac)}"


def _uuid(digest: bytes) -> str:
    """Make a UUID of the first bits of *digest*, marked as version 5 (RFC 9562, 5.5)."""
    text = digest.hex()
    variant = "89ab"[int(text[16], 16) & 3]
    return (
        f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"
    )


def _written(
    part: ObjectParts, reading: Reading, rename: Callable[[str], str]
) -> dict[str, Any]:
    """Put what is shown and what was made into one plain object, with its new ids."""
    read = reading.objects[reading.index[part.source.id]]
    values = part.shown | part.made if part.made else part.shown
    # Most of it stands as it was read, and in that order.
    out = {place[0]: value for place, value in values.items()}
    for place in read.with_ids.union(read.coarse, part.made, part.lost):
        if place not in values or len(place) > 1:
            continue
        if place[0].startswith(coarse.PREFIX):
            del out[place[0]]  # it stands where the exact one would
        else:
            left = _left(part, place, values[place])
            out[place[0]] = reading.ids.renamed(left, rename)
    if "extensions" in out:
        inner: dict[str, Any] = {}
        for place, value in values.items():
            if len(place) > 1:
                _put(inner, place[1:], _left(part, place, value))
        out["extensions"] = reading.ids.renamed(inner, rename)
    out.pop("granular_markings", None)  # applied; selectors would dangle
    out["id"] = rename(out["id"])
    if read.has_strange_names:
        out = {reading.ids.renamed(name, rename): v for name, v in out.items()}
    return out


def _left(part: ObjectParts, place: profile.Place, value: Any) -> Any:
    """Leave out lost elements; of a text, what is left is joined already."""
    lost = part.lost.get(place)
    if lost and place not in part.made and isinstance(value, list):
        return [v for j, v in enumerate(value) if j not in lost]
    return value


def _object(
    part: ObjectParts, out: dict[str, Any], own: str, verified: Verified, now: str
) -> dict[str, Any]:
    made, coarsened = _made(part)
    if part.kind == "marking-definition":
        # It keeps its id and has no versions: no word of it is ours.
        out.pop("modified", None)
        out.setdefault("created", _EXTENSION_CREATED)
        return out
    if part.kind in stix.OBSERVABLE_TYPES:
        out.pop("created", None)
        out.pop("modified", None)
        made = [name for name in made if name not in ("created", "modified")]
    else:
        if "created" not in out:
            out["created"] = timestamps.truncate(verified.claims.ver, "day")
            made.append("created")
        if "spec_version" not in out:
            out["spec_version"] = "2.1"
            made.append("spec_version")
        out["modified"] = now
        out["created_by_ref"] = own
        made += ["modified", "created_by_ref"]
    statement = _statement(part.source, verified, sorted({*made}), coarsened)
    if statement:
        statement["extension_type"] = "property-extension"
        _put(out, ("extensions", EXTENSION_ID), statement)
    return out


def _made(part: ObjectParts) -> tuple[list[str], list[str]]:
    """Name the values that the adapter made, and those that the issuer made coarse."""
    made: list[str] = []
    coarsened: list[str] = []
    for place, value in part.made.items():
        own = part.shown.get((coarse.PREFIX + place[-1],)) if len(place) == 1 else None
        is_coarse = own is not None and coarse.shown_as(own) == value
        (coarsened if is_coarse else made).append(profile.spell(place))
    return made, sorted(coarsened)


def _statement(
    source: stix.StixObject, verified: Verified, made: list[str], coarsened: list[str]
) -> dict[str, Any]:
    claims = verified.claims
    # STIX 2.1, List: none is empty.
    lists = {"made": made, "coarse": coarsened}
    statement: dict[str, Any] = {name: value for name, value in lists.items() if value}
    if source.id == claims.sub:
        statement |= {
            "issuer": claims.iss,
            "token": verified.token_id,
            "kind": claims.kind,
            "version": claims.ver,
            "exercise": claims.exercise,
        }
    return statement


def _put(out: dict[str, Any], place: profile.Place, value: Any) -> None:
    for part in place[:-1]:
        out = out.setdefault(part, {})
    out[place[-1]] = value


def _identity(author: Author, own: str, now: str) -> dict[str, Any]:
    return {
        "type": "identity",
        "spec_version": "2.1",
        "id": own,
        "created": _EXTENSION_CREATED,
        "modified": now,
        "name": author.name,
        "identity_class": "organization",
    }


def _issuer_identity(
    verified: Verified, issuer: str, own: str, now: str
) -> dict[str, Any]:
    return {
        "type": "identity",
        "spec_version": "2.1",
        "id": issuer,
        "created": _EXTENSION_CREATED,
        "modified": now,
        "created_by_ref": own,
        "name": verified.issuer,
        "identity_class": "organization",
    }


def _extension_definition(own: str) -> dict[str, Any]:
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": EXTENSION_ID,
        "created_by_ref": own,
        "created": _EXTENSION_CREATED,
        "modified": _EXTENSION_CREATED,
        "name": "Tocsin projection",
        "description": "What the adapter that made this bundle says of an object.",
        "schema": _SCHEMA,
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    }
