"""Dead letters: what one says of itself, and how it is put back. Pure.

Two kinds lie in `tocsin.dead`. Gate and adapters publish what they refuse there, with a
reason of `schemas.reasons`; the broker moves there what was handed out too often or
rejected. Only the routing key and what begins with `x-death` are the broker's word; of
the second kind all other headers are its sender's, and are not believed.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from broker import erasing, seen
from broker.bus import Message
from broker.replaying import HEADERS
from broker.topology import (
    ADAPTER_QUEUES,
    DEAD,
    INGRESS,
    OPERATOR,
    RECORDS,
    RETRY,
    UNROUTABLE,
)
from schemas.reasons import REASONS

# Headers of a dead letter; a message that was put back keeps `SENDER` and `KEY`.
REASON: Final = "tocsin-reason"
WHERE: Final = "tocsin-where"
ISSUER: Final = "tocsin-issuer"
SENDER: Final = "tocsin-user-id"
KEY: Final = "tocsin-routing-key"
AT: Final = "tocsin-at"  # epoch seconds

NO_QUEUE: Final = "unroutable"  # the reason of what lies in `tocsin.unroutable`
SHORTEST_ID: Final = 8  # characters of a message id that people may type
_DEAD: Final = "dead."
_WORDS: Final = {
    "delivery_limit": "handed out five times and never settled: whoever read it ended or "
    "lost its connection each time.",
    "rejected": "its reader gave it up without a reason of its own.",
    NO_QUEUE: "no adapter's queue takes its routing key.",
}


class Published(NamedTuple):
    """How a message was published first: by which login, under which key."""

    user_id: str
    routing_key: str


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What may be shown of a dead letter: nothing of its body.

    Attributes:
        queue: Where it was refused, "" if no queue took it.
        reason: Of `schemas.reasons`, or the broker's.
        issuer: Whose queue it stood in, or who signed it as the gate found; "" if
            not known.
        at: When it died, epoch seconds; None if not known.
        size: Of the body as it travels, bytes.
        digest: SHA-256 of the body, hex.
    """

    message_id: str
    queue: str
    reason: str
    where: str
    issuer: str
    at: int | None
    content_type: str
    size: int
    digest: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters are meant: all that agree with what is given here.

    Attributes:
        ids: Message ids, or beginnings of at least `SHORTEST_ID` characters.
    """

    ids: tuple[str, ...] = ()
    reason: str | None = None
    issuer: str | None = None
    queue: str | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing narrows it."""
        return self == Wanted()

    def means(self, letter: Letter) -> bool:
        """Tell whether *letter* is meant."""
        named = not self.ids or any(_names(each, letter) for each in self.ids)
        return named and all(
            wanted in (None, found)
            for wanted, found in (
                (self.reason, letter.reason),
                (self.issuer, letter.issuer),
                (self.queue, letter.queue),
            )
        )

    def unclear(self, letters: Iterable[Letter]) -> str:
        """Name an id that stands for none of *letters*, or is of several; else ""."""
        known = {each.message_id: each for each in letters}.values()
        for each in self.ids:
            if len([letter for letter in known if _names(each, letter)]) != 1:
                return each
        return ""


def _names(typed: str, letter: Letter) -> bool:
    whole = letter.message_id
    return typed == whole or (len(typed) >= SHORTEST_ID and whole.startswith(typed))


def letter_of(message: Message, source: str = DEAD) -> Letter:
    """Say what *message* is, that lies in *source*: `DEAD` or `UNROUTABLE`."""
    headers, died = message.headers, "x-death-queue" in message.headers
    queue = _queue_of(message, source)
    own = "x-death-reason" if died else REASON
    return Letter(
        message_id=message.message_id,
        queue=queue,
        reason=NO_QUEUE if source == UNROUTABLE else _text(message, own),
        where="" if died else _text(message, WHERE),
        issuer=_issuer_of(message, queue, source),
        at=_number(headers.get("x-death-time" if died else AT)),
        content_type=message.content_type,
        size=len(message.body),
        digest=hashlib.sha256(message.body).hexdigest(),
    )


