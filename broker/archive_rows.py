"""Rows of the archive as values: a token in its two parts, a place in the chain. Edge."""

import sqlite3
from typing import Any, Final, Protocol

import msgspec
import zstandard

from broker import seen
from broker.archive_tables import joined, parted
from broker.errors import ConfigError
from broker.record_keys import BrokenContentError, RecordKey
from broker.sdjwt import MAX_TOKEN_BYTES
from schemas.erasing import Reason

SELECT: Final = (
    "SELECT number, token_id, issuer, sub, ver, kind, tlp, first_seen, stamp, token, "
    "key_id, hidden FROM tokens "
)


class Archived(msgspec.Struct, frozen=True, kw_only=True):
    """A token and what is known of it.

    Attributes:
        token: With all disclosures, as `carried.encode` spells it, not compressed.
        first_seen: Epoch seconds.
        number: Its place in the chain: 1 for the first one archived, never used
            twice. 0: not archived.
        stamp: The gate's JWS (`broker.seen`); "" while not archived.
        erased: Whether its key was destroyed: *token* is bare then.
    """

    token_id: str
    issuer: str
    sub: str
    ver: str
    kind: str
    tlp: str
    first_seen: int
    token: bytes
    number: int = 0
    stamp: str = ""
    erased: bool = False


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """A record that was erased.

    Attributes:
        at: Epoch seconds; of several times the last.
        reason: Of `schemas.erasing`.
        token_ids: Of all its versions that are archived.
    """

    issuer: str
    sub: str
    at: int
    reason: Reason
    token_ids: tuple[str, ...]


class KeptProof(msgspec.Struct, frozen=True):
    """A proof that the gate has found.

    Attributes:
        found_at: Epoch seconds.
        proof: As `proofs.encode` spells it.
    """

    id: str
    found_at: int
    issuer: str
    proof: bytes


class MakeStamp(Protocol):
    """Signs a place in the chain; `seen.make_stamp` with its signer."""

    def __call__(self, *, token_id: str, seen: int, pos: int, prev: str) -> str:
        """Give the stamp."""


class MakeHead(Protocol):
    """Signs the end of the chain; `seen.make_head` with its signer."""

    def __call__(self, *, now: int, pos: int, link: str) -> str:
        """Give the head."""


class SignedHead(msgspec.Struct, frozen=True):
    """A head as it was signed.

    Attributes:
        at: Epoch seconds.
        pos: Of the last stamp.
    """

    at: int
    pos: int
    head: str


def stored(
    db: sqlite3.Connection,
    item: Archived,
    locked: tuple[bytes, bytes, bytes] | None,
    stamp: MakeStamp,
) -> Archived:
    """Store *item* at the end of the chain, unless it has its place already.

    Args:
        locked: Columns `token`, `key_id` and `hidden`; None if it has its place.
    """
    found = db.execute(
        "SELECT number, first_seen, stamp FROM tokens WHERE token_id = ?",
        (item.token_id,),
    ).fetchone()
    if found is None and locked is not None:
        last, prev = end(db)
        number, first_seen = last + 1, item.first_seen
        signed = stamp(token_id=item.token_id, seen=first_seen, pos=number, prev=prev)
        db.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                item.token_id,
                item.issuer,
                item.sub,
                item.ver,
                item.kind,
                item.tlp,
                first_seen,
                signed,
                *locked,
            ),
        )
        db.execute("UPDATE chain SET pos = ?, link = ?", (number, seen.link_of(signed)))
    else:
        number, first_seen, signed = found
    return msgspec.structs.replace(
        item, number=number, first_seen=first_seen, stamp=signed
    )


def end(db: sqlite3.Connection) -> tuple[int, str]:
    """Read where the chain ends: position and link."""
    pos, link = db.execute("SELECT pos, link FROM chain").fetchone()
    return pos, link


def erased(
    db: sqlite3.Connection, issuer: str, sub: str, at: int, reason: Reason
) -> Erased:
    """Give what was erased of a record, with the ids of its versions."""
    rows = db.execute(
        "SELECT token_id FROM tokens WHERE issuer = ? AND sub = ? ORDER BY number",
        (issuer, sub),
    )
    names = tuple(name for (name,) in rows)
    return Erased(issuer=issuer, sub=sub, at=at, reason=reason, token_ids=names)


def packed(token: bytes) -> tuple[bytes, bytes]:
    """Compress what proves, and what it proves."""
    compressor = zstandard.ZstdCompressor()
    bare, hidden = parted(token)
    return compressor.compress(bare), compressor.compress(hidden)


def unpacked(compressed: bytes) -> bytes:
    """Undo the compression of either part, or of a whole token."""
    return zstandard.ZstdDecompressor().decompress(
        compressed, max_output_size=2 * MAX_TOKEN_BYTES
    )


def archived(row: Any, key: RecordKey | None) -> Archived:
    """Read a row of `SELECT`; without its key, the token is bare.

    Raises:
        ConfigError: It does not open with its key.
    """
    number, token_id, issuer, sub, ver, kind, tlp, first_seen, stamp, token, _, text = (
        row
    )
    whole = unpacked(token)
    if key is not None:
        try:
            hidden = key.decrypt(text, token_id.encode())
        except BrokenContentError:
            raise ConfigError(
                f"the archive is damaged: number {number} does not open with its key"
            ) from None
        whole = joined(whole, unpacked(hidden))
    return Archived(
        number=number,
        token_id=token_id,
        issuer=issuer,
        sub=sub,
        ver=ver,
        kind=kind,
        tlp=tlp,
        first_seen=first_seen,
        stamp=stamp,
        token=whole,
        erased=key is None,
    )
