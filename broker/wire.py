"""Record as carried <-> message body: zstd under caps (DESIGN.md 4.5). Pure."""

from typing import Final

import zstandard

from broker import carried
from broker.bus import CARRIED_CONTENT_TYPE, TOKEN_CONTENT_TYPE, Message
from broker.carried import Carried
from broker.errors import TrustError
from broker.sdjwt import MAX_TOKEN_BYTES

COMPRESS_ABOVE_BYTES: Final = 2048  # below it a frame saves nothing
MAX_WINDOW_BYTES: Final = 8 << 20  # RFC 8878, 3.1.1.1.2: what decoders should take
_LEVEL: Final = 3


def pack(
    record: Carried | bytes, *, message_id: str, routing_key: str, user_id: str
) -> Message:
    """Make the message of a record; *message_id* is the token id.

    Args:
        record: Bytes are a compact token.

    Raises:
        TrustError: `framing`, `too-large`.
    """
    whole = Carried(record) if isinstance(record, bytes) else record
    text = carried.encode(whole)
    encoding = "zstd" if len(text) > COMPRESS_ABOVE_BYTES else ""
    body = zstandard.ZstdCompressor(level=_LEVEL).compress(text) if encoding else text
    return Message(
        body=body,
        message_id=message_id,
        routing_key=routing_key,
        content_type=TOKEN_CONTENT_TYPE if whole.is_compact else CARRIED_CONTENT_TYPE,
        content_encoding=encoding,
        user_id=user_id,
    )


def unpack(message: Message) -> Carried:
    """Give the record of a message, bounded in size and memory.

    Raises:
        TrustError: `content-type`, `content-encoding`, `too-large`, `zstd`; or as
            `carried.decode_json`.
        SchemaError: As `carried.decode_json`.
    """
    if message.content_type not in (TOKEN_CONTENT_TYPE, CARRIED_CONTENT_TYPE):
        raise TrustError("content-type")
    text = _text(message)
    if message.content_type == TOKEN_CONTENT_TYPE:
        return Carried(text)
    return carried.decode_json(text)


def _text(message: Message) -> bytes:
    if message.content_encoding == "":
        if len(message.body) > MAX_TOKEN_BYTES:
            raise TrustError("too-large")
        return message.body
    if message.content_encoding != "zstd":
        raise TrustError("content-encoding")
    return decompressed(message.body)


def decompressed(body: bytes) -> bytes:
    """Undo zstd, within the caps.

    Raises:
        TrustError: `too-large`, `zstd`.
    """
    try:
        return _decompressed(body)
    except zstandard.ZstdError:
        raise TrustError("zstd") from None


def _decompressed(body: bytes) -> bytes:
    declared = zstandard.frame_content_size(body)
    if declared > MAX_TOKEN_BYTES:
        raise TrustError("too-large")
    # One frame into a buffer of the declared size, or of the cap where none is
    # declared: a bomb runs out of buffer. Streaming is not bounded (measured:
    # one step of 16 KiB gave 512 MiB).
    maker = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    token = maker.decompress(
        body,
        max_output_size=MAX_TOKEN_BYTES,
        read_across_frames=False,
        allow_extra_data=False,
    )
    if declared <= 0:
        # Here the library overlooks what stands behind the frame (zstandard 0.25).
        # Its output is known to be bounded by now.
        again = maker.decompressobj(read_across_frames=False)
        again.decompress(body)
        if again.unused_data or not again.eof:
            raise TrustError("zstd")
    return token
