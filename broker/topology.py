"""Exchanges, queues, bindings and permissions, as values.

`topology` says what exists and `permissions` who may use it; `definitions` is
both in the form that RabbitMQ imports. Nothing here talks to a broker: the
RabbitMQ bus declares these values, the embedded bus behaves like them.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from schemas.vocabularies.words import SEVERITIES

INGRESS = "tocsin.ingress"
RECORDS = "tocsin.records"
UNROUTABLE = "tocsin.unroutable"
DEAD = "tocsin.dead"
FEEDBACK = "tocsin.feedback"
# For members that read RabbitMQ themselves: deliveries, each cut for its reader.
OUT = "tocsin.out"
# The operator alone puts a dead letter back over it, into the one queue that it
# names: over `RECORDS` every other adapter would get it again.
RETRY = "tocsin.retry"

GATE = "gate"
OPERATOR = "operator"
ADAPTER_PREFIX = "adapter-"
ADAPTER_QUEUES = "tocsin.adapter."

URGENT = frozenset({"high", "extreme"})

# What two organisations must not do is share a login, so an organisation
# cannot be called like one of ours. `guest` is RabbitMQ's own first user.
_RESERVED = frozenset({GATE, OPERATOR, "guest"})
_NAME = re.compile(r"[a-z][a-z0-9-]{1,40}")
_WORD = re.compile(r"[a-z0-9-]{1,60}")

# A tag of ours gives no rights; it tells logins that were admitted from others.
LOGIN_TAG = "tocsin"

NOTHING = "^$"
_OWN_PREFIX = r"^{username}\."  # RabbitMQ puts the login in place of {username}

DELIVERY_LIMIT = 5

# A queue without a limit of its own gets 20 from RabbitMQ 4.0 on, and without
# a dead-letter exchange the 21st delivery is dropped: reading the dead letters
# often enough would destroy them. 3.10 has no -1 for "no limit".
_NO_DELIVERY_LIMIT = 1_000_000

# Bounds against a full disk only. A full queue refuses, which stops whoever
# publishes to it and, behind one topic exchange, makes the others receive
# duplicates: it is alarmed long before (DESIGN, section 5).
_INGRESS_BOUND = {"x-max-length": 100_000, "x-max-length-bytes": 1 << 30}
_BOUND = {"x-max-length": 1_000_000, "x-max-length-bytes": 8 << 30}


class Exchange(msgspec.Struct, frozen=True):
    """A durable exchange."""

    name: str
    type: Literal["topic", "fanout"]
    arguments: Mapping[str, str | int] = {}


class Queue(msgspec.Struct, frozen=True):
    """A durable quorum queue."""

    name: str
    arguments: Mapping[str, str | int]


class Binding(msgspec.Struct, frozen=True):
    """Messages to *exchange* whose routing key matches *key* go to *queue*."""

    exchange: str
    queue: str
    key: str


class Topology(msgspec.Struct, frozen=True):
    """All that a broker must have declared, in an order that works.

    Attributes:
        out: Of each adapter, to whose queues of deliveries it writes.
    """

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]
    organisations: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()
    out: Mapping[str, tuple[str, ...]] = {}

    @property
    def readers(self) -> frozenset[str]:
        """Organisations that have a queue of deliveries."""
        return frozenset(org for served in self.out.values() for org in served)


class Permission(msgspec.Struct, frozen=True):
    """What a login may do with exchanges and queues: anchored patterns of names."""

    user: str
    configure: str
    write: str
    read: str


class TopicPermission(msgspec.Struct, frozen=True):
    """Which routing keys a login may use on one exchange.

    It limits that exchange alone: a login without one may use every key, so
    whoever may write to a shared topic exchange needs one.
    """

    user: str
    exchange: str
    write: str


class Permissions(msgspec.Struct, frozen=True):
    """The rights of every login; a login that is not named has none."""

    users: tuple[Permission, ...]
    topics: tuple[TopicPermission, ...]


def topology(
    issuers: Iterable[str],
    adapters: Iterable[str],
    members: Iterable[str],
    out: Mapping[str, Iterable[str]] | None = None,
) -> Topology:
    """Return what must exist for these organisations and adapters.

    Every issuer counts as a member: it has a feedback queue too.

    Args:
        out: Members that read their deliveries from RabbitMQ, by the adapter that
            serves them.

    Raises:
        ValueError: A name is not `[a-z][a-z0-9-]{1,40}`, or is a login of ours; *out*
            names another adapter or member, or a member twice.
    """
    sending = _names(issuers)
    serving = _names(adapters)
    organisations = _organisations({*sending, *members})
    served = _served(out or {}, serving, organisations)
    readers = [org for orgs in served.values() for org in orgs]
    queues = [
        _queue(DEAD, "", _BOUND),
        _queue(UNROUTABLE, "", _BOUND),
        *(_queue(f"{INGRESS}.{each}", DEAD, _INGRESS_BOUND) for each in sending),
        *(_queue(f"{FEEDBACK}.{each}", DEAD, _BOUND) for each in organisations),
        # No dead letters: what its reader gives up is the reader's own business.
        *(_queue(f"{OUT}.{each}", "", _INGRESS_BOUND) for each in readers),
    ]
    bindings = [
        Binding(DEAD, DEAD, "#"),
        Binding(UNROUTABLE, UNROUTABLE, ""),
        *(Binding(INGRESS, f"{INGRESS}.{each}", f"{each}.#") for each in sending),
        *(Binding(RETRY, f"{INGRESS}.{each}", f"{INGRESS}.{each}") for each in sending),
        *(
            Binding(FEEDBACK, f"{FEEDBACK}.{each}", f"*.{each}.#")
            for each in organisations
        ),
        *(Binding(OUT, f"{OUT}.{each}", each) for each in readers),
    ]
    for each in serving:
        normal, urgent = adapter_queues(each)
        queues += [_queue(normal, DEAD, _BOUND), _queue(urgent, DEAD, _BOUND)]
        # Two queues, because quorum queues of 3.10 ignore priorities.
        bindings += [Binding(RETRY, queue, queue) for queue in (normal, urgent)]
        bindings += [
            Binding(
                RECORDS, urgent if level in URGENT else normal, f"*.*.*.*.*.{level}"
            )
            for level in SEVERITIES
        ]
    exchanges = (
        Exchange(DEAD, "topic"),
        Exchange(UNROUTABLE, "fanout"),
        Exchange(INGRESS, "topic"),
        Exchange(RECORDS, "topic", {"alternate-exchange": UNROUTABLE}),
        Exchange(FEEDBACK, "topic"),
        Exchange(RETRY, "topic"),
        # A hub without such members needs no more than it has.
        *([Exchange(OUT, "topic")] if readers else []),
    )
    return Topology(
        exchanges, tuple(queues), tuple(bindings), organisations, serving, served
    )


def adapter_queues(name: str) -> tuple[str, str]:
    """Return the adapter's normal and urgent queue."""
    return f"{ADAPTER_QUEUES}{name}", f"{ADAPTER_QUEUES}{name}.urgent"


