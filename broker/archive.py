"""Every accepted token, for replay and audit, and the chain of their stamps. Edge.

Written by the gate, read by adapters and commands while it runs. A token gets its
number, its place in the chain, in the very transaction that stores it: whoever
appends at the same time, in this process or another, the chain has no gap and no
fork. Where it ends stands by itself, so it goes on from there whatever is pruned.

The tokens lie
compressed but in the clear, in a file of mode 0600; a key per record, destroyed
when its retention ends, comes with erasure.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import zstandard

from broker import seen
from broker.private_sqlite import Layout, PrivateFile, open_private
from broker.sdjwt import MAX_TOKEN_BYTES

_PAGE: Final = 50  # tokens in memory at once while iterating
_SELECT: Final = (
    "SELECT number, token_id, issuer, sub, ver, kind, tlp, first_seen, stamp, token "
    "FROM tokens "
)

MAX_PROOFS: Final = 1000  # of an issuer: more show nothing more
# What issuers have said in two ways, for ever (`broker.proofs`).
_PROOFS: Final = """CREATE TABLE proofs (
    id TEXT PRIMARY KEY, found_at INTEGER NOT NULL, issuer TEXT NOT NULL,
    proof BLOB NOT NULL
) WITHOUT ROWID"""

_LAYOUT = Layout(
    name="an archive",
    application_id=0x746F6361,  # "toca"
    version=3,
    exclusive=False,
    upgrades={2: (_PROOFS,)},
    tables=(
        _PROOFS,
        # `number` is the place in the chain.
        """CREATE TABLE tokens (
            number INTEGER PRIMARY KEY,
            token_id TEXT NOT NULL UNIQUE, issuer TEXT NOT NULL,
            sub TEXT NOT NULL, ver TEXT NOT NULL, kind TEXT NOT NULL,
            tlp TEXT NOT NULL, first_seen INTEGER NOT NULL, stamp TEXT NOT NULL,
            token BLOB NOT NULL
        )""",
        "CREATE INDEX tokens_by_record ON tokens (issuer, sub)",
        # One row: where the chain ends.
        """CREATE TABLE chain (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            pos INTEGER NOT NULL, link TEXT NOT NULL
        )""",
        "INSERT INTO chain VALUES (1, 0, '')",
        """CREATE TABLE heads (
            number INTEGER PRIMARY KEY, signed_at INTEGER NOT NULL,
            pos INTEGER NOT NULL, head TEXT NOT NULL
        )""",
    ),
)


class Archived(msgspec.Struct, frozen=True, kw_only=True):
    """A token and what is known of it.

    Attributes:
        token: With all disclosures, as `carried.encode` spells it, not compressed.
        first_seen: Epoch seconds.
        number: Its place in the chain: 1 for the first one archived, never used
            twice. 0: not archived.
        stamp: The gate's JWS (`broker.seen`); "" while not archived.
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


