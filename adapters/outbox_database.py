"""What the outbox asks of its database, beyond the tables. Kept by SQLite and PostgreSQL."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from sqlalchemy import Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.errors import OutboxUnavailableError
from adapters.numbering import Lane


class Database(Protocol):
    """What SQLite and PostgreSQL do differently.

    Attributes:
        engine: For transactions that write.
        reader: For those that read.
        look_again_s: So often who waits for arrivals has to look by himself.
    """

    engine: AsyncEngine
    reader: AsyncEngine
    look_again_s: float

    def is_unavailable(self, error: DBAPIError) -> bool:
        """Tell whether *error* is trouble of the database that may pass."""

    def handing_out(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Begin a transaction in which rows are handed out."""

    def claimable(self, query: Select[Any], now: float) -> Select[Any]:
        """Leave out of *query* what other processes have in hand."""

    async def claim(
        self, connection: AsyncConnection, ids: Collection[str], now: float
    ) -> None:
        """Let no other process have *ids*."""

    def give_back(self, ids: Collection[str]) -> None:
        """Let other processes have *ids* again, once rows are next handed out."""

    def has_given_back(self) -> bool:
        """Tell whether others have yet to be let have something."""

    async def storing(
        self, connection: AsyncConnection, lanes: Collection[Lane]
    ) -> None:
        """Do what belongs to a transaction that stores deliveries of *lanes*."""

    async def purging(self, connection: AsyncConnection) -> None:
        """Keep others from storing until the transaction ends."""

    async def erasing(self, connection: AsyncConnection, ids: Collection[str]) -> None:
        """Tell all processes, once it is committed, that *ids* are not to be sent."""

    async def changed_elsewhere(self) -> bool:
        """Tell whether somebody has changed something since, and told nobody."""

    async def purged(self) -> None:
        """Let what was deleted leave the disk."""

    async def settle(
        self, connection: AsyncConnection, values: Sequence[dict[str, object]]
    ) -> None:
        """Record outcomes, as `outbox_queries.SETTLE` takes them."""


@asynccontextmanager
async def translated(database: Database) -> AsyncIterator[None]:
    """Turn the trouble of *database* that may pass into ours; a mistake stays one.

    Raises:
        OutboxUnavailableError: Also of who lets nobody connect, or does not answer.
    """
    try:
        yield
    except DBAPIError as exc:
        if not database.is_unavailable(exc):
            raise
        raise OutboxUnavailableError("the outbox cannot be used now") from exc
    except (PoolTimeoutError, OSError) as exc:  # a TimeoutError is one, too
        raise OutboxUnavailableError("the outbox cannot be used now") from exc
