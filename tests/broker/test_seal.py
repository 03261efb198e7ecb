"""Sealed parts: what is sealed opens for whom it is, and nowhere else."""

import os
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from broker import base64url, seal
from broker.errors import TrustError
from broker.seal import Part, Slot
from schemas.errors import RefusedError
from tests.support.records import b64, disclosure
from tests.support.sealing import private, recipient

TOKEN, OTHER = "T" * 42 + "A", "O" * 42 + "A"
BX, CV = private("cert-bx"), private("cert-cv", hybrid=True)
TO = (recipient("cert-bx"), recipient("cert-cv", hybrid=True))
TEXTS = (disclosure("name", "Zorvelt"), disclosure(["one", "two"]))


def sealed(texts: Any = TEXTS, to: Any = TO, token: str = TOKEN) -> bytes:
    return seal.make(texts, token, to, entropy=os.urandom)


def refusal(text: bytes, token: str = TOKEN, by: Any = BX) -> str:
    with pytest.raises(RefusedError) as refused:
        seal.open_part(seal.read(text), token, by)
    return refused.value.reason


def bent(part: Part, **changes: Any) -> bytes:
    fields = {n: getattr(part, n) for n in part.__struct_fields__}
    return seal.spell(Part(**(fields | changes)))


@pytest.mark.parametrize("own", [BX, CV], ids=["x25519", "hybrid"])
def test_what_was_sealed_opens_for_each_member_that_it_is_for(own: Any):
    assert seal.open_part(seal.read(sealed()), TOKEN, own) == TEXTS


@given(st.lists(st.binary(min_size=1, max_size=4000), min_size=1, max_size=20))
def test_whatever_is_sealed_comes_out_as_it_was(contents: list[bytes]):
    texts = tuple(b64(each) for each in contents)
    assert seal.open_part(seal.read(sealed(texts, TO[:1])), TOKEN, BX) == texts


def test_every_bit_counts():
    text = sealed(TEXTS, TO[:1])
    raw = base64url.decode(text)
    for place in range(0, len(raw) * 8, 7):  # every byte, each of its bits in turn
        flipped = bytearray(raw)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(RefusedError):
            seal.open_part(seal.read(base64url.encode(bytes(flipped))), TOKEN, BX)


def test_a_part_opens_with_no_other_record():
    assert refusal(sealed(), OTHER) == "sealed-broken"


def test_a_part_opens_for_nobody_else():
    assert refusal(sealed(), by=private("cert-zz")) == "sealed-for-others"


def test_a_slot_given_another_members_name_does_not_open():
    thief = private("cert-zz")
    part = seal.read(sealed(TEXTS, TO[:1]))
    stolen = Slot(thief.kid, part.slots[0].key)
    assert refusal(bent(part, slots=(stolen,)), by=thief) == "sealed-broken"


def test_a_slot_of_another_compartment_does_not_open():
    one, other = seal.read(sealed()), seal.read(sealed(TEXTS[:1]))
    assert refusal(bent(other, slots=one.slots)) == "sealed-broken"
    assert refusal(bent(one, compartment=other.compartment)) == "sealed-broken"


def test_content_of_another_compartment_does_not_open():
    one, other = seal.read(sealed()), seal.read(sealed(TEXTS[:1]))
    assert refusal(bent(one, content=other.content)) == "sealed-broken"


def resealed(plain: bytes, name: str, key: bytes = b"k" * 32) -> bytes:
    """Sealed by somebody who may seal, and says something else than the name does."""
    content = ChaCha20Poly1305(b"k" * 32).encrypt(
        bytes(12), plain, seal.bound_to(TOKEN, name)
    )
    bound = seal.info(TOKEN, name, BX.kid)
    made = Slot(BX.kid, b64(TO[0].key.seal(key, bound)).decode())
    return seal.spell(Part(name, (made,), bytes(12) + content))


NAME = seal.compartment_of(TEXTS)


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        ((TEXTS[0] + b"~").ljust(1024, b"~"), "sealed-mismatch"),
        (b"~".join([*TEXTS, b"QQ"]).ljust(1024, b"~"), "sealed-mismatch"),
        (b"~".join(TEXTS).ljust(2048, b"~"), "sealed-shape"),
        (b"~" * 1024, "sealed-shape"),
        ((b"~" + TEXTS[0]).ljust(1024, b"~"), "sealed-shape"),
        ((TEXTS[0] + b"~~" + TEXTS[1]).ljust(1024, b"~"), "sealed-shape"),
        ((b"A~" * 70_000).ljust(163_840, b"A"), "too-many-disclosures"),
    ],
)
def test_content_that_is_not_what_the_name_says_is_refused(plain: bytes, reason: str):
    assert refusal(resealed(plain, NAME)) == reason


def test_the_same_content_by_the_same_way_is_taken():
    plain = b"~".join(TEXTS).ljust(1024, b"~")
    assert seal.open_part(seal.read(resealed(plain, NAME)), TOKEN, BX) == TEXTS


