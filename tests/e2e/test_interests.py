"""A filter on its whole way: issuer, gate, adapter, outbox, sink, on the embedded bus."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters import intake, interests_file
from adapters.app import serve
from adapters.cli.load import load_policy
from adapters.interests import Interests
from adapters.outbox import open_outbox
from adapters.pipeline import Context, Subscriber
from adapters.projection import Author
from adapters.pseudonyms import PseudonymKeys
from broker.bus import Bus
from broker.embedded import EmbeddedBroker, open_embedded
from broker.sdjwt import token_id
from broker.topology import INGRESS
from schemas import stix
from schemas.composing import compose
from schemas.markings import Tlp
from schemas.record import Draft
from tests.support.adapter_config import adapter_config, served
from tests.support.issuing import (
    PLACE,
    Feed,
    clock,
    directory,
    member,
    running_gate,
    signer,
)
from tests.support.sinks import MemorySink

THAI, ALL = "platform-x", "platform-y"
KNOWN = directory(member(THAI), member(ALL))


def record(number: int, country: str, *, version: int = 0, **more: object) -> Draft:
    modified = f"2026-02-01T10:{version:02}:00.000Z"
    base = {"spec_version": "2.1", "created": "2026-02-01T10:00:00.000Z"}
    incident = {
        "type": "incident",
        "id": f"incident--00000000-0000-4000-8000-{number:012}",
        "modified": modified,
        "name": f"Case {number}",
        **base,
        **more,
    }
    place = {
        "type": "location",
        "id": f"location--00000000-0000-4000-8000-{number:012}",
        "modified": modified,
        "country": country,
        **base,
    }
    objects = [stix.decode_object(each) for each in (incident, place)]
    return compose(objects, now=modified, tlp=Tlp.GREEN)


class Stage:
    """Gate and adapter that run, and the sinks of two members."""

    def __init__(self, broker: EmbeddedBroker, interests: Path) -> None:
        self.issuer: Bus = broker.login("cert-aq")
        self.feed = Feed()
        self.interests = interests
        self.sinks = {org: MemorySink() for org in (THAI, ALL)}

    async def publish(self, draft: Draft, *, after: str | None = None) -> str:
        """Publish, and wait until the member without a filter has it; the token id."""
        more = {} if after is None else {"replaces": after}
        token = self.feed.sign(draft, **more)
        count = len(self.sinks[ALL].taken)
        await self.issuer.publish(INGRESS, self.feed.pack(token, draft))
        await until(lambda: len(self.sinks[ALL].taken) > count)
        return token_id(token)

    def got(self, org: str) -> list[tuple[int, str, str]]:
        taken = self.sinks[org].taken.values()
        return [(item.number, item.sub[-1], item.kind) for item in taken]


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not done():  # noqa: ASYNC110  a sink has no event to wait for
            await asyncio.sleep(0.01)


@asynccontextmanager
async def stage(folder: Path, interests: str) -> AsyncIterator[Stage]:
    file = folder / "platform-x.toml"
    file.write_text(interests)
    members = (served(THAI, folder, interests=file), served(ALL, folder))
    config = adapter_config(folder, members=members)
    context = Context(
        directory=KNOWN,
        policy=load_policy(None),
        author=Author(org="hub", name="Hub", id_key=b"k" * 32),
        pseudonyms=PseudonymKeys("year", {}),
        signer=signer("hub"),
        subscribers=tuple(
            Subscriber(
                KNOWN.members[each.org],
                ("files",),
                interests_file.interests_of(each),
            )
            for each in members
        ),
    )
    stop = asyncio.Event()
    async with (
        open_embedded(None, PLACE) as broker,
        running_gate(broker.login("gate"), folder, known=KNOWN),
        open_outbox(config.outbox) as outbox,
        asyncio.TaskGroup() as tasks,
    ):
        here = Stage(broker, file)
        sinks = {(org, "files"): sink for org, sink in here.sinks.items()}
        bus = broker.login("adapter-main")
        tasks.create_task(
            serve(config, bus, context, outbox, sinks, clock=clock, stop=stop)
        )
        yield here
        stop.set()


async def test_a_member_gets_of_what_it_does_not_want_the_retraction_alone(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, 'countries = ["TH"]') as here:
        first = await here.publish(record(1, "MY"))
        second = await here.publish(record(1, "MY", version=1), after=first)
        gone = record(1, "MY", version=2, revoked=True)
        assert gone.kind == "retraction"
        await here.publish(gone, after=second)
        await until(lambda: bool(here.sinks[THAI].taken))
        assert here.got(THAI) == [(1, "1", "retraction")]
        assert [kind for _, _, kind in here.got(ALL)] == [
            "incident", "incident", "retraction",
        ]  # fmt: skip


async def test_what_is_filtered_leaves_no_gap_and_what_came_is_kept_up_to_date(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, 'countries = ["TH"]') as here:
        thai = await here.publish(record(1, "TH"))
        await here.publish(record(2, "MY"))
        # It is another country by now, but the member has acted on the first version.
        await here.publish(record(1, "MY", version=1), after=thai)
        await here.publish(record(3, "MY"))
        await here.publish(record(4, "TH"))
        await until(lambda: len(here.sinks[THAI].taken) == 3)
        assert [got[:2] for got in here.got(THAI)] == [(1, "1"), (2, "1"), (3, "4")]
        assert [number for number, *_ in here.got(ALL)] == [1, 2, 3, 4, 5]


async def test_a_filter_changes_while_the_adapter_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_LOOK_S", 0.02)
    with capture_logs() as logs:
        events = lambda: [entry["event"] for entry in logs]  # noqa: E731
        async with stage(tmp_path, 'countries = ["TH"]') as here:
            await here.publish(record(1, "MY"))
            interests_file.write(here.interests, Interests(countries=("MY",)))
            await until(lambda: "interests.changed" in events())
            await here.publish(record(2, "MY"))
            # A mistake changes nothing, and is told once.
            here.interests.write_text('persons = ["x"]')
            await until(lambda: "interests.unusable" in events())
            await here.publish(record(3, "TH"))
            await here.publish(record(4, "MY"))
            await until(lambda: len(here.sinks[THAI].taken) == 2)
            assert [got[:2] for got in here.got(THAI)] == [(1, "2"), (2, "4")]
    assert events().count("interests.changed") == 1
    assert events().count("interests.unusable") == 1
