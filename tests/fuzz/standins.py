"""Keys that take every signature, and a directory that holds nothing else.

With them a fuzzer reaches what stands behind the signature. Nothing here can come
into shipped code: `PublicKey` is made of a JWK alone.
"""

from types import MappingProxyType
from typing import Final

from broker.directory import Directory, KnownKey, Member, ServiceKey
from tests.vectors import cast


class AnySignature:
    """Stands for a `PublicKey` whose signatures all hold."""

    algorithms: Final = frozenset({"EdDSA", "Ed25519"})
    thumbprint: Final = "any"

    def verify(self, signature: bytes, data: bytes) -> bool:
        return True


ANY: Final = AnySignature()
SIGNER: Final = cast.Posing(cast.CERT.kid, "EdDSA", lambda _data: bytes(64))
"""Signs as `cert-aq`, as far as these keys can tell."""


def _known(kid: str, org: str) -> KnownKey:
    start, end = cast.epoch("2026-01-01T00:00:00Z"), cast.epoch("2027-01-01T00:00:00Z")
    return KnownKey(kid, org, ANY, float(start), float(end), None)


def _member(org: str, *kinds: str) -> Member:
    return Member(
        org=org, name=org, country="XA", audience="peer-cert", kinds=(*kinds,)
    )


_MONITOR = "monitor-veritas"
_MEMBERS = (_member("cert-aq", *cast.KINDS), _member(_MONITOR, "advisory", "feedback"))
_KEYS = (_known(cast.CERT.kid, "cert-aq"), _known(cast.MONITOR.kid, _MONITOR))
_GATE = ServiceKey(_known(cast.HUB.kid, "hub"), frozenset({"gate"}))

DIRECTORY: Final = Directory(
    MappingProxyType({member.org: member for member in _MEMBERS}),
    MappingProxyType({known.kid: known for known in _KEYS}),
    MappingProxyType({cast.HUB.kid: _GATE}),
)
