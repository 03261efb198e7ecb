"""A message of the gate as the outbox keeps it, to be decided on again. Pure."""

import msgspec

from broker import seen
from broker.bus import Message


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    message_id: str
    content_type: str
    content_encoding: str
    headers: dict[str, str]
    body: bytes


_HEADERS = (seen.STAMP_HEADER, seen.HEAD_HEADER)


def keep(message: Message) -> bytes:
    """Spell what a decision needs of *message*: the record as it came, and its stamp."""
    return msgspec.msgpack.encode(
        _Kept(
            message.message_id,
            message.content_type,
            message.content_encoding,
            {
                name: value
                for name in _HEADERS
                if isinstance(value := message.headers.get(name), str)
            },
            message.body,
        )
    )


def restore(data: bytes) -> Message:
    """Give the message that *data* was made of, without the rest of it."""
    found = msgspec.msgpack.decode(data, type=_Kept)
    return Message(
        body=found.body,
        message_id=found.message_id,
        routing_key="",
        content_type=found.content_type,
        content_encoding=found.content_encoding,
        headers=found.headers,
    )
