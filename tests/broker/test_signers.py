"""Private keys: nobody else reads them, none is overwritten, both kinds sign all there is.

Keys of P-256 derive from small numbers. The first part is about files, the second
takes ES256 from signing through the gate to receipts, and through the command.
"""

import hashlib
import hmac
import io
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from adapters import receipts
from adapters.cli import asking
from adapters.cli import main as command
from broker import base64url, sdjwt, trust
from broker.directory import build, decode_member, single_key
from broker.embedded import open_embedded
from broker.errors import ConfigError, TrustError
from broker.keys import Jwk, PublicKey, key_id
from broker.seen import Seen, Stamp
from broker.signers import (
    Alg,
    Signer,
    free_name,
    generate,
    load_signer,
    read_line,
    read_secret,
)
from broker.signing import TYP
from tests.support import issuing
from tests.support.records import (
    CERT,
    DIRECTORY,
    NOW,
    SAMPLES,
    forge,
    key_entry,
    member,
    private_key,
    token,
)
from tests.support.views import CIVIL, cut, sample

ALONE = serialization.NoEncryption()
P256 = ec.SECP256R1()
EC_KEY = ec.derive_private_key(0xC0FFEE, P256)
EC_CERT = Signer("cert-aq", EC_KEY)
EC_HUB = Signer("hub", ec.derive_private_key(0xBEEF, P256))
BOTH = pytest.mark.parametrize("alg", ["EdDSA", "ES256"])


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


@BOTH
def test_a_generated_key_signs_after_loading(tmp_path: Path, alg: Alg) -> None:
    made = generate("cert-aq", tmp_path / "new" / "folder", alg)
    loaded = load_signer("cert-aq", tmp_path / "new" / "folder" / "cert-aq.key")
    assert loaded.kid == made.kid
    assert loaded.alg == made.alg == alg
    assert len(loaded.sign(b"data")) == 64
    assert PublicKey(made.jwk).verify(loaded.sign(b"data"), b"data")


@pytest.mark.parametrize(
    ("alg", "kind", "numbers"),
    [
        ("EdDSA", {"kty": "OKP", "crv": "Ed25519"}, ("x",)),
        ("ES256", {"kty": "EC", "crv": "P-256"}, ("x", "y")),
    ],
)
def test_the_public_file_names_the_key_and_holds_no_secret(
    tmp_path: Path, alg: Alg, kind: dict[str, str], numbers: tuple[str, ...]
) -> None:
    made = generate("cert-aq", tmp_path, alg)
    public = json.loads((tmp_path / "cert-aq.jwk").read_bytes())
    values = {name: getattr(made.jwk, name) for name in numbers}
    assert public == kind | values | {"kid": key_id("cert-aq", made.jwk)}
    assert Jwk(**public) == made.jwk


@BOTH
def test_the_private_file_is_for_its_owner_alone(tmp_path: Path, alg: Alg) -> None:
    before = os.umask(0)
    try:
        generate("cert-aq", tmp_path, alg)
    finally:
        os.umask(before)
    mode = (tmp_path / "cert-aq.key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


@BOTH
def test_two_generated_keys_differ(tmp_path: Path, alg: Alg) -> None:
    one, other = (generate(org, tmp_path, alg) for org in ("cert-aq", "cert-bv"))
    assert one.jwk.x != other.jwk.x


@BOTH
def test_an_existing_key_is_not_overwritten(tmp_path: Path, alg: Alg) -> None:
    generate("cert-aq", tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ConfigError, match="not overwritten"):
        generate("cert-aq", tmp_path, alg)
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
    ],
)  # fmt: skip
def test_what_is_no_plain_private_key_is_refused_and_not_quoted(
    tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(ConfigError, match="PKCS#8 PEM") as caught:
        load_signer("cert-aq", stored(tmp_path, content))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(ec.derive_private_key(7, ec.SECP384R1()), id="P-384"),
        pytest.param(ec.derive_private_key(7, ec.SECP256K1()), id="secp256k1"),
        pytest.param(Ed448PrivateKey.from_private_bytes(b"k" * 57), id="Ed448"),
        pytest.param(X25519PrivateKey.from_private_bytes(b"k" * 32), id="X25519"),
        pytest.param(rsa.generate_private_key(65537, 2048), id="RSA"),
    ],
)
def test_a_private_key_of_another_kind_is_refused(
    tmp_path: Path, other: PrivateKeyTypes
) -> None:
    with pytest.raises(ConfigError, match="neither an Ed25519 nor a P-256 key"):
        load_signer("cert-aq", stored(tmp_path, pem(other)))


