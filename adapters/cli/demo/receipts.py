"""A receipt as its reader checks it: signature, every hash, place in the chain. Pure."""

import hashlib
from typing import Any

import msgspec

from adapters import receipts
from adapters.cli.demo.facts import Sight
from adapters.cli.demo.played import Played
from adapters.cli.demo.world import World
from broker import base64url, seen
from broker.errors import TrustError
from broker.keys import PublicKey


def receipt_fault(world: World, played: Played, sight: Sight) -> str:
    """Say what is wrong with the receipt of a delivery; "" if nothing is."""
    received = sight.received
    if received is None:
        return "nothing arrived"
    try:
        header, claims = _opened(received.receipt, PublicKey(world.hub.jwk))
    except (ValueError, TrustError):
        return "not signed by the hub"
    stamps = dict(zip(played.archived, enumerate(played.stamps, 1), strict=False))
    token_id = sight.published.verified.token_id
    pos, stamp = stamps.get(token_id, (0, ""))
    expected = {
        "typ": receipts.TYP,
        "kid": world.hub.kid,
        "token": token_id,
        "audience": sight.member.audience,
        "received": _digest(sight.published.token),
        "evidence": _digest(received.evidence),
        "projection": _digest(received.projection),
        "policy": played.context.policy.sha256,
        "chain": _place(pos, stamp),
    }
    found = {**header, **claims, "policy": claims["policy"]["sha256"]}
    wrong = [name for name, value in expected.items() if found.get(name) != value]
    return ", ".join(wrong)


def _place(pos: int, stamp: str) -> dict[str, Any]:
    if not stamp:
        return {}
    claims = msgspec.json.decode(base64url.decode(stamp.split(".")[1].encode()))
    return {"pos": pos, "link": seen.link_of(stamp), "seen": claims["seen"]}


def _opened(receipt: bytes, key: PublicKey) -> tuple[dict[str, Any], dict[str, Any]]:
    """Verify, then parse.

    Raises:
        ValueError: Not three parts, or not signed with *key*.
        TrustError: A part is not base64url.
    """
    header, payload, signature = receipt.split(b".")
    if not key.verify(base64url.decode(signature), header + b"." + payload):
        raise ValueError("signature")
    opened = [
        msgspec.json.decode(base64url.decode(part), type=dict[str, Any])
        for part in (header, payload)
    ]
    return opened[0], opened[1]


def _digest(data: bytes) -> str:
    return base64url.encode(hashlib.sha256(data).digest()).decode()
