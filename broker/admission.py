"""From the directory to what RabbitMQ must have, and the way there. Pure.

`wanted` says what must be, `plan` compares it with what is. Rights are taken away
before any are given, and whoever lost one also loses its open connections. Only
logins that are known to be ours are removed, and no queue unless it was named.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from broker.admission_state import (
    Actual,
    AddExchange,
    AddQueue,
    Bind,
    ClearTopic,
    CloseConnections,
    DropQueue,
    FoundExchange,
    FoundLogin,
    FoundQueue,
    Note,
    Plan,
    RemoveLogin,
    SetLogin,
    SetRights,
    SetTopic,
    Step,
    Unbind,
)
from broker.directory import Directory
from broker.errors import ConfigError
from broker.topology import (
    ADAPTER_PREFIX,
    LOGIN_TAG,
    NOTHING,
    Exchange,
    Permission,
    Permissions,
    Queue,
    Topology,
    permissions,
    topology,
)

_OURS = re.compile(r"tocsin\.")
_COPIES = 3  # of a quorum queue, unless it says otherwise: RabbitMQ's own default


class Wanted(msgspec.Struct, frozen=True):
    """What must be.

    Attributes:
        rights: Of all but the suspended.
        suspended: Members that have no login for now; their queues stay.
        by_password: Logins with a password; all others need a certificate.
    """

    place: Topology
    rights: Permissions
    suspended: frozenset[str]
    by_password: frozenset[str]

    @property
    def logins(self) -> tuple[str, ...]:
        """Every login that must exist."""
        return tuple(each.user for each in self.rights.users)


def wanted(
    directory: Directory,
    *,
    adapters: Iterable[str],
    suspended: Collection[str] = (),
    out: Mapping[str, Collection[str]] | None = None,
) -> Wanted:
    """Derive logins by certificate, their rights, exchanges, queues and bindings.

    Args:
        out: As in `topology`. Who is no member any more is passed over: its removal
            must not wait for the configuration.

    Raises:
        ConfigError: A name cannot be a login; *out* names an adapter that is none, or
            a member twice.
    """
    kept = {
        name: [org for org in orgs if org in directory.members]
        for name, orgs in (out or {}).items()
    }
    members = directory.members.values()
    try:
        place = topology(
            issuers=[each.org for each in members if each.kinds],
            adapters=adapters,
            members=directory.members,
            out=kept,
        )
    except ValueError as error:
        raise ConfigError(str(error)) from None
    every = permissions(place)
    away = frozenset(suspended) & set(place.organisations)
    rights = Permissions(
        tuple(each for each in every.users if each.user not in away),
        tuple(each for each in every.topics if each.user not in away),
    )
    return Wanted(place, rights, away, frozenset())


def with_passwords(want: Wanted, logins: Collection[str]) -> Wanted:
    """Let *logins* have passwords instead of certificates.

    A name that is no login is noted by `plan`, not refused: it may be that of a member
    who has just left, and whose removal must not wait for the configuration.
    """
    return msgspec.structs.replace(want, by_password=frozenset(logins))


def plan(
    want: Wanted, found: Actual, *, me: str, drop_queues: Collection[str] = ()
) -> Plan:
    """Return the way from *found* to *want*.

    Args:
        me: The administrator's login that does it; it is left alone.
        drop_queues: Queues to delete with what is in them; one that must exist is
            declared anew.

    Raises:
        ConfigError: *me* is a login of the directory, or *drop_queues* names a queue
            that is not there or not Tocsin's.
    """
    if me in want.logins or me in want.suspended:
        raise ConfigError(f"the administrator's login {me} is one of the directory's")
    dropped = _dropped(found, drop_queues)
    steps: list[Step] = []
    steps += _removals(want, found, me)
    steps += _exchanges(want, found)
    steps += dropped
    steps += _queues(want, found, drop_queues)
    steps += _bindings(want, found, drop_queues)
    for permission in want.rights.users:
        steps += _admission(permission, want, found)
    notes = (
        *_notes_on_logins(want, found, me),
        *_notes_on_exchanges(want, found),
        *_notes_on_queues(want, found, drop_queues),
        *_notes_on_bindings(want, found),
        *_notes_on_copies(found),
    )
    return Plan(tuple(steps), notes)


# Logins


def _removals(want: Wanted, found: Actual, me: str) -> list[Step]:
    names = [
        each.name
        for each in found.logins
        if each.name in want.suspended
        or (each.name != me and _has_left(each, want, found))
    ]
    # Every login before any connection: one that does not end keeps no other's.
    return [
        *(RemoveLogin(each, each in want.suspended) for each in names),
        *map(CloseConnections, names),
    ]


def _has_left(login: FoundLogin, want: Wanted, found: Actual) -> bool:
    """Tell whether a login was admitted once, and is not any more."""
    if login.name in want.logins or not _has_rights(login.name, found):
        return False
    return LOGIN_TAG in login.tags or (
        not login.tags and _looks_ours(login.name, found)
    )


def _has_rights(name: str, found: Actual) -> bool:
    of_all = {each.user for each in found.permissions}
    return name in of_all or any(each.user == name for each in found.topics)


def _looks_ours(name: str, found: Actual) -> bool:
    """Tell whether the rights are just those that a member or adapter would have."""
    adapter = name.removeprefix(ADAPTER_PREFIX)
    try:
        if adapter != name:
            would = permissions(topology([], [adapter], []))
        else:
            would = permissions(topology([], [], [name]))
    except ValueError:
        return False
    return bool(set(would.users) & {p for p in found.permissions if p.user == name})


def _admission(permission: Permission, want: Wanted, found: Actual) -> Iterator[Step]:
    """Yield what makes one login as it must be, narrowest first."""
    name = permission.user
    before = next((each for each in found.logins if each.name == name), None)
    login = _login(name, before, by_password=name in want.by_password)
    # A login without a topic permission may use every key of the exchange.
    topics = {each.exchange: each for each in want.rights.topics if each.user == name}
    has = {each.exchange: each for each in found.topics if each.user == name}
    set_topics = [
        SetTopic(each)
        for exchange, each in topics.items()
        if exchange not in has
        or (has[exchange].write, has[exchange].read) != (each.write, NOTHING)
    ]
    cleared = [ClearTopic(name, each) for each in has if each not in topics]
    rights = [] if permission in found.permissions else [SetRights(permission)]
    if login is not None:
        yield login
    yield from cleared
    yield from set_topics
    yield from rights
    had = before is not None and _has_rights(name, found)
    other = login is not None and (login.password in {"none", "file"} or login.tags)
    if had and (other or cleared or set_topics or rights):
        yield CloseConnections(name)


def _login(
    name: str, before: FoundLogin | None, *, by_password: bool
) -> SetLogin | None:
    password: Literal["file", "none"] = "file" if by_password else "none"
    if before is None:
        return SetLogin(name, True, password)
    tags = tuple(sorted(before.tags - {LOGIN_TAG}))
    if before.password != password:
        return SetLogin(name, False, password, tags)
    if before.tags != {LOGIN_TAG}:
        return SetLogin(name, False, "kept", tags)
    return None


def _notes_on_logins(want: Wanted, found: Actual, me: str) -> Iterator[Note]:
    for name in sorted(want.by_password - {*want.logins, *want.suspended}):
        yield Note(
            "no-login",
            name,
            "stands in by_password, and the directory knows no such login; take it out",
        )
    for login in found.logins:
        name = login.name
        if name in (me, *want.logins, *want.suspended) or _has_left(login, want, found):
            continue
        if "administrator" in login.tags or _has_rights(name, found):
            what = "an administrator" if "administrator" in login.tags else "a login"
            yield Note(
                "unknown-login",
                name,
                f"is {what} that the directory does not know; delete it if nobody "
                "needs it",
            )


# Exchanges


def _exchanges(want: Wanted, found: Actual) -> Iterator[Step]:
    names = {each.name for each in found.exchanges}
    for each in want.place.exchanges:
        if each.name not in names:
            yield AddExchange(each)


def _notes_on_exchanges(want: Wanted, found: Actual) -> Iterator[Note]:
    known = {each.name: each for each in want.place.exchanges}
    for each in found.exchanges:
        if each.name in known and not _same_exchange(known[each.name], each):
            yield Note(
                "other-exchange",
                each.name,
                "has another type or other arguments than it must; stop gate, adapters "
                "and publishers, delete it, and run this again",
            )
        elif each.name not in known and _OURS.match(each.name):
            yield Note(
                "unknown-exchange",
                each.name,
                "is none of Tocsin's; delete it if nobody needs it",
            )


def _same_exchange(must: Exchange, is_: FoundExchange) -> bool:
    return (
        (must.type, dict(must.arguments)) == (is_.type, dict(is_.arguments))
        and is_.durable
        and not (is_.auto_delete or is_.internal)
    )


# Queues


def _dropped(found: Actual, names: Collection[str]) -> list[DropQueue]:
    steps = []
    queues = {each.name: each for each in found.queues}
    for name in sorted(set(names)):
        if name not in queues or not _OURS.match(name):
            raise ConfigError(f"no queue of Tocsin's is called {name}")
        steps.append(DropQueue(name, queues[name].messages))
    return steps


def _queues(want: Wanted, found: Actual, dropped: Collection[str]) -> Iterator[Step]:
    there = {each.name for each in found.queues} - set(dropped)
    for each in want.place.queues:
        if each.name not in there:
            yield AddQueue(each)


def _notes_on_queues(
    want: Wanted, found: Actual, dropped: Collection[str]
) -> Iterator[Note]:
    known = {each.name: each for each in want.place.queues}
    for each in found.queues:
        if each.name in dropped or not _OURS.match(each.name):
            continue
        count = f"{each.messages} messages" if each.messages else "no messages"
        if each.name not in known:
            yield Note(
                "left-queue",
                each.name,
                f"belongs to nobody any more and held {count} when last counted; to "
                f"delete it: --drop-queues {each.name}",
            )
        elif differs := _differing(known[each.name], each):
            yield Note(
                "other-arguments",
                each.name,
                f"has another {differs} than it must, which cannot be changed in place, "
                f"and held {count} when last counted; let its reader empty it, then "
                f"make it anew: --drop-queues {each.name}",
            )


def _notes_on_copies(found: Actual) -> Iterator[Note]:
    # Made while a node was away, or before there were three.
    most = min(found.nodes, _COPIES)
    few = [e for e in found.queues if _OURS.match(e.name) and 0 < len(e.members) < most]
    if few:
        yield Note(
            "few-copies",
            "RabbitMQ",
            f"has {len(few)} queues with fewer than {most} copies, so they can be away "
            "when one node is; once for each node: rabbitmq-queues grow NODE all",
        )


def _differing(must: Queue, is_: FoundQueue) -> str:
    """Name what differs, "" if nothing does."""
    if not is_.durable or is_.auto_delete:
        return "durability"
    has: Mapping[str, Any] = is_.arguments
    names = sorted({*must.arguments, *has})
    return ", ".join(
        name for name in names if has.get(name) != must.arguments.get(name)
    )


# Bindings


def _bindings(want: Wanted, found: Actual, dropped: Collection[str]) -> Iterator[Step]:
    must = set(want.place.bindings)
    has = {
        each.binding: each
        for each in found.bindings
        if each.plain and each.binding.queue not in dropped
    }
    for binding, each in has.items():
        if binding not in must and _between_ours(binding.exchange, binding.queue):
            yield Unbind(binding, each.handle)
    for binding in want.place.bindings:
        if binding not in has:
            yield Bind(binding)


def _notes_on_bindings(want: Wanted, found: Actual) -> Iterator[Note]:
    for each in found.bindings:
        binding = each.binding
        ours = each.plain and _between_ours(binding.exchange, binding.queue)
        if not ours and _OURS.match(binding.exchange):
            yield Note(
                "unknown-binding",
                binding.queue,
                f"gets copies from {binding.exchange}, which Tocsin did not arrange; "
                "remove the binding if nobody should",
            )


def _between_ours(exchange: str, queue: str) -> bool:
    return bool(_OURS.match(exchange) and _OURS.match(queue))
