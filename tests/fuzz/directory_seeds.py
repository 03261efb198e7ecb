"""Where a fuzzer begins with `tests.fuzz.directories`: entries, metadata, requests."""

import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

from broker import directory_proposal, directory_publication
from broker.directory import Member, SealingEntry
from broker.directory_change import Change
from broker.directory_roles import Keyring
from broker.seal_keys import PrivateSealingKey, SealingJwk
from broker.welcome import Broker, DirectoryPlace, Welcome
from tests.fuzz.building import CANARY
from tests.fuzz.certified import CA_BODY, LEAF_BODY, REQUEST_BODY
from tests.fuzz.directories import OWN
from tests.fuzz.standins import FOUNDED, KNOWN, PUBLISHED
from tests.support.directories import keyring
from tests.support.issuing import service
from tests.support.records import CERT, MODIFIED, NOW, member
from tests.vectors import sealed

_FROM, _UNTIL = "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"
WORDS: Final = frozenset(
    name
    for kind in (Member, SealingEntry, SealingJwk, Keyring, Change, Welcome, Broker,
                 DirectoryPlace)
    for name in kind.__struct_fields__
) | {"_type", "spec_version", "expires", "signed", "signatures", "keyid", "sig",
     "keyids", "keyval", "public", "scheme", "keytype", "roles", "delegations",
     "targets", "hashes", "sha256", "length", "meta", "paths", "path_hash_prefixes",
     "terminating", "succinct_roles", "x-tocsin-party", "consistent_snapshot",
     "suspensions", "@csr", "@leaf", "@ca"}  # fmt: skip


def _sealing(*, hybrid: bool) -> SealingEntry:
    own = sealed.private("cert-aq")
    seed = MLKEM768PrivateKey.from_seed_bytes(bytes(64))
    made = PrivateSealingKey("cert-aq", (seed, own) if hybrid else own)
    return SealingEntry(made.jwk, _FROM, _UNTIL)


def entries() -> Iterator[bytes]:
    """Give entries, suspensions, changes and a proposal, good ones and others."""
    entry = msgspec.to_builtins(member())
    yield _spelled(entry)
    yield _spelled(entry | {"suspended": {"since": MODIFIED, "reason": CANARY}})
    yield _spelled(entry | {"keys": entry["keys"] * 2})
    yield _spelled(entry | {CANARY: 1})
    for hybrid in (False, True):
        own = msgspec.to_builtins(_sealing(hybrid=hybrid))
        yield _spelled(entry | {"sealing": [own]})
        yield _spelled(entry | {"sealing": [own, own]})
    own["revoked_at"] = MODIFIED
    yield _spelled(entry | {"sealing": [own], "exercise": True, "clearance": "RED"})
    hub = msgspec.to_builtins(service())
    yield b"v" + _spelled(hub)
    yield b"v" + _spelled(hub | {"keys": hub["keys"] * 2})
    yield b"v" + _spelled(hub | {"org": CANARY})
    held = {"org": "cert-aq", "reason": CANARY, "since": MODIFIED}
    yield b"s" + _spelled({"suspensions": [held]})
    yield b"s" + _spelled({"suspensions": [held, held]})
    yield b"s" + _spelled({"suspensions": [held | {"kid": CERT.kid}]})
    keys = msgspec.to_builtins(keyring())
    other = entry | {"kinds": [], "exercise": True}
    for change in (
        {"files": {"members/cert-aq.json": _spelled(other).decode()}},
        {"removed": ["members/cert-aq.json"]},
        {"renew": True},
        {"keys": keys | {"threshold": 3}},
        {"keys": keys | {"online": keys["groups"]["industry"]}},
        {"keys": keys | {"suspending": {}}},
        {"files": {"suspensions/hub.json": _spelled({"suspensions": [held]}).decode()}},
        {"files": {CANARY: ""}},
        {"removed": [CANARY]},
    ):
        yield b"c" + _spelled(change)
    yield b"p" + directory_proposal.encode(FOUNDED.propose(Change(renew=True)))


