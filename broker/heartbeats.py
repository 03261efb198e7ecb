"""Heartbeats: what an issuer says it has published, so that silence shows. Pure.

An issuer counts its records on *lines*, one per (community, TLP): a member that may
not see a marking gets no heartbeat of it, so none tells how much is marked so. A
heartbeat is a compact JWS (RFC 7515) of exactly these members:

    {"alg", "kid", "typ": "vnd.tocsin.heartbeat+jwt"}
    {"iss": URN of the issuer, "iat": epoch seconds, "line": 22 characters, random,
     "community": URN, "tlp": label, "count": records on the line since it began,
     "hash": chain over their token ids, "before": chain before the first one listed,
     "ids": [[token id, epoch seconds of its confirm], ...], the newest, at most 500}

The chain is "" before the first record, and after each base64url SHA-256 of the chain
before, a full stop and the token id. Lists overlap, so a heartbeat that is lost costs
a reader nothing while fewer than 500 records were in it; and a reader remembers count
and chain alone, whatever it has read.

The gate passes a heartbeat on with a word of its own, also a JWS: which of the listed
records the hub did not take in, so that nobody waits for them:

    {"alg", "kid", "typ": "vnd.tocsin.heard+jwt"}
    {"iss": URN of the hub, "heartbeat": its id, "seen": epoch seconds,
     "lacks": [token id, ...]}
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from broker import jws, sdjwt
from broker.directory import Directory, KnownKey
from broker.errors import TrustError
from broker.signing import RecordSigner
from broker.trust import MAX_CLOCK_SKEW_S
from schemas import codec
from schemas.errors import RefusedError
from schemas.record import CommunityUrn, Epoch, OrgUrn, org_urn
from schemas.vocabularies.words import TlpLabel

TYP: Final = "vnd.tocsin.heartbeat+jwt"
HEARD_TYP: Final = "vnd.tocsin.heard+jwt"
CONTENT_TYPE: Final = f"application/{TYP}"
MAX_LISTED: Final = 500
MAX_BYTES: Final = 64 << 10  # with 500 ids it has 42,000
LINE_BYTES: Final = 16  # 22 characters of base64url

_DIGEST: Final = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
_TokenId = Annotated[str, Meta(pattern=rf"^{_DIGEST}\Z")]
_Link = Annotated[str, Meta(pattern=rf"^({_DIGEST})?\Z")]
_Line = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{21}[AQgw]\Z")]
_Count = Annotated[int, Meta(ge=0, le=codec.MAX_SAFE_INT)]


class Listed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A record in the list of a heartbeat.

    Attributes:
        at: When the issuer had its confirm, epoch seconds.
    """

    token_id: _TokenId
    at: Epoch


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one heartbeat says; its `hash` follows from `before` and `ids`.

    Attributes:
        line: Of this issuer; a publisher that was restored begins new ones.
        count: Records on the line since it began.
        before: Chain before the first one listed.
        ids: The newest on the line, oldest first.
    """

    iss: OrgUrn
    iat: Epoch
    line: _Line
    community: CommunityUrn
    tlp: TlpLabel
    count: _Count
    hash: _Link
    before: _Link
    ids: Annotated[tuple[Listed, ...], Meta(max_length=MAX_LISTED)]

    @property
    def first(self) -> int:
        """How many records of the line stand before the list."""
        return self.count - len(self.ids)


class Heard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the gate says of a heartbeat.

    Attributes:
        heartbeat: Id of it.
        seen: When the gate got it, epoch seconds.
        lacks: Listed records that the hub refused, or never got.
    """

    iss: OrgUrn
    heartbeat: _TokenId
    seen: Epoch
    lacks: Annotated[tuple[_TokenId, ...], Meta(max_length=MAX_LISTED)]


class Passed(msgspec.Struct, frozen=True):
    """A heartbeat as the gate passes it on, verified.

    Attributes:
        org: The issuer.
        text: The issuer's JWS.
        heard_text: The gate's.
    """

    org: str
    beat: Heartbeat
    heard: Heard
    text: bytes
    heard_text: bytes


def chained(before: str, token_ids: Iterable[str]) -> str:
    """Give the chain after *token_ids*, in their order."""
    link = before
    for each in token_ids:
        link = sdjwt.digest(f"{link}.{each}".encode())
    return link


def beat_id(text: bytes) -> str:
    """Name a heartbeat: base64url SHA-256 of its `header.payload`."""
    return sdjwt.digest(text.rpartition(b".")[0])


# ------------------------------------------------------------------- making