def most_in(queue: str) -> int:
    """Say how many messages one of our queues holds before it refuses more."""
    is_of_one = queue.startswith((f"{INGRESS}.", f"{OUT}."))
    bound = _INGRESS_BOUND if is_of_one else _BOUND
    return bound["x-max-length"]


def _served(
    out: Mapping[str, Iterable[str]], adapters: Iterable[str], members: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    found = {name: _names(out[name]) for name in sorted(out) if out[name]}
    readers = [org for orgs in found.values() for org in orgs]
    if unknown := {*found} - {*adapters} or {*readers} - {*members}:
        raise ValueError(f"there is no adapter or member {min(unknown)}")
    # Delivery numbers count for one adapter: in one queue two would run across.
    if len(set(readers)) < len(readers):
        raise ValueError("a member reads deliveries of one adapter only")
    return found


def _names(names: Iterable[str]) -> tuple[str, ...]:
    unique = tuple(sorted(set(names)))
    for name in unique:
        if not _NAME.fullmatch(name):
            raise ValueError("a name is not [a-z][a-z0-9-]{1,40}")
    return unique


def _organisations(names: Iterable[str]) -> tuple[str, ...]:
    unique = _names(names)
    for name in unique:
        if name in _RESERVED or name.startswith(ADAPTER_PREFIX):
            raise ValueError(f"an organisation cannot be called {name}")
    return unique


def _queue(name: str, dead: str, bound: Mapping[str, str | int]) -> Queue:
    arguments: dict[str, str | int] = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT if dead else _NO_DELIVERY_LIMIT,
        # Refuse rather than drop the oldest; at-least-once demands it too.
        "x-overflow": "reject-publish",
        **bound,
    }
    if dead:
        arguments |= {
            "x-dead-letter-exchange": dead,
            "x-dead-letter-routing-key": f"dead.{name}",
            "x-dead-letter-strategy": "at-least-once",
        }
    return Queue(name, arguments)


