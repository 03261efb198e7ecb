"""What nobody may do to a hub's RabbitMQ, tried by each login against each other.

Each attempt goes over the attacker's own connection and its own valid certificate.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Iterator
from datetime import UTC, datetime, timedelta

import aiormq
from aiormq.auth import AuthMechanism
from aiormq.exceptions import AMQPError
from pamqp.commands import Basic

from broker.certificates import Pair, load_ca, make_ca
from broker.gate_rules import Envelope, check_envelope
from broker.tls import client_context
from broker.topology import (
    DEAD,
    FEEDBACK,
    GATE,
    INGRESS,
    OUT,
    RECORDS,
    feedback_key,
    ingress_key,
)
from tests.support.permission_matrix import (
    ADAPTER,
    FORBIDDEN,
    ISSUERS,
    LOGINS,
    MEMBERS,
    QUEUES,
    SERVED,
    WAIT_S,
    Act,
    Attempt,
    Login,
    Place,
    certified,
    refusal_of,
    without,
)

BUILT_IN = (
    "",
    "amq.direct",
    "amq.fanout",
    "amq.headers",
    "amq.match",
    "amq.rabbitmq.trace",
    "amq.topic",
)


def own_place(login: str) -> tuple[str, str]:
    """Return an exchange and a key that *login* may publish under."""
    if login in MEMBERS:
        return INGRESS, ingress_key(issuer=login, kind="incident", tlp="GREEN")
    return FEEDBACK, feedback_key(sender=login, issuer="cert-aq", kind="refusal")


def publishing(exchange: str, key: str, **properties: object) -> Act:
    async def act(channel: aiormq.abc.AbstractChannel) -> object:
        return await channel.basic_publish(
            b"x",
            exchange=exchange,
            routing_key=key,
            properties=Basic.Properties(**properties),
        )

    return act


def _consuming(queue: str) -> Act:
    async def act(channel: aiormq.abc.AbstractChannel) -> object:
        taken = await channel.basic_consume(queue, _ignore)
        return await channel.basic_cancel(taken.consumer_tag)

    return act


async def _ignore(_message: object) -> None:
    pass


def against(me: str, other: str) -> Iterator[tuple[str, Act]]:
    """What *me* must not do to *other*."""
    for exchange in (INGRESS, FEEDBACK):
        key = f"{other}.cert-aq.refusal" if exchange == FEEDBACK else f"{other}.x.green"
        yield f"publish under B's name to `{exchange}`", publishing(exchange, key)
    if (me, other) != (ADAPTER, SERVED):  # that is what it is for
        yield f"send a delivery to B over `{OUT}`", publishing(OUT, other)
    where, key = own_place(me)
    yield "state B as `user_id`", publishing(where, key, user_id=other)
    for queue in QUEUES[other]:
        if me == GATE and queue.startswith(INGRESS):
            continue  # that is what it is for
        yield "consume from a queue of B", _consuming(queue)
        yield "get from a queue of B", lambda c, q=queue: c.basic_get(q)
        yield "purge a queue of B", lambda c, q=queue: c.queue_purge(q)
        yield "delete a queue of B", lambda c, q=queue: c.queue_delete(q)
        yield (
            "bind a queue of B to an exchange",
            lambda c, q=queue: c.queue_bind(q, where, "#"),
        )
        yield (
            "unbind a queue of B",
            lambda c, q=queue: c.queue_unbind(q, FEEDBACK, f"*.{other}.#"),
        )


def alone(me: str) -> Iterator[tuple[str, Act]]:
    """What *me* must not do at all."""
    own = QUEUES[me][-1]
    for exchange in BUILT_IN:
        name = exchange or "(default)"
        yield f"publish to `{name}`", publishing(exchange, QUEUES["cert-bx"][0])
    for exchange in FORBIDDEN[me]:
        yield f"publish to `{exchange}`", publishing(exchange, f"{me}.x.y.z.v.low")
    where, key = own_place(me)
    for spelled in (
        "",
        me,
        f"{me}-2.x.green",
        f"x.{me}.green",
        f"x\n{me}.green",
        key.upper(),
        "#",
        "*.x",
    ):
        yield "publish under a key that is nearly its own", publishing(where, spelled)
    if me not in MEMBERS:
        yield (
            "publish a dead letter of a queue that it does not read",
            publishing(DEAD, "dead.tocsin.adapter.other"),
        )
    for name in ("mine", f"{own}.more", ""):
        yield (
            "declare a queue",
            lambda c, n=name: c.queue_declare(n, exclusive=True, auto_delete=True),
        )
    yield "declare its own queue anew", lambda c: c.queue_declare(own, durable=True)
    yield "delete its own queue", lambda c: c.queue_delete(own)
    yield "bind its own queue", lambda c: c.queue_bind(own, RECORDS, "#")
    yield "unbind its own queue", lambda c: c.queue_unbind(own, FEEDBACK, "#")
    for name in ("mine", "tocsin.mine"):
        yield (
            "declare an exchange",
            lambda c, n=name: c.exchange_declare(n, exchange_type="fanout"),
        )
    for name in (RECORDS, where):
        yield "delete an exchange", lambda c, n=name: c.exchange_delete(n)
    yield (
        "bind an exchange to an exchange",
        lambda c: c.exchange_bind(where, RECORDS, "#"),
    )


async def what_is_allowed(logins: dict[str, Login]) -> list[Attempt]:
    """Do what each login is for: where all is refused, refusals prove nothing."""
    found = []
    for name, login in logins.items():
        act = publishing(*own_place(name), user_id=name)
        found.append(await login.tries("", "publish where it may", act))
        queue = f"{INGRESS}.cert-aq" if name == GATE else QUEUES[name][-1]
        found.append(await login.tries("", "read what is its own", _consuming(queue)))
    act = publishing(OUT, SERVED, user_id=ADAPTER)
    found.append(await logins[ADAPTER].tries("", "send a delivery", act))
    return found


async def everything(logins: dict[str, Login]) -> list[Attempt]:
    """Try all that RabbitMQ itself must refuse."""
    found = []
    for name, login in logins.items():
        for other in LOGINS:
            if other != name:
                for what, act in against(name, other):
                    found.append(await login.tries(other, what, act))
        for what, act in alone(name):
            found.append(await login.tries("", what, act))
    return found


async def connecting(place: Place) -> list[Attempt]:
    """Try to connect as nobody should."""
    by_tls = await _shaken(place)
    good = place.context("cert-aq")
    await place.api.create_vhost("other")
    tried = {
        "show a certificate of a name without a login": place.connect(
            place.context("cert-zz")
        ),
        "open another virtual host": place.connect(good, "other"),
    }
    found = [
        Attempt("", "", what, await refusal(connect)) for what, connect in tried.items()
    ]
    password = _Plain(
        place.node.amqps_url.replace("//", "//guest:guest@"), context=good
    )
    for what, connection in (
        ("log in with a password over TLS", password),
        ("speak AMQP without TLS", aiormq.Connection(place.node.amqp_url)),
    ):
        cut = "the connection is cut" if await refusal(connection.connect()) else ""
        found.append(Attempt("", "", what, cut))
    return [*by_tls, *found]


async def _shaken(place: Place) -> list[Attempt]:
    """Try certificates that end with the handshake of TLS."""
    now = datetime.now(UTC)
    foreign = make_ca("Tocsin hub", now=now)
    other = load_ca(foreign.key, foreign.public)
    node = Pair(
        *((place.folder / f"node.{end}").read_bytes() for end in ("key", "pem"))
    )
    old = now - timedelta(days=20)
    tried = {
        "show no certificate": client_context(ca=place.folder / "ca.pem"),
        "show one of another authority of the same name": place.shown(
            "foreign", certified("cert-aq", other)
        ),
        "show one that has ended": place.context("cert-aq", at=old, days=1),
        "show one that has not begun": place.context(
            "cert-aq", at=now + timedelta(days=1)
        ),
        "show the node's own": place.shown("a-node", node),
    }
    return [
        Attempt("", "", what, await _alert(place, context))
        for what, context in tried.items()
    ]


class _Plain(aiormq.Connection):
    """Sends a password whatever the server offers."""

    def _credentials_class(self, _start: object) -> AuthMechanism:
        return AuthMechanism.PLAIN


async def refusal(connect: Awaitable[object]) -> str:
    """Return why a connection was refused, "" if it was not."""
    try:
        async with asyncio.timeout(WAIT_S):
            await connect
    except AMQPError as error:
        return refusal_of(error)
    return ""


async def _alert(place: Place, context: ssl.SSLContext) -> str:
    """Return the alert with which the node ends the handshake, "" if there is none."""
    host, port = re.findall(r"//([0-9.]+):(\d+)/", place.node.amqps_url)[0]

    def shake() -> str:
        with (
            socket.create_connection((host, int(port)), WAIT_S) as bare,
            context.wrap_socket(bare, server_hostname=host) as peer,
        ):
            # The client's part of TLS 1.3 is over before the node refuses. Nothing is
            # written until then, or a reset would eat the alert.
            return "" if peer.recv(1) else "the connection is cut"

    try:
        return await asyncio.to_thread(shake)
    except TimeoutError:
        return ""  # it waits for what an accepted client would say
    except ssl.SSLError as error:
        return f"TLS alert {error.reason}"


# What RabbitMQ takes, or may take, and who refuses it then


async def slipped_past(logins: dict[str, Login]) -> list[Attempt]:
    """Try what RabbitMQ checks in part; the answer is RabbitMQ's or the reader's."""
    found = []
    for me in MEMBERS:
        key = ingress_key(issuer=me, kind="incident", tlp="GREEN")
        if me in ISSUERS:
            act = publishing(INGRESS, key)
            found.append(await _read(logins, me, me, "leave `user_id` out", act))
        for other in ISSUERS:
            if other != me:
                hidden = f"{other}.incident.green"
                for header in ("CC", "BCC"):
                    act = publishing(
                        INGRESS, key, user_id=me, headers={header: [hidden]}
                    )
                    what = f"name B's key in the header `{header}`"
                    found.append(await _read(logins, me, other, what, act))
    return found


async def _read(
    logins: dict[str, Login], me: str, owner: str, what: str, act: Act
) -> Attempt:
    """Publish, and if that is taken see what the gate makes of *owner*'s queue."""
    against = owner if owner != me else ""
    queue = f"{INGRESS}.{owner}"
    assert await logins[GATE].does(lambda c: c.queue_purge(queue)) == ""
    attempt = await logins[me].tries(against, what, act)
    if attempt.answer:
        return attempt
    got: list[aiormq.abc.DeliveredMessage] = []

    async def get(channel: aiormq.abc.AbstractChannel) -> None:
        got.append(await channel.basic_get(queue, no_ack=True))

    assert await logins[GATE].does(get) == ""
    message = got[0]
    assert isinstance(message.delivery, Basic.GetOk)
    sender = message.header.properties.user_id or ""
    key = message.delivery.routing_key
    refused = check_envelope(Envelope(owner, sender, key))
    answer = f"taken; the gate refuses it: `{refused.reason}`" if refused else ""
    return Attempt(me, against, what, answer)


