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
from adapters.policy import Policy
from adapters.redaction import Cut, NotGivenError, Redacted, redact
from adapters.view import view_of
from broker import base64url
from broker.directory import Member
from broker.errors import TrustError
from schemas import profile, timestamps
from schemas.reasons import explain

# One member of each audience, none of them the issuer of what is compared.
COMPARED: Final = ("cert-borea", "platform-orbit", "monitor-veritas")

_WITHOUT_A_ROW: Final = {
    "not-named": "No row of the policy names it, so it is withheld.",
    "type-not-named": "No row of the policy names this kind of object.",
    "guard": "It repeats a name or address that is withheld elsewhere.",
    "granular-tlp": "The issuer marked this part more strictly than the rest.",
    "granular-visible": "The issuer marked a part more strictly that cannot be cut.",
    "reference-withheld": "It points to something that is withheld.",
    "required-withheld": "Without the withheld part nothing useful is left of it.",
}
_DEFANGED: Final = "Kept, but written so that nobody opens it by accident."
_INSTEAD: Final = {
    "policy-generalise": "a coarser value",
    "policy-pseudonymise": "a made-up name",
}


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


class Cell(msgspec.Struct, frozen=True):
    """One part of a record in one delivery.

    Attributes:
        value: As the delivered projection has it; None if it is withheld.
        why: The sentence for the cut, "" if the value is the issuer's.
    """

    value: Any
    why: str


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


def sentence(policy: Policy, cut: Cut) -> str:
    """Say in plain words why something was cut."""
    if cut.row:
        return policy.reason(cut.row, cut.limit)
    return _WITHOUT_A_ROW.get(cut.reason) or as_sentence(explain(cut.reason))


def as_sentence(text: str) -> str:
    """Write the first letter large."""
    return text[:1].upper() + text[1:]


def cell(
    sight: Sight, policy: Policy, object_id: str, place: profile.Place, signed: Any
) -> Cell:
    """Look up one property of one object, by its id in the signed record.

    Args:
        signed: The value as its issuer signed it.
    """
    if sight.redacted is None or sight.received is None:
        return Cell(None, as_sentence(explain(sight.refused)))
    cuts = [cut for cut in sight.redacted.cuts if cut.object_id == object_id]
    exact = [cut for cut in cuts if cut.place == profile.spell(place)]
    whole = [cut for cut in cuts if not cut.place]
    why = next((sentence(policy, cut) for cut in (*exact, *whole)), "")
    found: Any = None if whole else delivered(sight).get(object_id)
    for part in place:
        found = found.get(part) if isinstance(found, dict) else None
    if found is not None and found != signed and not why:
        why = _DEFANGED
    return Cell(found, why)


def delivered(sight: Sight) -> dict[str, dict[str, Any]]:
    """Give the delivered projection's objects by their ids in the signed record.

    A projection has ids of its own; it lists the objects that stay in the order of
    the signed record, after those that the adapter adds.
    """
    if sight.redacted is None or sight.received is None:
        return {}
    gone = {cut.object_id for cut in sight.redacted.cuts if not cut.place}
    stay = [o.id for o in sight.published.verified.objects if o.id not in gone]
    objects = json.loads(sight.received.projection)["objects"]
    return dict(zip(stay, objects[len(objects) - len(stay) :], strict=True))


def reasons(found: Iterable[Sight], policy: Policy) -> list[Reason]:
    """Count why parts were cut, at the members compared, most frequent first."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for sight in found:
        if sight.redacted is None or sight.member.org not in COMPARED:
            continue
        for cut in sight.redacted.cuts:
            instead = _INSTEAD.get(cut.reason, "") if cut.made else ""
            key = (sentence(policy, cut), instead)
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