@BOTH
def test_a_second_key_lies_beside_the_first(tmp_path: Path, alg: Alg) -> None:
    assert free_name("cert-aq", tmp_path) == "cert-aq"
    first = generate("cert-aq", tmp_path, name=free_name("cert-aq", tmp_path))
    second = generate("cert-aq", tmp_path, alg, name=free_name("cert-aq", tmp_path))
    (tmp_path / "cert-aq.3.jwk").touch()  # of a key in a token
    assert free_name("cert-aq", tmp_path) == "cert-aq.4"
    for made, name in ((first, "cert-aq"), (second, "cert-aq.2")):
        assert load_signer("cert-aq", tmp_path / f"{name}.key").kid == made.kid
        public = msgspec.json.decode((tmp_path / f"{name}.jwk").read_bytes(), type=Jwk)
        assert public == made.jwk


# -- under a passphrase

PASSPHRASE = b"correct horse battery"


def secret_file(folder: Path, content: bytes = PASSPHRASE + b"\n") -> Path:
    path = folder / "passphrase"
    path.write_bytes(content)
    path.chmod(0o600)
    return path


@BOTH
def test_a_key_under_a_passphrase_signs_after_loading(tmp_path: Path, alg: Alg) -> None:
    made = generate("cert-aq", tmp_path, alg, passphrase=PASSPHRASE)
    path = tmp_path / "cert-aq.key"
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in path.read_bytes()
    for ending in (b"", b"\n", b"\r\n"):
        file = secret_file(tmp_path, PASSPHRASE + ending)
        loaded = load_signer("cert-aq", path, passphrase_file=file)
        assert loaded.kid == made.kid
    asked: list[str] = []

    def ask(prompt: str) -> bytes:
        asked.append(prompt)
        return PASSPHRASE

    loaded = load_signer("cert-aq", path, ask=ask)
    assert PublicKey(made.jwk).verify(loaded.sign(b"data"), b"data")
    assert asked == [f"passphrase of {path}: "]


def test_a_key_that_another_tool_put_under_a_passphrase_is_used(tmp_path: Path) -> None:
    content = pem(private_key("a"), serialization.BestAvailableEncryption(PASSPHRASE))
    path = stored(tmp_path, content)
    signer = load_signer("a", path, passphrase_file=secret_file(tmp_path))
    assert signer.jwk.x == Signer("a", private_key("a")).jwk.x


