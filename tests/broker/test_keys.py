"""Public keys: what verifies, what is no key, and how a key is named."""

import hashlib
import json
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from broker import base64url
from broker.errors import TrustError
from broker.keys import Jwk, PublicKey, key_id, thumbprint
from broker.signers import Signer
from tests.support.records import CERT, STRANGER, b64

# RFC 8037, A.2 and A.3.
RFC_X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
RFC_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
# RFC 8032, 7.1, TEST 2.
RFC_KEY = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
RFC_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)

# RFC 7515, A.3: key, signing input and signature of ES256.
RFC_EC = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
RFC_JWS = (
    b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA"
    b"6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4Ga"
    b"wxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
ORDER = 2**252 + 27742317777372353535851937790883648493

CURVE = ec.SECP256R1()
N = CURVE.group_order
FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
CURVE_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
EC_KEY = ec.derive_private_key(7, CURVE)
EC_CERT = Signer("cert-aq", EC_KEY)


def jwk(x: bytes | str, **changes: str) -> Jwk:
    text = x if isinstance(x, str) else b64(x).decode()
    return Jwk(**({"kty": "OKP", "crv": "Ed25519", "x": text} | changes))


def refusal(key: Jwk) -> str:
    with pytest.raises(TrustError) as caught:
        PublicKey(key)
    return caught.value.reason


def test_the_signature_of_the_standard_holds() -> None:
    key = PublicKey(jwk(bytes.fromhex(RFC_KEY)))
    assert key.verify(RFC_SIGNATURE, b"\x72")
    assert not key.verify(RFC_SIGNATURE, b"\x73")


def test_the_thumbprint_of_the_standard_comes_out() -> None:
    assert thumbprint(jwk(RFC_X)) == RFC_THUMBPRINT
    assert PublicKey(jwk(RFC_X)).thumbprint == RFC_THUMBPRINT


def test_a_key_is_named_by_its_owner_and_16_characters_of_its_thumbprint() -> None:
    assert key_id("cert-aq", jwk(RFC_X)) == "cert-aq/kPrK_qmxVWaYVA9w"


def test_the_name_in_a_jwk_does_not_change_its_thumbprint() -> None:
    assert thumbprint(jwk(RFC_X, kid="other")) == RFC_THUMBPRINT


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 1000])
def test_a_signature_of_another_length_does_not_hold_and_raises_nothing(
    length: int,
) -> None:
    assert not PublicKey(CERT.jwk).verify(b"s" * length, b"data")


def test_the_signature_of_another_key_does_not_hold() -> None:
    assert PublicKey(CERT.jwk).verify(CERT.sign(b"data"), b"data")
    assert not PublicKey(CERT.jwk).verify(STRANGER.sign(b"data"), b"data")


def test_a_signature_moved_by_the_order_of_the_group_does_not_hold() -> None:
    # RFC 8032, 8.4: else everybody could make a second signature of the first.
    signature = CERT.sign(b"data")
    s = int.from_bytes(signature[32:], "little") + ORDER
    moved = signature[:32] + s.to_bytes(32, "little")
    assert not PublicKey(CERT.jwk).verify(moved, b"data")


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(jwk(RFC_X, kty="EC"), id="another type"),
        pytest.param(jwk(RFC_X, y=RFC_X), id="a y"),
        pytest.param(jwk(RFC_X, kty="oct"), id="a shared secret"),
        pytest.param(jwk(RFC_X, crv="Ed448"), id="another curve"),
        pytest.param(jwk(RFC_X, crv="X25519"), id="a key for encryption"),
        pytest.param(jwk(RFC_X, crv="ed25519"), id="lower case"),
        pytest.param(jwk(RFC_X + "="), id="padding"),
        pytest.param(jwk(RFC_X[:-1] + "p"), id="spare bits"),
        pytest.param(jwk(RFC_X + "\n"), id="a line feed"),
        pytest.param(jwk(""), id="nothing"),
        pytest.param(jwk(b"k" * 31), id="31 bytes"),
        pytest.param(jwk(b"k" * 33), id="33 bytes"),
        pytest.param(jwk("\u00e9" * 43), id="letters beyond ASCII"),
        pytest.param(jwk("\ud800" * 43), id="half characters"),
    ],
)
def test_what_is_no_ed25519_public_key_is_refused(key: Jwk) -> None:
    assert refusal(key) == "bad-key"


