"""Keys of records: what lies under one opens with it alone, at its own place alone."""

import os

import pytest

from broker.record_keys import BrokenContentError, new_key

CONTENT, ABOUT = b"a name" * 100, b"token id"


def test_what_was_encrypted_comes_back():
    key = new_key(os.urandom)
    encrypted = key.encrypt(CONTENT, ABOUT, os.urandom)
    assert CONTENT[:6] not in encrypted
    assert len(encrypted) == len(CONTENT) + 28
    assert key.decrypt(encrypted, ABOUT) == CONTENT


def test_another_key_another_place_and_a_flipped_bit_open_nothing():
    key = new_key(os.urandom)
    encrypted = key.encrypt(CONTENT, ABOUT, os.urandom)
    flipped = encrypted[:-1] + bytes([encrypted[-1] ^ 1])
    for each, text, about in (
        (new_key(os.urandom), encrypted, ABOUT),
        (key, encrypted, b"another id"),
        (key, flipped, ABOUT),
        (key, b"short", ABOUT),
        (key, b"", ABOUT),
    ):
        with pytest.raises(BrokenContentError):
            each.decrypt(text, about)


def test_no_two_encryptions_are_alike():
    key = new_key(os.urandom)
    assert len({key.encrypt(CONTENT, ABOUT, os.urandom) for _ in range(9)}) == 9


def test_a_key_does_not_show_itself():
    key = new_key(os.urandom)
    assert len(key.secret) == 32
    assert key.secret.hex() not in repr(key)
    assert repr(key.secret)[2:-1] not in repr(key)
