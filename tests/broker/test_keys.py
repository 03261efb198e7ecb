"""Public keys: what verifies, what is no key, and how a key is named."""

import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from broker.errors import TrustError
from broker.keys import Jwk, PublicKey, key_id, thumbprint
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

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


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
    order = 2**252 + 27742317777372353535851937790883648493
    signature = CERT.sign(b"data")
    s = int.from_bytes(signature[32:], "little") + order
    moved = signature[:32] + s.to_bytes(32, "little")
    assert not PublicKey(CERT.jwk).verify(moved, b"data")


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(jwk(RFC_X, kty="EC"), id="another type"),
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


@pytest.mark.parametrize("more", [{"d": RFC_X}, {"alg": "none"}, {"use": "enc"}])
def test_a_jwk_with_a_private_or_unknown_member_is_none(more: dict[str, str]) -> None:
    text = json.dumps({"kty": "OKP", "crv": "Ed25519", "x": RFC_X, **more})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Jwk)


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


def test_without_that_refusal_anybody_could_sign() -> None:
    neutral = (1).to_bytes(32, "little")
    forged = neutral + bytes(32)
    # What the library says of it; it raises if that ever changes.
    Ed25519PublicKey.from_public_bytes(neutral).verify(forged, b"anything at all")