def test_openssl_opens_what_we_protect(tmp_path: Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl on this machine")
    generate("cert-aq", tmp_path, passphrase=PASSPHRASE)
    done = subprocess.run(  # noqa: S603  a tool of the tests
        [
            program, "pkey", "-in", str(tmp_path / "cert-aq.key"),
            "-passin", f"file:{secret_file(tmp_path)}", "-noout", "-text",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )  # fmt: skip
    assert "ED25519 Private-Key" in done.stdout, done.stderr


def test_a_wrong_passphrase_is_said_and_not_quoted(tmp_path: Path) -> None:
    generate("cert-aq", tmp_path, passphrase=PASSPHRASE)
    wrong = secret_file(tmp_path, b"wrong horse battery")
    with pytest.raises(ConfigError, match="does not open") as caught:
        load_signer("cert-aq", tmp_path / "cert-aq.key", passphrase_file=wrong)
    assert "horse" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_service_that_has_no_passphrase_refuses_to_start(tmp_path: Path) -> None:
    generate("cert-aq", tmp_path, passphrase=PASSPHRASE)
    with pytest.raises(ConfigError, match="key_passphrase_file"):
        load_signer("cert-aq", tmp_path / "cert-aq.key")


def test_a_passphrase_for_a_key_that_needs_none_is_refused(tmp_path: Path) -> None:
    generate("cert-aq", tmp_path)
    file = secret_file(tmp_path)
    with pytest.raises(ConfigError, match="under no passphrase"):
        load_signer("cert-aq", tmp_path / "cert-aq.key", passphrase_file=file)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_passphrase_that_others_may_read_is_not_used(
    tmp_path: Path, mode: int
) -> None:
    generate("cert-aq", tmp_path, passphrase=PASSPHRASE)
    file = secret_file(tmp_path)
    file.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_signer("cert-aq", tmp_path / "cert-aq.key", passphrase_file=file)


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"x" * 1025])
def test_a_secret_is_one_line(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError, match="one line"):
        read_line(secret_file(tmp_path, content))


def test_a_short_passphrase_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="12 characters"):
        generate("cert-aq", tmp_path / "keys", passphrase=b"x" * 11)
    assert not (tmp_path / "keys").exists()


def test_a_person_is_asked_at_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("piped\n"))
    with pytest.raises(ConfigError, match="no terminal"):
        asking.ask("passphrase: ")


def test_what_is_typed_at_a_terminal_is_the_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    typed = iter(["long enough words", "long enough words", "one", "two", ""])
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    assert asking.new_passphrase(None, wanted=True) == b"long enough words"
    with pytest.raises(ConfigError, match="two different"):
        asking.new_passphrase(None, wanted=True)
    with pytest.raises(ConfigError, match="nothing was typed"):
        asking.ask("passphrase: ")
    assert asking.new_passphrase(None, wanted=False) is None
    assert asking.new_passphrase(secret_file(tmp_path), wanted=True) == PASSPHRASE


def test_the_command_makes_and_uses_a_key_under_a_passphrase(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: object) -> tuple[int, str]:
        code = command.run([str(each) for each in arguments])
        return code, capfd.readouterr().err

    file = secret_file(tmp_path)
    make = ("keygen", "--org", "cert-aq", "--out", tmp_path, "--passphrase-file", file)
    assert run(*make)[0] == 0
    assert run(*make)[0] == 2
    assert run(*make, "--next")[0] == 0
    sign = ("sign", SAMPLES / "election-leak.json", "--issuer", "cert-aq")
    for name in ("cert-aq", "cert-aq.2"):
        mine = (*sign, "--key", tmp_path / f"{name}.key", "-o", tmp_path / "t")
        code, said = run(*mine)
        assert (code, "no terminal" in said) == (2, True)
        assert run(*mine, "--passphrase-file", file)[0] == 0
        jwk = tmp_path / f"{name}.jwk"
        assert run("verify", tmp_path / "t", "--jwk", jwk)[0] == 0


def test_no_signer_is_made_of_a_key_of_another_curve() -> None:
    with pytest.raises(ValueError, match="neither an Ed25519 nor a P-256 key"):
        Signer("cert-aq", ec.derive_private_key(7, ec.SECP384R1()))


def spellings(secret: bytes) -> set[str]:
    return {
        secret.hex(),
        str(int.from_bytes(secret, "big")),
        base64url.encode(secret).decode(),
    }


@pytest.mark.parametrize(
    ("signer", "secret"),
    [
        pytest.param(CERT, private_key("cert-aq").private_bytes_raw(), id="EdDSA"),
        pytest.param(EC_CERT, (0xC0FFEE).to_bytes(32, "big"), id="ES256"),
    ],
)
def test_a_signer_does_not_show_its_key(signer: Signer, secret: bytes) -> None:
    assert not hasattr(signer, "__dict__")
    shown = repr(signer) + str(signer) + repr(signer._sign) + repr(signer.jwk)
    assert not [text for text in spellings(secret) if text in shown]
    assert "d" not in msgspec.json.decode(msgspec.json.encode(signer.jwk))


