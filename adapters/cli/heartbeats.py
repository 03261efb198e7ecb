"""heartbeat run, publish --heartbeat: an issuer says what it has published."""

import asyncio
import logging
import random
from pathlib import Path
from typing import Annotated, Any, Final

import structlog
from cyclopts import App, Parameter

from adapters.cli import show
from adapters.cli.connecting import log_json
from adapters.cli.sending import opened
from adapters.cli.stopping import stop_signal
from adapters.config import PublisherConfig, load
from broker.errors import BusError, BusRefusedError, ConfigError
from broker.waiting import first_of
from schemas.record import ALL_COMMUNITY

EVERY_S: Final = 3600.0
_LEAST_S: Final = 60.0

heartbeat = App(
    name="heartbeat", help="Heartbeats: say what was published, so that silence shows."
)
log: Any = structlog.get_logger(__name__)


@heartbeat.command(name="run")
def heartbeat_run(
    *,
    config: Path,
    community: tuple[str, ...] = (ALL_COMMUNITY,),
    every: Annotated[float, Parameter(help="Seconds, at least 60.")] = EVERY_S,
) -> None:
    """Send heartbeats every hour until told to stop (SIGTERM, Ctrl-C).

    Between two heartbeats the publisher's state is free for tocsin publish; what that
    could not send is sent too. While the hub is away, the next one tries again.

    Args:
        config: Publisher configuration (TOML).
        community: Communities (URN) that hear of silence too.
    """
    settings = load(config, PublisherConfig)
    log_json()

    async def run() -> None:
        async with stop_signal() as stop:
            await _try_beating(settings, community, first=True)
            while not stop.is_set():
                # Issuers must not come all together at the full hour.
                pause = max(every, _LEAST_S) * random.uniform(0.9, 1.0)  # noqa: S311
                await first_of(stop, timeout_s=pause)
                if not stop.is_set():
                    await _try_beating(settings, community)

    asyncio.run(run())


async def _try_beating(
    settings: PublisherConfig, community: tuple[str, ...], *, first: bool = False
) -> None:
    try:
        await beat(settings, community, as_json=True)
    except (BusRefusedError, ConfigError) as error:
        # Later on it may be a state that tocsin publish has open just now.
        if first or isinstance(error, BusRefusedError):
            raise  # waiting does not mend it
        log.warning("heartbeat.not_sent", error=str(error))
    except BusError as error:
        log.warning("heartbeat.not_confirmed", error=type(error).__name__)


async def beat(
    settings: PublisherConfig, community: tuple[str, ...], *, as_json: bool
) -> int:
    """Send what waits and then the heartbeats of all lines; their number.

    Raises:
        BusError: Not confirmed.
    """
    async with opened(settings, as_json=as_json) as publisher:
        return await publisher.heartbeat(community)


def once(config: Path, community: tuple[str, ...], *, as_json: bool) -> int:
    """Send heartbeats once; the exit code."""
    settings = load(config, PublisherConfig)
    log_json(logging.WARNING)
    sent = asyncio.run(beat(settings, community, as_json=as_json))
    if as_json:
        show.json_line({"ok": True, "heartbeats": sent})
    else:
        show.line(f"confirmed {sent} heartbeats")
    return 0
