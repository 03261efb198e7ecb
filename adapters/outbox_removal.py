"""Takes out of an outbox what nobody needs any more, and records that are erased. Edge."""

from collections.abc import Collection

from adapters.outbox import Outbox
from adapters.outbox_erasure import (
    ErasedHere,
    Erasing,
    aged,
    erase,
    erased_among,
    erased_since,
    forget_unused,
    purge_some,
)
from adapters.together import to_its_end
from broker.retention import Aged


class Removal:
    """What leaves an outbox, and what of it was erased.

    Every method may raise `OutboxUnavailableError`. Times are epoch seconds.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def purge(self, before: float) -> int:
        """Delete the bodies that only deliveries settled before *before* used.

        The rows stay, with the bodies' names; a key goes with the last body under it.
        The bytes are overwritten in the file and leave the write-ahead log, unless
        another process is reading just then. The file keeps its size: what is stored
        next takes the room. Others get in between batches, and so does a cancellation.

        Returns:
            How many bodies went.
        """
        total = 0
        while gone := await self._purge_some(before):
            total += gone
        if total:
            await self._forget_keys()
            await self.finish()
        return total

    @to_its_end
    async def _forget_keys(self) -> None:
        async with self._outbox.removing() as connection:
            await forget_unused(connection)

    @to_its_end
    async def _purge_some(self, before: float) -> int:
        # In one transaction: what is stored meanwhile may need the same body.
        async with self._outbox.removing() as connection:
            return await purge_some(connection, before)

    @to_its_end
    async def erase(self, what: Erasing) -> ErasedHere:
        """Destroy a record's key and bodies; what was not sent will not be.

        Its tokens are not stored any more, whatever brings them. What is just being
        sent may arrive. Safe to repeat: it tells of the same lanes. Behind it belongs
        `finish`.
        """
        async with self._outbox.removing() as connection:
            found = await erase(connection, what, self._outbox.in_hand())
            await self._outbox.end(connection, found.ended)
            return found

    @to_its_end
    async def finish(self) -> None:
        """Let the bytes of what was deleted leave the disk, as `purge` says."""
        await self._outbox.empty_log()

    @to_its_end
    async def erased_among(self, token_ids: Collection[str]) -> set[str]:
        """Tell which of *token_ids* are of records that were erased."""
        async with self._outbox.reading() as connection:
            return await erased_among(connection, token_ids)

    @to_its_end
    async def erased_since(self, moment: float) -> list[str]:
        """Name the tokens that were erased from this moment on."""
        async with self._outbox.reading() as connection:
            return await erased_since(connection, moment)

    @to_its_end
    async def aged(self, before: float) -> list[Aged]:
        """List what may have reached the end of its retention: `outbox_erasure.aged`."""
        async with self._outbox.reading() as connection:
            return await aged(connection, before)