async def sent_away(place: Place) -> list[Attempt]:
    """Go on over a connection that was open when the member was suspended or left."""
    found = []
    for name in ("newsroom-y", "platform-x"):
        connection = await place.connect(place.context(name))
        login = Login(name, connection)
        act = publishing(FEEDBACK, f"{name}.cert-aq.sighting", user_id=name)
        assert await login.does(act) == ""
        suspended = name == "newsroom-y"
        await place.apply(without(name, suspended=suspended))
        async with asyncio.timeout(WAIT_S):
            await asyncio.wait([connection.closing])
        said = str(connection.closing.exception())
        what = "suspended" if suspended else "expelled"
        found.append(
            Attempt(
                "",
                "",
                f"go on over a connection that was open when it was {what}",
                (re.search(r"CONNECTION_FORCED", said) or [""])[0],
            )
        )
        again = await refusal(place.connect(place.context(name)))
        found.append(Attempt("", "", f"connect again when {what}", again))
        await place.apply(place.want)
    return found


async def looked_at(logins: dict[str, Login]) -> list[Attempt]:
    """Ask for the length of queues of others: RabbitMQ tells it to every login."""
    found = []
    for me, login in logins.items():
        for other in LOGINS:
            if other != me:
                for queue in QUEUES[other]:
                    found.append(
                        await login.tries(
                            other,
                            "ask how many messages are in a queue of B",
                            lambda c, q=queue: c.queue_declare(q, passive=True),
                        )
                    )
    return found
