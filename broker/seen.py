"""When the gate first saw a token, and the chain of these moments. Pure.

A *stamp* says that the gate first saw one token at one moment, at one place of its
chain; each names the link of the one before. A *head* says, once an hour, how far
the chain goes: who holds one knows of any later change to what is under it
(DESIGN.md 4.5, 6).

Both are compact JWS (RFC 7515) of exactly these members:

    stamp  {"alg", "kid", "typ": "vnd.tocsin.seen+jwt"}
           {"iss": URN of the hub, "token": token id, "seen": epoch seconds,
            "pos": from 1 without gaps, "prev": link of the stamp before, or ""}
    head   {"alg", "kid", "typ": "vnd.tocsin.head+jwt"}
           {"iss", "iat": epoch seconds, "pos": of the last stamp, "link": of it}

A link is the base64url SHA-256 of a stamp's `header.payload`, as a token id is.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Final, TypeVar

import msgspec
from msgspec import Meta

from broker import base64url, jws, sdjwt
from broker.directory import Directory, KnownKey
from broker.errors import TrustError
from broker.keys import PublicKey
from broker.signing import RecordSigner
from broker.trust import MAX_CLOCK_SKEW_S as _SKEW_S
from broker.trust import Header
from schemas import codec
from schemas.errors import RefusedError
from schemas.record import org_urn

STAMP_HEADER: Final = "tocsin-seen"  # of a message, DESIGN.md 4.5
HEAD_HEADER: Final = "tocsin-head"
MAX_CHARS: Final = 1024  # with a name of 41 letters it has about 520
_STAMP_TYP: Final = "vnd.tocsin.seen+jwt"
_HEAD_TYP: Final = "vnd.tocsin.head+jwt"

_DIGEST = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
_TokenId = Annotated[str, Meta(pattern=rf"^{_DIGEST}\Z")]
_Link = Annotated[str, Meta(pattern=rf"^({_DIGEST})?\Z")]
_Count = Annotated[int, Meta(ge=0, le=codec.MAX_SAFE_INT)]
_Place = Annotated[int, Meta(ge=1, le=codec.MAX_SAFE_INT)]

Verify = Callable[[PublicKey, bytes, bytes], bool]


class _StampClaims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    iss: str
    token: _TokenId
    seen: _Count
    pos: _Place
    prev: _Link
    typ: ClassVar[str] = _STAMP_TYP

    @property
    def moment(self) -> int:
        return self.seen


class _HeadClaims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    iss: str
    iat: _Count
    pos: _Count
    link: _Link
    typ: ClassVar[str] = _HEAD_TYP

    @property
    def moment(self) -> int:
        return self.iat


_C = TypeVar("_C", _StampClaims, _HeadClaims)


class Stamp(msgspec.Struct, frozen=True):
    """A stamp that was verified.

    Attributes:
        token: Token id.
        seen: Epoch seconds.
        pos: From 1.
        prev: Link of the stamp before, "" for the first.
        link: Its own.
    """

    token: str
    seen: int
    pos: int
    prev: str
    link: str

    def seen_of(self, token_id: str) -> int:
        """Tell when that token was first seen.

        Raises:
            TrustError: `seen-invalid`: this is the stamp of another.
        """
        if token_id != self.token:
            raise TrustError("seen-invalid")
        return self.seen


class Head(msgspec.Struct, frozen=True):
    """A head that was verified.

    Attributes:
        at: Epoch seconds.
        pos: Of the last stamp; 0 while there is none.
        link: Of that stamp, or "".
    """

    at: int
    pos: int
    link: str


class Seen(msgspec.Struct, frozen=True):
    """What a message of the gate says of its record, verified.

    Attributes:
        head: The gate's newest when it was passed on, as it came; "" if none.
    """

    stamp: Stamp
    head: str = ""


# ------------------------------------------------------------------- making


def make_stamp(
    signer: RecordSigner, *, token_id: str, seen: int, pos: int, prev: str
) -> str:
    """Sign that *token_id* was first seen at *seen*, at place *pos* of the chain."""
    claims = {
        "iss": org_urn(signer.org),
        "token": token_id,
        "seen": seen,
        "pos": pos,
        "prev": prev,
    }
    return _signed(signer, _STAMP_TYP, claims)


def make_head(signer: RecordSigner, *, now: int, pos: int, link: str) -> str:
    """Sign how far the chain goes at *now*, epoch seconds."""
    claims = {"iss": org_urn(signer.org), "iat": now, "pos": pos, "link": link}
    return _signed(signer, _HEAD_TYP, claims)


def may_stamp(signer: RecordSigner, directory: Directory, *, now: float) -> bool:
    """Tell whether what *signer* signs now would be taken for a gate's."""
    try:
        known = _gate_key(signer.kid, signer.alg, directory)
        directory.need_standing(known, now)
    except TrustError:
        return False
    return known.signs_at(int(now)) and not known.is_compromised(now)


def link_of(stamp: str) -> str:
    """Give the link of a stamp. The signature is left out, see `sdjwt.token_id`."""
    return sdjwt.token_id(stamp.encode())


def _signed(signer: RecordSigner, typ: str, claims: dict[str, Any]) -> str:
    return jws.compact(typ, codec.encode_json(claims), signer).decode()


# ---------------------------------------------------------------- verifying


