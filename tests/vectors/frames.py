"""Zstandard frames (RFC 8878) put together by hand: raw and run-length blocks alone.

So their bytes do not depend on the version of a library that compresses.
"""

from typing import Final

MAGIC: Final = b"\x28\xb5\x2f\xfd"
MAX_BLOCK: Final = 128 << 10  # RFC 8878, 3.1.1.2.3
RAW, RUN, COMPRESSED, RESERVED = range(4)


def block(kind: int, size: int, content: bytes, *, last: bool) -> bytes:
    """RFC 8878, 3.1.1.2; of a run, *size* is how often the one byte stands there."""
    return (size << 3 | kind << 1 | last).to_bytes(3, "little") + content


def raw(data: bytes) -> bytes:
    """Blocks that hold *data* as it is."""
    pieces = [data[i : i + MAX_BLOCK] for i in range(0, len(data), MAX_BLOCK)] or [b""]
    last = len(pieces) - 1
    return b"".join(block(RAW, len(p), p, last=i == last) for i, p in enumerate(pieces))


def run(size: int) -> bytes:
    """Blocks that give *size* times the letter A, four bytes for each 128 KiB."""
    whole, rest = divmod(size, MAX_BLOCK)
    sizes = [MAX_BLOCK] * whole + ([rest] if rest else [])
    last = len(sizes) - 1
    return b"".join(block(RUN, n, b"A", last=i == last) for i, n in enumerate(sizes))


def frame(blocks: bytes, *, size: int | None = None, window: int = 20) -> bytes:
    """Put a frame around *blocks*.

    Args:
        size: That it declares; then the window is as large.
        window: Binary logarithm of the window that it asks for else.
    """
    if size is not None:
        # Single segment, size in 8 bytes.
        return MAGIC + b"\xe0" + size.to_bytes(8, "little") + blocks
    return MAGIC + b"\x00" + bytes([(window - 10) << 3]) + blocks


def skippable(data: bytes) -> bytes:
    return b"\x50\x2a\x4d\x18" + len(data).to_bytes(4, "little") + data
