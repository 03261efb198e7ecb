"""Sightings and actions taken: what a member tells the issuer of a record. Pure.

They are no records: nobody but the issuer gets them, on `tocsin.feedback`
(DESIGN.md 5). An answer is a compact JWS (RFC 7515) of exactly these members:

    {"alg", "kid", "typ": "vnd.tocsin.answer+jwt"}
    {"iss": URN of the member, "iat": epoch seconds, "token": id of the token it
     answers, "sub": id of that record, and one of
     "sighting": {"count": 1 to 999,999,999, "last_seen": RFC 3339, may be missing}
     "action": {"action": a word of `Action`, "count": how many things, may be missing}}
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from broker import jws, sdjwt
from broker.bus import Message
from broker.directory import Directory
from broker.errors import TrustError
from broker.signing import RecordSigner
from broker.topology import feedback_key
from broker.trust import MAX_CLOCK_SKEW_S
from schemas import codec
from schemas.errors import RefusedError
from schemas.record import Digest, Epoch, OrgUrn, StixId, org_of, org_urn
from schemas.stix.values import TIMESTAMP_PATTERN

TYP: Final = "vnd.tocsin.answer+jwt"
CONTENT_TYPE: Final = f"application/{TYP}"
MAX_BYTES: Final = 4096  # with the longest names it has 740

Action = Literal[
    "acknowledged",
    "removed",
    "blocked",
    "account-suspended",
    "demoted",
    "labelled",
    "notified",
    "no-action",
    "refused",
]
_Count = Annotated[int, Meta(ge=1, le=999_999_999)]  # STIX 2.1, Sighting


class Sighting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """It was seen here too.

    Attributes:
        last_seen: RFC 3339.
    """

    count: _Count = 1
    last_seen: (
        Annotated[str, Meta(pattern=TIMESTAMP_PATTERN, max_length=30)] | UnsetType
    ) = UNSET


class Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the member did because of it.

    Attributes:
        count: How many postings, accounts, hosts it concerned.
    """

    action: Action
    count: _Count | UnsetType = UNSET


class Answer(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What a member answers; one of `sighting` and `action`."""

    iss: OrgUrn
    iat: Epoch
    token: Digest
    sub: StixId
    sighting: Sighting | UnsetType = UNSET
    action: Taken | UnsetType = UNSET

    @property
    def kind(self) -> str:
        """The third word of its routing key."""
        return "action" if self.sighting is UNSET else "sighting"


def make(
    about: Sighting | Taken, *, token: str, sub: str, signer: RecordSigner, now: int
) -> Answer:
    """Word an answer of the signer's organisation.

    Args:
        token: Id of the token it answers.
        sub: Id of that record.
        now: Epoch seconds.
    """
    iss = org_urn(signer.org)
    if isinstance(about, Sighting):
        return Answer(iss, now, token, sub, sighting=about)
    return Answer(iss, now, token, sub, action=about)


def message(answer: Answer, issuer: str, signer: RecordSigner) -> Message:
    """Sign an answer for the issuer of the record."""
    body = jws.compact(TYP, msgspec.json.encode(answer), signer)
    return Message(
        body=body,
        message_id=sdjwt.digest(body.rpartition(b".")[0]),
        routing_key=feedback_key(sender=signer.org, issuer=issuer, kind=answer.kind),
        content_type=CONTENT_TYPE,
        user_id=signer.org,
    )


def verify(received: Message, directory: Directory, *, now: float) -> Answer:
    """Verify an answer strictly: signed by the member that sent it, and well formed.

    Raises:
        TrustError: `answer-invalid`, or what is wrong with its key.
    """
    found = jws.opened(received.body, TYP, max_bytes=MAX_BYTES, reason="answer-invalid")
    known = directory.key(found.header.kid)
    if found.header.alg not in known.key.algorithms:
        raise TrustError("answer-invalid")
    if not known.key.verify(found.signature, found.signed):
        raise TrustError("signature")
    if known.revoked_at is not None and now >= known.revoked_at:
        raise TrustError("key-revoked")
    directory.need_standing(known, now)
    try:
        claims = codec.decode_json(found.payload, max_bytes=MAX_BYTES)
        answer = msgspec.convert(claims, Answer)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError("answer-invalid") from None
    if (
        not known.not_before
        <= answer.iat
        <= min(known.not_after, now + MAX_CLOCK_SKEW_S)
    ):
        raise TrustError("key-not-valid")
    _check_sender(received, answer, known.org)
    return answer


def _check_sender(received: Message, answer: Answer, org: str) -> None:
    words = received.routing_key.split(".")
    holds = (
        (answer.sighting is UNSET) != (answer.action is UNSET)
        and org_of(answer.iss) == org == received.user_id
        and (words[0], words[-1]) == (org, answer.kind)
    )
    if not holds:
        raise TrustError("answer-invalid")
