"""Receipts about made-up records, as an adapter signs them."""

from typing import Any

from broker import jws, receipts
from broker.signers import Signer
from schemas import codec
from tests.support.chains import START, Chain, token_id
from tests.support.issuing import HUB

DIGEST = token_id("anything")


def claims(**more: Any) -> dict[str, Any]:
    """What a receipt claims; None leaves a claim out."""
    made = {
        "iss": "urn:tocsin:org:hub",
        "iat": START + 600,
        "token": DIGEST,
        "audience": "platform",
        "received": DIGEST,
        "evidence": DIGEST,
        "projection": DIGEST,
        "policy": {"id": "default", "version": 1, "sha256": "0" * 64},
        "withheld": {"marked": "2-9", "policy": "1000+"},
        "chain": {"pos": 1, "link": DIGEST},
    } | more
    return {name: value for name, value in made.items() if value is not None}


def signed(by: Signer = HUB, typ: str = receipts.TYP, **more: Any) -> bytes:
    return jws.compact(typ, codec.encode_json(claims(**more)), by)


def receipt(
    chain: Chain, pos: int, *, head: str | None = None, at: int | None = None
) -> str:
    """Of the record at place *pos* of *chain*."""
    place = {"pos": pos, "link": chain.link(pos)}
    token = token_id(f"record {pos}")
    moment = START + 60 * pos if at is None else at
    return signed(chain.by, token=token, chain=place, iat=moment, head=head).decode()
