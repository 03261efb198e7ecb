"""Token <-> message body: compressed where it pays, bounded whatever comes."""

import random

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.bus import JSON_CONTENT_TYPE, Message
from broker.sdjwt import MAX_TOKEN_BYTES
from broker.wire import COMPRESS_ABOVE_BYTES, MAX_WINDOW_BYTES, pack, unpack
from schemas.errors import RefusedError


def message(body: bytes, encoding: str = "zstd", **more: str) -> Message:
    return Message(
        body=body, message_id="t", routing_key="r", content_encoding=encoding, **more
    )


def packed(token: bytes) -> Message:
    return pack(token, message_id="t", routing_key="a.b.c", user_id="cert-aq")


def reason(received: Message) -> str:
    with pytest.raises(RefusedError) as caught:
        unpack(received)
    return caught.value.reason


def compress(data: bytes, **options: bool) -> bytes:
    return zstandard.ZstdCompressor(level=3, **options).compress(data)


@settings(derandomize=True)
@given(st.binary(max_size=5000))
def test_what_is_packed_unpacks(token: bytes) -> None:
    assert unpack(packed(token)).token == token


def test_a_message_says_who_sends_what_where() -> None:
    sent = packed(b"token")
    assert (sent.message_id, sent.routing_key, sent.user_id) == (
        "t",
        "a.b.c",
        "cert-aq",
    )
    assert sent.content_type == "application/vnd.tocsin.record+sd-jwt"


def test_short_tokens_travel_as_they_are_and_long_ones_compressed() -> None:
    short, long = b"a" * COMPRESS_ABOVE_BYTES, b"a" * (COMPRESS_ABOVE_BYTES + 1)
    assert (packed(short).content_encoding, packed(short).body) == ("", short)
    assert packed(long).content_encoding == "zstd"
    assert len(packed(long).body) < 100


def test_the_largest_token_passes_in_every_form() -> None:
    token = random.Random(1).randbytes(1 << 16) * 256  # noqa: S311  no secret
    assert len(token) == MAX_TOKEN_BYTES
    assert unpack(packed(token)).token == token
    assert unpack(message(token, "")).token == token
    assert unpack(message(compress(token, write_content_size=False))).token == token


@pytest.mark.parametrize(
    "content_type", ["", JSON_CONTENT_TYPE, "application/sd-jwt", "text/plain"]
)
def test_another_content_type_is_refused(content_type: str) -> None:
    assert reason(message(b"a", "", content_type=content_type)) == "content-type"


@pytest.mark.parametrize("encoding", ["gzip", "ZSTD", "zstd, zstd", "identity", " "])
def test_another_encoding_is_refused(encoding: str) -> None:
    assert reason(message(compress(b"a"), encoding)) == "content-encoding"


def test_a_plain_body_beyond_the_limit_is_refused() -> None:
    assert reason(message(b"a" * (MAX_TOKEN_BYTES + 1), "")) == "too-large"


def test_a_frame_that_declares_too_much_is_refused() -> None:
    assert reason(message(compress(b"a" * (MAX_TOKEN_BYTES + 1)))) == "too-large"


@pytest.mark.parametrize("size", [MAX_TOKEN_BYTES + 1, 256 << 20])
def test_a_bomb_that_declares_nothing_is_refused(size: int) -> None:
    bomb = compress(bytes(size), write_content_size=False)
    assert len(bomb) < 100_000
    assert reason(message(bomb)) == "zstd"


def test_a_frame_that_declares_too_little_is_refused() -> None:
    lie = bytearray(compress(b"a" * 200))
    assert zstandard.frame_content_size(bytes(lie)) == 200
    # RFC 8878, 3.1.1.1: magic number, one byte of description, then the size.
    lie[5] = 100
    assert zstandard.frame_content_size(bytes(lie)) == 100
    assert reason(message(bytes(lie))) == "zstd"


def test_a_frame_that_needs_a_large_window_is_refused() -> None:
    def with_window(log: int) -> bytes:
        options = zstandard.ZstdCompressionParameters.from_level(
            3, window_log=log, write_content_size=False
        )
        maker = zstandard.ZstdCompressor(compression_params=options).compressobj()
        return maker.compress(b"a" * 5000) + maker.flush()

    assert MAX_WINDOW_BYTES == 1 << 23
    assert unpack(message(with_window(23))).token == b"a" * 5000
    assert reason(message(with_window(24))) == "zstd"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"token", id="no frame"),
        pytest.param(compress(b"a") + compress(b"b"), id="two frames"),
        pytest.param(compress(b"a") + b"b", id="something after the frame"),
        pytest.param(compress(b"a" * 5000)[:-1], id="a frame cut off"),
        pytest.param(compress(b"a" * 5000)[:7], id="a header alone"),
        pytest.param(b"\x50\x2a\x4d\x18\x04\0\0\0skip", id="a frame to skip"),
        pytest.param(
            b"\x50\x2a\x4d\x18\x04\0\0\0skip" + compress(b"a"),
            id="a frame to skip and one",
        ),
    ],
)
def test_a_body_that_is_not_one_whole_frame_is_refused(body: bytes) -> None:
    assert reason(message(body)) == "zstd"


def test_a_frame_with_a_wrong_checksum_is_refused() -> None:
    body = bytearray(compress(b"a" * 5000, write_checksum=True))
    assert unpack(message(bytes(body))).token == b"a" * 5000
    body[-1] ^= 1
    assert reason(message(bytes(body))) == "zstd"


@settings(derandomize=True, max_examples=200)
@given(st.binary(max_size=200), st.sampled_from(["", "zstd", "x"]), st.booleans())
def test_arbitrary_bytes_raise_only_our_error(
    body: bytes, encoding: str, framed: bool
) -> None:
    magic = b"\x28\xb5\x2f\xfd" if framed else b""
    try:
        unpack(message(magic + body, encoding))
    except RefusedError:
        return
