"""What RabbitMQ has, and what can be done to it: values of `broker.admission`. Pure."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from broker.topology import Binding, Exchange, Permission, Queue, TopicPermission

Password = Literal["none", "file", "other"]


class FoundExchange(msgspec.Struct, frozen=True):
    """An exchange of the broker."""

    name: str
    type: str
    durable: bool
    auto_delete: bool
    internal: bool
    arguments: Mapping[str, Any]


class FoundQueue(msgspec.Struct, frozen=True):
    """A queue of the broker.

    Attributes:
        messages: How many were in it when RabbitMQ last counted, seconds ago.
        members: The nodes that have a copy of it.
    """

    name: str
    durable: bool
    auto_delete: bool
    arguments: Mapping[str, Any]
    messages: int = 0
    members: tuple[str, ...] = ()


class FoundBinding(msgspec.Struct, frozen=True):
    """A binding of the broker.

    Attributes:
        handle: RabbitMQ's own name of it, to remove it by.
        plain: Its destination is a queue, and it has no arguments.
    """

    binding: Binding
    handle: str
    plain: bool


class FoundLogin(msgspec.Struct, frozen=True):
    """A user of the broker.

    Attributes:
        password: None; the one of its file; or another.
    """

    name: str
    tags: frozenset[str]
    password: Password


class FoundTopic(msgspec.Struct, frozen=True):
    """A topic permission of the broker."""

    user: str
    exchange: str
    write: str
    read: str


class Actual(msgspec.Struct, frozen=True):
    """All of one virtual host, and the users of the whole server.

    Attributes:
        nodes: Of how many the server consists, whether they run or not.
    """

    exchanges: tuple[FoundExchange, ...] = ()
    queues: tuple[FoundQueue, ...] = ()
    bindings: tuple[FoundBinding, ...] = ()
    logins: tuple[FoundLogin, ...] = ()
    permissions: tuple[Permission, ...] = ()
    topics: tuple[FoundTopic, ...] = ()
    nodes: int = 1


class _Step(msgspec.Struct, frozen=True, tag_field="do"):
    pass


class RemoveLogin(_Step, frozen=True, tag="remove-login"):
    """Delete a user, so that nobody logs in as it any more.

    Attributes:
        suspended: It is still a member.
    """

    name: str
    suspended: bool


class CloseConnections(_Step, frozen=True, tag="close-connections"):
    """End all connections of a login: what is open keeps rights that it had."""

    name: str


class ClearTopic(_Step, frozen=True, tag="clear-topic"):
    """Remove a topic permission that is not one of ours."""

    user: str
    exchange: str


class AddExchange(_Step, frozen=True, tag="add-exchange"):
    """Declare an exchange."""

    exchange: Exchange


class DropQueue(_Step, frozen=True, tag="drop-queue"):
    """Delete a queue with all that is in it, as the operator asked by its name."""

    name: str
    messages: int


class AddQueue(_Step, frozen=True, tag="add-queue"):
    """Declare a queue."""

    queue: Queue


class Unbind(_Step, frozen=True, tag="unbind"):
    """Remove a binding between an exchange and a queue of ours."""

    binding: Binding
    handle: str


class Bind(_Step, frozen=True, tag="bind"):
    """Add a binding."""

    binding: Binding


class SetLogin(_Step, frozen=True, tag="set-login"):
    """Create a user, or change its password and tags.

    Attributes:
        password: None, so that only a certificate logs in; that of its file; or, of
            a user that exists, the one it has.
        tags: Those it loses.
    """

    name: str
    new: bool
    password: Literal["none", "file", "kept"]
    tags: tuple[str, ...] = ()


class SetTopic(_Step, frozen=True, tag="set-topic"):
    """Limit the routing keys of a login on one exchange."""

    topic: TopicPermission


class SetRights(_Step, frozen=True, tag="set-rights"):
    """Say what a login may do with exchanges and queues."""

    permission: Permission


Step = (
    RemoveLogin
    | CloseConnections
    | ClearTopic
    | AddExchange
    | DropQueue
    | AddQueue
    | Unbind
    | Bind
    | SetLogin
    | SetTopic
    | SetRights
)


class Note(msgspec.Struct, frozen=True):
    """What is not as it should be and stays so until a person decides.

    Attributes:
        kind: For programs. `other-arguments` and `other-exchange` mean that the
            broker is not as it must be.
        subject: The name of it.
        text: What to do.
    """

    kind: Literal[
        "unknown-login",
        "no-login",
        "left-queue",
        "other-arguments",
        "other-exchange",
        "unknown-exchange",
        "unknown-binding",
        "few-copies",
    ]
    subject: str
    text: str


class Plan(msgspec.Struct, frozen=True):
    """What to do, in this order, and what is left to people."""

    steps: tuple[Step, ...]
    notes: tuple[Note, ...]

    @property
    def blocked(self) -> bool:
        """Whether the broker will not be as it must, even when all is done."""
        return any(note.kind.startswith("other-") for note in self.notes)