def permissions(place: Topology) -> Permissions:
    """Return every login of *place* with its rights; only `operator` configures.

    No pattern matches `amq.default`: over the default exchange a login could
    otherwise put messages into any queue by its name. RabbitMQ 3.10 checks no
    topic permission for the keys in the headers CC and BCC, though (measured;
    4.0 and 4.3 do, see docs/permissions.md): a reader must compare its queue with the routing key and the
    user id, which are the sender's own also on such a copy.
    """
    users = [
        Permission(OPERATOR, r"^tocsin\.", r"^tocsin\.", r"^tocsin\."),
        Permission(
            GATE, NOTHING, r"^tocsin\.(records|feedback|dead)$", r"^tocsin\.ingress\."
        ),
    ]
    topics = [
        TopicPermission(GATE, FEEDBACK, _OWN_PREFIX),
        TopicPermission(GATE, DEAD, r"^dead\.tocsin\.ingress\."),
    ]
    for name in place.adapters:
        user, own = ADAPTER_PREFIX + name, rf"tocsin\.adapter\.{name}(\.urgent)?$"
        to = place.out.get(name, ())
        writes = rf"^tocsin\.(feedback|dead{'|out' if to else ''})$"
        users.append(Permission(user, NOTHING, writes, f"^{own}"))
        if to:
            topics.append(TopicPermission(user, OUT, f"^({'|'.join(to)})$"))
        topics += [
            TopicPermission(user, FEEDBACK, _OWN_PREFIX),
            TopicPermission(user, DEAD, rf"^dead\.{own}"),
        ]
    for name in place.organisations:
        reads = "(feedback|out)" if name in place.readers else "feedback"
        users.append(
            Permission(
                name,
                NOTHING,
                r"^tocsin\.(ingress|feedback)$",
                rf"^tocsin\.{reads}\.{name}$",
            )
        )
        topics += [
            TopicPermission(name, INGRESS, _OWN_PREFIX),
            TopicPermission(name, FEEDBACK, _OWN_PREFIX),
        ]
    return Permissions(tuple(users), tuple(topics))