# -- ES256 from one end to the other


MEMBER_FILE = msgspec.json.encode(member(EC_CERT))
EC_DIRECTORY = build([decode_member(MEMBER_FILE, "cert-aq.json")])


def test_a_record_signed_with_es256_is_believed_whole_and_cut() -> None:
    signed = token(by=EC_CERT)
    header = json.loads(base64url.decode(signed.partition(b".")[0]))
    assert header == {"alg": "ES256", "kid": EC_CERT.kid, "typ": TYP}
    for known in (EC_DIRECTORY, single_key("cert-aq", EC_CERT.jwk)):
        whole = trust.verify(signed, known, now=NOW)
        assert (whole.kid, whole.complete) == (EC_CERT.kid, True)
        for step in (2, 3):
            kept = range(0, len(whole.opened.disclosures), step)
            less = trust.verify(sdjwt.withhold(whole.opened, kept), known, now=NOW)
            assert not less.complete
            assert less.token_id == whole.token_id


def test_one_flipped_bit_of_an_es256_record_is_refused() -> None:
    signed = token(by=EC_CERT)
    end = signed.index(b"~")
    for place in (signed.index(b".") + 5, end - 80, end - 5):
        other = b"B" if signed[place : place + 1] == b"A" else b"A"
        changed = signed[:place] + other + signed[place + 1 :]
        with pytest.raises(TrustError) as caught:
            trust.verify(changed, EC_DIRECTORY, now=NOW)
        assert caught.value.reason == "signature"


@pytest.mark.parametrize(
    ("signer", "alg"),
    [
        *((CERT, alg) for alg in ("ES256", "none", "HS256", "ES384", "Ed448", "")),
        *((EC_CERT, alg) for alg in ("EdDSA", "Ed25519", "none", "HS256", "ES256K")),
    ],
)
def test_a_key_signs_nothing_under_the_name_of_another_algorithm(
    signer: Signer, alg: str
) -> None:
    known = build([member(signer)])
    header = {"alg": alg, "kid": signer.kid, "typ": TYP}
    secrets = [
        signer.sign,  # what the key itself would sign
        lambda data: hmac.digest(signer.jwk.x.encode(), data, hashlib.sha256),
        lambda _: b"",
    ]
    for sign in secrets:
        with pytest.raises(TrustError) as caught:
            trust.verify(forged(header, sign), known, now=NOW)
        assert caught.value.reason == "alg"


class Pen:
    def __init__(self, sign: Callable[[bytes], bytes]) -> None:
        self.sign = sign


def forged(header: dict[str, str], sign: Callable[[bytes], bytes]) -> bytes:
    return forge({}, header=header, key=Pen(sign))


def test_a_signature_by_the_other_kind_of_key_does_not_hold() -> None:
    # Header and directory agree, the signature is by the key of the other.
    for signer, other in ((CERT, EC_CERT), (EC_CERT, CERT)):
        header = {"alg": signer.alg, "kid": signer.kid, "typ": TYP}
        with pytest.raises(TrustError) as caught:
            trust.verify(forged(header, other.sign), build([member(signer)]), now=NOW)
        assert caught.value.reason == "signature"


def test_a_key_of_either_kind_may_stand_beside_the_other() -> None:
    known = build([member(keys=(key_entry(CERT), key_entry(EC_CERT)))])
    for signer in (CERT, EC_CERT):
        assert trust.verify(token(by=signer), known, now=NOW).kid == signer.kid
    with pytest.raises(TrustError) as caught:
        trust.verify(token(by=EC_CERT), DIRECTORY, now=NOW)
    assert caught.value.reason == "unknown-key"


