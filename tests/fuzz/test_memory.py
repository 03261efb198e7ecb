"""Memory: what reading takes of what others send, before anything in it is believed.

At most 50 times its bytes (JSON of lists in lists takes most, 45 times), so by the bound
on each: docs/fuzzing.md has the figures.
"""

import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest

from broker import (
    base64url,
    directory_proposal,
    directory_state,
    heads,
    heartbeats,
    join_request,
    proofs,
    receipts,
    seal,
    suspensions,
    welcome,
)
from broker.directory import MAX_ENTRY_BYTES, decode_member
from broker.errors import ConfigError
from schemas.errors import RefusedError
from tests.fuzz.standins import DIRECTORY, PUBLISHED
from tests.vectors import cast

MIB = 2**20
TIMES = 50
TIMES_OF_A_FORK = 15  # its values are counted first
TRIED_BYTES = 64 * 1024


def as_metadata(data: bytes) -> None:
    files = {**PUBLISHED.files, "metadata/timestamp.json": data}
    directory_state.read(lambda path, _: files.get(path), PUBLISHED.pinned)


def as_member(data: bytes) -> None:
    decode_member(data, "members/cert-aq.json")


def as_receipt(data: bytes) -> None:
    receipts.verify(data, DIRECTORY, now=cast.NOW)


def as_heartbeat(data: bytes) -> None:
    heartbeats.verify(data, DIRECTORY, now=cast.NOW)


READERS: dict[Callable[[bytes], object], int] = {
    directory_proposal.decode: directory_proposal.MAX_BYTES,
    as_metadata: directory_state.MAX_METADATA_BYTES,
    proofs.decode: proofs.MAX_BYTES,
    suspensions.decode: suspensions.MAX_BYTES,
    welcome.read: welcome.MAX_BYTES,
    as_member: MAX_ENTRY_BYTES,
    join_request.read: join_request.MAX_BYTES,
    as_heartbeat: heartbeats.MAX_BYTES,
    as_receipt: receipts.MAX_BYTES,
    seal.read: seal._MAX_HEAD_BYTES,  # of the rest nothing is parsed
}


def signed(typ: str, kid: str, payload: bytes) -> bytes:
    header = json.dumps({"alg": "EdDSA", "kid": kid, "typ": typ}).encode()
    return b".".join(map(base64url.encode, (header, payload, b"any")))


SPELLED: dict[Callable[[bytes], object], Callable[[bytes], bytes]] = {
    as_heartbeat: lambda data: signed(heartbeats.TYP, cast.CERT.kid, data),
    as_receipt: lambda data: signed(receipts.TYP, cast.HUB.kid, data),
    seal.read: lambda data: base64url.encode(data + b"\n" + bytes(100)),
}
SHAPES = {
    "lists": b"[],",
    "objects": b"{},",
    "members": b'{"a":0},',
    "deep": b"[" * 30 + b"]" * 30 + b",",
    "too deep": b"[" * 900 + b"]" * 900 + b",",
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("read", READERS, ids=lambda each: each.__qualname__)
def test_reading_takes_fifty_times_the_bytes_at_most(
    read: Callable[[bytes], object], shape: str
) -> None:
    part = SHAPES[shape]
    size = min(TRIED_BYTES, READERS[read] // 2)  # half: base64url spells it longer
    data = b"[" + part * (size // len(part) - 1) + b"0]"
    data = SPELLED.get(read, bytes)(data)
    assert len(data) < peak_of(read, data) < TIMES * len(data)


def peak_of(read: Callable[[bytes], object], data: bytes) -> int:
    with suppress(RefusedError, ConfigError):
        read(data)  # what is made once, and stays
    tracemalloc.start()
    try:
        with suppress(RefusedError, ConfigError):
            read(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


FORK = b'{"type":"tocsin-fork","statements":["a","b"],"path":[%s]}'
FORKS = {
    "stamps": FORK % (b'"%s",' % (b"a" * 600) * 2000 + b'""'),
    "long": FORK % (b'"%s"' % (b"a" * heads.MAX_PATH)),
    # One such sign, and each other takes four bytes.
    "wide": b'["%s\xf0\x9f\x98\x80"]' % (b"a" * heads.MAX_PATH),
    "wide name": b'{"%s\xf0\x9f\x98\x80":1}' % (b"a" * heads.MAX_PATH),
    "lists": b"[" + b"[]," * (heads.MAX_PATH + 100) + b"0]",
}


@pytest.mark.parametrize("data", FORKS.values(), ids=FORKS)
def test_the_proof_of_a_fork_takes_fifteen_times_its_bytes_at_most(data: bytes) -> None:
    assert peak_of(heads.decode_fork, data) < TIMES_OF_A_FORK * len(data)


def test_as_long_a_path_as_there_may_be_is_read() -> None:
    found = heads.decode_fork(FORK % (b'"ab",' * (heads.MAX_PATH - 1) + b'"ab"'))
    assert len(found.path) == heads.MAX_PATH


def test_the_bounds_are_those_that_are_stated() -> None:
    mebibytes = [TIMES * most / MIB for most in READERS.values()]
    assert mebibytes == [
        400, 200, 200, 50, 25, 12.5, 3.125, 3.125, 0.78125, 25,
    ]  # fmt: skip
    assert TIMES_OF_A_FORK * heads.MAX_PROOF_BYTES / MIB == 960
