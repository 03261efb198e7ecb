"""What commands that talk to RabbitMQ share: the connection and the log."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog

from adapters.config import Broker, broker_tls, broker_url
from broker.bus import Bus
from broker.rabbitmq import open_rabbitmq


@asynccontextmanager
async def open_bus(broker: Broker) -> AsyncIterator[Bus]:
    """Connect to RabbitMQ as *broker* says."""
    tls = broker_tls(broker, now=datetime.now(UTC))
    async with open_rabbitmq(broker_url(broker), user=broker.user, tls=tls) as bus:
        yield bus


def log_json(least: int = logging.INFO) -> None:
    """Log one JSON object a line to standard error, from level *least* on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