@pytest.mark.parametrize(
    "more", [{"d": RFC_X}, {"alg": "none"}, {"use": "enc"}, {"y": None}]
)
@pytest.mark.parametrize(
    "public", [{"kty": "OKP", "crv": "Ed25519", "x": RFC_X}, RFC_EC]
)
def test_a_jwk_with_a_private_or_unknown_member_is_none(
    public: dict[str, str], more: dict[str, Any]
) -> None:
    assert PublicKey(msgspec.json.decode(json.dumps(public), type=Jwk))
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(public | more), type=Jwk)


# -- P-256


def ec_jwk(**changes: Any) -> Jwk:
    return Jwk(**(RFC_EC | changes))


def coordinate(number: int, length: int = 32) -> str:
    return b64(number.to_bytes(length, "big")).decode()


def es256_holds(r: int, s: int) -> bool:
    """Tell whether the signature (r, s) over `data` holds."""
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return PublicKey(EC_CERT.jwk).verify(signature, b"data")


def parts_of(signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")


def test_the_es256_signature_of_the_standard_holds() -> None:
    signed, _, signature = RFC_JWS.rpartition(b".")
    key = PublicKey(ec_jwk())
    assert key.verify(base64url.decode(signature), signed)
    assert not key.verify(base64url.decode(signature), signed + b"x")
    assert not PublicKey(EC_CERT.jwk).verify(base64url.decode(signature), signed)


def test_an_es256_signature_is_that_of_rfc_6979() -> None:
    # RFC 6979, A.2.5: no nonce is drawn that could be drawn twice.
    key = ec.derive_private_key(
        0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, CURVE
    )
    assert Signer("cert-aq", key).sign(b"sample").hex() == (
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    )


def test_small_numbers_are_filled_with_zeros() -> None:
    # RFC 7518, 3.4 and 6.2.1.2: 32 bytes also where fewer would do.
    signed = [EC_CERT.sign(i.to_bytes(2, "big")) for i in range(1_500)]
    assert {len(each) for each in signed} == {64}
    assert any(each[0] == 0 for each in signed)
    assert any(each[32] == 0 for each in signed)
    assert all(
        PublicKey(EC_CERT.jwk).verify(each, i.to_bytes(2, "big"))
        for i, each in enumerate(signed)
    )
    keys = [Signer("a", ec.derive_private_key(i, CURVE)).jwk for i in range(1, 1_000)]
    for each in ("x", "y"):
        raw = [base64url.decode(getattr(key, each).encode()) for key in keys]
        assert {len(part) for part in raw} == {32}
        assert any(part[0] == 0 for part in raw)
    assert all(PublicKey(key) for key in keys)


def test_a_key_means_one_algorithm_whatever_it_is_called() -> None:
    assert PublicKey(CERT.jwk).algorithms == {"EdDSA", "Ed25519"}
    assert PublicKey(ec_jwk()).algorithms == {"ES256"}


def test_the_thumbprint_of_a_p256_key_covers_both_coordinates_in_order() -> None:
    # RFC 7638, 3.2 and 3.3: crv, kty, x, y, no white space.
    spelled = '{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'.format(**RFC_EC)
    expected = b64(hashlib.sha256(spelled.encode()).digest()).decode()
    assert thumbprint(ec_jwk(kid="other")) == expected
    assert PublicKey(ec_jwk()).thumbprint == expected
    assert key_id("cert-aq", ec_jwk()) == f"cert-aq/{expected[:16]}"


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 70, 71, 72, 128])
def test_an_es256_signature_of_another_length_does_not_hold(length: int) -> None:
    signature = EC_CERT.sign(b"data")
    longer = signature + bytes(64)
    assert not PublicKey(EC_CERT.jwk).verify(longer[:length], b"data")
    assert not PublicKey(EC_CERT.jwk).verify(bytes(length), b"data")


def test_a_signature_is_64_bytes_also_where_others_spell_the_same_numbers() -> None:
    key = PublicKey(EC_CERT.jwk)
    signature = EC_CERT.sign(b"data")
    for part in (signature[:32] + b"\0" + signature[32:], b"\0" + signature):
        assert not key.verify(part, b"data")
    texts = (str(number).encode() for number in range(10_000))
    data, signature = next(
        (data, made) for data in texts if (made := EC_CERT.sign(data))[32] == 0
    )
    assert key.verify(signature, data)
    assert not key.verify(signature[:32] + signature[33:], data)


