"""Keys in tokens, against SoftHSM: they sign as files do, and never leave.

Faults of a token that SoftHSM cannot have (it is not pulled out, and locks no PIN) are
put between it and us.
"""

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from pkcs11 import exceptions as faults

from adapters.cli import main as command
from adapters.config import GateConfig, load
from broker import base64url, hsm, key_uri, sdjwt, trust
from broker.directory import single_key
from broker.errors import ConfigError
from broker.keys import PublicKey
from broker.signers import Alg, Signer, generate_in_token, load_signer
from tests.support.directory_groups import entry, founded
from tests.support.node import Libraries, running_libraries
from tests.support.other_libraries import ALL, reader
from tests.support.records import CERT, NOW, SAMPLES, token
from tests.support.softhsm import PIN, SoftHsm

BOTH = pytest.mark.parametrize("alg", ["EdDSA", "ES256"])


@pytest.fixture(scope="module")
def signers(
    softhsm: SoftHsm, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Signer]:
    """One key of each kind, made in the token."""
    folder = tmp_path_factory.mktemp("keys")
    made = {}
    for alg in ("EdDSA", "ES256"):
        public = folder / f"{alg}.jwk"
        made[alg] = generate_in_token("cert-aq", softhsm.uri(alg), public, alg)
        assert json.loads(public.read_bytes())["kid"] == made[alg].kid
    return made


@pytest.fixture(scope="module")
def node() -> Iterator[Libraries]:
    with running_libraries() as running:
        yield running


@BOTH
def test_a_key_in_a_token_signs_as_one_in_a_file(
    softhsm: SoftHsm, signers: dict[str, Signer], alg: Alg
) -> None:
    signer = load_signer("cert-aq", softhsm.uri(alg))
    assert (signer.kid, signer.alg) == (signers[alg].kid, alg)
    signature = signer.sign(b"data")
    assert len(signature) == 64
    assert PublicKey(signer.jwk).verify(signature, b"data")
    assert not PublicKey(signer.jwk).verify(signature, b"other data")


@BOTH
def test_a_record_that_a_token_signed_is_believed_by_us_and_by_other_libraries(
    signers: dict[str, Signer], node: Libraries, alg: Alg
) -> None:
    signer = signers[alg]
    signed = token(by=signer)
    whole = trust.verify(signed, single_key("cert-aq", signer.jwk), now=NOW)
    assert whole.complete
    kept = range(0, len(whole.opened.disclosures), 2)
    read = reader(node, now=NOW)
    for each in (signed, sdjwt.withhold(whole.opened, kept)):
        for library in ALL:
            assert read(library, each, signer.jwk)["sub"] == whole.claims.sub


@BOTH
def test_the_private_key_does_not_leave_its_token(
    softhsm: SoftHsm, signers: dict[str, Signer], alg: Alg
) -> None:
    assert signers[alg].alg == alg
    place = hsm._Place(key_uri.parse(softhsm.uri(alg)), lambda _: PIN)
    with place.used() as session:
        [key] = hsm._found(session, place._uri, "PRIVATE_KEY")
        assert key[pkcs11.Attribute.SENSITIVE] is True
        assert key[pkcs11.Attribute.EXTRACTABLE] is False
        assert key[pkcs11.Attribute.NEVER_EXTRACTABLE] is True
        with pytest.raises(faults.AttributeSensitive):
            key[pkcs11.Attribute.VALUE]


def test_a_key_in_a_token_is_not_overwritten(
    softhsm: SoftHsm, signers: dict[str, Signer], tmp_path: Path
) -> None:
    assert signers
    with pytest.raises(ConfigError, match="exists already"):
        generate_in_token("cert-aq", softhsm.uri("EdDSA"), tmp_path / "a.jwk")
    assert not (tmp_path / "a.jwk").exists()
    (tmp_path / "b.jwk").touch()
    with pytest.raises(ConfigError, match="--next"):
        generate_in_token("cert-aq", softhsm.uri("never-made"), tmp_path / "b.jwk")
    with pytest.raises(ConfigError, match="no private key"):
        load_signer("cert-aq", softhsm.uri("never-made"))


def test_a_new_key_needs_a_name(softhsm: SoftHsm, tmp_path: Path) -> None:
    uri = softhsm.uri("x").replace("object=x", "id=%01")
    with pytest.raises(ConfigError, match="object="):
        generate_in_token("cert-aq", uri, tmp_path / "a.jwk")


