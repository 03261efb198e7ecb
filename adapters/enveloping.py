"""A delivery as one JSON object, as webhooks and queues carry it, and back. Pure.

docs/operations.md, section 6, has its members.
"""

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from adapters import erasing, gaps
from adapters.delivery import Delivery
from broker.errors import TrustError
from schemas import codec
from schemas.record import Digest, Org

# Of a message on `tocsin.out`; webhooks say application/json.
CONTENT_TYPE: Final = "application/vnd.tocsin.delivery+json"
SINK: Final = "queue"  # what a member calls the sink that it knows nothing of
_RECORD: Final = "record."
_ID: Final = re.compile(r"d-[a-z2-7]{32}")  # as `numbering.delivery_id` makes them
NUMBER: Final = "tocsin-number"  # header: the delivery's number, as in the body


def encode(item: Delivery) -> bytes:
    """Encode *item*; `timestamp` is when this version was made, not sent."""
    is_record = item.kind not in (gaps.KIND, erasing.KIND)
    return msgspec.json.encode(
        {
            "type": f"{_RECORD}{item.kind}" if is_record else item.kind,
            "timestamp": item.ver,
            "data": {
                "number": item.number,
                "issuer": item.issuer,
                "sub": item.sub,
                "ver": item.ver,
                "tlp": item.tlp,
                "token_id": item.token_id,
                **_bodies(item),
            },
        }
    )


def _bodies(item: Delivery) -> dict[str, object]:
    evidence, plain = item.evidence.decode("ascii"), msgspec.Raw(item.projection)
    if item.kind == erasing.KIND:
        notice, erased = erasing.NAMES
        return {notice: evidence, erased: plain}
    receipt = item.receipt.decode("ascii")
    if item.kind == gaps.KIND:
        heartbeat, account, heard = gaps.NAMES
        return {heartbeat: evidence, account: plain, heard: receipt}
    return {
        "evidence": evidence,
        "evidence_type": item.evidence_type,
        "projection": plain,
        "receipt": receipt,
    }


_Short = Annotated[str, Meta(max_length=150)]


class _Data(msgspec.Struct):
    """What all kinds of deliveries have, and each its own bodies."""

    number: Annotated[int, Meta(ge=1, le=codec.MAX_SAFE_INT)]
    issuer: Org
    sub: _Short
    ver: _Short
    tlp: _Short
    token_id: Digest
    evidence: str = ""
    projection: msgspec.Raw = msgspec.Raw()
    receipt: str = ""
    heartbeat: str = ""
    gaps: msgspec.Raw = msgspec.Raw()
    heard: str = ""
    erasure: str = ""
    erased: msgspec.Raw = msgspec.Raw()


class _Envelope(msgspec.Struct):
    type: Annotated[
        str, Meta(pattern=rf"^({_RECORD}[a-z]{{1,20}}|heartbeat|erasure)\Z")
    ]
    data: _Data


def decode(body: bytes, *, delivery_id: str, member: str) -> Delivery:
    """Read what `encode` made; nothing of it is verified, see `adapters.received`.

    Members that are not known here are passed over.

    Args:
        delivery_id: The message's id.
        member: Whose queue it came from.

    Raises:
        TrustError: `delivery-invalid`.
    """
    try:
        found = msgspec.json.decode(body, type=_Envelope)
        data = found.data
        kind = found.type.removeprefix(_RECORD)
        match kind:
            case gaps.KIND:
                texts, plain = (data.heartbeat, data.heard), data.gaps
            case erasing.KIND:
                texts, plain = (data.erasure, data.erasure), data.erased
            case _:
                texts, plain = (data.evidence, data.receipt), data.projection
        evidence, receipt = (text.encode("ascii") for text in texts)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise TrustError("delivery-invalid") from None
    is_own = kind in (gaps.KIND, erasing.KIND)
    if is_own is found.type.startswith(_RECORD) or not _ID.fullmatch(delivery_id):
        raise TrustError("delivery-invalid")
    return Delivery(
        delivery_id=delivery_id,
        member=member,
        sink=SINK,
        number=data.number,
        attempt=1,
        token_id=data.token_id,
        issuer=data.issuer,
        sub=data.sub,
        ver=data.ver,
        kind=kind,
        tlp=data.tlp,
        evidence=evidence,
        projection=bytes(plain),
        receipt=receipt,
    )
