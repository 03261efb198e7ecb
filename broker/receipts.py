"""An adapter's signed account of its cuts, read by who got it (DESIGN.md 4.6). Pure.

Who makes them is `adapters.receipts`; docs/protocol.md section 10 has the claims.
"""

import hashlib
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from broker import base64url, carried, jws
from broker.directory import Directory
from broker.errors import TrustError
from broker.trust import MAX_CLOCK_SKEW_S
from schemas import codec
from schemas.errors import RefusedError
from schemas.record import Digest, Epoch, OrgUrn, org_of

TYP: Final = "vnd.tocsin.receipt+jwt"
MAX_BYTES: Final = 16 * 1024  # some 1,500 are usual, with 30 reasons 3,000
_WEEK_S: Final = 7 * 86_400

_Short = Annotated[str, Meta(max_length=100)]
_Count = Annotated[str, Meta(pattern=r"^(1|2-9|10-99|100-999|1000\+)\Z")]


class Place(msgspec.Struct, frozen=True):
    """Where the record stands in the gate's chain.

    Attributes:
        seen: When the gate first saw it; older receipts do not say it.
    """

    pos: Annotated[int, Meta(ge=1, le=codec.MAX_SAFE_INT)]
    link: Digest
    seen: Epoch | UnsetType = UNSET


class AppliedPolicy(msgspec.Struct, frozen=True):
    """By which policy was cut; `sha256` is hex, of the file."""

    id: _Short
    version: Annotated[int, Meta(ge=0, le=codec.MAX_SAFE_INT)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Receipt(msgspec.Struct, frozen=True):
    """What an adapter states. Other claims may follow one day (RFC 7519, 4).

    Attributes:
        received, evidence, projection: base64url SHA-256 of what came in, and of both
            that went out.
        withheld: Bucketed numbers, by reason.
        head: The gate's newest then, as it came.
    """

    iss: OrgUrn
    iat: Epoch
    token: Digest
    audience: _Short
    received: Digest
    evidence: Digest
    projection: Digest
    policy: AppliedPolicy
    withheld: Annotated[dict[_Short, _Count], Meta(max_length=200)]
    chain: Place
    head: Annotated[str, Meta(max_length=1024)] | UnsetType = UNSET
    period: _Short | UnsetType = UNSET

    @property
    def first_seen(self) -> int:
        """When the gate first saw the record, at the latest.

        A receipt may be far younger: decided again, or replayed.
        """
        return self.iat if self.chain.seen is UNSET else self.chain.seen


def held_against(
    receipt: Receipt, *, evidence: bytes | None = None, projection: bytes | None = None
) -> None:
    """Check that a receipt is about what is given.

    Raises:
        TrustError: `receipt-mismatch`; or as `carried.decode`.
        SchemaError: As `carried.decode`.
    """
    if evidence is not None:
        record = carried.decode(evidence)
        if record.sealed:  # they are the member's alone; the receipt is its view's
            bare = msgspec.structs.replace(record, sealed=())
            evidence = carried.encode(bare)
        need_match(receipt.evidence == _sha256(evidence), "evidence")
        need_match(receipt.token == record.token_id, "token")
    if projection is not None:
        need_match(receipt.projection == _sha256(projection), "projection")


def need_match(holds: bool, what: str) -> None:
    """Refuse what a receipt is not about.

    Raises:
        TrustError: `receipt-mismatch`, at *what*.
    """
    if not holds:
        raise TrustError("receipt-mismatch", what)


def _sha256(data: bytes) -> str:
    return base64url.encode(hashlib.sha256(data).digest()).decode()


def policy_is_signed(receipt: Receipt, directory: Directory) -> bool:
    """Tell whether the groups have signed the policy that a receipt names.

    A directory may be used for a week after it was published, so an adapter may rightly
    decide by a policy within a week of its end.

    Returns:
        False where nothing can be told: nobody signs that directory, or the receipt
        is from before this client knew it.

    Raises:
        TrustError: `policy-not-signed`.
    """
    if directory.agreed is None:
        return False
    policy = (receipt.policy.id, receipt.policy.sha256)
    until = directory.agreed.until.get(policy)
    if until is not None and receipt.iat < until + _WEEK_S:
        return True
    if until is None and receipt.iat < directory.agreed.since:
        return False
    raise TrustError("policy-not-signed")


def verify(
    text: bytes, directory: Directory, *, now: float, as_signed: bool = False
) -> Receipt:
    """Verify a receipt strictly; its head is another's word, see `broker.seen`.

    Args:
        now: Epoch seconds.
        as_signed: As in `seen.verify_head`.

    Raises:
        TrustError: `receipt-invalid`, `unknown-key`, `signature`, `key-not-valid`,
            `key-revoked`, `key-suspended`, `member-suspended`.
    """
    found = jws.opened(text, TYP, max_bytes=MAX_BYTES, reason="receipt-invalid")
    known = directory.service_key(found.header.kid, "adapter")
    if found.header.alg not in known.key.algorithms:
        raise TrustError("receipt-invalid")
    if not known.key.verify(found.signature, found.signed):
        raise TrustError("signature")
    if not as_signed:
        directory.need_standing(known, now)
        if known.is_compromised(now):
            raise TrustError("key-revoked")
    try:
        claims = codec.decode_json(found.payload, max_bytes=MAX_BYTES)
        receipt = msgspec.convert(claims, Receipt)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError("receipt-invalid") from None
    if org_of(receipt.iss) != known.org:
        raise TrustError("receipt-invalid")
    if not (known.signs_at(receipt.iat) or as_signed):
        raise TrustError("key-not-valid")
    if receipt.iat > now + MAX_CLOCK_SKEW_S:
        raise TrustError("key-not-valid")
    return receipt