def test_a_key_may_be_named_by_its_id(
    softhsm: SoftHsm, signers: dict[str, Signer], tmp_path: Path
) -> None:
    assert signers
    uri = softhsm.uri("by-id;id=%0a%ff")
    made = generate_in_token("cert-aq", uri, tmp_path / "a.jwk")
    found = load_signer("cert-aq", uri.replace("object=by-id;", ""))
    assert found.kid == made.kid


def test_threads_take_turns(softhsm: SoftHsm, signers: dict[str, Signer]) -> None:
    several = [load_signer("cert-aq", softhsm.uri(alg)) for alg in ("EdDSA", "ES256")]
    several += signers.values()
    wrong: list[bytes] = []

    def sign(number: int) -> None:
        signer = several[number % len(several)]
        for count in range(10):
            data = b"%d/%d" % (number, count)
            if not PublicKey(signer.jwk).verify(signer.sign(data), data):
                wrong.append(data)

    threads = [
        threading.Thread(target=sign, args=(number,), daemon=True)
        for number in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=60)
    assert not any(each.is_alive() for each in threads)
    assert wrong == []


# ------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("token=one", "token=none", "no such token"),
        ("object=EdDSA", "object=none", "no private key of that name"),
        ("libsofthsm2.so", "none.so", "no PKCS#11 library"),
    ],
)
def test_what_is_not_there_is_said(
    softhsm: SoftHsm, signers: dict[str, Signer], old: str, new: str, said: str
) -> None:
    assert signers
    with pytest.raises(ConfigError, match=said):
        load_signer("cert-aq", softhsm.uri("EdDSA").replace(old, new))


def test_a_wrong_pin_is_said_and_neither_pin_is(
    softhsm: SoftHsm, tmp_path: Path
) -> None:
    wrong = tmp_path / "pin"
    wrong.write_text("wrong-pin")
    wrong.chmod(0o600)
    uri = softhsm.uri("x", token="other", pin=False) + f"&pin-source={wrong}"
    with pytest.raises(ConfigError, match="PIN is wrong") as caught:
        load_signer("cert-aq", uri)
    assert "wrong-pin" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_pin_that_others_may_read_is_not_used(
    softhsm: SoftHsm, tmp_path: Path
) -> None:
    loose = tmp_path / "pin"
    loose.write_text(PIN)
    loose.chmod(0o640)
    uri = softhsm.uri("x", token="other", pin=False) + f"&pin-source={loose}"
    with pytest.raises(ConfigError, match="chmod 600"):
        load_signer("cert-aq", uri)


def test_without_a_pin_file_a_person_is_asked_and_a_service_refuses(
    softhsm: SoftHsm, tmp_path: Path
) -> None:
    uri = softhsm.uri("asked", token="other", pin=False)
    with pytest.raises(ConfigError, match="pin-source"):
        load_signer("cert-aq", uri)
    asked: list[str] = []

    def ask(prompt: str) -> bytes:
        asked.append(prompt)
        return PIN.encode()

    made = generate_in_token("cert-aq", uri, tmp_path / "a.jwk", ask=ask)
    assert asked == ["PIN of token other: "]
    assert PublicKey(made.jwk).verify(made.sign(b"data"), b"data")


