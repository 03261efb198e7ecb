"""Replay: which archived records go once more, and for whom. Pure.

A replayed record travels over `tocsin.retry` with the gate's stamp, as a dead letter that
is put back, and says in a header for which member alone. Only the operator's own login
can publish there, and the broker checks the user id: the headers count from it alone.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from broker import base64url
from broker.bus import Message
from broker.topology import OPERATOR
from schemas import timestamps

MEMBER: Final = "tocsin-replay-for"
FORCED: Final = "tocsin-replay-forced"  # 1, or not there
HEADERS: Final = (MEMBER, FORCED)

# Why one is left out; sentences for people.
LEFT_OUT: Final = {
    "superseded": "a newer version of the record is in the archive",
    "retracted": "the record was retracted; the retraction is replayed",
    "expired": "its handling time (exp) is over",
    "erased": "the record was erased: only its digests are kept",
}


class Replay(NamedTuple):
    """For whom alone a message is; *forced*: also what it was delivered already."""

    member: str
    forced: bool


class Version(NamedTuple):
    """A version of a record in the archive."""

    ver: str
    kind: str
    number: int


class _Expiry(msgspec.Struct):
    exp: int


def replay_of(message: Message) -> Replay | None:
    """Say for whom alone *message*, in an adapter's queue, is; None: for all."""
    if message.user_id != OPERATOR:
        return None
    member = message.headers.get(MEMBER)
    if not isinstance(member, str):
        return None
    return Replay(member, message.headers.get(FORCED) == 1)


def kept_headers(message: Message) -> dict[str, str | int]:
    """Give what a message put aside must keep, so that it stays for that member alone."""
    if replay_of(message) is None:
        return {}
    return {name: message.headers[name] for name in HEADERS if name in message.headers}


def for_member(message: Message, replay: Replay, *, queue: str) -> Message:
    """Make of a record, as the gate passed it on, one for a member alone.

    Args:
        queue: The adapter's; what `tocsin.retry` routes by.
    """
    headers = {**message.headers, MEMBER: replay.member}
    if replay.forced:
        headers[FORCED] = 1
    return msgspec.structs.replace(message, routing_key=queue, headers=headers)


def why_left_out(
    version: Version,
    versions: Iterable[Version],
    *,
    exp: float,
    erased: bool,
    now: float,
) -> str:
    """Say why a version is not replayed, as one of `LEFT_OUT`; "": it is.

    A retraction goes even after its time: who has the record must learn of it.

    Args:
        versions: All that are archived of the record; of two that are called the same,
            the first.
        exp: Epoch seconds.

    Raises:
        SchemaError: A `ver` is no timestamp.
    """
    newest = max(versions, key=lambda each: (timestamps.key(each.ver), -each.number))
    if version.number != newest.number:
        return "retracted" if newest.kind == "retraction" else "superseded"
    if erased:
        return "erased"
    if exp < now and version.kind != "retraction":
        return "expired"
    return ""


def expiry_of(token: bytes) -> int:
    """Read `exp` of a compact token that was verified before it was archived."""
    payload = base64url.decode(token.split(b".", 2)[1])
    return msgspec.json.decode(payload, type=_Expiry).exp