def test_a_content_key_of_another_length_is_refused():
    part = seal.read(resealed(b"~".join(TEXTS).ljust(1024, b"~"), NAME))
    short = TO[0].key.seal(b"k" * 31, seal.info(TOKEN, NAME, BX.kid)) + b"0"
    made = Slot(BX.kid, b64(short).decode())
    assert refusal(bent(part, slots=(made,))) == "sealed-broken"


def test_lengths_tell_little():
    sizes = {len(sealed((b64(bytes(n)),), TO[:1])) for n in range(1, 700, 50)}
    assert len(sizes) == 1
    large = len(base64url.decode(sealed((b64(bytes(90_000)),), TO[:1])))
    assert large < 120_000 * 1.26


# -------------------------------------------------------------------- the form

GOOD = seal.read(sealed(TEXTS, TO[:1]))
KEY = GOOD.slots[0].key


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"seal":1,"seal":1}',
        b'{"seal":2,"compartment":"NAME","to":[{"kid":"KID","key":"KEY"}]}',
        b'{"seal":1,"compartment":"short","to":[{"kid":"KID","key":"KEY"}]}',
        b'{"seal":1,"compartment":"NAME","to":[]}',
        b'{"seal":1,"compartment":"NAME","to":[{"kid":"KID","key":"KEY","alg":"none"}]}',
        b'{"seal":1,"compartment":"NAME","to":[{"kid":"KID","key":"KEY"}],"x":1}',
        b'{"seal": 1,"compartment":"NAME","to":[{"kid":"KID","key":"KEY"}]}',
        b'{"compartment":"NAME","seal":1,"to":[{"kid":"KID","key":"KEY"}]}',
        b'{"seal":1,"compartment":"NAME","to":[{"kid":"Cert/x","key":"KEY"}]}',
        b'{"seal":1,"compartment":"NAME","to":[{"kid":"KID","key":"AA"}]}',
        b'{"seal":1,"compartment":"NAME","to":[{"kid":"KID","key":"A="}]}',
        b'{"seal":1,"compartment":"NAME","to":[{"kid":"KID","key":"KEY"},'
        b'{"kid":"KID","key":"KEY"}]}',
    ],
)
def test_a_head_that_is_not_as_it_must_be_is_refused(head: bytes):
    for word, value in ((b"NAME", NAME), (b"KID", BX.kid), (b"KEY", KEY)):
        head = head.replace(word, value.encode())
    with pytest.raises(TrustError, match="sealed-shape"):
        seal.read(b64(head + b"\n" + GOOD.content))


@pytest.mark.parametrize("size", [0, 27, 28, 29, 1023 + 28, 1025 + 28, 9 * 1024 + 28])
def test_content_of_a_size_that_no_sealing_gives_is_refused(size: int):
    with pytest.raises(TrustError, match="sealed-shape"):
        seal.read(bent(GOOD, content=bytes(size)))


def test_a_part_without_a_line_feed_or_not_base64url_is_refused():
    for text in (b"", b"AAAA", b"A", b"+" * 8, b"====", sealed() + b"="):
        with pytest.raises(TrustError, match="sealed-shape"):
            seal.read(text)


def test_a_part_beyond_the_limit_is_refused_unread_and_not_made():
    with pytest.raises(TrustError, match="too-large"):
        seal.read(b"A" * (seal.MAX_PART_CHARS + 1))
    with pytest.raises(TrustError, match="too-large"):
        sealed((b"A" * (4 << 20),), TO[:1])


@pytest.mark.parametrize("to", [(), TO[:1] * 257])
def test_too_many_members_or_none_are_not_sealed_to(to: Any):
    with pytest.raises(TrustError, match="too-many-sealed"):
        sealed(TEXTS, to)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_only_our_error(data: bytes):
    for text in (data, b64(data), b64(b'{"seal":1,' + data + b"\n" + data)):
        with suppress(RefusedError):
            seal.read(text)


# --------------------------------------------------------------------- the way


def test_whoever_carries_a_record_checks_that_each_compartment_came_once():
    one, other = sealed(), sealed(TEXTS[:1])
    names = [seal.read(each).compartment for each in (one, other)]
    assert [p.compartment for p in seal.check([one, other], names)] == names
    for texts, claimed, reason in (
        ([one], names, "sealed-missing"),
        ([], names, "sealed-missing"),
        ([one, other], names[:1], "sealed-unknown"),
        ([one, one], names, "sealed-unknown"),
        ([one], [], "sealed-unknown"),
        ([one] * 65, names, "too-many-sealed"),
    ):
        with pytest.raises(TrustError, match=reason):
            seal.check(texts, claimed)
    assert seal.check([], []) == ()


def test_a_member_gets_its_own_slot_alone():
    parts = [seal.read(sealed()), seal.read(sealed(TEXTS[:1], TO[:1]))]
    (got,) = seal.only_for(parts, "cert-cv")
    assert b"cert-bx" not in base64url.decode(got)
    assert seal.open_part(seal.read(got), TOKEN, CV) == TEXTS
    assert len(seal.only_for(parts, "cert-bx")) == 2
    assert seal.only_for(parts, "cert-zz") == ()
    assert seal.only_for(parts, "cert-b") == ()
