"""Reads RabbitMQ's state and does what `broker.admission` planned. Edge.

Everything goes through the management API, in the order of the plan. What fails
leaves the rest undone; the next run finds out by itself where to go on.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any, Final, TypeVar, assert_never

import msgspec

from broker.admission_state import (
    Actual,
    AddExchange,
    AddQueue,
    Bind,
    ClearTopic,
    CloseConnections,
    DropQueue,
    FoundBinding,
    FoundExchange,
    FoundLogin,
    FoundQueue,
    FoundTopic,
    Password,
    Plan,
    RemoveLogin,
    SetLogin,
    SetRights,
    SetTopic,
    Step,
    Unbind,
)
from broker.errors import BusError
from broker.management import Management
from broker.topology import LOGIN_TAG, NOTHING, Binding, Permission

_HASHING: Final = "rabbit_password_hashing_sha256"
_SALT_BYTES: Final = 4
_CLOSE_S: Final = 15.0
_LOOK_S: Final = 0.1

_T = TypeVar("_T")


async def read_actual(
    api: Management, vhost: str, passwords: Mapping[str, str]
) -> Actual:
    """Return what is on *vhost*.

    Args:
        passwords: By login, those of their files.

    Raises:
        BusError: As `Management`, or an answer that is not RabbitMQ's.
    """

    async def every(kind: type[_T], *path: str) -> tuple[_T, ...]:
        # Without Any in between mypy would want one overload a kind.
        return await _list(api, kind, *path)

    users = await every(_User, "users")
    bindings = await every(_Binding, "bindings", vhost)
    return Actual(
        tuple(
            each
            for each in await every(FoundExchange, "exchanges", vhost)
            if each.name and not each.name.startswith("amq.")
        ),
        await every(FoundQueue, "queues", vhost),
        tuple(_binding(each) for each in bindings if each.source),
        tuple(_login(each, passwords.get(each.name)) for each in users),
        await every(Permission, "vhosts", vhost, "permissions"),
        await every(FoundTopic, "vhosts", vhost, "topic-permissions"),
        len(await every(_Node, "nodes")),
    )


async def execute(
    api: Management, vhost: str, plan: Plan, passwords: Mapping[str, str]
) -> None:
    """Do all steps of *plan*, in order.

    Args:
        passwords: By login, of every `SetLogin` with the password of a file.

    Raises:
        BusError: As `Management`; what came before is done.
    """
    for step in plan.steps:
        await _do(api, vhost, step, passwords)


async def _do(
    api: Management, vhost: str, step: Step, passwords: Mapping[str, str]
) -> None:
    match step:
        case RemoveLogin(name):
            await api.delete_user(name)
        case CloseConnections(name):
            await _close_connections(api, name)
        case ClearTopic(user, exchange):
            await api.delete("topic-permissions", vhost, user, exchange)
        case AddExchange(exchange):
            body: dict[str, Any] = {
                "type": exchange.type,
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": dict(exchange.arguments),
            }
            await api.put("exchanges", vhost, exchange.name, body=body)
        case DropQueue(name):
            await api.delete("queues", vhost, name)
        case AddQueue(queue):
            body = {
                "durable": True,
                "auto_delete": False,
                "arguments": dict(queue.arguments),
            }
            await api.put("queues", vhost, queue.name, body=body)
        case Unbind(binding, handle):
            await api.delete(*_path_of(vhost, binding), handle)
        case Bind(binding):
            body = {"routing_key": binding.key, "arguments": {}}
            await api.post(*_path_of(vhost, binding), body=body)
        case SetLogin():
            await _set_login(api, step, passwords)
        case SetTopic(topic):
            body = {"exchange": topic.exchange, "write": topic.write, "read": NOTHING}
            await api.put("topic-permissions", vhost, topic.user, body=body)
        case SetRights(may):
            body = {"configure": may.configure, "write": may.write, "read": may.read}
            await api.put("permissions", vhost, may.user, body=body)
        case _:
            assert_never(step)


def _path_of(vhost: str, binding: Binding) -> tuple[str, ...]:
    return ("bindings", vhost, "e", binding.exchange, "q", binding.queue)


async def _set_login(
    api: Management, step: SetLogin, passwords: Mapping[str, str]
) -> None:
    # A user is always written whole. RabbitMQ 3.10 gives one that is written
    # without a password a random one; an empty hash is no password at all.
    match step.password:
        case "none":
            hashed, hashing = "", _HASHING
        case "file":
            hashed, hashing = _hashed(passwords[step.name]), _HASHING
        case "kept":
            user = msgspec.convert(await api.get("users", step.name), _User)
            hashed, hashing = user.password_hash, user.hashing_algorithm
        case _:
            assert_never(step.password)
    body = {"password_hash": hashed, "hashing_algorithm": hashing, "tags": LOGIN_TAG}
    await api.put("users", step.name, body=body)


async def _close_connections(api: Management, name: str) -> None:
    """Return when *name* has no connection any more.

    Raises:
        BusError: It still has one after `_CLOSE_S` seconds.
    """
    # By user name, RabbitMQ looks into its table of connections; its other lists
    # are statistics, seconds late (measured).
    path = ("connections", "username", name)
    try:
        async with asyncio.timeout(_CLOSE_S):
            while await api.get(*path, missing_ok=True):
                await api.delete(*path)
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        raise BusError(f"a connection of {name} does not end") from None


class _User(msgspec.Struct, frozen=True):
    name: str
    tags: list[str] | str
    password_hash: str = ""
    hashing_algorithm: str = _HASHING

    def __repr__(self) -> str:
        return f"_User({self.name!r})"


class _Node(msgspec.Struct, frozen=True):
    name: str


class _Binding(msgspec.Struct, frozen=True):
    source: str
    destination: str
    destination_type: str
    routing_key: str
    properties_key: str
    arguments: dict[str, Any] = {}


async def _list(api: Management, kind: type[_T], *path: str) -> tuple[_T, ...]:
    try:
        return msgspec.convert(await api.get(*path), tuple[kind, ...])  # type: ignore[valid-type]
    except msgspec.ValidationError:
        raise BusError(f"{api.place} is no RabbitMQ management API") from None


def _binding(found: _Binding) -> FoundBinding:
    return FoundBinding(
        Binding(found.source, found.destination, found.routing_key),
        found.properties_key,
        found.destination_type == "queue" and not found.arguments,
    )


def _login(found: _User, password: str | None) -> FoundLogin:
    tags = found.tags.split(",") if isinstance(found.tags, str) else found.tags
    state: Password = "other"
    if not found.password_hash:
        state = "none"
    elif password is not None and _is_password(found, password):
        state = "file"
    return FoundLogin(found.name, frozenset(filter(None, tags)), state)


def _hashed(password: str, salt: bytes = b"") -> str:
    """Hash as RabbitMQ does (its documentation, "Passwords": salt, then SHA-256)."""
    salt = salt or secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.sha256(salt + password.encode()).digest()
    return base64.b64encode(salt + digest).decode()


def _is_password(found: _User, password: str) -> bool:
    try:
        salt = base64.b64decode(found.password_hash, validate=True)[:_SALT_BYTES]
    except ValueError:
        return False
    return found.hashing_algorithm == _HASHING and hmac.compare_digest(
        _hashed(password, salt), found.password_hash
    )
