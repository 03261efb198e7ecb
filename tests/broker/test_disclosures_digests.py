"""Digests: many at once are made and checked exactly as each would be alone."""

import hashlib
import re
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from broker import disclosures
from broker.errors import TrustError
from tests.support.records import b64

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# RFC 4648, 3.5: the last of 43 characters has two bits to spare, which are zero.
DIGEST = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")


def verdict(claimed: list[Any]) -> str:
    try:
        disclosures.check_digests(claimed)
    except TrustError as error:
        return error.reason
    return ""


@settings(derandomize=True)
@given(st.lists(st.binary(max_size=80), max_size=6))
def test_digests_are_those_of_each_text(texts: list[bytes]) -> None:
    found = disclosures.digests(texts)
    assert found == [b64(hashlib.sha256(text).digest()).decode() for text in texts]


_letters = st.sampled_from(
    [chr(c) for c in ALPHABET] + list("+/=.~ \n\0\x7f\u00e9\ud800")
)
_digests = (
    st.binary(min_size=32, max_size=32).map(lambda raw: b64(raw).decode())
    | st.lists(_letters, min_size=42, max_size=44).map("".join)
    | st.lists(st.sampled_from([chr(c) for c in ALPHABET]), min_size=43, max_size=43).map("".join)
    | st.sampled_from(["", "A" * 43, "A" * 42 + "B", "A" * 42 + "\n", "A" * 87, "=" * 43])
    | st.none() | st.booleans() | st.integers() | st.just(["A" * 43]) | st.just(b"A" * 43)
    | st.just({"A": 1}) | st.floats()
)  # fmt: skip


@settings(derandomize=True, max_examples=400)
@given(st.lists(_digests, max_size=4))
@example(["A" * 43, "A" * 43])
@example(["A" * 42 + "+"])
@example(["A" * 42, "A" * 44])
@example(["A" * 41 + "==", "A" * 43])
@example(["A" * 42 + "B", "A" * 43])
def test_digests_are_checked_like_each_alone(claimed: list[Any]) -> None:
    fits = all(type(each) is str and DIGEST.fullmatch(each) for each in claimed)
    why = "" if fits else "digest-shape"
    if fits and len(set(claimed)) < len(claimed):
        why = "duplicate-digest"
    assert verdict(claimed) == why


def test_each_last_character_of_a_digest_is_checked() -> None:
    for letter in ALPHABET.decode():
        for claimed in (["A" * 42 + letter], ["B" * 42 + "A", "A" * 42 + letter]):
            fits = DIGEST.fullmatch("A" * 42 + letter) is not None
            assert verdict(claimed) == ("" if fits else "digest-shape")
