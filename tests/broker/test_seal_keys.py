"""Keys that parts are sealed to: which there are, and that they open nothing else."""

from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker.directory import build
from broker.errors import ConfigError, TrustError
from broker.seal_key_files import generate_sealing_key, load_sealing_key
from broker.seal_keys import SEALED_KEY_BYTES, SealingJwk, SealingKey, sealing_key_id
from broker.suspending import confirmed
from tests.support import hpke_by_hand, sealing
from tests.support.records import NOW
from tests.support.sealing import private

CLASSIC, HYBRID = private("cert-bx"), private("cert-bx", hybrid=True)
BOTH = pytest.mark.parametrize("own", [CLASSIC, HYBRID], ids=["x25519", "hybrid"])


def jwk_of(own: Any, **changes: Any) -> SealingJwk:
    fields = {n: getattr(own.jwk, n) for n in own.jwk.__struct_fields__}
    return SealingJwk(**(fields | changes))


@BOTH
def test_what_is_sealed_to_a_key_opens_for_it_under_the_same_info_alone(own: Any):
    made = SealingKey(own.jwk).seal(b"k" * 32, b"info")
    assert len(made) == SEALED_KEY_BYTES[own.kind]
    assert own.open(made, b"info") == b"k" * 32
    with pytest.raises(TrustError, match="sealed-broken"):
        own.open(made, b"other")


@BOTH
def test_a_sealed_key_that_is_cut_or_changed_does_not_open(own: Any):
    made = SealingKey(own.jwk).seal(b"k" * 32, b"info")
    for bent in (
        b"",
        made[:-1],
        made[:20],
        bytes([made[0] ^ 1]) + made[1:],
        made + b"0",
    ):
        with pytest.raises(TrustError, match="sealed-broken"):
            own.open(bent, b"info")


def test_it_is_hpke_as_the_standard_says_and_not_as_one_library_does():
    ephemeral = X25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = X25519PrivateKey.from_private_bytes(b"7" * 32)
    own = type(CLASSIC)("cert-bx", public)
    made = hpke_by_hand.seal(b"k" * 32, public.public_key(), b"info", ephemeral)
    assert own.open(made, b"info") == b"k" * 32


def test_the_hand_made_one_gives_what_the_standard_prints():
    # RFC 9180, A.2.1: X25519, HKDF-SHA256, ChaCha20Poly1305; shared_secret, key, nonce.
    secret = bytes.fromhex(
        "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7"
    )
    info = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
    key, nonce = hpke_by_hand._schedule(secret, info)
    assert key.hex() == (
        "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91"
    )
    assert nonce.hex() == "5c4d98150661b848853b547f"


@BOTH
def test_a_key_is_named_by_its_organisation_and_thumbprint(own: Any):
    assert own.kid == sealing_key_id("cert-bx", own.jwk) == own.jwk.kid
    assert SealingKey(own.jwk).thumbprint.startswith(own.kid.partition("/")[2])
    assert own.kid in repr(own)


@pytest.mark.parametrize(
    "bent",
    [
        jwk_of(CLASSIC, crv="Ed25519"),
        jwk_of(CLASSIC, kty="EC"),
        jwk_of(CLASSIC, x="AA"),
        jwk_of(CLASSIC, x="A" * 43),  # of small order: nothing would be secret
        jwk_of(CLASSIC, pub="AA"),
        jwk_of(CLASSIC, alg="X25519"),
        SealingJwk(kty="OKP", crv="X25519"),
        jwk_of(HYBRID, alg="ML-KEM-768"),
        jwk_of(HYBRID, pub="A" * 1620 + "AA"),
        jwk_of(HYBRID, pub=HYBRID.jwk.pub[:-2]),
        jwk_of(HYBRID, x="AA"),
        SealingJwk(kty="AKP", alg="MLKEM768-X25519"),
    ],
)
def test_what_is_no_key_to_seal_to_is_refused(bent: SealingJwk):
    with pytest.raises(TrustError, match="bad-sealing-key"):
        SealingKey(bent)