def make(
    signer: RecordSigner,
    *,
    line: str,
    community: str,
    tlp: str,
    first: int,
    before: str,
    ids: Sequence[tuple[str, int]],
    now: int,
) -> bytes:
    """Sign a heartbeat.

    Args:
        first: How many records stand on the line before the list.
        before: Chain after those.
        ids: Token id and moment of its confirm of the next, at most 500.
        now: Epoch seconds.
    """
    claims = {
        "iss": org_urn(signer.org),
        "iat": now,
        "line": line,
        "community": community,
        "tlp": tlp,
        "count": first + len(ids),
        "hash": chained(before, (token_id for token_id, _ in ids)),
        "before": before,
        "ids": [list(each) for each in ids],
    }
    return jws.compact(TYP, codec.encode_json(claims), signer)


def make_heard(
    signer: RecordSigner, *, heartbeat: str, seen: int, lacks: Sequence[str]
) -> bytes:
    """Sign which of the records in a heartbeat the hub did not take in."""
    claims = {
        "iss": org_urn(signer.org),
        "heartbeat": heartbeat,
        "seen": seen,
        "lacks": list(lacks),
    }
    return jws.compact(HEARD_TYP, codec.encode_json(claims), signer)


# ---------------------------------------------------------------- verifying


def verify(
    text: bytes, directory: Directory, *, now: float, heard: float | None = None
) -> tuple[str, Heartbeat]:
    """Verify a heartbeat strictly; give its issuer's name and what it says.

    Args:
        now: Epoch seconds.
        heard: When the gate got it, if known: revocation counts from then.

    Raises:
        TrustError: `heartbeat-invalid`, or what is wrong with its key.
    """
    known, beat = read(text, directory)
    moment = now if heard is None else heard
    if known.revoked_at is not None and moment >= known.revoked_at:
        raise TrustError("key-revoked")
    directory.need_standing(known, moment)
    _check_moment(beat.iat, known, now)
    return known.org, beat


def read(text: bytes, directory: Directory) -> tuple[KnownKey, Heartbeat]:
    """Verify who signed a heartbeat and that it makes sense, not whether it counts now.

    Raises:
        TrustError: `heartbeat-invalid`, `unknown-key`, `signature`.
    """
    found = _opened(text, TYP)
    known = directory.key(found.header.kid)
    beat = _said(found, known, Heartbeat)
    if beat.first < 0 or (beat.first == 0) != (beat.before == ""):
        raise TrustError("heartbeat-invalid")
    if chained(beat.before, (each.token_id for each in beat.ids)) != beat.hash:
        raise TrustError("heartbeat-invalid")
    return known, beat


def verify_passed(body: bytes, directory: Directory, *, now: float) -> Passed:
    """Verify a heartbeat as the gate passes it on: both JWS, with a line feed between.

    Raises:
        TrustError: `heartbeat-invalid`, or what is wrong with a key.
    """
    text, _, heard_text = body.partition(b"\n")
    found = _opened(heard_text, HEARD_TYP)
    known = directory.service_key(found.header.kid, "gate")
    heard = _said(found, known, Heard)
    # Who stole a gate's key writes any moment: none of its words counts.
    if known.is_compromised(now) or (
        known.revoked_at is not None and heard.seen >= known.revoked_at
    ):
        raise TrustError("key-revoked")
    directory.need_standing(known, now)
    _check_moment(heard.seen, known, now)
    if heard.heartbeat != beat_id(text):
        raise TrustError("heartbeat-invalid")
    org, beat = verify(text, directory, now=now, heard=heard.seen)
    return Passed(org, beat, heard, text, heard_text)


_C = TypeVar("_C", Heartbeat, Heard)


def _opened(text: bytes, typ: str) -> jws.Opened:
    return jws.opened(text, typ, max_bytes=MAX_BYTES, reason="heartbeat-invalid")


def _said(found: jws.Opened, known: KnownKey, kind: type[_C]) -> _C:
    """Check the signature, then read the claims."""
    # RFC 8725, 3.1: the directory decides, the header must agree.
    if found.header.alg not in known.key.algorithms:
        raise TrustError("heartbeat-invalid")
    if not known.key.verify(found.signature, found.signed):
        raise TrustError("signature")
    try:
        plain = codec.decode_json(found.payload, max_bytes=MAX_BYTES)
        said = msgspec.convert(plain, kind)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError("heartbeat-invalid") from None
    if said.iss != org_urn(known.org):
        raise TrustError("heartbeat-invalid")
    return said


def _check_moment(moment: int, known: KnownKey, now: float) -> None:
    if not known.not_before <= moment <= min(known.not_after, now + MAX_CLOCK_SKEW_S):
        raise TrustError("key-not-valid")
