"""A delivery as one JSON object, as webhooks and queues carry it. Pure.

docs/operations.md, section 6, has its members.
"""

from typing import Final

import msgspec

from adapters import erasing, gaps
from adapters.delivery import Delivery

# Of a message on `tocsin.out`; webhooks say application/json.
CONTENT_TYPE: Final = "application/vnd.tocsin.delivery+json"
NUMBER: Final = "tocsin-number"  # header: the delivery's number, as in the body


def encode(item: Delivery) -> bytes:
    """Encode *item*; `timestamp` is when this version was made, not sent."""
    is_record = item.kind not in (gaps.KIND, erasing.KIND)
    return msgspec.json.encode(
        {
            "type": f"record.{item.kind}" if is_record else item.kind,
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
