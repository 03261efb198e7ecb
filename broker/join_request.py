"""A member's request to be admitted: one file, signed by the key that it asks for. Pure.

The file is `{"join": JWS}`; the JWS is compact (RFC 7515), of exactly these members:

    {"alg", "kid", "typ": "vnd.tocsin.join+jwt"}
    {"v": 1, "iat": epoch seconds, "member": the entry as asked for (`Member`),
     "csr": PKCS#10 in PEM for the login of the same name}

It proves that who asks has the key (proof of possession), and nothing about who that
is: this is what reading the fingerprint over the telephone is for. The signature
covers the whole request, so one fingerprint vouches for all of it. Nothing is secret.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta

from broker import base64url, certificates, jws, keys, sdjwt
from broker.directory import KeyEntry, Member, SealingEntry, build
from broker.errors import ConfigError, TrustError
from broker.signing import RecordSigner
from broker.topology import topology
from schemas import codec, timestamps
from schemas.errors import RefusedError
from schemas.record import Epoch

TYP: Final = "vnd.tocsin.join+jwt"
MAX_BYTES: Final = 64 * 1024  # a large one, with sealing keys and CSR, has 4 KiB
VERSION: Final = 1
_REASON: Final = "join-invalid"
_MAX_CSR_CHARS: Final = certificates.MAX_REQUEST_BYTES
_MAX_KEY_S: Final = 3 * 366 * 86_400
# What may be asked for. A new member of an entry is none of it until it stands here:
# nobody asks to be suspended, or brings its own revocations.
_ASKED: Final = frozenset(
    {
        "org", "name", "country", "audience", "clearance", "languages", "communities",
        "jurisdiction", "kinds", "keys", "sealing", "contacts", "receipts", "exercise",
    }
)  # fmt: skip
_MAX_TEXTS: Final = 20
_MAX_TEXT_CHARS: Final = 300


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request that holds together; built by `read`.

    Attributes:
        member: As asked for, with exactly one key: `kid`.
        kid: Of the key that signed it.
        thumbprint: Of that key (RFC 7638).
        csr: PKCS#10 in PEM for the login `member.org`; checked.
        made_at: Epoch seconds, by the clock of who asks.
        digest: Names this very request: base64url SHA-256 of what is signed.
    """

    member: Member
    kid: str
    thumbprint: str
    csr: bytes
    made_at: int
    digest: str

    @property
    def fingerprint(self) -> str:
        """What both sides read to each other: see `fingerprint`."""
        return fingerprint(self.thumbprint)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    join: Annotated[str, Meta(max_length=MAX_BYTES)]


class _Claims(msgspec.Struct, forbid_unknown_fields=True):
    v: int
    iat: Epoch
    member: Member
    csr: Annotated[str, Meta(max_length=_MAX_CSR_CHARS)]


def make(member: Member, csr: bytes, signer: RecordSigner, *, now: int) -> bytes:
    """Sign a request, and return the file.

    Args:
        member: With the signer's key alone.
        csr: PEM for the login `member.org`.
        now: Epoch seconds.

    Raises:
        TrustError: `join-invalid`, `request-invalid`: no hub would take it.
    """
    asked = {n: v for n, v in msgspec.to_builtins(member).items() if n in _ASKED}
    claims = {"v": VERSION, "iat": now, "member": asked, "csr": csr.decode()}
    made = jws.compact(TYP, msgspec.json.encode(claims), signer)
    file = msgspec.json.encode({"join": made.decode()}) + b"\n"
    read(file)
    return file


def read(data: bytes) -> Request:
    """Read a request strictly; its own key has signed it.

    Raises:
        TrustError: `join-invalid` at a place, `bad-key`, `signature`, or
            `request-invalid` of the certificate request in it.
    """
    if len(data) > MAX_BYTES:
        raise TrustError("too-large")
    text = _converted(lambda: codec.decode_json(data, max_bytes=MAX_BYTES), _File, "$")
    found = jws.opened(text.join.encode(), TYP, max_bytes=MAX_BYTES, reason=_REASON)
    # The key is in what it signs: so the claims are read first, and count for
    # nothing before the signature holds.
    claims = _converted(lambda: _claims(found.payload), _Claims, "$")
    member = claims.member
    key = _only_key(member)
    known = keys.PublicKey(key.jwk)
    kid = keys.key_id(member.org, key.jwk)
    if found.header.kid != kid or found.header.alg not in known.algorithms:
        raise TrustError(_REASON, "$.member.keys")
    if not known.verify(found.signature, found.signed):
        raise TrustError("signature")
    if claims.v != VERSION:
        raise TrustError(_REASON, "$.v")
    _check_keys(member)
    _check_texts(member)
    csr = claims.csr.encode()
    certificates.check_request(csr, login=_login(member))
    return Request(
        member=member,
        kid=kid,
        thumbprint=known.thumbprint,
        csr=csr,
        made_at=claims.iat,
        digest=sdjwt.digest(found.signed),
    )


def fingerprint(thumbprint: str) -> str:
    """Write a thumbprint for reading aloud: 16 groups of four hexadecimal digits.

    base64url tells `I` from `l` and `O` from `0`; on the telephone nobody does.
    """
    digits = base64url.decode(thumbprint.encode()).hex().upper()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _claims(payload: bytes) -> Any:
    value = codec.decode_json(payload, max_bytes=MAX_BYTES)
    member = value.get("member") if isinstance(value, dict) else None
    if isinstance(member, dict) and not _ASKED.issuperset(member):
        raise TrustError(_REASON, "$.member")
    return value


def _converted(decode: Callable[[], Any], kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(decode(), kind)
    except RefusedError:
        raise TrustError(_REASON, where) from None
    except msgspec.ValidationError as error:
        raise TrustError(_REASON, codec.place_of(error, where)) from None


def _only_key(member: Member) -> KeyEntry:
    if len(member.keys) != 1:
        raise TrustError(_REASON, "$.member.keys")
    return member.keys[0]


def _check_keys(member: Member) -> None:
    """Check what the directory would refuse later, and what is asked of no new key."""
    for name in ("keys", "sealing"):
        for at, key in enumerate(getattr(member, name)):
            where = f"$.member.{name}[{at}]"
            if key.revoked_at is not UNSET or key.revocation_reason is not UNSET:
                raise TrustError(_REASON, where)
            _check_life(key, where)
    try:
        build([member])
    except ConfigError:
        raise TrustError(_REASON, "$.member") from None


def _check_life(key: KeyEntry | SealingEntry, where: str) -> None:
    try:
        life = timestamps.epoch(key.not_after) - timestamps.epoch(key.not_before)
    except ValueError:
        raise TrustError(_REASON, where) from None
    if not 0 < life <= _MAX_KEY_S:
        raise TrustError(_REASON, where)


def _check_texts(member: Member) -> None:
    """Bound what people will read, and let nothing in it that moves their cursor."""
    for name in ("languages", "communities", "contacts", "kinds"):
        if len(getattr(member, name)) > _MAX_TEXTS:
            raise TrustError(_REASON, f"$.member.{name}")
    texts = (member.name, member.jurisdiction, *member.languages, *member.contacts)
    for text in texts:
        if len(text) > _MAX_TEXT_CHARS or not text.isprintable():
            raise TrustError(_REASON, "$.member")


def _login(member: Member) -> str:
    """Give the login that the member would have.

    Raises:
        TrustError: `join-invalid`: RabbitMQ or the hub itself has that login.
    """
    try:
        [name] = topology((), (), (member.org,)).organisations
    except ValueError:
        raise TrustError(_REASON, "$.member.org") from None
    return name
