"""replay: give a member what is in the archive, as of today."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from adapters import replay as replaying
from adapters.cli import show
from adapters.cli.connecting import log_json, no_retry, open_bus
from adapters.cli.load import load_directory, need_known
from adapters.config import GateConfig, OperatorConfig, load
from adapters.config_parts import Broker
from adapters.config_use import broker_tls, broker_urls
from adapters.replay import Depth, Wanted
from broker import rabbitmq_probing
from broker.archive import Archived, open_archive
from broker.errors import BusRefusedError, ConfigError
from broker.rabbitmq_link import Link
from broker.replaying import LEFT_OUT, Replay
from broker.topology import adapter_queues
from schemas import timestamps
from schemas.errors import SchemaError

_TIMEOUT_S: Final = 10.0


def replay(
    *,
    member: str,
    adapter: Annotated[str, Parameter(help="Name of the adapter that serves it.")],
    config: Annotated[Path, Parameter(help="Gate configuration (TOML): its archive.")],
    operator: Annotated[
        Path, Parameter(help="A TOML file with [broker], the operator's login.")
    ],
    since: str | None = None,
    until: str | None = None,
    issuer: str | None = None,
    record: str | None = None,
    force: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Give a member what the hub has archived, decided anew, by what it may see today.

    The newest version of each record goes; not what has expired, was retracted or erased.
    What the member was given already, in that version, is not given again. Fresh records
    are not held up. It may be repeated. tocsin deliveries tells what became of it.

    Args:
        member: Who gets it, and nobody else.
        since: Only what the gate first saw at this time or later (2026-03-01T00:00:00Z).
        until: Only what it saw before this time.
        issuer: Only what this organisation signed.
        record: Only this record (its id), or this token id.
        force: Also what the member was given already, under the same idempotency key and
            number: its system may take it for a repetition.
        dry_run: Count only.
        json: Print JSON.
    """
    log_json(logging.WARNING)
    settings = load(config, GateConfig)
    broker = load(operator, OperatorConfig).broker
    members = load_directory(settings.directory, None).members
    need_known(member, members, f"the directory has no member {member}")
    wanted = Wanted(
        since=_moment("--since", since, 0),
        until=_moment("--until", until, float("inf")),
        issuer=issuer,
        record=record,
    )
    if not settings.archive.exists():
        raise ConfigError(f"there is no archive {settings.archive}")
    told = _Told(member, dry_run=dry_run, as_json=json)
    with open_archive(settings.archive) as archive:
        found = replaying.found_in(archive, wanted, told.left_out, now=time.time())
        if dry_run:
            told.would = sum(1 for _ in found)
            return told.end()
        try:
            asyncio.run(_send(broker, found, Replay(member, force), adapter, told))
        finally:
            told.break_off()
    return told.end()


async def _send(
    broker: Broker,
    found: Iterator[Archived],
    replay: Replay,
    adapter: str,
    told: "_Told",
) -> None:
    async with open_bus(broker) as bus, open_depth(broker, adapter) as depth:
        sending = replaying.send(bus, found, depth, replay=replay, adapter=adapter)
        with show.busy(f"sending to {adapter}, as fast as it takes them") as say:
            try:
                async with aclosing(sending):
                    async for archived in sending:
                        told.sent, told.last = told.sent + 1, archived.first_seen
                        say(f"{told.sent} sent, now at {told.at}")
            except* BusRefusedError as group:
                raise no_retry(group.exceptions[0]) from None
    told.done = True


@asynccontextmanager
async def open_depth(broker: Broker, adapter: str) -> AsyncIterator[Depth]:
    """Lend what says how many messages wait in the queue of *adapter*."""
    queue, _ = adapter_queues(adapter)
    tls = broker_tls(broker, now=datetime.now(UTC))
    urls, name = broker_urls(broker), f"tocsin {broker.user} looking"
    async with Link(*urls, name=name, timeout_s=_TIMEOUT_S, tls=tls) as link:

        async def depth() -> int:
            found = await rabbitmq_probing.waiting_in(link, queue)
            if found is None:
                raise ConfigError(
                    f"there is no queue {queue}: is the adapter called {adapter}?"
                )
            return found.messages

        yield depth


def _moment(option: str, text: str | None, otherwise: float) -> float:
    if text is None:
        return otherwise
    try:
        return timestamps.epoch(text)
    except SchemaError:
        raise ConfigError(f"{option} is a time such as 2026-03-01T00:00:00Z") from None


class _Told:
    """What was done so far, for who waits for it."""

    def __init__(self, member: str, *, dry_run: bool, as_json: bool) -> None:
        self.left_out: Counter[str] = Counter()
        self.would = self.sent = 0
        self.last = 0
        self.done = False
        self._member, self._dry_run, self._as_json = member, dry_run, as_json

    def end(self) -> int:
        """Print the outcome; the exit code."""
        left = dict(self.left_out)
        total = self.sent + self.would + sum(left.values())
        if self._as_json:
            facts = {"found": total, "left_out": left, "sent": self.sent}
            more = {"would_send": self.would} if self._dry_run else {}
            show.json_line({"ok": True, "member": self._member} | facts | more)
            return 0
        show.line(f"{total} found")
        for reason, count in sorted(left.items()):
            show.line(f"{count} left out, {reason}: {LEFT_OUT[reason]}")
        if self._dry_run:
            show.line(f"{self.would} would be sent")
        else:
            show.line(f"{self.sent} sent to the adapter, for {self._member} alone")
        return 0

    @property
    def at(self) -> str:
        """When the gate first saw the last one that was sent."""
        return timestamps.from_epoch(self.last)

    def break_off(self) -> None:
        """Say how to go on, unless all was sent."""
        if not self.done:
            on = f"with --since {self.at}" if self.sent else "as it was"
            show.complaint(f"{self.sent} sent so far; to go on, repeat it {on}")
