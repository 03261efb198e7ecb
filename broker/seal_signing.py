"""A token with all in it -> the token that leaves, without what is sealed. Pure."""

from collections.abc import Callable, Collection, Sequence
from typing import Final

import msgspec

from broker import base64url, concealing, disclosures, sdjwt, seal, signing
from broker.directory import Directory
from broker.seal import Recipient
from broker.signing import RecordSigner
from schemas import codec
from schemas.facts import Facts

_FACTS: Final = Facts.__struct_fields__


class Compartment(msgspec.Struct, frozen=True):
    """What is sealed, and to whom at first.

    Attributes:
        texts: The disclosures in it, with those that they stand in.
    """

    texts: tuple[bytes, ...]
    recipients: tuple[Recipient, ...]


class Sealed(msgspec.Struct, frozen=True):
    """A record as it leaves, and what its issuer keeps.

    Attributes:
        token: Without what is sealed.
        parts: One a compartment, as they travel.
        compartments: Disclosures in each; secret.
    """

    token: bytes
    parts: tuple[bytes, ...]
    compartments: tuple[tuple[bytes, ...], ...]


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an issuer keeps of a sealed record, to seal it to others later. Secret.

    Attributes:
        token: As it left.
        compartments: The disclosures in each.
    """

    token: bytes
    compartments: tuple[tuple[bytes, ...], ...]

    @staticmethod
    def of(sealed: Sealed) -> "Kept":
        """Keep what is needed of a record that was just sealed."""
        return Kept(sealed.token, sealed.compartments)

    def encode(self) -> bytes:
        """Spell it, as JSON."""
        spelled = {
            "token": self.token.decode(),
            "compartments": [[*map(bytes.decode, each)] for each in self.compartments],
        }
        return msgspec.json.encode(spelled)

    @staticmethod
    def decode(data: bytes) -> "Kept":
        """Read what `encode` spelled.

        Raises:
            msgspec.MsgspecError: It is something else.
        """
        read = msgspec.json.decode(data, type=_Kept)
        compartments = tuple(tuple(map(str.encode, each)) for each in read.compartments)
        return Kept(read.token.encode(), compartments)


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: str
    compartments: tuple[tuple[str, ...], ...]


Sealer = Callable[[bytes, Directory, RecordSigner, float], Sealed]
"""Seals a record: gets it whole, signed by a key that was made for this alone and that
the directory given holds, who signs it in truth, and the moment (epoch seconds)."""


def without(
    whole: bytes,
    taken: Collection[bytes],
    compartments: Sequence[Compartment],
    signer: RecordSigner,
    facts: Facts,
) -> bytes:
    """Take disclosures out of a token that never left, and sign what stays.

    Args:
        taken: The disclosures that may not stay; all those in them among them.
        facts: What routes the record, computed of what stays.

    Raises:
        TrustError: `too-large`.
    """
    jwt, texts = sdjwt.split(whole)
    payload = codec.decode_strict_text(base64url.decode(jwt.split(b".")[1]))
    stay = [text for text in texts if text not in taken]
    payload["full"] = signing.fullness(disclosures.digests(stay))
    payload["sealed"] = sorted(seal.compartment_of(each.texts) for each in compartments)
    payload |= {name: getattr(facts, name) for name in _FACTS}
    header = {"alg": signer.alg, "kid": signer.kid, "typ": signing.TYP}
    return concealing.assemble(header, payload, stay, signer.sign)


def sealed(
    token: bytes,
    compartments: Sequence[Compartment],
    entropy: Callable[[int], bytes],
) -> Sealed:
    """Seal compartments of a token to those they are for.

    Raises:
        TrustError: As `seal.make`.
    """
    token_id = sdjwt.token_id(token)
    parts = tuple(
        seal.make(each.texts, token_id, each.recipients, entropy=entropy)
        for each in compartments
    )
    return Sealed(token, parts, tuple(each.texts for each in compartments))
