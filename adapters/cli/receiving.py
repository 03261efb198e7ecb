"""receive: take one's own deliveries from RabbitMQ into a folder."""

import asyncio
import logging
import time
from pathlib import Path
from typing import Final

from adapters.cli import show
from adapters.cli.connecting import log_json, open_bus
from adapters.cli.stopping import stop_signal
from adapters.config import ReceiverConfig, load
from adapters.receiving import ASIDE, Receiver
from adapters.sinks.file import open_file_sink
from broker.directory_client import open_directory
from broker.directory_held import followed
from broker.errors import BusRefusedError

_IDLE_S: Final = 2.0  # a queue that gives nothing for so long is empty


def receive(*, config: Path, out: Path, once: bool = False, json: bool = False) -> int:
    """Take your deliveries from your queue on the hub's RabbitMQ, verified, into a folder.

    Each becomes a folder as a file sink writes it, and leaves the queue once it is on
    disk. What cannot be verified is put aside, and tried again at the next start. What
    no adapter sent to you is dropped.

    Args:
        config: A TOML file with org, directory and [broker]; that of your publisher
            serves, with its directory.
        out: Folder for the deliveries; its parent must exist.
        once: End when the queue is empty.
        json: With --once, print JSON.
    """
    settings = load(config, ReceiverConfig)
    loaded, client = open_directory(settings.directory, clock=time.time)
    log_json(logging.WARNING if once else logging.INFO)

    async def run() -> Receiver:
        async with (
            stop_signal() as stop,
            followed(loaded, client, clock=time.time, stop=stop) as held,
            open_file_sink(out) as sink,
            open_bus(settings.broker) as bus,
        ):
            receiver = Receiver(
                settings.org,
                lambda: held.current,
                sink,
                out,
                clock=time.time,
                stop=stop,
            )
            try:
                await receiver.run(bus, idle_s=_IDLE_S if once else None)
            except BusRefusedError as error:
                raise BusRefusedError(
                    f"{error}; ask the operator of the hub whether you have a queue "
                    "(out in broker.toml)"
                ) from None
            return receiver

    done = asyncio.run(run())
    facts = {"ok": not done.refused, "taken": done.taken, "refused": done.refused}
    if json:
        show.json_line(facts)
    elif once:
        show.line(f"{done.taken} taken")
    if done.refused:
        show.complaint(
            f"{done.refused} refused; what cannot be verified is put aside in {out / ASIDE}"
        )
    return 1 if done.refused else 0
