"""A signed exercise record to the gate, and the gate's stamp back. Edge.

What it proves: key, state, login, queue, quota, gate, archive and chain, as for every
record. What it does not: that adapters deliver, since nobody is in its community.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from typing import Final

from adapters.cli.connecting import open_bus
from adapters.cli.feedback import fetch
from adapters.config import PublisherConfig
from adapters.doctor import REFUSED, UNREACHABLE, Finding, failed, note, ok, warning
from broker import rabbitmq_probing, trials
from broker.bus import Received
from broker.directory import Directory
from broker.errors import TrustError
from broker.feedback_file import beside, open_feedback
from broker.publisher import PublishResult, open_publisher
from broker.rabbitmq_link import Link
from broker.signers import Signer
from broker.signing import Address, random_uuid
from broker.topology import FEEDBACK
from broker.trials import Told
from schemas import composing, stix, timestamps
from schemas.markings import Tlp
from schemas.reasons import explain
from schemas.record import Draft

WAIT_S: Final = 30.0
_HELD: Final = 100  # messages that may come meanwhile
_SKEW_S: Final = 30  # the gate bears 120; what comes near is worth a word
_KINDS: Final = ("incident", "campaign")


async def there_and_back(
    link: Link, settings: PublisherConfig, signer: Signer, directory: Directory
) -> list[Finding]:
    """Publish an exercise that nobody gets, and wait for what the gate says of it.

    What waits in the queue of feedback is kept for `tocsin feedback` first: taking it
    from there and putting it back would count against its deliveries. Not tried
    while somebody else reads there.

    Raises:
        BusError, ConfigError, RefusedError: It could not be published.
    """
    member = directory.members[settings.org]
    kind = next((each for each in _KINDS if each in member.kinds), None)
    if kind is None:
        said = f"{settings.org} publishes neither incidents nor campaigns"
        return [note(f"{said}, so there is no exercise to send")]
    queue = f"{FEEDBACK}.{settings.org}"
    waiting = await rabbitmq_probing.waiting_in(link, queue)
    if waiting is not None and waiting.readers:
        return [
            warning(
                "no exercise was sent: your queue of feedback is being read just now, "
                "and the answer could go there",
                "let tocsin publish --wait or tocsin feedback end; then type this again",
            )
        ]
    if waiting is not None and waiting.messages:
        with open_feedback(beside(settings.state), now=time.time()) as file:
            await fetch(settings, file)
    return await _sent(settings, signer, directory, _exercise(kind), queue)


async def _sent(
    settings: PublisherConfig,
    signer: Signer,
    directory: Directory,
    draft: Draft,
    queue: str,
) -> list[Finding]:
    async with (
        open_bus(settings.broker) as bus,
        open_publisher(
            bus,
            settings.state,
            signer,
            publisher=settings.publisher,
            directory=directory,
            identity=settings.identity or None,
        ) as publisher,
        bus.consume(queue, prefetch=_HELD) as messages,
    ):
        done = await publisher.publish(
            draft,
            address=Address(communities=(trials.COMMUNITY,)),
            exercise=True,
        )
        began = time.time()
        found = _doubted(publisher.doubt)
        try:
            async with asyncio.timeout(WAIT_S):
                told = await _answer(messages, done.token_id, directory)
        except TimeoutError:
            return [
                *found,
                failed(
                    f"the broker has the exercise, and the gate said nothing of it for "
                    f"{WAIT_S:.0f} s",
                    "the gate may be stopped or far behind: ask the operator of the "
                    "hub; the answer will wait in your queue of feedback",
                    UNREACHABLE,
                ),
            ]
    return [*found, *_judged(told, done, began)]


def _doubted(doubt: str | None) -> list[Finding]:
    if doubt is None:
        return []
    return [
        warning(
            f"the state may be a restored backup ({doubt}), so a new feed began",
            "docs/operations.md, section 5, says what was forgotten",
        )
    ]


async def _answer(
    messages: AsyncIterator[Received], token_id: str, directory: Directory
) -> Told:
    async for received in messages:
        told = trials.read(received.message, token_id, directory, now=time.time())
        if told is not None:
            await received.ack()
            return told
        # Came meanwhile. Held, it goes back once, for `tocsin feedback`; given back
        # at once it would come again and again, and be a dead letter soon.
    raise TrustError("answer-invalid")


def _judged(told: Told, done: PublishResult, now: float) -> list[Finding]:
    stamp = told.stamp
    if stamp is None:
        return [
            failed(
                f"the gate refused the exercise ({told.reason}): {explain(told.reason)}",
                "put that right, then type this again",
                REFUSED,
            )
        ]
    found = [
        ok(
            f"a signed exercise went to the gate and its stamp came back: number "
            f"{stamp.pos} of the chain, number {done.seq} of your feed"
        ),
        note("whether members' systems get records, only they can say"),
    ]
    ahead = now - stamp.seen
    if abs(ahead) > _SKEW_S:
        way = "ahead of" if ahead > 0 else "behind"
        found.append(
            warning(
                f"your clock is about {abs(ahead):.0f} s {way} the hub's",
                "keep it right with NTP: beyond 120 s ahead records are refused",
            )
        )
    return found


def _exercise(kind: str) -> Draft:
    now = timestamps.from_epoch(time.time())
    main = {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{random_uuid(os.urandom)}",
        "created": now,
        "modified": now,
        "name": "Exercise: an installation is being tested",
    }
    objects = [stix.decode_object(main)]
    return composing.compose(objects, now=now, tlp=Tlp.CLEAR)
