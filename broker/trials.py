"""A trial: an exercise record that the gate answers with its stamp. Pure.

The gate is silent about what it accepts; this is the one exception, so that a member
can prove its installation there and back (`tocsin doctor`). A trial is an exercise
addressed to `COMMUNITY` alone, which no member is part of: it goes the whole way and
nobody is alarmed. The answer, on `tocsin.feedback`, is JSON of exactly

    {"token_id": of the trial, "stamp": the gate's, as adapters get it}

and a refusal is what it is for every record. Nothing of the content is said.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from broker import sdjwt, seen, topology
from broker.bus import JSON_CONTENT_TYPE, Message
from broker.directory import Directory
from broker.errors import TrustError
from broker.seen import Stamp
from schemas import codec
from schemas.errors import RefusedError
from schemas.reasons import REASONS
from schemas.record import Claims, Digest

COMMUNITY: Final = "urn:tocsin:community:trial"
KIND: Final = "accepted"  # third word of the answer's routing key
_MAX_BYTES: Final = 4096  # the largest, with a stamp, has about 700
_REASON: Final = "answer-invalid"


class Told(msgspec.Struct, frozen=True):
    """What the gate says of a trial.

    Attributes:
        stamp: Of the record, verified; None if it was refused.
        reason: Why it was refused, a code of `schemas.reasons`; "" if it was not.
    """

    stamp: Stamp | None
    reason: str = ""


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    token_id: Annotated[str, Meta(max_length=64)]
    stamp: Annotated[str, Meta(max_length=seen.MAX_CHARS)] = ""
    reason: Annotated[str, Meta(max_length=64)] = ""
    where: Annotated[str, Meta(max_length=400)] = ""


def is_trial(claims: Claims) -> bool:
    """Tell whether the issuer wants to hear that its record came through."""
    return claims.exercise and claims.aud == (COMMUNITY,)


def accepted(token_id: Digest, issuer: str, stamp: str) -> Message:
    """Tell the issuer of a trial; always under the same message id."""
    return Message(
        body=msgspec.json.encode({"token_id": token_id, "stamp": stamp}),
        message_id=sdjwt.digest(f"{KIND} {token_id}".encode()),
        routing_key=topology.feedback_key(
            sender=topology.GATE, issuer=issuer, kind=KIND
        ),
        content_type=JSON_CONTENT_TYPE,
        user_id=topology.GATE,
    )


def read(
    message: Message, token_id: str, directory: Directory, *, now: float
) -> Told | None:
    """Read what the gate tells of the trial *token_id*; None if of something else.

    Args:
        now: Epoch seconds.

    Raises:
        TrustError: `answer-invalid`: it is no answer of a gate. `seen-invalid`: the
            stamp is not the gate's, or of another record.
    """
    if message.user_id != topology.GATE or message.content_type != JSON_CONTENT_TYPE:
        return None
    try:
        value = codec.decode_json(message.body, max_bytes=_MAX_BYTES)
        answer = msgspec.convert(value, _Answer)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError(_REASON) from None
    if answer.token_id != token_id:
        return None
    if answer.stamp:
        stamp = seen.verify_stamp(answer.stamp, directory, now=now)
        stamp.seen_of(token_id)
        return Told(stamp)
    if answer.reason not in REASONS:
        raise TrustError(_REASON)
    return Told(None, answer.reason)