def test_a_passphrase_is_not_for_a_token(softhsm: SoftHsm, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no passphrase"):
        load_signer("cert-aq", softhsm.uri("x"), passphrase_file=tmp_path / "p")


def test_a_public_key_that_belongs_to_another_private_key_is_refused(
    softhsm: SoftHsm, signers: dict[str, Signer], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert signers
    stranger = base64url.decode(str(CERT.jwk.x).encode())
    monkeypatch.setattr(hsm, "_public", lambda *_: ("EdDSA", stranger))
    with pytest.raises(ConfigError, match="does not belong"):
        load_signer("cert-aq", softhsm.uri("EdDSA"))


# ------------------------------------------------------------------ a token that goes


class Faulty:
    """A library whose tokens fail when told to."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.fault: type[Exception] | None = None
        self.times = 0

    def fail(self, fault: type[Exception], times: int = 1) -> None:
        self.fault, self.times = fault, times

    def get_token(self, **facts: Any) -> Any:
        return FaultyToken(self.real.get_token(**facts), self)

    def check(self) -> None:
        if self.fault is not None and self.times:
            self.times -= 1
            raise self.fault


class FaultyToken:
    def __init__(self, real: Any, library: Faulty) -> None:
        self.label = real.label
        self._real = real
        self._library = library

    def open(self, **how: Any) -> Any:
        return FaultySession(self._real.open(**how), self._library)


class FaultySession:
    def __init__(self, real: Any, library: Faulty) -> None:
        self.rw = real.rw
        self.close = real.close
        self._real = real
        self._library = library

    def get_objects(self, wanted: Any) -> Any:
        self._library.check()
        return self._real.get_objects(wanted)


@pytest.fixture
def faulty(
    softhsm: SoftHsm, signers: dict[str, Signer], monkeypatch: pytest.MonkeyPatch
) -> Faulty:
    assert signers  # the module is loaded
    name = str(softhsm.module)
    module = hsm._modules[name]
    for session in module._sessions.values():
        session.close()
    module._sessions.clear()
    library = Faulty(module._library)
    monkeypatch.setitem(hsm._modules, name, hsm._Module(library))
    return library


@pytest.fixture
def signer(softhsm: SoftHsm, faulty: Faulty) -> Iterator[Signer]:
    yield load_signer("cert-aq", softhsm.uri("EdDSA"))
    for session in hsm._modules[str(softhsm.module)]._sessions.values():
        session.close()


@pytest.mark.parametrize(
    "fault",
    [
        faults.SessionHandleInvalid,
        faults.UserNotLoggedIn,
        faults.DeviceRemoved,
        faults.DeviceError,
    ],
)
def test_a_token_that_is_back_signs_again(
    faulty: Faulty, signer: Signer, fault: type[Exception]
) -> None:
    faulty.fail(fault)
    assert PublicKey(signer.jwk).verify(signer.sign(b"data"), b"data")


def test_a_token_that_stays_away_is_said_once_it_was_tried_twice(
    faulty: Faulty, signer: Signer
) -> None:
    faulty.fail(faults.DeviceRemoved, times=9)
    with pytest.raises(ConfigError, match="plug it in") as caught:
        signer.sign(b"data")
    assert faulty.times == 7
    assert "EdDSA in token one" in str(caught.value)
    faulty.times = 0
    assert PublicKey(signer.jwk).verify(signer.sign(b"data"), b"data")


def test_a_locked_token_is_not_tried_again(faulty: Faulty, signer: Signer) -> None:
    faulty.fail(faults.PinLocked, times=9)
    with pytest.raises(ConfigError, match="security officer"):
        signer.sign(b"data")
    assert faulty.times == 8


def test_a_fault_that_nobody_expects_is_named(faulty: Faulty, signer: Signer) -> None:
    faulty.fail(faults.HostMemory, times=9)
    with pytest.raises(ConfigError, match="HostMemory"):
        signer.sign(b"data")


# ------------------------------------------------------------------- by the command


def test_the_command_makes_and_uses_keys_in_tokens(
    softhsm: SoftHsm, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: object) -> tuple[int, str, str]:
        code = command.run([str(each) for each in arguments])
        return code, *capfd.readouterr()

    uri = softhsm.uri("by-command")
    make = ("keygen", "--org", "cert-aq", "--out", tmp_path, "--hsm", uri)
    assert run(*make, "--passphrase")[0] == 2
    code, said, _ = run(*make)
    assert (code, "stays in the token" in said) == (0, True)
    assert [path.name for path in tmp_path.iterdir()] == ["cert-aq.jwk"]
    assert run(*make)[0] == 2
    sign = ("sign", SAMPLES / "election-leak.json", "--issuer", "cert-aq")
    assert run(*sign, "--key", uri, "-o", tmp_path / "t")[0] == 0
    assert run("verify", tmp_path / "t", "--jwk", tmp_path / "cert-aq.jwk")[0] == 0


def test_a_group_decides_on_the_directory_with_a_key_in_a_token(
    softhsm: SoftHsm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "government"
    uri = softhsm.uri("government")
    make = ("keygen", "--org", "government", "--out", str(folder), "--hsm", uri)
    assert command.run([*make]) == 0
    (folder / "key-uri").write_text(uri)
    world = founded(tmp_path, capsys)
    assert not (folder / "government.key").exists()
    proposal = world.groups["industry"].propose("--add", entry(tmp_path, "cert-aq"))
    world.decide(proposal, "government", "civil-society")
    assert "cert-aq" in world.directory().members


def test_a_configuration_names_a_key_in_a_token(tmp_path: Path) -> None:
    config = tmp_path / "gate.toml"
    text = (
        'org = "hub"\ndirectory = "d"\nstate = "s"\narchive = "a"\n'
        'key_passphrase_file = "secret"\n'
        '[broker]\nurl = "amqp://h"\nuser = "u"\npassword_file = "p"\n'
    )
    config.write_text('key = "pkcs11:token=a;object=b?module-path=/x.so"\n' + text)
    assert load(config, GateConfig).key.startswith("pkcs11:token=a")
    config.write_text('key = "hub.key"\n' + text)
    assert load(config, GateConfig).key == str(tmp_path / "hub.key")
    assert load(config, GateConfig).key_passphrase_file == tmp_path / "secret"


# --------------------------------------------------- tokens that SoftHSM is not like


class Key(dict[Any, Any]):
    """An object in a token: attributes, and whether it was destroyed."""

    def __init__(self, key_type: Any = None, **values: Any) -> None:
        super().__init__({pkcs11.Attribute[n]: value for n, value in values.items()})
        self.key_type = key_type
        self.is_destroyed = False

    def destroy(self) -> None:
        self.is_destroyed = True


class Session:
    """A session of a token that holds, or makes, these two."""

    def __init__(self, public: Key, private: Key) -> None:
        self.pair = public, private

    def get_objects(self, wanted: Any) -> list[Key]:
        kind = wanted[pkcs11.Attribute.CLASS]
        return [self.pair[kind == pkcs11.ObjectClass.PRIVATE_KEY]]

    def create_domain_parameters(self, *_: Any, **__: Any) -> "Session":
        return self

    def generate_keypair(self, **_: Any) -> tuple[Key, Key]:
        return self.pair


URI = key_uri.parse("pkcs11:token=t;object=k?module-path=/m.so")


@pytest.mark.parametrize(
    ("extractable", "sensitive"), [(True, True), (False, False), (True, False)]
)
def test_a_token_that_would_give_a_new_key_out_keeps_none(
    extractable: bool, sensitive: bool
) -> None:
    private = Key(EXTRACTABLE=extractable, SENSITIVE=sensitive)
    session = Session(Key(), private)
    with pytest.raises(ConfigError, match="would give the private key out"):
        hsm._generate(session, URI, "EdDSA")
    assert [each.is_destroyed for each in session.pair] == [True, True]


@pytest.mark.parametrize(
    ("kind", "point", "bare"),
    [
        ("EC_EDWARDS", b"\x04\x20" + b"x" * 32, b"x" * 32),
        ("EC_EDWARDS", b"x" * 32, b"x" * 32),
        ("EC", b"\x04\x41\x04" + b"x" * 64, b"\x04" + b"x" * 64),
        ("EC", b"\x04" + b"x" * 64, b"\x04" + b"x" * 64),
        ("EC", b"\x04\x20" + b"x" * 32, None),
        ("EC", b"x" * 32, None),
        ("EC_EDWARDS", b"\x04" + b"x" * 64, None),
        ("EC_EDWARDS", b"\x03\x20" + b"x" * 32, None),
        ("EC_EDWARDS", b"\x04\x39" + b"x" * 57, None),  # Ed448
        ("EC", b"\x04\x61\x04" + b"x" * 96, None),  # P-384
        ("RSA", b"x" * 32, None),
    ],
)
def test_a_public_point_is_read_as_tokens_write_it(
    kind: str, point: bytes, bare: bytes | None
) -> None:
    private = Key(pkcs11.KeyType[kind], ID=b"1")
    session = Session(Key(EC_POINT=point), private)
    if bare is not None:
        alg = "EdDSA" if kind == "EC_EDWARDS" else "ES256"
        assert hsm._public(session, URI) == (alg, bare)
        return
    with pytest.raises(ConfigError, match="neither an Ed25519 nor a P-256 key"):
        hsm._public(session, URI)


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(ConfigError, match=r"tocsin\[hsm\]"):
        load_signer("hub", "pkcs11:token=t;object=k?module-path=/m.so")
