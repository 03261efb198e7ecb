"""Memory: what reading a file of the directory takes, before anything in it is believed.

At most 50 times its bytes (JSON of lists in lists takes most, 45 times), so by the bound
on each: 400 MiB for a proposal, 200 for metadata or a proof, 50 for suspensions, 25 for
the hub's answer, 12.5 for an entry, 3.1 for a request to join.
"""

import tracemalloc
from collections.abc import Callable

import pytest

from broker import (
    directory_proposal,
    directory_state,
    join_request,
    proofs,
    suspensions,
    welcome,
)
from broker.directory import MAX_ENTRY_BYTES, decode_member
from broker.errors import ConfigError
from schemas.errors import RefusedError
from tests.fuzz.standins import PUBLISHED

MIB = 2**20
TIMES = 50
TRIED_BYTES = 64 * 1024  # the least of the bounds: all is read as JSON


def as_metadata(data: bytes) -> None:
    files = {**PUBLISHED.files, "metadata/timestamp.json": data}
    directory_state.read(lambda path, _: files.get(path), PUBLISHED.pinned)


def as_member(data: bytes) -> None:
    decode_member(data, "members/cert-aq.json")


READERS: dict[Callable[[bytes], object], int] = {
    directory_proposal.decode: directory_proposal.MAX_BYTES,
    as_metadata: directory_state.MAX_METADATA_BYTES,
    proofs.decode: proofs.MAX_BYTES,
    suspensions.decode: suspensions.MAX_BYTES,
    welcome.read: welcome.MAX_BYTES,
    as_member: MAX_ENTRY_BYTES,
    join_request.read: join_request.MAX_BYTES,
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
    data = b"[" + part * ((TRIED_BYTES - 3) // len(part)) + b"0]"
    with pytest.raises((RefusedError, ConfigError)):
        read(data)  # what is made once, and stays
    tracemalloc.start()
    try:
        with pytest.raises((RefusedError, ConfigError)):
            read(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(data) < peak < TIMES * len(data)


def test_the_bounds_are_those_that_are_stated() -> None:
    mebibytes = [TIMES * most / MIB for most in READERS.values()]
    assert mebibytes == [400, 200, 200, 50, 25, 12.5, 3.125]
