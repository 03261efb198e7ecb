"""Bodies of the outbox under keys of their records. Edge.

One key per (issuer, sub), in the same database: who has all of it can read all of it,
until a record is erased. A body is named by the HMAC of its SHA-256 under the key, so that its name,
which the ledger keeps, says nothing once the key is gone.
"""

import hmac
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from operator import itemgetter
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.errors import OutboxUnavailableError
from adapters.outbox_schema import (
    among,
    bodies,
    chunks,
    contents,
    ignoring,
    record_keys,
)
from broker.record_keys import BrokenContentError, RecordKey, new_key

Record = tuple[str, str]
"""Issuer and `sub`."""
Body = tuple[Record, bytes]
"""A body of a record."""


async def write_bodies(
    connection: AsyncConnection, found: Iterable[Body]
) -> dict[Body, bytes]:
    """Store each distinct body of a record once; give the name of each.

    Empty ones are none, and have no name.
    """
    distinct = {each for each in found if each[1]}
    keys = await _keys_of(connection, {record for record, _ in distinct})
    digests = {body: sha256(body).digest() for body in {body for _, body in distinct}}
    names = {
        (record, body): hmac.digest(keys[record].secret, digests[body], sha256)
        for record, body in distinct
    }
    in_order = sorted(
        names.items(), key=itemgetter(1)
    )  # see `outbox_store._open_lanes`
    await connection.execute(
        ignoring(connection, bodies),
        [
            {"hash": name, "size": len(body), "sha256": digests[body]}
            for (_, body), name in in_order
        ],
    )
    # Apart: it may have been purged, and is needed again.
    kept = await _kept(connection, [name for _, name in in_order])
    missing = [
        {
            "hash": name,
            "key_id": keys[record].id,
            "content": keys[record].encrypt(body, name, os.urandom),
        }
        for (record, body), name in in_order
        if name not in kept
    ]
    if missing:
        await connection.execute(ignoring(connection, contents), missing)
    return names


async def read_bodies(
    connection: AsyncConnection, names: Collection[bytes]
) -> dict[bytes, bytes]:
    """Give those of *names* that are kept.

    Raises:
        OutboxUnavailableError: One does not open with its key: the database is damaged.
    """
    rows: list[Row[Any]] = []
    for some in chunks(list(names)):
        wanted = select(contents).where(contents.c.hash.in_(some))
        rows += (await connection.execute(wanted)).all()
    keys = await _by_id(connection, {row.key_id for row in rows})
    try:
        return {
            row.hash: keys[row.key_id].decrypt(row.content, row.hash)
            for row in rows
            if row.key_id in keys
        }
    except BrokenContentError:
        raise OutboxUnavailableError("a body does not open with its key") from None


async def _kept(connection: AsyncConnection, names: Sequence[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for some in chunks(names):
        query = select(contents.c.hash).where(contents.c.hash.in_(some))
        found.update(await connection.scalars(query))
    return found


async def _keys_of(
    connection: AsyncConnection, records: Collection[Record]
) -> dict[Record, RecordKey]:
    """Give the key of each record, made where there is none."""
    found = await _known(connection, records)
    missing = sorted(set(records) - found.keys())  # in one order, as lanes are opened
    if missing:
        made = [(record, new_key(os.urandom)) for record in missing]
        await connection.execute(
            ignoring(connection, record_keys),
            [
                {"id": key.id, "issuer": issuer, "sub": sub, "secret": key.secret}
                for (issuer, sub), key in made
            ],
        )
        # Another process may have made them just before.
        found |= await _known(connection, missing)
    return found


async def _known(
    connection: AsyncConnection, records: Collection[Record]
) -> dict[Record, RecordKey]:
    found = {}
    columns = record_keys.c.issuer, record_keys.c.sub
    for some in chunks(list(records)):
        query = among(connection, select(record_keys), columns, some)
        for row in await connection.execute(query):
            found[row.issuer, row.sub] = RecordKey(row.id, row.secret)
    return found


async def _by_id(
    connection: AsyncConnection, ids: Collection[bytes]
) -> Mapping[bytes, RecordKey]:
    found = {}
    for some in chunks(list(ids)):
        query = select(record_keys).where(record_keys.c.id.in_(some))
        for row in await connection.execute(query):
            found[row.id] = RecordKey(row.id, row.secret)
    return found