def definitions(
    place: Topology,
    rights: Permissions,
    *,
    passwords: Mapping[str, str] | None = None,
    vhost: str = "/",
) -> dict[str, list[dict[str, Any]]]:
    """Return the body for RabbitMQ's `POST /api/definitions`.

    *passwords* creates users or gives them another password; "" means by
    certificate only. All others must exist already: named without a password,
    RabbitMQ 3.10 would put a random one in place of theirs (measured).
    """
    users = []
    for name, password in (passwords or {}).items():
        secret = {"password": password} if password else {"password_hash": ""}
        users.append({"name": name, "tags": LOGIN_TAG, **secret})
    durable = {"vhost": vhost, "durable": True, "auto_delete": False}
    return {
        "users": users,
        "permissions": [
            {"vhost": vhost, **msgspec.to_builtins(each)} for each in rights.users
        ],
        # `read` concerns binding to the exchange, which nobody may do.
        "topic_permissions": [
            {"vhost": vhost, "read": NOTHING, **msgspec.to_builtins(each)}
            for each in rights.topics
        ],
        "exchanges": [
            {**durable, "internal": False, **msgspec.to_builtins(each)}
            for each in place.exchanges
        ],
        "queues": [{**durable, **msgspec.to_builtins(each)} for each in place.queues],
        "bindings": [
            {
                "vhost": vhost,
                "source": each.exchange,
                "destination": each.queue,
                "destination_type": "queue",
                "routing_key": each.key,
                "arguments": {},
            }
            for each in place.bindings
        ],
    }


def ingress_key(*, issuer: str, kind: str, tlp: str) -> str:
    """Return the routing key of a record on its way to the gate."""
    return ".".join((_word(issuer), _word(kind), _word(tlp)))


def routing_key(
    *,
    issuer: str,
    kind: str,
    tlp: str,
    countries: Iterable[str] = (),
    sectors: Iterable[str] = (),
    severity: str,
) -> str:
    """Return the routing key of a record on `tocsin.records`.

    Bindings on it are coarse; the exact match of interests is made on claims.

    Raises:
        ValueError: A word is not `[a-z0-9-]{1,60}` in lower case, or the
            severity is not one of `SEVERITIES`, and so reaches no adapter.
    """
    if severity not in SEVERITIES:
        raise ValueError("the severity is not in SEVERITIES")
    words = (_word(issuer), _word(kind), _word(tlp), _only(countries), _only(sectors))
    return ".".join((*words, severity))


def feedback_key(*, sender: str, issuer: str, kind: str) -> str:
    """Return the routing key on `tocsin.feedback` from a login to an issuer."""
    return ".".join((_word(sender), _word(issuer), _word(kind)))


def _word(value: str) -> str:
    word = value.lower().replace("+", "-")  # AMBER+STRICT
    if not _WORD.fullmatch(word):
        raise ValueError("a word of the routing key is not [a-z0-9-]{1,60}")
    return word


def _only(values: Iterable[str]) -> str:
    words = {value.lower() for value in values}
    if not words:
        return "none"
    word = words.pop()
    # Vocabularies of STIX are open: what cannot stand in a key goes where
    # several values go, because every binding admits `multi`.
    return word if not words and _WORD.fullmatch(word) else "multi"


def matches(pattern: str, key: str) -> bool:
    """Tell whether a topic binding takes *key*, as RabbitMQ decides it.

    `*` stands for exactly one word, `#` for any number, also none.
    """
    words = key.split(".") if key else []
    reached = {0}  # how many words the parts so far may have taken
    for part in pattern.split(".") if pattern else []:
        if part == "#":
            reached = set(range(min(reached), len(words) + 1))
        else:
            reached = {
                at + 1 for at in reached if at < len(words) and part in ("*", words[at])
            }
        if not reached:
            return False
    return len(words) in reached


def route(place: Topology, exchange: str, key: str) -> tuple[str, ...]:
    """Return the queues that a message goes to, in declared order, each once.

    Raises:
        KeyError: No such exchange.
    """
    kinds = {each.name: each for each in place.exchanges}
    found = {
        each.queue: None
        for each in place.bindings
        if each.exchange == exchange
        and (kinds[exchange].type == "fanout" or matches(each.key, key))
    }
    otherwise = kinds[exchange].arguments.get("alternate-exchange")
    if not found and otherwise is not None:
        return route(place, str(otherwise), key)
    return tuple(found)
