"""What commands that talk to RabbitMQ share: the connection and the log."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog

from adapters.config_parts import Broker
from adapters.config_use import broker_tls, broker_urls
from broker.bus import Bus
from broker.errors import BusRefusedError
from broker.key_dates import WARN_DAYS
from broker.rabbitmq import open_rabbitmq
from broker.tls import need_login
from broker.topology import RETRY

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_bus(broker: Broker) -> AsyncIterator[Bus]:
    """Connect to RabbitMQ as *broker* says, and warn of a certificate that ends soon."""
    now = datetime.now(UTC)
    tls = broker_tls(broker, now=now)
    if isinstance(broker.cert_file, Path):
        days = need_login(broker.cert_file, broker.user, now=now)
        if days < WARN_DAYS:
            _log.warning("certificate.ends_soon", login=broker.user, days_left=days)
    async with open_rabbitmq(*broker_urls(broker), user=broker.user, tls=tls) as bus:
        yield bus


def no_retry(error: Exception) -> BusRefusedError:
    """Give the error of who could not send to `RETRY`, with what may help."""
    return BusRefusedError(
        f"{error}; where {RETRY} is missing, type: tocsin broker apply"
    )


def log_json(
    least: int = logging.INFO, counts: structlog.typing.Processor | None = None
) -> None:
    """Log one JSON object a line to standard error, from level *least* on.

    Args:
        counts: Sees each event before it is written.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *([] if counts is None else [counts]),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
