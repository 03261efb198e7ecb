"""The adapter's signed account of the cuts (DESIGN.md 4.6). Pure.

One per (token, view, policy); the period of its pseudonyms, if it holds any, follows
from when the gate first saw the token, and is stated. It names the audience, never the member, and
buckets the numbers: a small count may itself give something away. For the same reason
it does not tell one mark from another. It passes on where
the record stands in the gate's chain, since when, and the gate's newest head: who compares two
heads, or a head and the links under it, sees when the chain was changed. Who reads
one is `broker.receipts`.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from adapters.redaction import Redacted
from broker import base64url, jws
from broker.receipts import TYP
from broker.seen import Seen
from broker.signing import RecordSigner
from schemas import codec
from schemas.record import org_urn

# Reasons that follow from marks. One word for all: that a child or a survivor is
# protected must not be read off a number, nor that something waits for persons.
MARKED: Final = "marked"
_BY_MARKS: Final = (
    "granular-", "held", "iep-", "marking-", "pap-", "protected", "tlp-",
)  # fmt: skip
__all__ = ["TYP", "account", "bucket", "receipt", "withheld"]
_BUCKETS: Final = ((1, "1"), (9, "2-9"), (99, "10-99"), (999, "100-999"))


def receipt(redacted: Redacted, seen: Seen, signer: RecordSigner, *, now: int) -> bytes:
    """Sign what came in, what goes out and how much was cut.

    Args:
        seen: Of this very record.
        now: Epoch seconds.

    Returns:
        A compact JWS, `typ` `vnd.tocsin.receipt+jwt`.
    """
    claims: dict[str, Any] = {
        "iss": org_urn(signer.org),
        "iat": now,
        **account(redacted),
        "chain": {
            "pos": seen.stamp.pos,
            "link": seen.stamp.link,
            "seen": seen.stamp.seen,
        },
    }
    if seen.head:
        claims["head"] = seen.head
    return jws.compact(TYP, codec.encode_json(claims), signer)


def account(redacted: Redacted) -> dict[str, Any]:
    """Give what a receipt says of a redaction, unsigned."""
    verified = redacted.verified
    texts = verified.opened.texts
    received = b"~".join([verified.opened.jwt, *texts, b""])
    policy_id, version, _ = redacted.policy.split("/")
    said: dict[str, Any] = {
        "token": verified.token_id,
        "audience": redacted.view.audience,
        "received": _sha256(received),
        "evidence": _sha256(redacted.evidence),
        "projection": _sha256(redacted.projection),
        "policy": {
            "id": policy_id,
            "version": int(version),
            "sha256": redacted.policy_sha256,
        },
        "withheld": withheld(redacted.reasons),
    }
    if redacted.period:
        said["period"] = redacted.period
    return said


def withheld(reasons: Mapping[str, int]) -> dict[str, str]:
    """Say how much was withheld for which reason, as far as members may know."""
    said: Counter[str] = Counter()
    for reason, count in reasons.items():
        said[MARKED if reason.startswith(_BY_MARKS) else reason] += count
    return {reason: bucket(count) for reason, count in sorted(said.items())}


def bucket(count: int) -> str:
    """Blur a count: "1", "2-9", "10-99", "100-999", "1000+"."""
    for bound, word in _BUCKETS:
        if count <= bound:
            return word
    return "1000+"


def _sha256(data: bytes) -> str:
    return base64url.encode(hashlib.sha256(data).digest()).decode()
