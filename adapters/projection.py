"""What stays of a record -> the plain STIX bundle a member's tools read. Pure.

The projection is written anew from what the policy kept, never cut from received
bytes. It is the adapter's work and says so: other ids than the issuer's, created
by the adapter's identity, every made value listed under our extension.
"""

import hashlib
import hmac
import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from adapters.view import View
from broker.blinding import org_identity
from broker.trust import Verified
from schemas import codec, profile, stix, timestamps

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
    """In whose name projections and pseudonyms are made.

    Attributes:
        org: The organisation that runs the adapter.
        name: Its display name.
        pseudonym_key: At least 32 random bytes; hidden from `repr`.
    """

    org: str
    name: str
    pseudonym_key: bytes

    def __repr__(self) -> str:
        return f"Author(org={self.org!r})"


class ObjectParts(msgspec.Struct):
    """What stays of one object: shown values, made values, lost elements.

    Attributes:
        lost: Indexes of the elements that go, by place of their array.
    """

    source: stix.StixObject
    shown: dict[profile.Place, Any]
    made: dict[profile.Place, Any]
    lost: dict[profile.Place, set[int]]


def project(
    verified: Verified,
    parts: Sequence[ObjectParts],
    *,
    author: Author,
    view: View,
    now: str,
) -> bytes:
    """Write the bundle.

    Args:
        now: RFC 3339; `modified` of every object.

    Returns:
        JSON bytes of a STIX 2.1 bundle: the adapter's identity, our extension
        definition, then the objects.
    """
    ids = {p.source.id: _new_id(p, author, view) for p in parts}
    issuer = org_identity(verified.issuer)
    ids.setdefault(issuer, issuer)
    for part in parts:
        # Feedback refers to objects of other records, by their ids there.
        for target in part.shown.get(("object_refs",), ()):
            ids.setdefault(target, _scoped_id(target, author, view))
    own = org_identity(author.org)
    objects = [_identity(author, own, now), _extension_definition(own)]
    if issuer not in {p.source.id for p in parts} and issuer != own:
        objects.append(_issuer_identity(verified, issuer, own, now))
    objects += [_object(p, ids, own, verified, now) for p in parts]
    digest = hashlib.sha256(verified.token_id.encode() + view.audience.encode())
    bundle_id = uuid.UUID(bytes=digest.digest()[:16], version=5)
    bundle = {"type": "bundle", "id": f"bundle--{bundle_id}", "objects": objects}
    return codec.encode_json(bundle)


def _new_id(part: ObjectParts, author: Author, view: View) -> str:
    source = part.source
    if source.type == "marking-definition":
        return source.id
    value = part.shown.get(("value",))
    if source.type in _ID_FROM_VALUE and isinstance(value, str):
        # All that the id derives from is disclosed, so it gives nothing away.
        name = codec.encode_json({"value": value}).decode()
        return f"{source.type}--{uuid.uuid5(_SCO_NAMESPACE, name)}"
    return _scoped_id(source.id, author, view)


def _scoped_id(original: str, author: Author, view: View) -> str:
    """Give the id of an object in this audience's projections, in every record."""
    mac = hmac.new(
        author.pseudonym_key, f"{view.audience} {original}".encode(), hashlib.sha256
    )
    kind = original.partition("--")[0]
    return f"{kind}--{uuid.UUID(bytes=mac.digest()[:16], version=5)}"


def _object(
    part: ObjectParts, ids: dict[str, str], own: str, verified: Verified, now: str
) -> dict[str, Any]:
    source = part.source
    out: dict[str, Any] = {}
    for place, value in {**part.shown, **part.made}.items():
        lost = part.lost.get(place, ()) if place not in part.made else ()
        kept = [v for j, v in enumerate(value) if j not in lost] if lost else value
        _put(out, place, _renamed(kept, ids))
    out["id"] = ids[source.id]
    made = [profile.spell(place) for place in part.made]
    if source.type in stix.OBSERVABLE_TYPES or source.type == "marking-definition":
        out.pop("created", None)
        out.pop("modified", None)
        if source.type == "marking-definition":
            out["created"] = _EXTENSION_CREATED
    else:
        if "created" not in out:
            out["created"] = timestamps.truncate(verified.claims.ver, "day")
            made.append("created")
        out["modified"] = now
        out["created_by_ref"] = own
        made += ["modified", "created_by_ref"]
    if source.type != "marking-definition":
        _put(
            out,
            ("extensions", EXTENSION_ID),
            _statement(source, verified, sorted(dict.fromkeys(made))),
        )
    out.pop("granular_markings", None)  # applied; selectors would dangle
    return out


def _statement(
    source: stix.StixObject, verified: Verified, made: list[str]
) -> dict[str, Any]:
    claims = verified.claims
    statement: dict[str, Any] = {"extension_type": "property-extension", "made": made}
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


def _renamed(value: Any, ids: dict[str, str]) -> Any:
    """Replace ids by those of the projection, everywhere they stand."""
    if isinstance(value, str):
        return ids.get(value, value) if "--" in value else value
    if isinstance(value, dict):
        return {k: _renamed(v, ids) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(v, ids) for v in value]
    if isinstance(value, msgspec.Struct):
        return _renamed(msgspec.to_builtins(value), ids)
    return value


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
        "schema": _SCHEMA,
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    }
