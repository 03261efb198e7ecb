"""Whether a delivery that came is what it says: what a member checks. Pure.

What the hub says beside the signed texts (issuer, record, version, marking) has to agree
with them; but the marking of the notice of an erasure, which nobody has signed.
"""

from typing import Final

from adapters import erasing, gaps
from adapters.delivery import Delivery
from broker import jws, receipts, sdjwt
from broker.directory import Directory
from broker.errors import TrustError
from broker.heartbeats import verify_passed
from broker.trust import verify
from schemas import codec, timestamps
from schemas.errors import RefusedError
from schemas.record import org_urn
from schemas.vocabularies.words import TLP

_MAX_NOTICE_BYTES: Final = 4 << 20


def check(item: Delivery, directory: Directory, *, now: float) -> None:
    """Verify all that *item* holds, and that it belongs together.

    A receipt shows when a record was there, so one whose key was given up since still
    counts; not one whose key was compromised.

    Args:
        now: Epoch seconds.

    Raises:
        TrustError, SchemaError: As `trust.verify`, `receipts.verify`,
            `heartbeats.verify_passed`; `receipt-mismatch`, `policy-not-signed`,
            `not-under-head`; `delivery-invalid`, with the place.
    """
    match item.kind:
        case gaps.KIND:
            _heartbeat(item, directory, now)
        case erasing.KIND:
            _erasure(item, directory, now)
        case _:
            _record(item, directory, now)


def _record(item: Delivery, directory: Directory, now: float) -> None:
    receipt = receipts.verify(item.receipt, directory, now=now)
    receipts.held_against(receipt, evidence=item.evidence, projection=item.projection)
    receipts.policy_is_signed(receipt, directory)
    found = verify(
        item.evidence,
        directory,
        now=now,
        first_seen=receipt.first_seen,
        allow_over=True,
    )
    if directory.key(found.kid).is_compromised(now):
        # Only the hub says that it was there before, see `tocsin verify --heads`.
        raise TrustError("not-under-head")
    claims = found.claims
    _agree("token_id", item.token_id, found.token_id)
    _agree("issuer", item.issuer, found.issuer)
    _agree("sub", item.sub, claims.sub)
    _agree("ver", item.ver, claims.ver)
    _agree("kind", item.kind, claims.kind)
    _agree("tlp", item.tlp, claims.tlp)


def _heartbeat(item: Delivery, directory: Directory, now: float) -> None:
    passed = verify_passed(item.evidence + b"\n" + item.receipt, directory, now=now)
    _agree("issuer", item.issuer, passed.org)
    _agree("sub", item.sub, gaps.sub_of(passed))
    _agree("token_id", item.token_id, passed.heard.heartbeat)
    _agree("tlp", item.tlp, passed.beat.tlp)
    _agree("ver", item.ver, timestamps.from_epoch(passed.beat.iat))
    codec.decode_json(item.projection, max_bytes=_MAX_NOTICE_BYTES)


def _erasure(item: Delivery, directory: Directory, now: float) -> None:
    """Verify the hub's notice, and that its plain form says the same.

    It does not say how its record was marked; of `tlp`, only that it is a marking is
    checked. The text itself holds nothing but ids.
    """
    found = jws.opened(
        item.evidence,
        erasing.TYP,
        max_bytes=_MAX_NOTICE_BYTES,
        reason="delivery-invalid",
    )
    known = directory.service_key(found.header.kid, "adapter")
    if found.header.alg not in known.key.algorithms or not known.key.verify(
        found.signature, found.signed
    ):
        raise TrustError("signature")
    directory.need_standing(known, now)
    if known.is_compromised(now):
        raise TrustError("key-revoked")
    try:
        said = codec.decode_json(found.payload, max_bytes=_MAX_NOTICE_BYTES)
        plain = codec.decode_json(item.projection, max_bytes=_MAX_NOTICE_BYTES)
    except RefusedError:
        raise TrustError("delivery-invalid") from None
    if type(said) is not dict:
        raise TrustError("delivery-invalid")
    _agree("erasure", said.pop("iss", None), org_urn(known.org))
    said.pop("iat", None)
    _agree("erased", plain, said)
    _agree("receipt", item.receipt, item.evidence)
    _agree("token_id", item.token_id, sdjwt.digest(item.evidence))
    _agree("issuer", item.issuer, said.get("issuer"))
    _agree("sub", item.sub, erasing.sub_of(item.issuer, str(said.get("sub"))))
    _agree("ver", item.ver, said.get("at"))
    if item.tlp not in TLP:
        raise TrustError("delivery-invalid", "$.data.tlp")


def _agree(where: str, told: object, signed: object) -> None:
    if told != signed:
        raise TrustError("delivery-invalid", f"$.data.{where}")
