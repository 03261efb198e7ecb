"""What members are told when a record is erased: which one, and why. Pure.

A delivery with a number of its own, to each sink that had something of the record. It
says ids and a word, no text. Who had nothing of it is told nothing, and misses a number.
"""

import uuid
from typing import Final

from adapters.delivery import NewDelivery
from adapters.outbox_rows import Reached
from adapters.projection import Author, scoped_id
from broker import jws, sdjwt
from broker.erasing import Order
from broker.signing import RecordSigner
from schemas import codec, timestamps
from schemas.erasing import REASONS
from schemas.record import org_urn

KIND: Final = "erasure"
TYP: Final = "vnd.tocsin.erasure+jwt"
# What sinks call our JWS, and the same as plain JSON.
NAMES: Final = ("erasure", "erased")
_NAMESPACE: Final = uuid.UUID("0a4d7c1e-93b5-4c0f-8a35-6d3c9be7f210")


def in_words(order: Order, reached: Reached, author: Author) -> dict[str, object]:
    """Spell it for a member's tools.

    `projected` is the id that the record has in projections; numbers are those of
    this sink.
    """
    return {
        "type": "tocsin-erasure",
        "issuer": order.issuer,
        "sub": order.sub,
        "projected": scoped_id(order.sub, author, reached.scope),
        "tokens": list(reached.token_ids),
        "numbers": list(reached.numbers),
        "not_sent": list(reached.not_sent),
        "reason": order.reason,
        "meaning": REASONS[order.reason],
        "at": timestamps.from_epoch(order.at),
    }


def sub_of(issuer: str, sub: str) -> str:
    """Name the notices of a record as a case of their own."""
    name = uuid.uuid5(_NAMESPACE, f"{issuer}\n{sub}")
    return f"{KIND}--{name}"


def delivery(
    order: Order, reached: Reached, author: Author, signer: RecordSigner
) -> NewDelivery:
    """Word it as a delivery. Made again of the same order, it is the same delivery."""
    said = in_words(order, reached, author)
    claims = {"iss": org_urn(signer.org), "iat": order.at, **said}
    signed = jws.compact(TYP, codec.encode_json(claims), signer)
    return NewDelivery(
        member=reached.member,
        sink=reached.sink,
        issuer=order.issuer,
        sub=sub_of(order.issuer, order.sub),
        ver=timestamps.from_epoch(order.at),
        kind=KIND,
        tlp=reached.tlp,
        token_id=sdjwt.digest(signed),
        evidence=signed,
        projection=codec.encode_json(said),
        receipt=signed,  # it is its own account
        policy=KIND,
        scope=reached.scope,
    )