class Archive:
    """The file; made by `open_archive`. Thread-safe, synchronous.

    Every method raises ConfigError when the disk is full or broken.
    """

    def __init__(self, file: PrivateFile) -> None:
        self._file = file

    def try_writing(self) -> None:
        """Let a full disk show before it matters; see `PrivateFile.try_writing`."""
        self._file.try_writing()

    def append(self, items: Sequence[Archived], stamp: MakeStamp) -> list[Archived]:
        """Store all of *items* or none; what is there already stays as it is.

        Args:
            stamp: Called for each that is new, inside the transaction. What it
                raises, this raises, and nothing is stored.

        Returns:
            *items* as they are stored now, with number, stamp and first moment.
        """
        compressor = zstandard.ZstdCompressor()
        packed = [compressor.compress(each.token) for each in items]
        with self._file.transaction() as db:
            return [
                _stored(db, item, token, stamp)
                for item, token in zip(items, packed, strict=True)
            ]

    def continues(self, pos: int, link: str) -> bool:
        """Tell whether the chain has this stamp, or may have had it before pruning."""
        with self._file.transaction() as db:
            if (end := _end(db))[0] <= pos:
                return end == (pos, link)
            rows = db.execute("SELECT stamp FROM tokens WHERE number = ?", (pos,))
            return all(seen.link_of(stamp) == link for (stamp,) in rows)

    def sign_head(self, make: MakeHead, *, now: int) -> SignedHead:
        """Sign how far the chain goes, and keep it.

        Args:
            now: Epoch seconds.
        """
        with self._file.transaction() as db:
            pos, link = _end(db)
            signed = SignedHead(now, pos, make(now=now, pos=pos, link=link))
            db.execute(
                "INSERT INTO heads (signed_at, pos, head) VALUES (?, ?, ?)",
                msgspec.structs.astuple(signed),
            )
        return signed

    def heads(self) -> list[SignedHead]:
        """List every head, in the order of signing: some 9,000 a year."""
        rows = self._file.rows("SELECT signed_at, pos, head FROM heads ORDER BY number")
        return [SignedHead(*row) for row in rows]

    def newest_head(self) -> SignedHead | None:
        """Give the head that was signed last."""
        rows = self._file.rows(
            "SELECT signed_at, pos, head FROM heads ORDER BY number DESC LIMIT 1"
        )
        return SignedHead(*rows[0]) if rows else None

    def stamps(self, first: int, last: int) -> Iterator[str]:
        """Iterate over the stamps of these places, as far as they are kept."""
        query = (
            "SELECT number, stamp FROM tokens WHERE number BETWEEN ? AND ? "
            "ORDER BY number LIMIT 1000"
        )
        while rows := self._file.rows(query, (first, last)):
            yield from (stamp for _, stamp in rows)
            first = rows[-1][0] + 1

    def keep_proof(self, proof: KeptProof) -> bool:
        """Keep a proof, of at most 1,000 of an issuer; False if it is there or not kept."""
        with self._file.transaction() as db:
            [count] = db.execute(
                "SELECT count(*) FROM proofs WHERE issuer = ?", (proof.issuer,)
            ).fetchone()
            if count >= MAX_PROOFS:
                return False
            values = msgspec.structs.astuple(proof)
            return bool(
                db.execute(
                    "INSERT OR IGNORE INTO proofs VALUES (?, ?, ?, ?)", values
                ).rowcount
            )

    def proofs(self) -> list[KeptProof]:
        """List the proofs, in the order in which they were found."""
        rows = self._file.rows(
            "SELECT id, found_at, issuer, proof FROM proofs ORDER BY found_at, id"
        )
        return [KeptProof(*row) for row in rows]

    def get(self, token_id: str) -> Archived | None:
        """Find one token."""
        rows = self._file.rows(_SELECT + "WHERE token_id = ?", (token_id,))
        return _archived(rows[0]) if rows else None

    def first_seen(self, token_ids: Iterable[str]) -> dict[str, int]:
        """Tell when those of *token_ids* that are archived were first seen."""
        query = "SELECT first_seen FROM tokens WHERE token_id = ?"
        found = {each: self._file.rows(query, (each,)) for each in token_ids}
        return {token_id: rows[0][0] for token_id, rows in found.items() if rows}

    def since(self, moment: float = 0, *, after: int = 0) -> Iterator[Archived]:
        """Iterate in the order of archiving, up to the end as it is then.

        Args:
            moment: Leaves out what was first seen earlier, epoch seconds.
            after: Leaves out this number and those before it, to go on from there.
        """
        query = _SELECT + "WHERE number > ? AND first_seen >= ? ORDER BY number LIMIT ?"
        # In pages: a long read must keep neither the gate's file nor its log open.
        while rows := self._file.rows(query, (after, moment, _PAGE)):
            for row in rows:
                yield _archived(row)
            after = rows[-1][0]


def _stored(
    db: sqlite3.Connection, item: Archived, token: bytes, stamp: MakeStamp
) -> Archived:
    """Store *item* at the end of the chain, unless it has its place already."""
    found = db.execute(
        "SELECT number, first_seen, stamp FROM tokens WHERE token_id = ?",
        (item.token_id,),
    ).fetchone()
    if found is None:
        end, prev = _end(db)
        number, first_seen = end + 1, item.first_seen
        signed = stamp(token_id=item.token_id, seen=first_seen, pos=number, prev=prev)
        db.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                token,
            ),
        )
        db.execute("UPDATE chain SET pos = ?, link = ?", (number, seen.link_of(signed)))
    else:
        number, first_seen, signed = found
    return msgspec.structs.replace(
        item, number=number, first_seen=first_seen, stamp=signed
    )


def _end(db: sqlite3.Connection) -> tuple[int, str]:
    """Read where the chain ends: position and link."""
    pos, link = db.execute("SELECT pos, link FROM chain").fetchone()
    return pos, link


def _archived(row: Any) -> Archived:
    number, token_id, issuer, sub, ver, kind, tlp, first_seen, stamp, compressed = row
    token = zstandard.ZstdDecompressor().decompress(
        compressed, max_output_size=MAX_TOKEN_BYTES
    )
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
        token=token,
    )


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open the archive, made if it is missing.

    Raises:
        ConfigError: Readable by others, of another kind, not to be opened.
    """
    with open_private(path, _LAYOUT) as file:
        yield Archive(file)
