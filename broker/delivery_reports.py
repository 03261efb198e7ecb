"""Reports of an adapter to an issuer: how many members its records have reached. Pure.

They go to that issuer alone, on `tocsin.feedback`. A report is a compact JWS (RFC 7515)
of exactly these members:

    {"alg", "kid", "typ": "vnd.tocsin.delivered+jwt"}
    {"iss": URN of the hub, "adapter": name of the adapter, "aud": URN of the issuer,
     "iat": epoch seconds,
     "records": [{"token": token id, "members": how many members' systems have taken it,
                  "at": when the last of these did,
                  "named": [{"org": name, "at": when}], members that let it say so}]}

Numbers count from the beginning: whoever misses a report, or reads one twice, knows
the same after the next. All times are those of whole minutes, rounded down. Which
members count, and which are named, each says for itself (`adapters.reports`).
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from broker import jws, sdjwt
from broker.bus import Message
from broker.directory import Directory
from broker.errors import TrustError
from broker.signing import RecordSigner
from broker.topology import ADAPTER_PREFIX, feedback_key
from broker.trust import MAX_CLOCK_SKEW_S
from schemas import codec
from schemas.errors import RefusedError
from schemas.record import Digest, Epoch, Org, OrgUrn, org_urn

TYP: Final = "vnd.tocsin.delivered+jwt"
CONTENT_TYPE: Final = f"application/{TYP}"
KIND: Final = "delivered"  # third word of the routing key
MINUTE_S: Final = 60
MAX_RECORDS: Final = 100  # in one report
MAX_NAMED: Final = 1000  # of one record, and in one report: what counts is `members`
MAX_BYTES: Final = 256 << 10  # both at once, with the longest names, have 134 KB
_REASON: Final = "report-invalid"


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member that lets issuers know that it has their records.

    Attributes:
        at: When its system took this one, epoch seconds of a whole minute.
    """

    org: Org
    at: Epoch


class Reached(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How far one token came, over one adapter.

    Attributes:
        members: How many members' systems have taken it, those named among them.
        at: When the last of these did, epoch seconds of a whole minute.
    """

    token: Digest
    members: Annotated[int, Meta(ge=1, le=1_000_000)]
    at: Epoch
    named: Annotated[tuple[Named, ...], Meta(max_length=MAX_NAMED)] = ()


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one adapter says to one issuer."""

    iss: OrgUrn
    adapter: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{1,40}\Z")]
    aud: OrgUrn
    iat: Epoch
    records: Annotated[tuple[Reached, ...], Meta(min_length=1, max_length=MAX_RECORDS)]


def minute(moment: float) -> int:
    """Round epoch seconds down to a whole minute."""
    return int(moment) // MINUTE_S * MINUTE_S


def message(
    records: Sequence[Reached],
    *,
    adapter: str,
    issuer: str,
    signer: RecordSigner,
    now: float,
) -> Message:
    """Sign a report of at most `MAX_RECORDS`, with `MAX_NAMED` names in all.

    Args:
        adapter: Name of the adapter, whose login sends it.
        now: Epoch seconds.
    """
    said = Report(
        org_urn(signer.org), adapter, org_urn(issuer), minute(now), tuple(records)
    )
    body = jws.compact(TYP, msgspec.json.encode(said), signer)
    login = ADAPTER_PREFIX + adapter
    return Message(
        body=body,
        message_id=sdjwt.digest(body.rpartition(b".")[0]),
        routing_key=feedback_key(sender=login, issuer=issuer, kind=KIND),
        content_type=CONTENT_TYPE,
        user_id=login,
    )


def verify(received: Message, to: str, directory: Directory, *, now: float) -> Report:
    """Verify a report strictly: an adapter's of the hub, that sent it, to *to*.

    Args:
        to: The issuer that reads it.
        now: Epoch seconds.

    Raises:
        TrustError: `report-invalid`, whatever is wrong with it.
    """
    # One reason for all: there is nothing in it that an honest hub could mend.
    try:
        report = _opened(received.body, directory, now)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError(_REASON) from None
    login = ADAPTER_PREFIX + report.adapter
    words = [login, to, KIND]
    if (
        report.aud != org_urn(to)
        or received.user_id != login
        or received.routing_key.split(".") != words
    ):
        raise TrustError(_REASON)
    if not all(map(_is_sound, report.records)):
        raise TrustError(_REASON)
    return report


def _opened(body: bytes, directory: Directory, now: float) -> Report:
    found = jws.opened(body, TYP, max_bytes=MAX_BYTES, reason=_REASON)
    known = directory.service_key(found.header.kid, "adapter")
    # RFC 8725, 3.1: the directory decides, the header must agree.
    if found.header.alg not in known.key.algorithms or known.is_compromised(now):
        raise TrustError(_REASON)
    directory.need_standing(known, now)
    if not known.key.verify(found.signature, found.signed):
        raise TrustError(_REASON)
    claims = codec.decode_json(found.payload, max_bytes=MAX_BYTES)
    report = msgspec.convert(claims, Report)
    is_ours = report.iss == org_urn(known.org)
    if not is_ours or report.iat > now + MAX_CLOCK_SKEW_S:
        raise TrustError(_REASON)
    # Of a key that began within this minute, the minute may have begun before.
    if not (known.signs_at(report.iat) or known.signs_at(report.iat + MINUTE_S)):
        raise TrustError(_REASON)
    return report


def _is_sound(reached: Reached) -> bool:
    names = {each.org for each in reached.named}
    return len(names) == len(reached.named) <= reached.members
