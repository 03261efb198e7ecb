"""Proof that an issuer has said two things: both signed, checked by its key alone. Pure.

Of two tokens for one place in a feed a proof holds the signed part of each and the
disclosures of `feed` and `seq`, nothing else of what they say; of two heartbeats that
contradict each other both as they are. It is a file of JSON:

    {"type": "tocsin-proof", "about": "place" or "heartbeat",
     "first": text, "second": text}

It shows that keys of one issuer have signed both. Whoever signs so by mistake has
restored a backup; whoever does it on purpose tells others different things.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from broker import heartbeats, sdjwt
from broker.directory import Directory, KnownKey
from broker.errors import TrustError
from broker.following import Place, contradicts
from broker.signing import TYP
from broker.trust import Header, Verified
from schemas import codec
from schemas.errors import RefusedError
from schemas.record import OrgUrn, org_urn

MAX_BYTES: Final = 4 << 20  # a signed part names each object of a record: 20,000
_MAX_CHARS: Final = 2 << 20
_INVALID: Final = "proof-invalid"
_SHOWN: Final = ("feed", "seq")

_Text = Annotated[str, Meta(min_length=1, max_length=_MAX_CHARS)]


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type",
            tag="tocsin-proof"):  # fmt: skip
    """Two signed texts of one issuer that cannot both be.

    Attributes:
        first: What the gate had taken, or heard, before.
        second: What came then.
    """

    about: Literal["place", "heartbeat"]
    first: _Text
    second: _Text


class Shown(msgspec.Struct, frozen=True):
    """What a proof shows, once both signatures were verified.

    Attributes:
        where: The feed and the place in it, or the line.
        first, second: Ids of the two tokens, or heartbeats.
        keys: Which keys signed them.
    """

    issuer: str
    about: str
    where: str
    first: str
    second: str
    keys: tuple[str, str]


class _Said(msgspec.Struct):
    iss: OrgUrn
    feed: str
    seq: Annotated[int, Meta(ge=1)]


def of_tokens(first: Verified, second: Verified) -> Proof:
    """Make the proof of two tokens for one place in a feed."""
    return Proof("place", _cut(first), _cut(second))


def of_heartbeats(first: bytes, second: bytes) -> Proof:
    """Make the proof of two heartbeats that contradict each other."""
    return Proof("heartbeat", first.decode("ascii"), second.decode("ascii"))


def _cut(verified: Verified) -> str:
    """Withhold all but where it stands in its feed."""
    slots = verified.claim_slots
    kept = [slots[name] for name in _SHOWN]
    return sdjwt.withhold(verified.opened, kept).decode("ascii")


def encode(proof: Proof) -> bytes:
    """Spell a proof; the same one always in the same way."""
    return msgspec.json.encode(proof)


def decode(data: bytes) -> Proof:
    """Read a proof; nothing of it is verified.

    Raises:
        TrustError: `proof-invalid`.
    """
    try:
        plain = codec.decode_json(data, max_bytes=MAX_BYTES)
        return msgspec.convert(plain, Proof)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError(_INVALID) from None


def proof_id(proof: Proof) -> str:
    """Name a proof."""
    return sdjwt.digest(encode(proof))


def check(proof: Proof, directory: Directory) -> Shown:
    """Verify both texts, and that they cannot both be.

    Keys count whatever became of them since: a key that is revoked has signed.

    Raises:
        TrustError: `proof-invalid`; or what is wrong with a signature or its key.
    """
    if not (proof.first.isascii() and proof.second.isascii()):
        raise TrustError(_INVALID)
    first, second = proof.first.encode(), proof.second.encode()
    if proof.about == "place":
        return _of_place(first, second, directory)
    return _of_line(first, second, directory)


def _of_place(first: bytes, second: bytes, directory: Directory) -> Shown:
    one, a = _token(first, directory)
    other, b = _token(second, directory)
    ids = sdjwt.token_id(first), sdjwt.token_id(second)
    if one != other or ids[0] == ids[1]:
        raise TrustError(_INVALID)
    where = f"{one.feed} {one.seq}"
    return Shown(a.org, "place", where, *ids, (a.kid, b.kid))


def _token(text: bytes, directory: Directory) -> tuple[_Said, KnownKey]:
    """Verify a cut token: that its issuer signed it, and where it stands."""
    chosen: list[KnownKey] = []

    def choose_key(header: bytes) -> sdjwt.VerifyKey:
        known = _key_of(header, directory)
        chosen.append(known)
        return known.key

    opened = sdjwt.verify(text, choose_key)
    try:
        said = msgspec.convert(opened.claims, _Said)
    except msgspec.ValidationError:
        raise TrustError(_INVALID) from None
    if said.iss != org_urn(chosen[0].org):
        raise TrustError("iss-kid")
    return said, chosen[0]


def _key_of(header: bytes, directory: Directory) -> KnownKey:
    try:
        head = msgspec.convert(codec.decode_strict_text(header), Header)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError("header") from None
    if head.typ != TYP:
        raise TrustError("typ")
    known = directory.key(head.kid)
    if head.alg not in known.key.algorithms:
        raise TrustError("alg")
    return known


def _of_line(first: bytes, second: bytes, directory: Directory) -> Shown:
    a, one = heartbeats.read(first, directory)
    b, other = heartbeats.read(second, directory)
    ids = heartbeats.beat_id(first), heartbeats.beat_id(second)
    before = Place(one.community, one.tlp, one.count, one.hash, one.iat)
    if (one.iss, one.line) != (other.iss, other.line) or not contradicts(before, other):
        raise TrustError(_INVALID)
    return Shown(a.org, "heartbeat", one.line, *ids, (a.kid, b.kid))
