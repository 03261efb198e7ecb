"""What a producer calls: sign a record, hand it to the hub, once in effect. Edge.

A record is signed and stored first (`publisher_state`), then sent until the hub's
broker confirms it. Whatever happens in between, the same call repeats the same
bytes under the same message id.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
import structlog

from broker import carried, revising, sdjwt, signing, trust, wire
from broker.blinding import BlindMap, own_id
from broker.bus import Bus
from broker.carried import Carried
from broker.directory import Directory
from broker.fingerprints import fingerprint
from broker.publisher_lines import pulse
from broker.publisher_sending import Sender
from broker.publisher_state import MAX_PENDING, PublisherState, open_state
from broker.publisher_tables import Before, Committed, Signed, Version
from broker.publisher_tip import Doubt
from broker.seal_signing import Kept, Sealer
from broker.signing import Address, RecordSigner
from broker.signing_sealed import sign
from broker.topology import URGENT, ingress_key
from schemas import timestamps
from schemas.errors import SchemaError
from schemas.record import Draft, Need

PATIENCE_S: Final = 60.0

log = structlog.get_logger()


class PublishResult(msgspec.Struct, frozen=True):
    """What became of a record.

    Attributes:
        sub: Id of the primary object after blinding.
        seq: Its place in the publisher's feed.
        already: Whether an earlier call had signed this version.
        waiting: The token of a joint record that waits for cosigners; it leaves with
            `enqueue_joint`.
    """

    token_id: str
    sub: str
    seq: int
    already: bool
    waiting: bytes | None = None


class Publisher:
    """Publishes for one organisation; made by `open_publisher`."""

    def __init__(
        self,
        state: PublisherState,
        sender: Sender,
        signer: RecordSigner,
        *,
        directory: Directory | None,
        identity: str | None,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._sender = sender
        self._state = state
        self._signer = signer
        self._directory = directory
        self._identity = identity
        self._clock = clock
        self._entropy = entropy

    async def publish(
        self,
        draft: Draft,
        *,
        address: Address = Address(),  # noqa: B008  frozen
        exercise: bool = False,
    ) -> PublishResult:
        """Sign *draft*, and return once the hub's broker has it and all before it.

        Called again, after a crash or an error, it sends what was signed then.

        Raises:
            SchemaError, TrustError, OutboxFullError: As `enqueue`; this record
                is not signed.
            BusError: As `flush`; this record is signed and stays in the outbox.
        """
        result = await self.enqueue(draft, address=address, exercise=exercise)
        await self.flush()
        return result

    async def enqueue(
        self,
        draft: Draft,
        *,
        address: Address = Address(),  # noqa: B008  frozen
        exercise: bool = False,
        need: Need | None = None,
        sealer: Sealer | None = None,
    ) -> PublishResult:
        """Sign *draft* into the outbox; nothing leaves before `flush`.

        Args:
            need: Makes a joint record, which is kept apart until `enqueue_joint`.
            sealer: Seals what of it may not be read by the hub.

        Raises:
            SchemaError: `version-known`: this version was signed with other
                content, so it needs a newer `modified`; `retracted`: the record was
                taken back, for good.
            TrustError: `too-large`, or the directory would not let it pass (own
                key revoked, kind not allowed).
            OutboxFullError: `flush` first.
            ConfigError: The state cannot be written.
        """
        main = draft.objects[draft.primary]
        if not isinstance(main.modified, str):
            raise SchemaError("missing-property", "$.modified")
        version = Version(
            lineage=main.id,
            ver=main.modified,
            kind=draft.kind,
            content=fingerprint(draft, address, exercise=exercise, need=need),
            need=need,
        )

        def build(before: Before) -> Signed:
            return self._sign(
                draft, address, before, exercise=exercise, need=need, sealer=sealer
            )

        done = await asyncio.to_thread(self._state.commit, version, build)
        log.info(
            "publisher.enqueued",
            token=done.token_id[:8],
            seq=done.seq,
            already=done.already,
        )
        return _result(done)

    async def enqueue_next(
        self,
        draft: Draft,
        *,
        address: Address = Address(),  # noqa: B008  frozen
        exercise: bool = False,
        of: str | None = None,
        sealer: Sealer | None = None,
    ) -> PublishResult:
        """Sign *draft* as the next version of a record that was signed here before.

        Its `modified` becomes now unless it is later than that version's. What was
        signed already, whatever its `modified`, is not signed again; nor is a second
        retraction. What several signed together, they correct together: it becomes a
        joint record again, with the same `need`. A retraction takes the lead's own
        signature back, without which there is no joint record, so the lead suffices.

        Args:
            of: Id under which members know that record, if the primary object of
                *draft* has another one than it had then.

        Raises:
            SchemaError: `no-earlier-version`: nothing of this record is known here;
                `kind-mismatch`: it was about an object of another type; or as `enqueue`.
            TrustError, OutboxFullError, ConfigError: As `enqueue`.
        """
        lineage = draft.objects[draft.primary].id
        if of is not None:
            known = await asyncio.to_thread(self._state.lineage_of, of)
            if known is None:
                raise SchemaError("no-earlier-version")
            draft, lineage = revising.with_id(draft, known), known
        before = await asyncio.to_thread(self._state.newest, lineage)
        if before is None:
            raise SchemaError("no-earlier-version")
        need = None if draft.kind == "retraction" else before.need
        said = revising.with_version(draft, before.ver)
        for kind in {draft.kind, before.kind}:
            same = msgspec.structs.replace(said, kind=kind)
            known_as = fingerprint(same, address, exercise=exercise, need=before.need)
            if known_as == before.content:
                return _result(before.committed)
        if draft.kind == before.kind == "retraction":
            return _result(before.committed)
        now = timestamps.from_epoch(self._clock())
        draft = revising.newer(draft, before.ver, now=now)
        return await self.enqueue(
            draft, address=address, exercise=exercise, need=need, sealer=sealer
        )

    async def enqueue_joint(
        self, record: Carried, directory: Directory
    ) -> PublishResult:
        """Put a joint record that enough have signed into the outbox.

        Args:
            directory: Whose keys count; all of it.

        Raises:
            TrustError: `partial`; `not-prepared`: it is none of `enqueue`'s;
                `other-record`: a part of it was changed or cut; or as `trust.verify`.
            OutboxFullError: `flush` first.
            ConfigError: The state cannot be written.
        """
        found = trust.verify(record, directory, now=self._clock())
        claims = found.claims
        key = ingress_key(issuer=self._signer.org, kind=claims.kind, tlp=claims.tlp)
        message = wire.pack(
            record,
            message_id=found.token_id,
            routing_key=key,
            user_id=self._signer.org,
        )
        communities = tuple(dict.fromkeys(claims.aud))
        lead = carried.encode(Carried(record.token, (), record.sealed))
        signed = Signed(
            message,
            claims.sub,
            {},
            communities,
            claims.tlp,
            lead=lead,
            urgent=claims.severity in URGENT,
        )
        fresh = await asyncio.to_thread(self._state.release, signed)
        log.info("publisher.joint", token=found.token_id[:8], already=not fresh)
        return PublishResult(found.token_id, claims.sub, 1, already=not fresh)

    async def enqueue_once(
        self,
        draft: Draft,
        *,
        address: Address = Address(),  # noqa: B008  frozen
        exercise: bool = False,
    ) -> PublishResult:
        """Sign *draft* unless a record about its primary object was signed here.

        Raises:
            SchemaError, TrustError, OutboxFullError, ConfigError: As `enqueue`.
        """
        lineage = draft.objects[draft.primary].id
        before = await asyncio.to_thread(self._state.newest, lineage)
        if before is not None:
            return _result(before.committed)
        return await self.enqueue(draft, address=address, exercise=exercise)

    def _sign(
        self,
        draft: Draft,
        address: Address,
        before: Before,
        *,
        exercise: bool,
        need: Need | None,
        sealer: Sealer | None,
    ) -> Signed:
        now = self._clock()
        # What an earlier version was given stays: members know it by that id.
        known = {**own_id(self._signer.org, self._identity), **before.replacements}
        ids = BlindMap(lambda: signing.random_uuid(self._entropy), known)
        made = sign(
            draft,
            self._signer,
            sealer,
            now=now,
            blind_map=ids,
            entropy=self._entropy,
            address=address,
            exercise=exercise,
            position=before.position,
            replaces=before.replaces,
            need=need,
        )
        token = made.token
        if self._directory is not None:
            # A refusal here costs nothing; at the hub it leaves a gap in the feed.
            trust.verify(token, self._directory, now=now, allow_partial=True)
        key = ingress_key(issuer=self._signer.org, kind=draft.kind, tlp=draft.tlp.label)
        message = wire.pack(
            Carried(token, (), made.parts),
            message_id=sdjwt.token_id(token),
            routing_key=key,
            user_id=self._signer.org,
        )
        return Signed(
            message,
            signing.sub_of(token),
            ids.added,
            tuple(dict.fromkeys(address.communities)),
            draft.tlp.label,
            Kept.of(made).encode() if made.parts else b"",
            carried.encode(Carried(token, (), made.parts)),
            draft.facts.severity in URGENT,
        )

    async def flush(self, confirmed: Callable[[int], None] = lambda _: None) -> int:
        """Return, with their number, once all that waited is confirmed.

        Args:
            confirmed: Told how many more are, again and again.

        Raises:
            BusError: As `publisher_sending.Sender.flush`.
        """
        return await self._sender.flush(confirmed)

    async def count_pending(self) -> int:
        """Count what the hub's broker has not confirmed."""
        return await asyncio.to_thread(self._state.count_pending)

    async def heartbeat(self, communities: Sequence[str]) -> int:
        """Send what waits, then say what the hub has; return the number of heartbeats.

        One for each community and marking, of *communities* also where nothing was
        published. Repeating it after an error says the same once more.

        Raises:
            BusError: As `flush`; or a heartbeat was not confirmed.
        """
        await self.flush()
        now = int(self._clock())
        beats = await asyncio.to_thread(self._state.beats, communities, now)
        for beat in beats:
            await self._sender.send_now(pulse(beat, self._signer))
            await asyncio.to_thread(self._state.said, beat)
        log.info("publisher.heartbeat", lines=len({each.line for each in beats}))
        return len(beats)

    @property
    def doubt(self) -> Doubt | None:
        """Why opening the state began a new epoch, if a backup may be restored."""
        return self._state.doubt

    @property
    def feed(self) -> str:
        """Name of the current feed: `<org>/<publisher>/<epoch>`."""
        return self._state.feed

    async def new_epoch(self) -> str:
        """Begin the feed anew and give its name.

        Needed only after a restore that is not noticed (`publisher_tip`). What
        waits in the outbox leaves unchanged, under the feed it was signed in.

        Raises:
            ConfigError: The state cannot be written.
        """
        feed = await asyncio.to_thread(self._state.new_epoch)
        log.info("publisher.new_epoch", feed=feed, why="asked")
        return feed


