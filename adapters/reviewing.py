"""Parts of a record that wait until persons agree to show them. Pure.

What waits is a part, never the record: the rest is given at once. Who agrees signs a
statement over the number of the review, which derives from the token, the policy, the
view and the part. So an agreement holds for exactly these: a newer version is another
token, a changed policy another hash. Nobody having looked is no agreement: what waits
too long stays withheld (`lapsed`).
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from adapters.cuts import Part
from adapters.policy import Policy
from adapters.redaction import Redacted
from adapters.view import View
from broker import base64url, jws
from broker.errors import TrustError
from broker.keys import PublicKey
from broker.signing import RecordSigner
from schemas import codec
from schemas.errors import RefusedError
from schemas.record import Digest, Epoch

TYP: Final = "vnd.tocsin.review+jwt"
MAX_BYTES: Final = 4096
MAX_CLOCK_SKEW_S: Final = 120

Decision = Literal["approve", "reject"]
State = Literal[
    "waiting", "approved", "rejected", "lapsed", "superseded", "policy-changed"
]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One part of one record that waits, for one view.

    Attributes:
        part: Object as signed and place in it, as `Cut.part`.
        needed: How many persons must agree.
        title: Of the row of the policy, or what the mark protects.
        due: Epoch seconds; from then on it stays withheld.
    """

    token_id: str
    issuer: str
    sub: str
    ver: str
    policy: str
    policy_sha256: str
    view: View
    object_type: str
    part: Part
    needed: int
    title: str
    due: float

    @property
    def review(self) -> str:
        """Its number: base64url SHA-256 of all that an agreement is bound to."""
        return review_of(self.token_id, self.policy_sha256, self.view, self.part)


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one person said of one part.

    Attributes:
        iss: The reviewer's name.
    """

    iss: Annotated[str, Meta(min_length=1, max_length=60)]
    iat: Epoch
    review: Digest
    decision: Decision


class Newer(msgspec.Struct, frozen=True):
    """A version that was decided: what older ones wait for is over."""

    issuer: str
    sub: str
    ver: str


class Agreed(msgspec.Struct, frozen=True):
    """What persons agreed to show of one token to one view.

    Attributes:
        view: Its `view_digest`.
        parts: All of them, also those shown before.
    """

    view: str
    policy_sha256: str
    parts: frozenset[Part]


Reviewers = Mapping[str, tuple[str, PublicKey]]
"""Name and key of each reviewer, by key id."""


def view_digest(view: View) -> str:
    """Name a view: base64url SHA-256 of all its facts."""
    facts = msgspec.structs.asdict(view) | {"communities": sorted(view.communities)}
    del facts["sealed"]  # nothing that waits is: the hub does not hold it
    return _digest(codec.encode_json(facts))


def review_of(token_id: str, policy_sha256: str, view: View, part: Part) -> str:
    """Give the number of the review of a part."""
    return _digest(
        msgspec.json.encode([token_id, policy_sha256, view_digest(view), *part])
    )


def waiting_in(redacted: Redacted, policy: Policy, *, now: float) -> list[Waiting]:
    """List the parts of a redaction that wait for persons.

    Args:
        now: Epoch seconds; what waits is due `policy.review_s` later.
    """
    claims = redacted.verified.claims
    return [
        Waiting(
            token_id=redacted.verified.token_id,
            issuer=redacted.verified.issuer,
            sub=claims.sub,
            ver=claims.ver,
            policy=redacted.policy,
            policy_sha256=redacted.policy_sha256,
            view=redacted.view,
            object_type=cut.object_type,
            part=cut.part,
            needed=cut.approvals,
            title=policy.row(cut.row).title if cut.row else "What protects somebody",
            due=now + policy.review_s,
        )
        for cut in redacted.cuts
        if cut.approvals
    ]


def state_of(waiting: Waiting, said: Iterable[Statement], *, now: float) -> State:
    """Tell where a review stands: one who rejects decides, the same one counts once."""
    decisions = {each.iss: each.decision for each in said if each.iat < waiting.due}
    if "reject" in decisions.values():
        return "rejected"
    if len(decisions) >= waiting.needed:
        return "approved"
    return "lapsed" if now >= waiting.due else "waiting"


def sign(review: str, decision: Decision, signer: RecordSigner, *, now: int) -> bytes:
    """Word and sign what the owner of a key says of a review."""
    said = Statement(signer.org, now, review, decision)
    return jws.compact(TYP, msgspec.json.encode(said), signer)


def verify(text: bytes, reviewers: Reviewers, *, now: float) -> Statement:
    """Verify a statement strictly: one of *reviewers* signed it, and not in the future.

    Raises:
        TrustError: `review-invalid`, `not-a-reviewer`, `signature`.
    """
    found = jws.opened(text, TYP, max_bytes=MAX_BYTES, reason="review-invalid")
    known = reviewers.get(found.header.kid)
    if known is None:
        raise TrustError("not-a-reviewer")
    name, key = known
    if found.header.alg not in key.algorithms:
        raise TrustError("review-invalid")
    if not key.verify(found.signature, found.signed):
        raise TrustError("signature")
    try:
        claims = codec.decode_json(found.payload, max_bytes=MAX_BYTES)
        said = msgspec.convert(claims, Statement)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError("review-invalid") from None
    if said.iss != name or said.iat > now + MAX_CLOCK_SKEW_S:
        raise TrustError("review-invalid")
    return said


def _digest(data: bytes) -> str:
    return base64url.encode(hashlib.sha256(data).digest()).decode()
