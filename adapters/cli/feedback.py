"""feedback: what others tell an issuer about its records, read and kept."""

import asyncio
import logging
import time
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import Parameter

from adapters.batching import batches
from adapters.cli import show
from adapters.cli.connecting import log_json, open_bus
from adapters.cli.load import load_directory
from adapters.cli.options import DirectoryPlace
from adapters.config import PublisherConfig, load
from broker import answers, delivery_reports, gate_proofs, trials
from broker import proofs as checked
from broker.answers import Answer, Sighting, Taken
from broker.bus import JSON_CONTENT_TYPE, Bus
from broker.directory import Directory
from broker.errors import TrustError
from broker.feedback_file import FeedbackFile, beside, open_feedback
from broker.feedback_kept import Kept
from broker.topology import FEEDBACK, GATE
from schemas import codec, record, timestamps
from schemas.errors import RefusedError
from schemas.reasons import explain

IDLE_S: Final = 2.0  # a queue that gives nothing for so long is empty
_HAND: Final = 100  # messages kept in one transaction


def feedback(
    *,
    config: Path,
    directory: DirectoryPlace,
    every: Annotated[bool, Parameter(name="--all")] = False,
    json: bool = False,
) -> int:
    """Read what others tell about your records: refusals, sightings, actions taken.

    Reads until nothing more comes. All of it is kept beside the publisher's state, and
    shown once. How many members your records have reached: tocsin acknowledgements.

    Args:
        config: Publisher configuration (TOML).
        every: Show also what was shown before.
        json: Print one line of JSON each.
    """
    settings = load(config, PublisherConfig)
    log_json(logging.WARNING)
    trusted = load_directory(directory, None)
    with open_feedback(beside(settings.state), now=time.time()) as file:
        asyncio.run(fetch(settings, file))
        file.take_in(settings.org, trusted)
        found = file.kept() if every else file.unshown()
        for each in found:
            _print(each, trusted, as_json=json)
        file.mark_shown([each.place for each in found])
    if not found and not json:
        show.line("nobody has told anything")
    return 0


async def fetch(settings: PublisherConfig, file: FeedbackFile) -> None:
    """Keep what waits in the issuer's queue, until nothing more comes."""
    stop = asyncio.Event()
    came = asyncio.Event()
    came.set()

    async def watch() -> None:
        while came.is_set():
            came.clear()
            await asyncio.sleep(IDLE_S)
        stop.set()

    async with open_bus(settings.broker) as bus, asyncio.TaskGroup() as tasks:
        tasks.create_task(watch(), name="feedback:idle")
        await keep(bus, settings.org, file, stop=stop, came=came)


async def keep(
    bus: Bus, org: str, file: FeedbackFile, *, stop: asyncio.Event, came: asyncio.Event
) -> None:
    """Keep what comes in the queue of *org*, which forgets it then, until *stop*.

    Args:
        came: Set whenever something was kept.
    """
    async with (
        bus.consume(f"{FEEDBACK}.{org}", prefetch=_HAND) as messages,
        aclosing(batches(messages, _HAND, stop)) as found,
    ):
        async for batch in found:
            told = [each.message for each in batch]
            await asyncio.to_thread(file.keep, told, time.time())
            await bus.ack_through(batch[-1])
            came.set()


def _print(kept: Kept, trusted: Directory, *, as_json: bool) -> None:
    message = kept.message
    try:
        if message.user_id == GATE and message.content_type == JSON_CONTENT_TYPE:
            is_proof = message.routing_key.rpartition(".")[2] == gate_proofs.KIND
            facts = (_proof if is_proof else _by_the_gate)(message.body, trusted)
        elif message.content_type == delivery_reports.CONTENT_TYPE:
            raise TrustError("report-invalid")  # or it would have been taken in
        else:
            facts = _facts(answers.verify(message, trusted, now=kept.came_at))
    except (TrustError, RefusedError) as error:
        facts = {"ok": False, "kind": "not-valid", "reason": error.reason}
    if as_json:
        show.json_line(facts)
    else:
        words = ", ".join(
            f"{n} {v}" for n, v in facts.items() if n not in ("ok", "kind")
        )
        show.line(f"{facts['kind']}: {words}")


class _ByTheGate(msgspec.Struct):
    token_id: str
    reason: str = ""
    where: str = ""


def _proof(body: bytes, trusted: Directory) -> dict[str, Any]:
    """Check a proof that oversight was sent, not only whom it came from."""
    proof = checked.decode(body)
    shown = msgspec.structs.asdict(checked.check(proof, trusted))
    return {"ok": True, "kind": gate_proofs.KIND, "id": checked.proof_id(proof)} | shown


def _by_the_gate(body: bytes, _trusted: Directory) -> dict[str, Any]:
    try:
        told = msgspec.convert(codec.decode_json(body, max_bytes=4096), _ByTheGate)
    except msgspec.ValidationError:
        raise TrustError("answer-invalid") from None
    if not told.reason:  # of a trial (`broker.trials`) that nobody waited for
        return {"ok": True, "kind": trials.KIND, "token": told.token_id}
    return {
        "ok": True,
        "kind": "refusal",
        "token": told.token_id,
        "reason": told.reason,
        "where": told.where,
        "meaning": explain(told.reason),
    }


def _facts(told: Answer) -> dict[str, Any]:
    return {
        "ok": True,
        "kind": told.kind,
        "from": record.org_of(told.iss),
        "at": timestamps.from_epoch(told.iat),
        "record": told.sub,
        "token": told.token,
        **{
            name: value
            for part in (told.sighting, told.action)
            if isinstance(part, Sighting | Taken)
            for name, value in msgspec.structs.asdict(part).items()
            if not isinstance(value, msgspec.UnsetType)
        },
    }
