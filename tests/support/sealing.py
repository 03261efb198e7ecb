"""Sealing keys of fixed seeds, members that have them, and sealed records."""

import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from adapters import sealing
from broker import seal
from broker.directory import Directory, Member, SealingEntry, build, single_key
from broker.seal_keys import PrivateSealingKey, SealingKey
from broker.seal_signing import Sealed
from broker.signers import Signer
from broker.signing import Address
from schemas.markings import TLP_IDS, Tlp
from tests.support import records
from tests.support.records import CERT, NOW, PLATFORM, address, incident, plain_object
from tests.support.views import POLICY

CANARY = "203.0.113.77"
RED = [TLP_IDS[Tlp.RED]]


def private(org: str, *, hybrid: bool = False, number: int = 1) -> PrivateSealingKey:
    """A sealing key of an organisation, always the same."""
    named = (f"{org} seals {number} {half}" for half in range(2))
    seeds = [hashlib.sha512(name.encode()).digest() for name in named]
    classic = X25519PrivateKey.from_private_bytes(seeds[0][:32])
    if not hybrid:
        return PrivateSealingKey(org, classic)
    return PrivateSealingKey(
        org, (MLKEM768PrivateKey.from_seed_bytes(seeds[1]), classic)
    )


def entry(of: PrivateSealingKey, **changes: Any) -> SealingEntry:
    fields = {
        "jwk": of.jwk,
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2027-01-01T00:00:00Z",
    }
    return SealingEntry(**(fields | changes))


def member(org: str, *, hybrid: bool = False, **changes: Any) -> Member:
    """A member that is cleared for RED and has a sealing key."""
    fields = {
        "clearance": "RED",
        "kinds": (),
        "sealing": (entry(private(org, hybrid=hybrid)),),
    }
    return records.member(records.signer(org), **(fields | changes))


BX, CV = member("cert-bx"), member("cert-cv", hybrid=True)
WATCH = member("watch-civil", audience="civil-society")
HOST = member("host-x", audience="platform")
MEMBERS = (
    records.member(),
    records.member(PLATFORM, audience="platform"),
    BX,
    CV,
    WATCH,
    HOST,
)
DIRECTORY: Directory = build(MEMBERS)


def recipient(org: str, *, hybrid: bool = False) -> seal.Recipient:
    key = private(org, hybrid=hybrid)
    return seal.Recipient(key.kid, SealingKey(key.jwk))


def addressee(member: Member) -> sealing.Addressee:
    known = DIRECTORY.sealing_key(member.org, now=NOW)
    return sealing.Addressee(member, seal.Recipient(known.kid, known.key))


def indicator(value: str = CANARY, **changes: Any) -> dict[str, Any]:
    """An address of the attacker, RED."""
    return plain_object(
        "indicator",
        7,
        **{
            "pattern": f"[ipv4-addr:value = '{value}']",
            "pattern_type": "stix",
            "valid_from": "2026-12-01T10:00:00Z",
            "object_marking_refs": RED,
            **changes,
        },
    )


def red_record() -> tuple[dict[str, Any], ...]:
    """An incident, an address in the open, and one that is RED."""
    return (
        incident(),
        address(),
        indicator(),
    )


def sealed(
    *objects: dict[str, Any],
    to: tuple[Member, ...] = (BX,),
    above: Tlp = Tlp.AMBER_STRICT,
    seed: int = 0,
    by: Signer = CERT,
    policy: Any = POLICY,
    **signing: Any,
) -> Sealed:
    """Seal a record the way an issuer does."""
    draft = records.draft(*(objects or red_record()), seals=True)
    temporary = Signer(by.org, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    whole = records.token(
        draft,
        by=temporary,
        seed=seed,
        **({"address": Address(to=tuple(each.org for each in to))} | signing),
    )
    seals = sealing.sealer(
        [addressee(each) for each in to],
        policy,
        above=above,
        entropy=records.entropy(seed + 5),
    )
    own = single_key(by.org, temporary.jwk)
    return seals(whole, own, by, NOW)