def verify_headers(
    headers: Mapping[str, str | int], directory: Directory, *, now: float
) -> Seen:
    """Verify what a message says of when its record was first seen.

    Whether it is the stamp of that record, `Stamp.seen_of` checks.

    Args:
        now: Epoch seconds.

    Raises:
        TrustError: `seen-missing`: there is no stamp. `seen-invalid`: stamp or head
            are not the gate's, or contradict each other.
    """
    if STAMP_HEADER not in headers:
        raise TrustError("seen-missing")
    stamp = verify_stamp(headers[STAMP_HEADER], directory, now=now)
    if HEAD_HEADER not in headers:
        return Seen(stamp)
    text = headers[HEAD_HEADER]
    head = verify_head(text, directory, now=now)
    known = {stamp.pos: stamp.link, stamp.pos - 1: stamp.prev}
    if known.get(head.pos, head.link) != head.link:
        raise TrustError("seen-invalid")
    return Seen(stamp, str(text))


def verify_stamp(text: str | int, directory: Directory, *, now: float) -> Stamp:
    """Verify a stamp strictly.

    Args:
        text: Whatever stood where a stamp should.
        now: Epoch seconds.

    Raises:
        TrustError: `seen-invalid`, whatever is wrong with it.
    """
    claims, link = _opened(text, _StampClaims, directory, now, PublicKey.verify)
    if (claims.pos == 1) != (claims.prev == ""):
        raise TrustError("seen-invalid")
    return Stamp(claims.token, claims.seen, claims.pos, claims.prev, link)


def verify_head(
    text: str | int, directory: Directory, *, now: float, as_signed: bool = False
) -> Head:
    """Verify a head strictly; the same one again costs next to nothing.

    Args:
        text: Whatever stood where a head should.
        now: Epoch seconds.
        as_signed: Take also what a key signed that has been compromised since: it
            shows what the key signed, not that it is true.

    Raises:
        TrustError: `seen-invalid`, whatever is wrong with it.
    """
    claims, _ = _opened(
        text, _HeadClaims, directory, now, _verify_once, as_signed=as_signed
    )
    if (claims.pos == 0) != (claims.link == ""):
        raise TrustError("seen-invalid")
    return Head(claims.iat, claims.pos, claims.link)


# An hour's records come with one and the same head.
@lru_cache(maxsize=8)
def _verify_once(key: PublicKey, signature: bytes, data: bytes) -> bool:
    return key.verify(signature, data)


def stamp_of(link: str, signed: bytes) -> Stamp:
    """Read the stamp that *link* names: who believes the link needs no signature.

    Args:
        signed: Its `header.payload`.

    Raises:
        TrustError: `seen-invalid`: it is another, or no stamp.
    """
    if len(signed) > MAX_CHARS or sdjwt.digest(signed) != link:
        raise TrustError("seen-invalid")
    header, _, payload = signed.partition(b".")
    try:
        texts = [base64url.decode(part) for part in (header, payload)]
        plain = [codec.decode_json(text, max_bytes=MAX_CHARS) for text in texts]
        head = msgspec.convert(plain[0], Header)
        claims = msgspec.convert(plain[1], _StampClaims)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError("seen-invalid") from None
    if head.typ != _STAMP_TYP or (claims.pos == 1) != (claims.prev == ""):
        raise TrustError("seen-invalid")
    return Stamp(claims.token, claims.seen, claims.pos, claims.prev, link)


def _opened(
    text: str | int,
    kind: type[_C],
    directory: Directory,
    now: float,
    verify: Verify,
    *,
    as_signed: bool = False,
) -> tuple[_C, str]:
    """Give claims and link. Only the header is parsed before the signature holds."""
    # One reason for all: there is nothing in it that an honest gate could mend.
    if not isinstance(text, str) or len(text) > MAX_CHARS or not text.isascii():
        raise TrustError("seen-invalid")
    parts = text.encode().split(b".")
    if len(parts) != 3:
        raise TrustError("seen-invalid")
    signing_input = parts[0] + b"." + parts[1]
    try:
        header, payload, signature = (base64url.decode(part) for part in parts)
        known = _key_for(header, kind.typ, directory)
        # Who stole it writes any moment into a stamp, so none of its stamps counts.
        if known.is_compromised(now) and not as_signed:
            raise TrustError("seen-invalid")
        if not as_signed:
            directory.need_standing(known, now)
        if not verify(known.key, signature, signing_input):
            raise TrustError("seen-invalid")
        claims = msgspec.convert(codec.decode_json(payload, max_bytes=MAX_CHARS), kind)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError("seen-invalid") from None
    if claims.iss != org_urn(known.org):
        raise TrustError("seen-invalid")
    if not known.signs_at(claims.moment) and not as_signed:
        raise TrustError("seen-invalid")
    if claims.moment > now + _SKEW_S:
        raise TrustError("seen-invalid")
    return claims, sdjwt.digest(signing_input)


def _key_for(header: bytes, typ: str, directory: Directory) -> KnownKey:
    head = msgspec.convert(codec.decode_json(header, max_bytes=MAX_CHARS), Header)
    if head.typ != typ:  # RFC 8725, 3.11
        raise TrustError("seen-invalid")
    return _gate_key(head.kid, head.alg, directory)


def _gate_key(kid: str, alg: str, directory: Directory) -> KnownKey:
    known = directory.service_key(kid, "gate")
    # RFC 8725, 3.1: the directory decides, the header must agree.
    if alg not in known.key.algorithms:
        raise TrustError("seen-invalid")
    return known
