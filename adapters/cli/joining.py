"""join, start: how an organisation asks to be a member, and begins as one."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from cyclopts import Parameter

from adapters.cli import show
from adapters.cli.asking import PassphraseOption, new_passphrase, signer_of
from adapters.cli.load import need_org, read_file, write_new
from broker import certificates, join_request, welcome
from broker.directory import Audience, KeyEntry, Member, SealingEntry
from broker.errors import ConfigError, TrustError
from broker.seal_key_files import generate_sealing_key
from broker.seal_keys import SealingKind
from broker.signers import Alg, Signer, generate, read_secret
from schemas import timestamps
from schemas.markings import Tlp
from schemas.record import ALL_COMMUNITY, Kind

_DONE = 0  # the exit code, as in adapters.cli.main
_YEAR_S = 366 * 86_400
_SEALING: Final[dict[str, SealingKind]] = {
    "x25519": "X25519",
    "hybrid": "MLKEM768-X25519",
}
# Who publishes must be able to say that it was wrong (DESIGN.md 7).
_ALWAYS_ALONG: tuple[Kind, ...] = ("correction", "retraction")

TlpWord = Annotated[str | None, Parameter(name="--clearance")]


def join(
    *,
    org: str,
    name: str,
    country: str,
    audience: Audience,
    contact: tuple[str, ...],
    out: Path,
    publishes: tuple[str, ...] = (),
    clearance: TlpWord = None,
    language: tuple[str, ...] = (),
    community: tuple[str, ...] = (ALL_COMMUNITY,),
    jurisdiction: str = "",
    exercise: bool = False,
    years: int = 2,
    alg: Alg = "EdDSA",
    key: str | None = None,
    passphrase: bool = False,
    passphrase_file: PassphraseOption = None,
    sealing: Literal["x25519", "hybrid", "none"] = "x25519",
    json: bool = False,
) -> int:
    """Ask to become a member: makes your keys, and one file for the hub.

    Writes into OUT: ORG.key, ORG.sealing.key and ORG.tls.key (private, mode 0600),
    ORG.jwk, ORG.sealing.jwk, and ORG.join.json, which you send to the hub. Nothing in that is secret.

    Args:
        org: Short name: 2 to 41 lower case letters, digits and hyphens.
        name: Name for people.
        country: Two capital letters (ISO 3166-1).
        audience: What you ask to be treated as.
        contact: How to reach you; may be given several times.
        out: Folder for keys, request, and later the configuration.
        publishes: Kinds of records you ask to publish: incident,campaign,...;
            corrections and retractions come along. Not given: you only receive.
        clearance: Highest TLP you ask for; that of the audience if not given.
        language: Languages you read (en, fr, ...).
        community: Communities you ask to be part of (URN).
        jurisdiction: Whose law binds you.
        exercise: You ask to practise first: exercise records only, both ways.
        years: How long the signing key is to be valid, at most 3.
        alg: EdDSA, or ES256 where a key store knows P-256 only.
        key: A signing key that you have: a file, or pkcs11:...; else one is made.
        passphrase: Ask for a passphrase, and put the new key under it.
        passphrase_file: File (mode 0600) with the passphrase of the key.
        sealing: Key that others seal to, for what not even the hub may read; hybrid:
            ML-KEM-768 and X25519.
        json: Print JSON.
    """
    need_org(org)
    if not 1 <= years <= 3:
        raise ConfigError("a signing key is valid for 1 to 3 years")
    if not contact:
        raise ConfigError("say with --contact how the hub can reach you")
    target = out / f"{org}.join.json"
    if target.exists():
        raise ConfigError(f"{target} exists already: send that, or take another folder")
    asked = {
        "org": org,
        "name": name,
        "country": country,
        "audience": audience,
        "languages": language,
        "communities": community,
        "jurisdiction": jurisdiction,
        "kinds": _kinds(publishes),
        "contacts": contact,
        "exercise": exercise,
    }
    if clearance is not None:
        asked["clearance"] = _clearance(clearance)
    entry = _entry(asked)  # before a key is made
    signer = _signer(org, out, alg, key, passphrase_file, wanted=passphrase)
    tls = certificates.make_request(org)
    now = int(time.time())
    times = _times(now, years)
    member = msgspec.structs.replace(
        entry,
        keys=(KeyEntry(signer.jwk, *times),),
        sealing=_sealing(org, out, sealing, times),
    )
    made = join_request.make(member, tls.public, signer, now=now)
    write_new(out / f"{org}.tls.key", tls.key, private=True)
    write_new(target, made)
    _tell_request(join_request.read(made), out, target, key=key, as_json=json)
    return _DONE


def _kinds(publishes: tuple[str, ...]) -> tuple[str, ...]:
    named = [word for text in publishes for word in text.split(",") if word]
    return tuple(dict.fromkeys([*named, *(_ALWAYS_ALONG if named else ())]))


def _clearance(text: str) -> str:
    try:
        return Tlp.parse(text).label
    except ValueError:
        raise ConfigError(
            "a clearance is CLEAR, GREEN, AMBER, AMBER+STRICT or RED"
        ) from None


def _entry(asked: dict[str, object]) -> Member:
    try:
        return msgspec.convert(asked, Member)
    except msgspec.ValidationError as error:
        # What stands there was typed just now, by whoever reads this.
        raise ConfigError(f"this cannot be asked for: {error}") from None


def _signer(
    org: str,
    out: Path,
    alg: Alg,
    key: str | None,
    passphrase_file: Path | None,
    *,
    wanted: bool,
) -> Signer:
    if key is not None:
        return signer_of(org, key, passphrase_file)
    secret = new_passphrase(passphrase_file, wanted=wanted)
    return generate(org, out, alg, passphrase=secret)


def _times(now: int, years: int) -> tuple[str, str]:
    # An hour back: the hub's clock may be behind, and nothing was signed before.
    begin, end = now - 3600, now + years * _YEAR_S
    return timestamps.from_epoch(begin), timestamps.from_epoch(end)


def _sealing(
    org: str, out: Path, kind: str, times: tuple[str, str]
) -> tuple[SealingEntry, ...]:
    if kind == "none":
        return ()
    made = generate_sealing_key(org, out, _SEALING[kind])
    return (SealingEntry(made.jwk, *times),)


def _tell_request(
    made: join_request.Request,
    out: Path,
    target: Path,
    *,
    key: str | None,
    as_json: bool,
) -> None:
    org = made.member.org
    if as_json:
        show.json_line(
            {
                "ok": True,
                "request": str(target),
                "kid": made.kid,
                "fingerprint": made.fingerprint,
            }
        )
        return
    secret = [f"{org}.tls.key"]
    secret += [f"{org}.sealing.key"] if made.member.sealing else []
    secret += [f"{org}.key"] if key is None else []
    show.line(f"send {target} to the operator of the hub; nothing in it is secret")
    show.line(
        f"keep {', '.join(str(out / name) for name in secret)} to yourself: nobody "
        "will ask you for them; back them up"
    )
    show.line("read this to the hub over a telephone number that you knew before:")
    show_fingerprint(made.fingerprint)
    show.line(
        f"when {org}.welcome.json comes back: tocsin start {org}.welcome.json "
        f"--folder {out}"
    )


def start(
    file: Path,
    /,
    *,
    folder: Path,
    fingerprint: str | None = None,
    key: str | None = None,
    json: bool = False,
) -> int:
    """Begin as a member: unpacks the hub's answer beside your keys.

    Without --fingerprint it shows what came, and writes nothing. Compare the
    fingerprint with the hub over another channel (telephone, or in person), then type
    it again with what they read to you.

    Args:
        file: ORG.welcome.json, as the hub sent it.
        folder: Where tocsin join wrote your keys and the request.
        fingerprint: What the hub read to you; spaces do not matter.
        key: Your signing key, if tocsin join did not make it.
        json: Print JSON.
    """
    data = read_file(file, welcome.MAX_BYTES)
    found = welcome.read(data)
    own = join_request.read(
        read_file(folder / f"{found.org}.join.json", join_request.MAX_BYTES)
    )
    tls_key = read_secret(folder / f"{found.org}.tls.key")
    welcome.check(found, own, tls_key, now=datetime.now(UTC))
    computed = welcome.fingerprint(data)
    if fingerprint is None:
        _tell_welcome(found, computed)
        raise ConfigError(
            "nothing is written yet: compare the fingerprint with the hub over another "
            "channel, then type the same with --fingerprint and what they read"
        )
    if not welcome.is_same(fingerprint, computed):
        raise TrustError("welcome-changed")
    if key is None and not (folder / f"{found.org}.key").is_file():
        raise ConfigError(f"{folder} holds no {found.org}.key; name yours with --key")
    written = _unpack(found, folder, key or f"{found.org}.key")
    config = folder / f"{found.org}.toml"
    if json:
        show.json_line(
            {"ok": True, "config": str(config), "files": [str(w) for w in written]}
        )
    else:
        show.line(f"{config} is ready; now type: tocsin doctor --config {config}")
    return _DONE


def _unpack(found: welcome.Welcome, folder: Path, key: str) -> list[Path]:
    """Write all files of a welcome; if one is there already, none."""
    org = found.org
    files = {
        f"{org}.ca.pem": found.broker.ca,
        f"{org}.tls.pem": found.certificate,
        f"{org}.toml": welcome.configuration(found, key=key),
    }
    if isinstance(found.directory, welcome.DirectoryPlace):
        files[f"{org}.root.json"] = found.directory.root
    paths = {folder / name: text for name, text in files.items()}
    for path in paths:
        if path.exists():
            raise ConfigError(f"{path} exists already and is not overwritten")
    for path, text in paths.items():
        write_new(path, text.encode())
    return list(paths)


def _tell_welcome(found: welcome.Welcome, computed: str) -> None:
    issued = certificates.facts(found.certificate.encode())
    show.line(f"this is the answer of {found.hub} to the request of {found.org}")
    show.line(f"broker: {found.broker.url}")
    until = timestamps.from_epoch(issued.not_after.timestamp())
    show.line(f"certificate: of {issued.name}, valid until {until}")
    if isinstance(found.directory, welcome.DirectoryPlace):
        root = welcome.fingerprint(found.directory.root.encode())
        show.line(f"directory: {found.directory.url}, root with the fingerprint")
        show_fingerprint(root)
        show.line("which the stakeholder groups publish; and the whole answer has")
    else:
        show.line("the whole answer has the fingerprint")
    show_fingerprint(computed)


def show_fingerprint(text: str) -> None:
    """Print 16 groups in four lines, as people read them to each other."""
    groups = text.split(" ")
    for at in range(0, len(groups), 4):
        show.line("    " + " ".join(groups[at : at + 4]))