def repositories() -> Iterator[bytes]:
    """Give files of metadata: later versions, others' roles, numbers, odd values."""
    yield b""
    online = PUBLISHED.keys["online"]
    made = directory_publication.refreshed(KNOWN, online, now=FOUNDED.now)
    yield b"\n".join(_line(each.path, each.data) for each in made)
    yield b"\n".join(b"=%s\t%s" % (each.path.encode(), each.data) for each in made)
    for path in sorted(PUBLISHED.files):
        if path.startswith("metadata/"):
            yield _line(path, PUBLISHED.files[path])
    root = PUBLISHED.files["metadata/2.root.json"]
    yield _line("metadata/3.root.json", root.replace(b'"version": 2', b'"version": 3'))
    yield _line("metadata/2.targets.json", PUBLISHED.files["metadata/3.targets.json"])
    name = "metadata/timestamp.json"
    yield _line(name, PUBLISHED.files[name], x=1.5)
    yield _line(name, PUBLISHED.files[name], version=2**63)
    yield _line(name, PUBLISHED.files[name], expires="9999-12-31T23:59:59Z")
    yield _line(name, PUBLISHED.files[name], version=5, snapshot_meta={"version": 4})
    old = PUBLISHED.files["metadata/1.targets.json"]
    yield _line("metadata/1.targets.json", old, x=1.5)
    targets = PUBLISHED.files["metadata/2.targets.json"]
    yield _line("metadata/2.targets.json", targets, delegations=None)
    succinct = {"keyids": [], "threshold": 1, "bit_length": 32, "name_prefix": "s"}
    yield _line("metadata/2.targets.json", targets,
                delegations={"keys": {}, "succinct_roles": succinct})  # fmt: skip
    yield b"=pinned\t" + PUBLISHED.files["metadata/2.root.json"]
    yield b"=pinned\t" + targets


def _line(path: str, metadata: bytes, **changes: Any) -> bytes:
    signed = json.loads(metadata)["signed"]
    signed |= {k: v for k, v in changes.items() if v is not None}
    for name, value in changes.items():
        if value is None:
            del signed[name]
    return b"\t".join([path.encode(), _spelled(signed)])


def requests() -> Iterator[bytes]:
    """Give requests to join, good ones and others."""
    entry = msgspec.to_builtins(member())
    claims = {"v": 1, "iat": NOW, "member": entry, "csr": "@csr"}
    sealing = [msgspec.to_builtins(_sealing(hybrid=False))]
    asked = {"sealing": sealing, "contacts": [CANARY], "languages": ["en"]}
    for change in (
        {},
        {"member": entry | asked},
        {"member": entry | {"sealing": sealing * 2}},
        {"member": entry | {"org": "guest"}},
        {"member": entry | {"suspended": {"since": MODIFIED, "reason": CANARY}}},
        {"member": entry | {"keys": entry["keys"] * 2}},
        {"csr": CANARY},
        {"v": 2},
        {CANARY: 1},
    ):
        yield b"\n".join([b"", _spelled(claims | change), REQUEST_BODY])
    for good, wrong in ((b"cert-aq", b"cert-bq"), (b"cert", b"\xff\xff\xff\xff")):
        yield b"\n".join([b"", _spelled(claims), REQUEST_BODY.replace(good, wrong)])
    yield _spelled({"join": "e30.e30.AA"})


def answers() -> Iterator[bytes]:
    """Give answers of the hub, good ones and others."""
    said = {
        "v": 1,
        "org": "cert-aq",
        "request": OWN.digest,
        "thumbprint": OWN.thumbprint,
        "hub": "Hub",
        "broker": {"url": "amqps://hub.example:5671/", "ca": "@ca"},
        "certificate": "@leaf",
        "directory": {"url": "https://hub.example/directory", "root": "{}"},
    }
    for change in (
        {},
        {"v": 2},
        {"org": "cert-bv"},
        {"hub": CANARY + "\x00"},
        {"certificate": CANARY},
        {"broker": {"url": "amqps://[::1]:99999/", "ca": "@ca"}},
        {"directory": {"url": "file:///srv/directory", "root": "{}"}},
    ):
        yield b"\n".join([b"", _spelled({"welcome": said | change}), LEAF_BODY])
    for good, wrong in ((b"cert-aq", b"cert-bq"), (b"cert", b"\xff\xff\xff\xff"),
                        (b"261101", b"270101")):  # fmt: skip
        body = LEAF_BODY.replace(good, wrong)
        yield b"\n".join([b"", _spelled({"welcome": said}), body])
    yield b"\n".join([b"\t" + _spelled({"welcome": said}), CA_BODY])


def _spelled(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