def explain(reason: str) -> str:
    """Give the sentence for a reason of a letter."""
    return _WORDS.get(reason) or REASONS.get(reason, "no reason is given.")


def published_as(message: Message) -> Published:
    """Say how *message*, in a queue, was published first.

    Only the operator's own login can put a message back, and the broker checks the
    user id; so these two headers count there and nowhere else.
    """
    if message.user_id == OPERATOR:
        return Published(_text(message, SENDER), _text(message, KEY))
    return Published(message.user_id, message.routing_key)


def put_back(message: Message, source: str = DEAD) -> tuple[str, Message] | None:
    """Say over which exchange *message* goes back to where it was refused, and how.

    None for a queue whose readers rely on who published: only the gate is told who
    that was. Whoever refused it decides anew, as of a message that came just now.
    None also for an order to erase that is not known to be the operator's: put back, it
    would be. A real one is repeated with `tocsin erase`.
    """
    if erasing.is_order(message) and not _is_by_operator(message):
        return None
    queue = _queue_of(message, source)
    if source == UNROUTABLE:
        first, key, exchange = message.routing_key, message.routing_key, RECORDS
    elif queue.startswith((f"{INGRESS}.", ADAPTER_QUEUES)):
        first, key, exchange = _published_first(message).routing_key, queue, RETRY
    else:
        return None
    headers: dict[str, str | int] = {KEY: first}
    if queue.startswith(f"{INGRESS}."):
        headers[SENDER] = _published_first(message).user_id
    else:  # the gate's own word, without which no adapter takes it
        kept = [seen.STAMP_HEADER, seen.HEAD_HEADER]
        if "x-death-queue" not in message.headers or message.user_id == OPERATOR:
            kept += HEADERS  # what was for one member stays so
        headers |= {n: message.headers[n] for n in kept if n in message.headers}
    named = message.message_id or hashlib.sha256(message.body).hexdigest()
    return exchange, Message(
        body=message.body,
        message_id=named,
        routing_key=key,
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        headers=headers,
    )


def skipped(letters: Sequence[Letter], chosen: Collection[Letter]) -> int:
    """Count the letters that lie before the last of *chosen* and are not chosen."""
    meant = frozenset(chosen)
    last = max((i for i, each in enumerate(letters) if each in meant), default=-1)
    return sum(each not in meant for each in letters[: last + 1])


def _is_by_operator(message: Message) -> bool:
    """Tell so of what the broker itself moved: else the user id is who refused it."""
    return "x-death-queue" in message.headers and message.user_id == OPERATOR


def _published_first(dead: Message) -> Published:
    if "x-death-queue" not in dead.headers:
        return Published(_text(dead, SENDER), _text(dead, KEY))
    key = _text(dead, "x-death-routing-key")
    return published_as(msgspec.structs.replace(dead, routing_key=key))


def _queue_of(message: Message, source: str) -> str:
    if source == UNROUTABLE:
        return ""
    if "x-death-queue" in message.headers:
        return _text(message, "x-death-queue")
    key = message.routing_key
    return key.removeprefix(_DEAD) if key.startswith(_DEAD) else ""


def _issuer_of(message: Message, queue: str, source: str) -> str:
    if queue.startswith(f"{INGRESS}."):
        return queue.removeprefix(f"{INGRESS}.")
    if source == UNROUTABLE:
        return message.routing_key.partition(".")[0]
    # Gate and adapters alone write to an adapter's queue and of it.
    is_ours = queue.startswith(ADAPTER_QUEUES)
    return _published_first(message).routing_key.partition(".")[0] if is_ours else ""


def _text(message: Message, name: str) -> str:
    value = message.headers.get(name)
    return value if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
