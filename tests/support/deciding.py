"""Who decides under what, for tests of decisions: contexts, and records of the gate."""

import dataclasses
from typing import Any

from msgspec.structs import replace

from adapters.deciding_again import DecidingAgain
from adapters.delivery import Delivery, NotGiven, NotYet
from adapters.interests import EVERYTHING, Interests
from adapters.outbox import Outbox
from adapters.pipeline import Context, Decided, Subscriber, decide
from broker.bus import Message
from broker.carried import Carried
from broker.directory import Directory, Service, build
from broker.sdjwt import token_id
from broker.seen import STAMP_HEADER, make_stamp
from broker.wire import pack
from tests.support.records import key_entry, member, signer
from tests.support.views import AUTHOR, DIRECTORY, KEYS, NOW, POLICY, token

HUB = signer("hub")
ORG = "platform-x"
SINK = "siem"
LANE = (ORG, SINK)


def directory(*more: Any, without: str = "", **service: Any) -> Directory:
    """The issuers of the samples, the hub's gate, and *more* or instead."""
    named = {**DIRECTORY.members, **{each.org: each for each in more}}
    named.pop(without, None)
    facts = {"services": ("gate",), "keys": (key_entry(HUB),), **service}
    return build(named.values(), [Service(org="hub", name="Hub", **facts)])


def context(
    *orgs: str, interests: Interests = EVERYTHING, policy: Any = POLICY, **facts: Any
) -> Context:
    """What is decided under for members, all with these *facts*; by default for one."""
    members = [
        member(signer(o), **{"audience": "platform", **facts}) for o in orgs or (ORG,)
    ]
    return under(
        directory(*members), *orgs or (ORG,), interests=interests, policy=policy
    )


def under(
    known: Directory,
    *orgs: str,
    interests: Interests = EVERYTHING,
    policy: Any = POLICY,
) -> Context:
    """The same by a given directory."""
    return Context(
        directory=known,
        policy=policy,
        author=AUTHOR,
        pseudonyms=KEYS,
        signer=HUB,
        subscribers=tuple(
            Subscriber(known.members[org], (SINK,), interests) for org in orgs or (ORG,)
        ),
    )


def record(*objects: dict[str, Any], seen: int = NOW, **signing: Any) -> Message:
    """A record of these objects as the gate passes it on."""
    return passed_on(token(*objects, **signing), seen=seen)


def passed_on(data: bytes | Carried, *, seen: int = NOW) -> Message:
    name = data.token_id if isinstance(data, Carried) else token_id(data)
    stamp = make_stamp(HUB, token_id=name, seen=seen, pos=1, prev="")
    made = pack(data, message_id=name, routing_key="cert-aq.incident", user_id="gate")
    return replace(made, headers={STAMP_HEADER: stamp})


@dataclasses.dataclass
class Desk:
    """An outbox whose deliveries are decided on again; what holds may be set."""

    outbox: Outbox
    context: Context
    now: float = NOW
    archive: dict[str, Message] = dataclasses.field(default_factory=dict)

    async def store(self, message: Message) -> Decided:
        """Decide and store, as an intake does."""
        outcome = decide(message, self.context, now=self.now)
        assert isinstance(outcome, Decided)
        await self.outbox.store(outcome.rows)
        return outcome

    async def due(self, count: int = 1) -> Any:
        """Take the only delivery that is due, or all of *count*."""
        found = await self.outbox.due(self.now, 100)
        self.outbox.release(found)
        assert len(found) == count
        return found[0] if count == 1 else found

    async def now_for(self, item: Delivery) -> Delivery | NotGiven | NotYet:
        """Say what may be sent of *item* now."""
        return await self.again()(item)

    def again(self, **more: Any) -> DecidingAgain:
        options = {"clock": lambda: self.now, "kept": self.archive.get, **more}
        return DecidingAgain(self.outbox, lambda: self.context, **options)
