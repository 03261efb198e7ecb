"""Private keys on disk: nobody else reads them, none is ever overwritten."""

import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from broker.errors import ConfigError
from broker.keys import Jwk, PublicKey, key_id
from broker.signers import generate, load_signer, read_secret
from tests.support.records import CERT, private_key

ALONE = serialization.NoEncryption()


def pem(
    key: PrivateKeyTypes,
    protection: serialization.KeySerializationEncryption = ALONE,
) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
    )


def stored(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "cert-aq.key"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_generated_key_signs_after_loading(tmp_path: Path) -> None:
    made = generate("cert-aq", tmp_path / "new" / "folder")
    loaded = load_signer("cert-aq", tmp_path / "new" / "folder" / "cert-aq.key")
    assert loaded.kid == made.kid
    assert PublicKey(made.jwk).verify(loaded.sign(b"data"), b"data")


def test_the_public_file_names_the_key_and_holds_no_secret(tmp_path: Path) -> None:
    made = generate("cert-aq", tmp_path)
    public = json.loads((tmp_path / "cert-aq.jwk").read_bytes())
    assert public == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": made.jwk.x,
        "kid": key_id("cert-aq", made.jwk),
    }
    assert Jwk(**public) == made.jwk


def test_the_private_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        generate("cert-aq", tmp_path)
    finally:
        os.umask(before)
    mode = (tmp_path / "cert-aq.key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_two_generated_keys_differ(tmp_path: Path) -> None:
    assert generate("cert-aq", tmp_path).kid != generate("cert-bv", tmp_path).kid


def test_an_existing_key_is_not_overwritten(tmp_path: Path) -> None:
    generate("cert-aq", tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ConfigError, match="not overwritten"):
        generate("cert-aq", tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_key_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "cert-aq.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError):
        generate("cert-aq", tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot write"):
        generate("cert-aq", tmp_path / "file" / "folder")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644])
def test_a_key_that_others_may_touch_is_not_used(tmp_path: Path, mode: int) -> None:
    path = stored(tmp_path, pem(private_key("cert-aq")), mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_signer("cert-aq", path)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_of_its_owner_alone_is_used(tmp_path: Path, mode: int) -> None:
    path = stored(tmp_path, pem(private_key("cert-aq")), mode)
    signer = load_signer("cert-aq", path)
    assert (signer.org, signer.alg) == ("cert-aq", "EdDSA")
    assert signer.kid == key_id("cert-aq", signer.jwk)


def test_a_missing_key_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load_signer("cert-aq", tmp_path / "none.key")


def test_a_folder_in_the_place_of_a_key_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        read_secret(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"s3cret but no key", id="a text"),
        pytest.param(b"\xff\xfe\x00", id="bytes"),
        pytest.param(pem(private_key("a"))[:60], id="a key cut off"),
        pytest.param(
            private_key("a").public_key().public_bytes(
                serialization.Encoding.PEM,
                serialization.PublicFormat.SubjectPublicKeyInfo,
            ),
            id="a public key",
        ),
        pytest.param(
            pem(private_key("a"), serialization.BestAvailableEncryption(b"s3cret")),
            id="a key under a password",
        ),
    ],
)  # fmt: skip
def test_what_is_no_plain_private_key_is_refused_and_not_quoted(
    tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(ConfigError, match="PKCS#8 PEM") as caught:
        load_signer("cert-aq", stored(tmp_path, content))
    assert "s3cret" not in str(caught.value)


def test_a_private_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = ec.derive_private_key(7, ec.SECP256R1())
    with pytest.raises(ConfigError, match="no Ed25519 key"):
        load_signer("cert-aq", stored(tmp_path, pem(other)))


def test_a_signer_does_not_show_its_key() -> None:
    assert not hasattr(CERT, "__dict__")
    assert "Ed25519" not in repr(CERT)
