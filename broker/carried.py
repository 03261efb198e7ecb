"""A record as it is carried: one token, further signatures, sealed parts. Pure.

With neither of the last two it is the compact token itself. Else it is the general
JWS JSON serialization (RFC 7515, 7.2.1) as RFC 9901, 8, uses it: one payload, and the
disclosures in the unprotected header of the first signature, nowhere else. Sealed
parts stand beside them. The first signature is the one that the token is named by.

Nothing here is verified: who may sign, and that each signature holds, is for `trust`.
"""

import re
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from broker import disclosures, sdjwt
from broker.errors import TrustError
from schemas import codec

MAX_SIGNATURES: Final = 16  # each costs a verification
MAX_SEALED: Final = 256
MAX_SEALED_CHARS: Final = 4 << 20  # of one sealed part; all count for the whole, too
_ALPHABET: Final = re.compile(rb"[A-Za-z0-9_-]*")


class Signature(msgspec.Struct, frozen=True):
    """A further signature over the same payload.

    Attributes:
        protected: Its header, base64url.
        signature: base64url.
    """

    protected: bytes
    signature: bytes


class Carried(msgspec.Struct, frozen=True):
    """What a message, a file or an archive holds of one record.

    Attributes:
        token: Compact SD-JWT under the first signature.
        also: At most `MAX_SIGNATURES` - 1, in the order in which they came.
        sealed: base64url; at most `MAX_SEALED` of `MAX_SEALED_CHARS` each.
    """

    token: bytes
    also: tuple[Signature, ...] = ()
    sealed: tuple[bytes, ...] = ()

    @property
    def token_id(self) -> str:
        """Name of the record, that of its first signature."""
        return sdjwt.token_id(self.token)

    @property
    def is_compact(self) -> bool:
        """Whether it travels as the token alone."""
        return not self.also and not self.sealed

    def parted(self) -> tuple[bytes, ...]:
        """Give an ordinary token for each signature (RFC 9901, 8.3), the first first.

        Raises:
            TrustError: `framing`.
        """
        payload, rest = _payload(self.token), self.token.partition(b"~")[2]
        others = [
            b".".join((each.protected, payload, each.signature)) + b"~" + rest
            for each in self.also
        ]
        return (self.token, *others)


class _Header(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    disclosures: tuple[str, ...]
    sealed: (
        Annotated[
            tuple[Annotated[str, Meta(min_length=1, max_length=MAX_SEALED_CHARS)], ...],
            Meta(min_length=1, max_length=MAX_SEALED),
        ]
        | UnsetType
    ) = UNSET


class _Other(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    # RFC 9901, 8.1: no disclosures here; nor is there anything else to say unsigned.
    protected: str
    signature: str


class _First(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    header: _Header
    protected: str
    signature: str


class _General(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    payload: str
    signatures: Annotated[list[Any], Meta(min_length=1, max_length=MAX_SIGNATURES)]


def encode(carried: Carried) -> bytes:
    """Spell *carried*, always the same way.

    Raises:
        TrustError: `framing`; `too-large`, also for too many or too large parts.
    """
    if carried.is_compact:
        return carried.token
    if len(carried.also) >= MAX_SIGNATURES or len(carried.sealed) > MAX_SEALED:
        raise TrustError("too-large")
    if any(len(each) > MAX_SEALED_CHARS for each in carried.sealed):
        raise TrustError("too-large")
    jwt, texts = sdjwt.split(carried.token)
    protected, payload, signature = _three(jwt)
    sealed = tuple(map(bytes.decode, carried.sealed)) or UNSET
    first = _First(
        _Header(tuple(map(bytes.decode, texts)), sealed),
        protected.decode(),
        signature.decode(),
    )
    others = [_Other(e.protected.decode(), e.signature.decode()) for e in carried.also]
    text = msgspec.json.encode(_General(payload.decode(), [first, *others]))
    if len(text) > sdjwt.MAX_TOKEN_BYTES:
        raise TrustError("too-large")
    return text


def decode(text: bytes) -> Carried:
    """Read either form, told apart by the first byte: no token begins with a brace.

    Raises:
        TrustError, SchemaError: As `decode_json`, of what is no compact token.
    """
    return decode_json(text) if text.startswith(b"{") else Carried(text)


def decode_json(text: bytes) -> Carried:
    """Read the JSON serialization, strictly.

    Raises:
        TrustError: `too-large`, `too-many-values`, `serialization`.
        SchemaError: It is not strict JSON.
    """
    if len(text) > sdjwt.MAX_TOKEN_BYTES:
        raise TrustError("too-large")
    disclosures.Budget().spend(text)
    value = codec.decode_strict_text(text)
    try:
        general = msgspec.convert(value, _General)
        first = msgspec.convert(general.signatures[0], _First)
        others = msgspec.convert(general.signatures[1:], list[_Other])
    except msgspec.ValidationError as error:
        raise TrustError("serialization", codec.place_of(error, "$")) from None
    jwt = ".".join((first.protected, general.payload, first.signature))
    return Carried(
        "~".join((jwt, *first.header.disclosures, "")).encode(),
        _checked(general, first, others),
        tuple(map(str.encode, first.header.sealed or ())),
    )


def _checked(
    general: _General, first: _First, others: list[_Other]
) -> tuple[Signature, ...]:
    """Refuse what would be read otherwise once it stands in a token.

    A dot or a tilde in a part would make two of it.
    """
    parts = [general.payload, first.protected, first.signature]
    parts += [*first.header.disclosures, *(first.header.sealed or ())]
    for each in others:
        parts += [each.protected, each.signature]
    try:
        joined = "".join(parts).encode("ascii")
    except UnicodeEncodeError:
        raise TrustError("serialization") from None
    if not _ALPHABET.fullmatch(joined):
        raise TrustError("serialization")
    return tuple(
        Signature(each.protected.encode(), each.signature.encode()) for each in others
    )


def _payload(token: bytes) -> bytes:
    return _three(token.partition(b"~")[0])[1]


def _three(jwt: bytes) -> tuple[bytes, bytes, bytes]:
    try:
        header, payload, signature = jwt.split(b".")
    except ValueError:
        raise TrustError("framing") from None
    return header, payload, signature