def _result(done: Committed) -> PublishResult:
    return PublishResult(done.token_id, done.sub, done.seq, done.already, done.waiting)


@asynccontextmanager
async def open_publisher(
    bus: Bus,
    state: Path,
    signer: RecordSigner,
    *,
    publisher: str = "main",
    directory: Directory | None = None,
    identity: str | None = None,
    clock: Callable[[], float] = time.time,
    entropy: Callable[[int], bytes] = os.urandom,
    patience_s: float = PATIENCE_S,
    max_pending: int = MAX_PENDING,
) -> AsyncIterator[Publisher]:
    """Open the publisher's state and lend a `Publisher`; the bus stays the caller's.

    Args:
        state: File of the state, made if it is missing; one process at a time.
            Its tip is `<state>.tip`. A restored backup begins a new epoch.
        publisher: Which publisher of the organisation this is; part of the feed.
        directory: If given, each token must verify against it before it counts.
        identity: Id that the issuer's tools give its own STIX identity.
        patience_s: How long `flush` tries while nothing is confirmed.

    Raises:
        ConfigError: As `open_state`.
    """
    with open_state(
        state,
        org=signer.org,
        publisher=publisher,
        clock=clock,
        entropy=entropy,
        max_pending=max_pending,
    ) as opened:
        if opened.doubt is not None:
            log.warning("publisher.new_epoch", feed=opened.feed, why=opened.doubt)
        yield Publisher(
            opened,
            Sender(bus, opened, patience_s=patience_s),
            signer,
            directory=directory,
            identity=identity,
            clock=clock,
            entropy=entropy,
        )