def test_an_es256_signature_holds_with_either_s() -> None:
    # So whoever reads a signature can make a second one: see `sdjwt.token_id`.
    r, s = parts_of(EC_CERT.sign(b"data"))
    assert es256_holds(r, s)
    assert es256_holds(r, N - s)


def test_r_and_s_are_from_1_to_n_minus_1() -> None:
    r, s = parts_of(EC_CERT.sign(b"data"))
    edges = (0, 1, N - 1, N, N + 1, 2**256 - 1)
    assert not any(es256_holds(edge, s) for edge in edges)
    assert not any(es256_holds(r, edge) for edge in edges)
    assert not any(es256_holds(one, other) for one in edges for other in edges)


def test_a_coordinate_is_a_number_below_the_field_in_32_bytes() -> None:
    y = coordinate(square_root(5**3 - 3 * 5 + CURVE_B))
    assert PublicKey(ec_jwk(x=coordinate(5), y=y)).algorithms == {"ES256"}
    assert refusal(ec_jwk(x=coordinate(5 + FIELD), y=y)) == "bad-key"
    assert refusal(ec_jwk(x=coordinate(5, 1), y=y)) == "bad-key"
    assert refusal(ec_jwk(x=coordinate(5, 33), y=y)) == "bad-key"


def test_x_and_y_are_parted_in_the_middle() -> None:
    # Else one key would have several thumbprints, so names.
    both = b"".join(base64url.decode(RFC_EC[name].encode()) for name in ("x", "y"))
    for size in (0, 31, 33, 64):
        x, y = b64(both[:size]).decode(), b64(both[size:]).decode()
        assert refusal(ec_jwk(x=x, y=y)) == "bad-key"


def square_root(square: int) -> int:
    root = pow(square, (FIELD + 1) // 4, FIELD)
    assert root * root % FIELD == square % FIELD
    return root


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(ec_jwk(y=msgspec.UNSET), id="no y"),
        pytest.param(ec_jwk(crv="P-384"), id="another curve"),
        pytest.param(ec_jwk(crv="secp256k1"), id="the curve of Bitcoin"),
        pytest.param(ec_jwk(crv="p-256"), id="lower case"),
        pytest.param(ec_jwk(crv="Ed25519"), id="a curve of another type"),
        pytest.param(ec_jwk(kty="OKP", crv="P-256"), id="another type"),
        pytest.param(ec_jwk(kty="oct"), id="a shared secret"),
        pytest.param(ec_jwk(y=RFC_EC["x"]), id="not on the curve"),
        pytest.param(ec_jwk(x=RFC_EC["y"], y=RFC_EC["x"]), id="x and y exchanged"),
        pytest.param(ec_jwk(x=coordinate(0), y=coordinate(0)), id="zeros"),
        pytest.param(ec_jwk(x="", y=""), id="nothing"),
        pytest.param(ec_jwk(x="AA", y=""), id="the point at infinity"),
        pytest.param(ec_jwk(y=RFC_EC["y"] + "="), id="padding"),
        pytest.param(ec_jwk(y=RFC_EC["y"][:-1] + "1"), id="spare bits"),
        pytest.param(ec_jwk(x=RFC_EC["x"] + "\n"), id="a line feed"),
        pytest.param(ec_jwk(x="\u00e9" * 43), id="letters beyond ASCII"),
        pytest.param(ec_jwk(y="\ud800" * 43), id="half characters"),
        pytest.param(
            ec_jwk(x=b64(b"\0" + base64url.decode(RFC_EC["x"].encode())).decode()),
            id="a zero in front",
        ),
    ],
)
def test_what_is_no_p256_public_key_is_refused(key: Jwk) -> None:
    assert refusal(key) == "bad-key"


# -- keys under which everything is signed


