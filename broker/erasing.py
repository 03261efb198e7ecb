"""The operator's order to an adapter to erase a record. Pure.

It goes into the adapter's own queues over `tocsin.retry`, to which the operator alone
may publish, so behind all that was put there before. It counts from that login alone.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from broker import sdjwt
from broker.bus import Message
from broker.errors import TrustError
from broker.topology import OPERATOR
from schemas import codec
from schemas.erasing import Reason
from schemas.errors import RefusedError
from schemas.record import Digest, Epoch, Org, StixId

CONTENT_TYPE: Final = "application/vnd.tocsin.erasing+json"
MAX_TOKENS: Final = 10_000  # versions of one record in one order
MAX_BYTES: Final = 1 << 20


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Erase a record.

    Attributes:
        tokens: Ids of versions that the hub has had; of more than 10,000, see `parts`.
        at: When the hub erased it. The same order again has the same moment.
        notify: Whether members who had it are told.
    """

    issuer: Org
    sub: StixId
    tokens: Annotated[tuple[Digest, ...], Meta(max_length=MAX_TOKENS)]
    at: Epoch
    reason: Reason
    notify: bool = True


def parts(order: Order) -> list[Order]:
    """Split an order of any number of tokens into such as may be sent.

    In this order. The last alone has members told: each erases all that an adapter
    knows of the record, so by then nothing more comes of it.
    """
    starts = range(0, max(len(order.tokens), 1), MAX_TOKENS)
    return [
        msgspec.structs.replace(
            order,
            tokens=order.tokens[start : start + MAX_TOKENS],
            notify=order.notify and start == starts[-1],
        )
        for start in starts
    ]


def message(order: Order, queue: str) -> Message:
    """Word an order for one queue of an adapter.

    Raises:
        TrustError: `erasing-invalid`: no adapter would take it.
    """
    body = msgspec.json.encode(order)
    made = Message(
        body=body,
        message_id=sdjwt.digest(body),
        routing_key=queue,
        content_type=CONTENT_TYPE,
        user_id=OPERATOR,
    )
    read(made)
    return made


def is_order(message: Message) -> bool:
    """Tell whether it says that it is one; nothing is verified."""
    return message.content_type == CONTENT_TYPE


def read(message: Message) -> Order:
    """Read an order that came out of an adapter's queue.

    Raises:
        TrustError: `erasing-invalid`: not the operator's, or not well formed.
    """
    # The broker lets nobody state another's login.
    if message.user_id != OPERATOR or len(message.body) > MAX_BYTES:
        raise TrustError("erasing-invalid")
    try:
        said = codec.decode_json(message.body, max_bytes=MAX_BYTES)
        return msgspec.convert(said, Order)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError("erasing-invalid") from None
