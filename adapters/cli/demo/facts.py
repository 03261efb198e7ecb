"""What became of each record at each member, and why. Pure.

The receipts only count the cuts. To name them, the records are redacted once more,
as `tocsin redact --explain` does; a check compares the result with what arrived.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from adapters.cli.demo.played import Played, Published, Received
from adapters.explaining import ADAPTERS_OWN, explained, meaning
from adapters.policy import Policy
from adapters.redaction import NotGivenError, Redacted, redact
from adapters.view import view_of
from broker import base64url
from broker.directory import Member
from broker.errors import TrustError
from schemas import timestamps

# One member of each audience, none of them the issuer of what is compared.
COMPARED: Final = ("cert-borea", "platform-orbit", "monitor-veritas")


class Sight(msgspec.Struct, frozen=True):
    """One record as one member has it.

    Attributes:
        received: None if nothing arrived.
        redacted: What must have arrived; None if nothing may.
        refused: Why nothing may: a reason code, or "".
    """

    published: Published
    member: Member
    received: Received | None
    redacted: Redacted | None
    refused: str


class Reason(msgspec.Struct, frozen=True):
    """A reason for cuts, with how often it applied.

    Attributes:
        instead: What stands in the projection in its place, or "".
        counts: In the order of `COMPARED`.
    """

    why: str
    instead: str
    counts: tuple[int, ...]


def sights(played: Played, members: Iterable[Member]) -> list[Sight]:
    """Pair every record with every member."""
    arrived = {(each.member, each.token_id): each for each in played.received}
    return [
        _sight(played, published, member, arrived)
        for published in played.published
        for member in members
    ]


def _sight(
    played: Played,
    published: Published,
    member: Member,
    arrived: Mapping[tuple[str, str], Received],
) -> Sight:
    verified = published.verified
    received = arrived.get((member.org, verified.token_id))
    try:
        redacted = redact(
            verified,
            view_of(member, verified.claims),
            played.context.policy,
            author=played.context.author_at(verified.claims.iat),
            now=timestamps.from_epoch(verified.claims.iat),
        )
    except NotGivenError as error:
        return Sight(published, member, received, None, error.reason)
    return Sight(published, member, received, redacted, "")


def reasons(found: Iterable[Sight], policy: Policy) -> list[Reason]:
    """Count why parts were cut, at the members compared, most frequent first.

    What an adapter writes anew in any case is left out.
    """
    counts: dict[tuple[str, str], Counter[str]] = {}
    for sight in found:
        if sight.redacted is None or sight.member.org not in COMPARED:
            continue
        for each in explained(sight.redacted, policy):
            if each.property in ADAPTERS_OWN:
                continue
            why = each.why if each.row else meaning(each.reason)
            key = (why, each.instead)
            counts.setdefault(key, Counter())[sight.member.org] += 1
    listed = [
        Reason(why, instead, tuple(by_member[org] for org in COMPARED))
        for (why, instead), by_member in counts.items()
    ]
    return sorted(listed, key=lambda each: (-sum(each.counts), each.why))


# ------------------------------------------------------- searching in what arrived


def readable(token: bytes, *others: bytes) -> str:
    """Give all text of a token or receipt, decoded, and of JSON documents.

    A search of the bytes of a token would find nothing: they are base64url.
    """
    jwt, *disclosures = token.rstrip(b"~").split(b"~")
    payload = jwt.split(b".")[1]
    texts = (*map(_decoded, (payload, *disclosures)), *others)
    return searchable("\n".join(each for text in texts for each in _strings_of(text)))


def _decoded(text: bytes) -> bytes:
    try:
        return base64url.decode(text)
    except TrustError:
        return text  # no disclosure then, but it arrived


def _strings_of(text: bytes) -> Iterable[str]:
    try:
        return _strings(json.loads(text))
    except ValueError:
        return [text.decode(errors="replace")]


def searchable(text: str) -> str:
    """Fold spellings that a reader would take for the same."""
    return unicodedata.normalize("NFKC", text).casefold()


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