# -- a second signature


def reminted(signed: bytes) -> bytes:
    """Give *signed* the other signature that anybody can make: s becomes n - s."""
    jwt, tilde, texts = signed.partition(b"~")
    body, _, signature = jwt.rpartition(b".")
    raw = base64url.decode(signature)
    s = P256.group_order - int.from_bytes(raw[32:], "big")
    return (
        body + b"." + base64url.encode(raw[:32] + s.to_bytes(32, "big")) + tilde + texts
    )


def test_a_second_signature_is_believed_and_names_the_same_token() -> None:
    first = token(by=EC_CERT)
    second = reminted(first)
    assert first != second
    assert reminted(second) == first
    assert sdjwt.token_id(first) == sdjwt.token_id(second)
    ids = {trust.verify(t, EC_DIRECTORY, now=NOW).token_id for t in (first, second)}
    assert ids == {sdjwt.token_id(first)}


async def test_a_gate_with_es256_passes_a_reminted_record_on_once(
    tmp_path: Path,
) -> None:
    feed = issuing.Feed()
    feed.signer = EC_CERT
    signed = feed.sign(record := issuing.draft())
    known = issuing.directory(
        issuing.member("cert-aq", keys=(key_entry(EC_CERT),)),
        issuing.service("hub", keys=(key_entry(EC_HUB),)),
    )
    queue = issuing.ADAPTER_QUEUES[0]
    async with open_embedded(None, issuing.PLACE) as broker:
        bus = broker.login("gate")
        async with issuing.running_gate(bus, tmp_path, known=known, by=EC_HUB):
            for each in (signed, reminted(signed), signed):
                message = feed.pack(each, record)
                await broker.login("cert-aq").publish("tocsin.ingress", message)
            reader = broker.login("adapter-main")
            arrived = await issuing.take(reader, queue, 1)
            assert await issuing.rest(reader, queue) == []
            assert await issuing.rest(broker.login("operator"), "tocsin.dead") == []
    assert [each.message_id for each in arrived] == [sdjwt.token_id(signed)]


# -- what else a key signs


def test_a_receipt_is_signed_with_es256() -> None:
    seen = Seen(Stamp(token="t", seen=NOW, pos=1, prev="", link="l"), "")
    signed = receipts.receipt(
        cut(sample("election-leak"), CIVIL), seen, EC_HUB, now=NOW
    )
    body, _, signature = signed.rpartition(b".")
    assert json.loads(base64url.decode(body.partition(b".")[0]))["alg"] == "ES256"
    key = PublicKey(EC_HUB.jwk)
    assert key.verify(base64url.decode(signature), body)
    assert not key.verify(base64url.decode(signature), body + b"x")


def test_the_command_makes_and_uses_keys_of_es256(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: object) -> tuple[int, Any]:
        code = command.run([str(each) for each in arguments])
        return code, capfd.readouterr()

    keys, signed, less = tmp_path / "keys", tmp_path / "t", tmp_path / "less"
    jwk = ("--jwk", keys / "cert-aq.jwk")
    make = ("keygen", "--org", "cert-aq", "--out", keys, "--json", "--alg")
    assert run(*make, "RS256")[0] == 2
    made = run(*make, "ES256")
    kid = json.loads(made[1].out)["kid"]
    assert json.loads((keys / "cert-aq.jwk").read_text())["crv"] == "P-256"
    sign = ("sign", SAMPLES / "election-leak.json", "--key", keys / "cert-aq.key")
    assert run(*sign, "--issuer", "cert-aq", "-o", signed)[0] == 0
    code, told = run("verify", signed, *jwk, "--json")
    assert (code, json.loads(told.out)["key"]) == (0, kid)
    cut_for = ("--audience", "platform", "--evidence", less)
    assert run("redact", signed, *jwk, *cut_for)[0] == 0
    assert run("verify", less, *jwk)[0] == 0
