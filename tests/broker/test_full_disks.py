"""A disk that is full, by SQLite's own refusal: it is said, waited for, and nothing is lost."""

import asyncio

import pytest
import structlog

from adapters.metrics import EventCounts
from broker.embedded import open_embedded
from broker.errors import ConfigError
from broker.publisher import open_publisher
from tests.support.issuing import (
    ADAPTER_QUEUES,
    PLACE,
    clock,
    counting_entropy,
    draft,
    rest,
    running_gate,
    signer,
    take,
)

NORMAL = ADAPTER_QUEUES[0]
ROOM = 1_000_000  # pages
FULL = "disk: takes nothing: full or broken, the log says which"


def fill(file):
    """Let SQLite have no page more than it has; `make_room` ends it."""
    [(pages,)] = file.rows("PRAGMA page_count")
    file.rows(f"PRAGMA max_page_count={pages}")


def make_room(file):
    file.rows(f"PRAGMA max_page_count={ROOM}")


@pytest.fixture
def counts():
    found = EventCounts()
    structlog.configure(
        processors=[structlog.processors.add_log_level, found, lambda *_: ""]
    )
    found.away.clear()
    return found


def publishing(broker, folder):
    return open_publisher(
        broker.login("cert-aq"),
        folder / "state.sqlite",
        signer("cert-aq"),
        clock=clock,
        entropy=counting_entropy(),
    )


async def sign_on(publisher, signed):
    for number in range(2, 50):
        named = draft(number, name=f"CANARY {number}" * 100)
        signed.append(await publisher.enqueue(named))


async def test_a_publisher_without_room_signs_nothing_and_goes_on_when_there_is_some(
    tmp_path,
):
    async with (
        open_embedded(None, PLACE) as broker,
        publishing(broker, tmp_path) as publisher,
    ):
        await publisher.publish(draft(1))
        fill(publisher._state._file)
        signed = []
        with pytest.raises(ConfigError, match=r"state\.sqlite: SQLITE_FULL") as caught:
            await sign_on(publisher, signed)
        assert "CANARY" not in str(caught.value)
        make_room(publisher._state._file)
        again = await publisher.publish(draft(99))
        # No number is left out, so nobody misses a record that never was.
        assert again.seq == signed[-1].seq + 1
        arrived = await take(broker.login("gate"), "tocsin.ingress.cert-aq", again.seq)
    assert len({each.message_id for each in arrived}) == again.seq


@pytest.mark.parametrize("name", ["state", "archive"])
async def test_a_gate_without_room_says_so_and_passes_all_on_when_there_is_some(
    tmp_path, counts, name
):
    async with (
        open_embedded(None, PLACE) as broker,
        publishing(broker, tmp_path) as publisher,
        running_gate(broker.login("gate"), tmp_path) as gate,
    ):
        file = getattr(gate, name)._file
        first = await publisher.publish(draft(1))
        reader = broker.login("adapter-main")
        arrived = await take(reader, NORMAL, 1)
        fill(file)
        signed = [first]
        async with asyncio.timeout(20):
            while counts.ails() != [FULL]:
                number = len(signed) + 1
                signed.append(await publisher.publish(draft(number, name="x" * 3000)))
        make_room(file)
        arrived += await take(reader, NORMAL, len(signed) - 1)
        async with asyncio.timeout(10):
            while counts.ails():  # noqa: ASYNC110  the log has no event to wait for
                await asyncio.sleep(0.01)
        arrived += await rest(reader, NORMAL)
    assert [m.message_id for m in arrived] == [each.token_id for each in signed]
