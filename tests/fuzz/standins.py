"""Keys that take every signature, and a directory that holds nothing else.

With them a fuzzer reaches what stands behind the signature. No entry of a real
directory can stand for such a key: it is a JWK, which `PublicKey` checks.
"""

from types import MappingProxyType
from typing import Final

import msgspec
from securesystemslib.signer import CryptoSigner

from broker.directory import Directory, KnownKey, Member, ServiceKey
from broker.directory_change import Change
from broker.directory_roles import tuf_key
from broker.directory_state import State
from broker.keys import PublicKey
from broker.seal_keys import PrivateSealingKey
from broker.signers import Signer
from tests.support.directories import Shelf, keyring, signer, text
from tests.support.issuing import service
from tests.support.records import MODIFIED
from tests.support.tuf_groups import GROUPS, private_key
from tests.vectors import cast, sealed


class AnySignature(PublicKey):
    """A key whose signatures all hold."""

    def __init__(self) -> None:
        self.algorithms = frozenset({"EdDSA", "Ed25519"})
        self.thumbprint = "any"
        self._check = lambda _signature, _data: None


ANY: Final = AnySignature()
SIGNER: Final = cast.Posing(cast.CERT.kid, "EdDSA", lambda _data: bytes(64))
"""Signs as `cert-aq`, as far as these keys can tell."""

OPENER: Final = PrivateSealingKey(sealed.BX, sealed.private(sealed.BX))
"""Opens what is sealed to it, like any key."""


def _known(kid: str, org: str, revoked_at: int | None = None) -> KnownKey:
    start, end = cast.epoch("2026-01-01T00:00:00Z"), cast.epoch("2027-01-01T00:00:00Z")
    return KnownKey(kid, org, ANY, float(start), float(end), revoked_at)


def _member(org: str, *kinds: str) -> Member:
    return Member(
        org=org, name=org, country="XA", audience="peer-cert", kinds=(*kinds,)
    )


_MONITOR = "monitor-veritas"
_MEMBERS = (_member("cert-aq", *cast.KINDS), _member(_MONITOR, "advisory", "feedback"))
_KEYS = (
    _known(cast.CERT.kid, "cert-aq"),
    _known(cast.MONITOR.kid, _MONITOR),
    _known(cast.REVOKED.kid, "cert-cw", cast.REVOKED_AT),
)
_GATE = ServiceKey(_known(cast.HUB.kid, "hub"), frozenset({"gate", "adapter"}))


class Founded(Shelf):
    """Read once: nothing is published in it."""

    def __init__(self) -> None:
        super().__init__()
        self._read = super().state

    @property
    def state(self) -> State:
        return self._read


DIRECTORY: Final = Directory(
    MappingProxyType({member.org: member for member in _MEMBERS}),
    MappingProxyType({known.kid: known for known in _KEYS}),
    MappingProxyType({cast.HUB.kid: _GATE}),
)

FOUNDED: Final = Founded()
"""A directory of one member, and who signs it."""

_LATER: Final = signer("industry, later")


def _published() -> Shelf:
    """Publish a directory four times: a service, another key, a suspension, and bare.

    At last snapshot and timestamp name versions without hashes, so that a fuzzer may
    put other metadata in the place of what they name.
    """
    shelf = Shelf()
    shelf.decide(Change(files={"services/hub.json": text(service())}))
    groups = {**keyring().groups, "industry": _LATER.jwk}
    shelf.decide(Change(keys=keyring(groups=groups)), [*GROUPS, _LATER])
    held = {"org": "cert-aq", "reason": "key stolen", "since": MODIFIED}
    file = msgspec.json.encode({"suspensions": [held]}).decode()
    shelf.decide(Change(files={"suspensions/hub.json": file}), ["hub"])
    state = shelf.state
    for name, metadata, metas in (
        ("timestamp", state.timestamp, [state.timestamp.signed.snapshot_meta]),
        ("4.snapshot", state.snapshot, state.snapshot.signed.meta.values()),
    ):
        for each in metas:
            each.length = each.hashes = None
        metadata.sign(CryptoSigner(private_key("tuf online")))
        shelf.files[f"metadata/{name}.json"] = metadata.to_bytes()
    return shelf


PUBLISHED: Final = _published()
KNOWN: Final = PUBLISHED.state
"""What is published there, read once."""
SIGNERS: Final[dict[str, Signer]] = {
    tuf_key(each.jwk, "").keyid: each for each in (*PUBLISHED.keys.values(), _LATER)
}
"""Everybody who signs, or did."""