def add(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """Add two points of the curve (RFC 8032, 5.1.4, in plain coordinates)."""
    (x1, y1), (x2, y2) = one, other
    cross = D * x1 * x2 * y1 * y2 % P
    x3 = (x1 * y2 + x2 * y1) * pow(1 + cross, -1, P) % P
    y3 = (y1 * y2 + x1 * x2) * pow(1 - cross, -1, P) % P
    return x3, y3


def points_of_small_order() -> list[tuple[int, int]]:
    """All eight, from one of order 8 whose y is a root of d*y^4 + 2*y^2 - 1."""
    root = pow(D + 1, (P + 3) // 8, P)
    if root * root % P != (D + 1) % P:
        root = root * pow(2, (P - 1) // 4, P) % P
    for sign in (1, -1):
        square = (-1 + sign * root) * pow(D, -1, P) % P
        y = pow(square, (P + 3) // 8, P)
        for candidate in (y, y * pow(2, (P - 1) // 4, P) % P):
            if candidate * candidate % P == square:
                # x^2 = -y^2 where the order is 8.
                x = candidate * pow(2, (P - 1) // 4, P) % P
                found = [(0, 1)]
                for _ in range(7):
                    found.append(add(found[-1], (x, candidate)))
                return found
    raise AssertionError("no point of order 8")


def test_every_point_of_small_order_is_refused_in_every_spelling() -> None:
    points = points_of_small_order()
    assert len(set(points)) == 8
    assert add(points[-1], points[1]) == (0, 1)
    ys = {y for _, y in points}
    # Some y have a second spelling, beyond the field.
    for y in ys | {y + P for y in ys if y + P < 2**255}:
        for sign in (0, 1 << 255):
            assert refusal(jwk((y | sign).to_bytes(32, "little"))) == "bad-key"


def times(scalar: int, point: tuple[int, int]) -> tuple[int, int]:
    total = (0, 1)
    for bit in f"{scalar:b}":
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def encoded(point: tuple[int, int]) -> bytes:
    """RFC 8032, 5.1.2."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def base_point() -> tuple[int, int]:
    """RFC 8032, 5.1: y is 4/5; x is its even root."""
    y = 4 * pow(5, -1, P) % P
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (P - x if x & 1 else x), y


def signed_with(torsion: tuple[int, int]) -> tuple[PublicKey, bytes]:
    """Sign `data` with a nonce that is off by *torsion* (RFC 8032, 5.1.6)."""
    secret, nonce = 1234567, 7654321
    public = encoded(times(secret, base_point()))
    r = encoded(add(times(nonce, base_point()), torsion))
    k = int.from_bytes(hashlib.sha512(r + public + b"data").digest(), "little")
    s = (nonce + k * secret) % ORDER
    return PublicKey(jwk(public)), r + s.to_bytes(32, "little")


def test_a_signature_that_needs_the_cofactor_does_not_hold() -> None:
    # RFC 8032, 5.1.7: verifiers may differ on it. Ours is strict, so that what we
    # believe, every other verifier believes.
    for torsion in points_of_small_order():
        key, signature = signed_with(torsion)
        assert key.verify(signature, b"data") == (torsion == (0, 1))


def test_without_that_refusal_anybody_could_sign() -> None:
    neutral = (1).to_bytes(32, "little")
    forged = neutral + bytes(32)
    # What the library says of it; it raises if that ever changes.
    Ed25519PublicKey.from_public_bytes(neutral).verify(forged, b"anything at all")


@pytest.mark.parametrize("sign_bit", [0, 1 << 7])
def test_a_signature_whose_r_is_of_small_order_is_refused(sign_bit: int) -> None:
    # With R neutral and s = h(R, A, text) * a the equation holds, as OpenSSL checks
    # it. Only who has the private scalar a can make it.
    seed = hashlib.sha256(b"an issuer without care").digest()
    digest = bytearray(hashlib.sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    scalar = int.from_bytes(digest, "little")
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    order = 2**252 + 27742317777372353535851937790883648493
    neutral = (1).to_bytes(32, "little")
    data = b"text"
    hashed = hashlib.sha512(neutral + public + data).digest()
    s = int.from_bytes(hashed, "little") * scalar % order
    Ed25519PublicKey.from_public_bytes(public).verify(
        neutral + s.to_bytes(32, "little"), data
    )
    bent = neutral[:-1] + bytes([sign_bit])
    jwk = Jwk(kty="OKP", crv="Ed25519", x=base64url.encode(public).decode())
    assert not PublicKey(jwk).verify(bent + s.to_bytes(32, "little"), data)
