"""An issuer's process under test: signs records at a steady rate, keeps a journal.

    python -m tests.faults.publisher CONFIG JOURNAL --count 100 --rate 30 --seed 1

The journal has one line for each record that is signed, and one for each that is
confirmed, written after the publisher said so. Started again after a crash it goes
on where the journal ends, as `tocsin publish` does when it is typed again. Every
tenth case has a second version.
"""

import argparse
import asyncio
import json
import random
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import msgspec
import structlog

from adapters.cli.connecting import log_json, open_bus
from adapters.config import PublisherConfig, load
from adapters.sources import stix21
from broker.errors import BusError
from broker.publisher import Publisher, open_publisher
from broker.publisher_state import OutboxFullError
from broker.signers import load_signer
from schemas import timestamps
from schemas.record import Draft
from tests.bench import material
from tests.faults.counting import Signed

SECOND_VERSIONS = 10  # one case in so many has one
log = structlog.get_logger()
_WAVE_S = 0.1
_OFTEN = 500  # records signed between two attempts to send, when it is in a hurry


def drafts(count: int, seed: str) -> Iterator[Draft]:
    """Make the same *count* drafts for the same *seed*."""
    bundle = material.small(material.sample())
    model = material.compose(bundle)
    made, case = 0, 0
    while made < count:
        draft = another(model, f"{seed}/{case}")
        versions = 2 if case % SECOND_VERSIONS == 0 else 1
        for version in range(min(versions, count - made)):
            yield draft if version == 0 else later(draft, seconds=version)
            made += 1
        case += 1


def another(model: Draft, name: str) -> Draft:
    """Give *model* about another case, with a random id that *name* decides."""
    number = random.Random(name).getrandbits(128)  # noqa: S311  no secret
    old = model.objects[model.primary].id
    new = f"{old.partition('--')[0]}--{uuid.UUID(int=number, version=4)}"
    raw = msgspec.json.encode(model.objects).replace(old.encode(), new.encode())
    objects = stix21.read(b'{"type":"bundle","objects":' + raw + b"}")
    return msgspec.structs.replace(model, objects=tuple(objects))


def later(draft: Draft, *, seconds: int) -> Draft:
    """Give its next version."""
    objects = [*draft.objects]
    main = objects[draft.primary]
    moment = timestamps.from_epoch(timestamps.epoch(main.modified) + seconds)
    objects[draft.primary] = msgspec.structs.replace(main, modified=moment)
    return msgspec.structs.replace(draft, objects=tuple(objects))


class Journal:
    """Lines `{"signed": token, "sub": id, "ver": time}` and `{"confirmed": token}`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.signed: dict[str, Signed] = {}
        self.confirmed: set[str] = set()
        self._read = 0

    def read(self) -> "Journal":
        """Take in what was written since."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._read)
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]  # the last may be half written
            self._read += len(whole)
            for line in whole.splitlines():
                self._take(json.loads(line))
        return self

    def note_signed(self, out: TextIO, token: str, signed: Signed) -> None:
        self._write(out, {"signed": token, "sub": signed.sub, "ver": signed.ver})

    def note_confirmed(self, out: TextIO, token: str) -> None:
        self._write(out, {"confirmed": token})

    def _write(self, out: TextIO, line: dict[str, str]) -> None:
        out.write(json.dumps(line) + "\n")
        out.flush()
        self._take(line)

    def _take(self, line: dict[str, str]) -> None:
        if "signed" in line:
            self.signed[line["signed"]] = Signed(line["sub"], line["ver"])
        else:
            self.confirmed.add(line["confirmed"])


async def publish(
    publisher: Publisher, journal: Journal, out: TextIO, options: argparse.Namespace
) -> None:
    begun, due = time.monotonic(), 0
    # Of a case's versions the earlier comes first, also after a crash.
    left = list(drafts(options.count, options.seed))[len(journal.signed) :]
    rest = len(left)
    while left or len(journal.confirmed) < len(journal.signed):
        due = int((time.monotonic() - begun) * options.rate) + 1
        wanted = min(due - (rest - len(left)), _OFTEN)
        while left and wanted > 0:
            try:
                result = await publisher.enqueue(left[0])
            except OutboxFullError:
                break
            wanted -= 1
            main = left[0].objects[left[0].primary]
            journal.note_signed(out, result.token_id, Signed(result.sub, main.modified))
            del left[0]
        try:
            await publisher.flush()
        except BusError as error:
            log.warning("publisher.not_sent", error=str(error))
        else:
            for token in [*journal.signed.keys() - journal.confirmed]:
                journal.note_confirmed(out, token)
        await asyncio.sleep(_WAVE_S)


async def main(options: argparse.Namespace) -> None:
    config = load(options.config, PublisherConfig)
    signer = load_signer(config.org, config.key)
    journal = Journal(options.journal).read()
    with options.journal.open("a") as out:
        async with (
            open_bus(config.broker) as bus,
            open_publisher(bus, config.state, signer, patience_s=3) as publisher,
        ):
            log.info("publisher.ready")
            await publish(publisher, journal, out, options)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("journal", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--rate", type=float, default=30, help="records a second")
    parser.add_argument("--seed", default="0")
    return parser.parse_args()


if __name__ == "__main__":
    log_json()
    asyncio.run(main(parsed()))
