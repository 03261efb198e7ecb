"""SD-JWT: how much work and memory a token costs, whatever its issuer put into it.

Counted, not timed: calls of functions, bytes that are held at once.
"""

import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from broker import sdjwt
from tests.support.records import SALT, as_json, b64, disclosure, forge, named, sha
from tests.support.verifying import (
    elements,
    format_refusal,
    format_verdict,
    opened,
)

MAX_BYTES_PER_BYTE = 40  # the most is 32: lists within lists


def flat(count: int) -> bytes:
    texts = [named(f"n{i}", i) for i in range(count)]
    return forge({"_sd": [*map(sha, texts)]}, *texts)


def listed(count: int) -> bytes:
    texts = [disclosure(f"{SALT}{i}", "a") for i in range(count)]
    return forge({"n": elements(*texts)}, *texts)


def decoys(count: int) -> bytes:
    digests = [sha(str(i).encode()) for i in range(count)]
    return forge({"_sd": digests[::2], "n": [{"...": each} for each in digests[1::2]]})


def families(count: int) -> bytes:
    texts, digests = [], []
    for i in range(count // 4):
        texts += [named(f"m{i}{part}", [part]) for part in "abc"]
        texts.append(named(f"n{i}", {"_sd": [*map(sha, texts[-3:])]}))
        digests.append(sha(texts[-1]))
    return forge({"_sd": digests}, *texts)


def empty_lists(count: int) -> bytes:
    return forge({"n": [[]] * count})


def empty_objects(count: int) -> bytes:
    return forge(b'{"n":[' + b",".join([b'{"_sd":[]}'] * count) + b"]}")


def in_one_disclosure(count: int) -> bytes:
    text = named("n", [{"a": [i]} for i in range(count)])
    return forge({"_sd": [sha(text)]}, text)


def spelled_oddly(count: int) -> bytes:
    texts = [b64(f'["{SALT}" , "n{i}",1E5]'.encode()) for i in range(count)]
    return forge({"_sd": [*map(sha, texts)]}, *texts)


def unreferenced(count: int) -> bytes:
    return forge({}, *(named(f"n{i}", i) for i in range(count)))


def broken_at_the_end(count: int) -> bytes:
    return forge({}, *(named(f"n{i}", i) for i in range(count)), b64(b"["))


def lists_of_texts(count: int) -> bytes:
    return forge({f"n{i}": ["a", "b"] for i in range(count)})


SHAPES = [
    flat, listed, decoys, families, empty_lists, empty_objects, in_one_disclosure,
    spelled_oddly, unreferenced, broken_at_the_end, lists_of_texts,
]  # fmt: skip


def calls(token: bytes) -> int:
    """Functions called, ours and those of the interpreter, to verify *token*."""
    counted = 0

    def count(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        format_verdict(token)
    finally:
        sys.setprofile(before)
    return counted


@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_token_is_twice_the_work(shape: Callable[[int], bytes]) -> None:
    once, twice = calls(shape(200)), calls(shape(400))
    assert twice <= 2 * once
    # No part is worth more than a few dozen calls.
    assert twice - once <= 200 * 60


@pytest.mark.parametrize("shape", SHAPES)
def test_a_token_takes_a_bounded_multiple_of_its_size(
    shape: Callable[[int], bytes],
) -> None:
    token = shape(4000)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        format_verdict(token)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak <= MAX_BYTES_PER_BYTE * len(token)


def test_an_index_that_is_negative_withholds_nothing_by_counting_from_the_end() -> None:
    found = opened(forge({"_sd": [sha(named("a", 1))]}, named("a", 1)))
    with pytest.raises(ValueError, match="negative"):
        sdjwt.withhold(found, [-2])


def test_values_are_counted_before_they_are_parsed() -> None:
    text = b64(b'["' + SALT.encode() + b'","x",[' + b"[]," * 250_000 + b"[]]]")
    payload = {"_sd": [sha(text)]}
    assert format_refusal(forge(payload, text)).reason == "too-many-values"
    shown = as_json({"x": [[]] * 250_001})
    assert format_refusal(forge(shown)).reason == "too-many-values"