@pytest.mark.parametrize("kind", ["X25519", "MLKEM768-X25519"])
def test_a_key_that_was_made_can_be_read_and_opens(tmp_path: Any, kind: Any):
    made = generate_sealing_key("cert-bx", tmp_path, kind)
    file = tmp_path / "cert-bx.sealing.key"
    assert file.stat().st_mode & 0o777 == 0o600
    read = load_sealing_key("cert-bx", file)
    assert read.kid == made.kid
    assert read.open(SealingKey(made.jwk).seal(b"k" * 32, b""), b"") == b"k" * 32
    with pytest.raises(ConfigError, match="exists already"):
        generate_sealing_key("cert-bx", tmp_path, kind)


@pytest.mark.parametrize("content", [b"", b"no key", bytes(range(64))])
def test_a_file_that_holds_no_sealing_key_is_refused(tmp_path: Any, content: bytes):
    file = tmp_path / "a.key"
    file.touch(0o600)
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="no sealing key"):
        load_sealing_key("cert-bx", file)


def test_a_key_that_others_can_read_is_refused(tmp_path: Any):
    generate_sealing_key("cert-bx", tmp_path)
    file = tmp_path / "cert-bx.sealing.key"
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_sealing_key("cert-bx", file)


# ------------------------------------------------------------------- directory


def with_keys(*entries: Any) -> Any:
    return build([sealing.member("cert-bx", sealing=entries)])


def test_of_several_keys_the_newest_that_is_valid_now_is_sealed_to():
    old = sealing.entry(CLASSIC)
    new = sealing.entry(HYBRID, not_before="2026-06-01T00:00:00Z")
    late = sealing.entry(
        private("cert-bx", number=2), not_before="2026-12-30T00:00:00Z"
    )
    known = with_keys(new, old, late)
    assert known.sealing_key("cert-bx", now=NOW).kid == HYBRID.kid


@pytest.mark.parametrize(
    "changes",
    [
        {"not_after": "2026-11-30T00:00:00Z"},
        {"not_before": "2026-12-30T00:00:00Z"},
        {"revoked_at": "2026-11-30T00:00:00Z"},
    ],
)
def test_nothing_is_sealed_to_a_key_that_does_not_count(changes: Any):
    with pytest.raises(TrustError) as refused:
        with_keys(sealing.entry(CLASSIC, **changes)).sealing_key("cert-bx", now=NOW)
    assert (refused.value.reason, refused.value.where) == ("no-sealing-key", "cert-bx")


def test_nothing_is_sealed_to_who_has_no_key_or_is_not_known():
    for org in ("cert-bx", "nobody"):
        with pytest.raises(TrustError, match="no-sealing-key"):
            with_keys().sealing_key(org, now=NOW)


def test_an_entry_that_is_not_usable_is_the_operators_fault():
    twice = sealing.entry(CLASSIC)
    for entries, told in (
        ((twice, twice), "twice"),
        ((sealing.entry(CLASSIC, not_after="soon"),), "not usable"),
        (
            (sealing.entry(CLASSIC, jwk=jwk_of(CLASSIC, kid="cert-bx/other")),),
            "another",
        ),
        ((sealing.entry(CLASSIC, jwk=SealingJwk(kty="OKP", crv="X25519")),), "usable"),
    ):
        with pytest.raises(ConfigError, match=told):
            with_keys(*entries)


@pytest.mark.parametrize("subject", ["cert-bx", CLASSIC.kid])
def test_nothing_is_sealed_to_who_is_suspended_or_to_a_suspended_key(subject: str):
    known = with_keys(sealing.entry(CLASSIC))
    held = {subject: (confirmed(subject, "2026-11-01T00:00:00Z"),)}
    suspended = msgspec.structs.replace(known, suspensions=held)
    with pytest.raises(TrustError, match="no-sealing-key"):
        suspended.sealing_key("cert-bx", now=NOW)
