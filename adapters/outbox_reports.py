"""What issuers are still to be told of, and the rows it is told from. Edge.

A delivery that is done is `untold` until a report that counts it was confirmed. A crash
in between tells it again, which readers do not notice.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any, Final, get_args

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.outbox import Outbox
from adapters.outbox_schema import chunks, deliveries, lanes
from adapters.reports import Taken
from adapters.together import to_its_end
from schemas.record import Kind

MAX_ROWS: Final = 1000  # deliveries told of at once
# Of nothing else anybody is told: a notice of an erasure is made for one member.
_RECORDS: Final = frozenset(get_args(Kind)) - {"heartbeat"}
# Spelled out, or SQLite would not see that the index of them alone answers it.
UNTOLD: Final[ColumnElement[bool]] = literal_column("deliveries.untold = 1")
_TOLD: Final = (
    update(deliveries).where(deliveries.c.id == bindparam("key")).values(untold=0)
)


class Untold(msgspec.Struct, frozen=True):
    """Deliveries that no report has counted, and all that is known of their tokens.

    Attributes:
        issuers: Of each, the ids of its deliveries.
    """

    issuers: dict[str, tuple[str, ...]]
    taken: tuple[Taken, ...]


class Telling:
    """Which deliveries of an outbox their issuers are told of.

    Every method may raise `OutboxUnavailableError`.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    @to_its_end
    async def untold(self, *, not_of: Collection[str] = ()) -> Untold:
        """Give some that are done and that their issuers are not told of.

        Args:
            not_of: Issuers to leave out.
        """
        async with self._outbox.reading() as connection:
            return await _load_untold(connection, not_of)

    @to_its_end
    async def told(self, ids: Collection[str]) -> None:
        """Note that a report has counted these."""
        if ids:
            async with self._outbox.writing() as connection:
                await connection.execute(_TOLD, [{"key": each} for each in ids])


async def _load_untold(connection: AsyncConnection, not_of: Collection[str]) -> Untold:
    """Load up to `MAX_ROWS` of them, and who else has got those tokens."""
    names = "id", "issuer", "kind", "token_id"
    query = select(*(deliveries.c[name] for name in names)).where(UNTOLD)
    if not_of:
        query = query.where(deliveries.c.issuer.not_in(not_of))
    rows = (await connection.execute(query.limit(MAX_ROWS))).all()
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        ids[row.issuer].append(row.id)
    tokens = sorted({row.token_id for row in rows if row.kind in _RECORDS})
    taken: list[Taken] = []
    for some in chunks(tokens):
        taken += [Taken(*row) for row in await connection.execute(_who(some))]
    return Untold({name: tuple(some) for name, some in ids.items()}, tuple(taken))


def _who(tokens: Collection[str]) -> Select[Any]:
    columns = deliveries.c.issuer, deliveries.c.token_id, lanes.c.member
    return (
        select(*columns, func.min(deliveries.c.settled_at))
        .join(lanes)
        .where(deliveries.c.token_id.in_(tokens), deliveries.c.state == "done")
        .group_by(*columns)
    )
