"""Private keys under a passphrase: what is written is DER, and dear to guess."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization

from broker import pkcs8
from tests.support.records import private_key

KEY = private_key("cert-aq")
DER = KEY.private_bytes(
    serialization.Encoding.DER,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)
SALT, IV = b"s" * pkcs8.SALT_BYTES, b"i" * pkcs8.IV_BYTES


def body(pem: bytes) -> bytes:
    return base64.b64decode(b"".join(pem.splitlines()[1:-1]))


def test_what_is_protected_opens_with_its_passphrase_alone() -> None:
    pem = pkcs8.protected(DER, b"a passphrase", salt=SALT, iv=IV)
    opened = serialization.load_pem_private_key(pem, b"a passphrase")
    assert opened.private_bytes_raw() == KEY.private_bytes_raw()
    with pytest.raises(ValueError, match="ncorrect"):
        serialization.load_pem_private_key(pem, b"another one")
    assert KEY.private_bytes_raw() not in body(pem)


def test_a_guess_costs_sixteen_mebibytes_five_times() -> None:
    whole = body(pkcs8.protected(DER, b"a passphrase", salt=SALT, iv=IV))
    # RFC 7914, 7.1: salt, N = 2^14, r = 8, p = 5.
    parameters = b"\x04\x10" + SALT + bytes.fromhex("02024000 020108 020105")
    assert parameters in whole
    assert b"\x04\x10" + IV in whole


def test_salt_and_start_are_of_the_size_that_is_asked_for() -> None:
    assert (pkcs8.SALT_BYTES, pkcs8.IV_BYTES) == (16, 16)
    other = pkcs8.protected(DER, b"a passphrase", salt=b"t" * 16, iv=IV)
    assert other != pkcs8.protected(DER, b"a passphrase", salt=SALT, iv=IV)


def test_lines_are_as_rfc_7468_has_them() -> None:
    lines = pkcs8.protected(DER, b"a passphrase", salt=SALT, iv=IV).split(b"\n")
    assert lines[0] == b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
    assert lines[-2:] == [b"-----END ENCRYPTED PRIVATE KEY-----", b""]
    assert {len(line) for line in lines[1:-3]} == {64}


@pytest.mark.parametrize(
    ("size", "head"),
    [(0, "0400"), (127, "047f"), (128, "048180"), (255, "0481ff"), (256, "04820100")],
)
def test_lengths_are_spelled_as_der_has_them(size: int, head: str) -> None:
    assert pkcs8._tlv(4, bytes(size)) == bytes.fromhex(head) + bytes(size)


@pytest.mark.parametrize(
    ("number", "spelled"), [(0, "00"), (127, "7f"), (128, "0080"), (16384, "4000")]
)
def test_numbers_are_never_negative(number: int, spelled: str) -> None:
    assert pkcs8._unsigned(number).hex() == spelled
