"""An adapter keeps the heads that records come with, and tells when they contradict."""

import asyncio
from pathlib import Path

import msgspec
import structlog
from structlog.testing import capture_logs

from adapters.app import run_adapter
from adapters.chain_watch import open_chain_watch
from broker import seen
from broker.embedded import open_embedded
from broker.head_files import open_heads
from broker.heads import check, decode_fork
from broker.topology import RECORDS
from tests.adapters.test_app import CONTEXT, KNOWN, config
from tests.support.chains import START, Chain
from tests.support.issuing import HUB, PLACE, Feed, clock, draft, stamped

CHAIN = Chain().grow(9)
LATER = START + 3600


def told(path: Path, *heads: str) -> list[dict[str, object]]:
    structlog.reset_defaults()
    with capture_logs() as logs, open_chain_watch(path, KNOWN) as watch:
        for head in heads:
            watch.see(head, KNOWN, now=LATER)
    return [dict(each) for each in logs]


def test_heads_are_kept_and_a_contradiction_is_told_with_its_proof(
    tmp_path: Path,
) -> None:
    path = tmp_path / "heads"
    assert told(path, CHAIN.head(3), CHAIN.head(3), CHAIN.head(5)) == []
    assert [each.head.pos for each in open_heads(path, KNOWN).held] == [3, 5]
    other = CHAIN.fork(2, 7)
    [said] = told(path, CHAIN.head(6), other.head(5))  # also after it was restarted
    assert (said["event"], said["pos"], said["log_level"]) == (
        "chain.forked",
        5,
        "error",
    )
    proof = tmp_path / "heads.fork-5.json"
    assert said["proof"] == str(proof)
    assert check(decode_fork(proof.read_bytes()), KNOWN, now=LATER)
    first = proof.read_bytes()
    told(path, other.head(5))
    assert proof.read_bytes() == first


def test_what_is_no_head_of_the_gate_is_not_kept(tmp_path: Path) -> None:
    other = Chain(by=CONTEXT.signer).grow(2)
    assert other.head(1)
    for text in ("x", CHAIN.stamps[0], CHAIN.head(3)[:-3] + "AAA"):
        assert told(tmp_path / "heads", text) == []
    assert not (tmp_path / "heads").exists()


def test_kept_heads_that_verify_no_more_are_told(tmp_path: Path) -> None:
    path = tmp_path / "heads"
    told(path, CHAIN.head(3))
    path.write_bytes(path.read_bytes().replace(b'"head":"', b'"head":"x'))
    [said] = told(path)
    assert (said["event"], said["heads"]) == ("chain.heads_dropped", 1)


async def test_an_adapter_keeps_the_head_of_a_record_that_it_delivers(
    tmp_path: Path,
) -> None:
    settings = msgspec.structs.replace(config(tmp_path), heads=tmp_path / "heads")
    head = seen.make_head(HUB, now=int(clock()), pos=0, link="")
    feed = Feed()
    message = stamped(feed.message(draft()))
    headers = {**message.headers, seen.HEAD_HEADER: head}
    message = msgspec.structs.replace(
        message,
        headers=headers,
        routing_key="cert-aq.incident.green.none.none.unknown",
        user_id="gate",
    )
    stop = asyncio.Event()
    async with open_embedded(None, PLACE) as broker, asyncio.timeout(20):
        await broker.login("gate").publish(RECORDS, message)
        async with asyncio.TaskGroup() as tasks:
            bus = broker.login("adapter-main")
            tasks.create_task(
                run_adapter(settings, bus, CONTEXT, clock=clock, stop=stop)
            )
            while not (tmp_path / "heads").exists():  # noqa: ASYNC110  no event
                await asyncio.sleep(0.01)
            stop.set()
    [held] = open_heads(tmp_path / "heads", KNOWN).held
    assert held.text == head
