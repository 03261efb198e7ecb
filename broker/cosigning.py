"""Adding signatures to a joint record, and bringing them together. Pure.

Nothing is verified here: whoever signs verifies first (`trust.verify`, with
`allow_partial`), and what comes out afterwards.
"""

from collections.abc import Iterable
from functools import reduce

from broker import base64url
from broker.carried import Carried, Signature
from broker.errors import TrustError
from broker.signing import TYP, RecordSigner
from schemas import codec


def cosign(record: Carried, signer: RecordSigner) -> Carried:
    """Add a signature over the payload that the lead signed."""
    header = codec.encode_json({"alg": signer.alg, "kid": signer.kid, "typ": TYP})
    protected = base64url.encode(header)
    signed = protected + b"." + record.token.split(b".", 2)[1]
    made = Signature(protected, base64url.encode(signer.sign(signed)))
    return Carried(record.token, (*record.also, made), record.sealed)


def merge(records: Iterable[Carried]) -> Carried:
    """Bring the signatures of copies of one record together, the first's in front.

    Of one signer the first signature stays.

    Raises:
        TrustError: `other-record`: they are not copies of one record, or cut.
    """
    return reduce(_joined, records)


def _joined(one: Carried, other: Carried) -> Carried:
    if _said(one) != _said(other):
        raise TrustError("other-record")
    known = {each.protected for each in one.also}
    more = (each for each in other.also if each.protected not in known)
    return Carried(one.token, (*one.also, *more), one.sealed)


def _said(record: Carried) -> tuple[str, bytes, tuple[bytes, ...]]:
    # Without the first signature: of ES256 anyone can make a second one.
    return record.token_id, record.token.partition(b"~")[2], record.sealed
