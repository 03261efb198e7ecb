"""Who signed a joint record beside its lead (claim `need`), and whether they are enough. Pure.

A signature that does not hold, or is by somebody whom `need` does not name, refuses
the record. One that holds but does not count, because its key is revoked or its
organisation may not publish this kind, is passed over: so nobody's later mishap takes
away what enough others still stand for.
"""

from collections.abc import Callable

import msgspec
from msgspec import UNSET

from broker import base64url
from broker.carried import Carried
from broker.directory import KnownKey
from broker.errors import TrustError
from broker.sdjwt import MAX_HEADER_BYTES
from schemas.record import Claims, Need, org_urn

ChooseKey = Callable[[bytes], KnownKey]
"""(JSON text of a header) -> the key that must have signed; raises TrustError."""
Judge = Callable[[KnownKey], None]
"""Raises TrustError where a signature by that key does not count."""


class Signer(msgspec.Struct, frozen=True):
    """One signature that holds.

    Attributes:
        org: Organisation name.
        fault: Reason code why it does not count; "" if it does.
    """

    org: str
    kid: str
    fault: str = ""


def check_need(claims: Claims) -> None:
    """Refuse a claim `need` that cannot be met or does not name the lead.

    Raises:
        TrustError: `claims`.
    """
    need = claims.need
    if need is UNSET:
        return
    named = set(need.iss)
    if len(named) < max(need.threshold, len(need.iss)) or claims.iss not in named:
        raise TrustError("claims", "$.need")


def signers(
    record: Carried, claims: Claims, lead: KnownKey, choose: ChooseKey, judge: Judge
) -> tuple[Signer, ...]:
    """Verify every further signature over the payload of *record*.

    Args:
        lead: Whose signature is the first; it is verified and counts already.

    Returns:
        The lead, and the others in their order.

    Raises:
        TrustError: `foreign-cosigner`, `duplicate-signer`, `signature`; or what
            *choose* raises, or `header`, `bad-base64`.
    """
    found = [Signer(lead.org, lead.kid)]
    payload = record.token.split(b".", 2)[1]
    named = () if claims.need is UNSET else claims.need.iss
    for place, each in enumerate(record.also, 1):
        where = f"$.signatures[{place}]"
        try:
            known = _verified(each.protected, payload, each.signature, choose)
        except TrustError as error:
            raise TrustError(error.reason, where) from None
        if org_urn(known.org) not in named:
            raise TrustError("foreign-cosigner", where)
        if any(other.org == known.org for other in found):
            # An organisation counts once, whichever of its keys it takes.
            raise TrustError("duplicate-signer", where)
        found.append(Signer(known.org, known.kid, _fault(known, judge)))
    return tuple(found)


def _verified(
    header: bytes, payload: bytes, signature: bytes, choose: ChooseKey
) -> KnownKey:
    if len(header) > MAX_HEADER_BYTES:
        raise TrustError("header")
    known = choose(base64url.decode(header, "header"))
    decoded = base64url.decode(signature, "signature")
    if not known.key.verify(decoded, header + b"." + payload):
        raise TrustError("signature")
    return known


def _fault(known: KnownKey, judge: Judge) -> str:
    try:
        judge(known)
    except TrustError as error:
        return error.reason
    return ""


def missing(need: Need | msgspec.UnsetType, found: tuple[Signer, ...]) -> int:
    """Count the signatures that *need* still asks for."""
    if need is UNSET:
        return 0
    return max(0, need.threshold - sum(not each.fault for each in found))
