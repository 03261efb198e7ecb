"""Every accepted token, for replay and audit, and the chain of their stamps. Edge.

Written by the gate, read by adapters and commands while it runs. A token gets its
number, its place in the chain, in the very transaction that stores it: whoever
appends at the same time, in this process or another, the chain has no gap and no
fork. Where it ends stands by itself, so it goes on from there whatever is pruned.

What proves (the issuer's JWT with its digests, the stamp) stays for good. What it
proves, disclosures and sealed parts, lies encrypted under a key per record that stands
in another file (`archive_keys`): it goes, and they are gone from every copy.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from broker import archive_rows, seen
from broker.archive_keys import ArchiveKeys, Case, keys_path, open_keys
from broker.archive_rows import (
    Archived,
    Erased,
    KeptProof,
    MakeHead,
    MakeStamp,
    SignedHead,
)
from broker.archive_tables import LAYOUT
from broker.errors import ConfigError
from broker.private_sqlite import PrivateFile, open_private
from broker.record_keys import Entropy, RecordKey
from broker.replaying import Version
from broker.retention import Aged
from schemas.erasing import Reason

__all__ = [
    "Archive",
    "Archived",
    "Erased",
    "KeptProof",
    "MakeHead",
    "MakeStamp",
    "SignedHead",
    "open_archive",
]

_PAGE: Final = 50  # tokens in memory at once while iterating
MAX_PROOFS: Final = 1000  # of an issuer: more show nothing more


class Archive:
    """The file; made by `open_archive`. Thread-safe, synchronous.

    Every method raises ConfigError when the disk is full or broken.
    """

    def __init__(
        self, file: PrivateFile, keys: ArchiveKeys, entropy: Entropy = os.urandom
    ) -> None:
        self._file, self._keys, self._entropy = file, keys, entropy

    def try_writing(self) -> None:
        """Let a full disk show before it matters; see `PrivateFile.try_writing`."""
        self._file.try_writing()
        self._keys.try_writing()

    def append(self, items: Sequence[Archived], stamp: MakeStamp) -> list[Archived]:
        """Store all of *items* or none; what is there already stays as it is.

        Args:
            stamp: Called for each that is new, inside the transaction. What it
                raises, this raises, and nothing is stored.

        Returns:
            *items* as they are stored now, with number, stamp and first moment.
        """
        packed = [archive_rows.packed(each.token) for each in items]
        with self._file.transaction() as db:
            known = "SELECT 1 FROM tokens WHERE token_id = ?"
            new = [not db.execute(known, (e.token_id,)).fetchall() for e in items]
            # Inside: whoever erases a record waits, or has done so before.
            fresh = {
                (each.issuer, each.sub)
                for each, is_new in zip(items, new, strict=True)
                if is_new
            }
            keys = self._keys.of_records(fresh)
            return [
                archive_rows.stored(
                    db,
                    item,
                    self._locked(item.token_id, *parts, keys[item.issuer, item.sub])
                    if is_new
                    else None,
                    stamp,
                )
                for item, parts, is_new in zip(items, packed, new, strict=True)
            ]

    def _locked(
        self, token_id: str, bare: bytes, hidden: bytes, key: RecordKey
    ) -> tuple[bytes, bytes, bytes]:
        about = token_id.encode()
        return bare, key.id, key.encrypt(hidden, about, self._entropy)

    def encrypt_old(self) -> None:
        """Put under keys what was stored before there were any."""
        query = (
            "SELECT tokens.number, token_id, issuer, sub, token FROM in_clear "
            "JOIN tokens USING (number) LIMIT ?"
        )
        found = False
        while self._file.rows(query, (1,)):
            found = True
            with self._file.transaction() as db:
                rows = db.execute(query, (_PAGE,)).fetchall()
                keys = self._keys.of_records({(row[2], row[3]) for row in rows})
                for number, token_id, issuer, sub, token in rows:
                    parts = archive_rows.packed(archive_rows.unpacked(token))
                    locked = self._locked(token_id, *parts, keys[issuer, sub])
                    db.execute(
                        "UPDATE tokens SET token = ?, key_id = ?, hidden = ? "
                        "WHERE number = ?",
                        (*locked, number),
                    )
                    db.execute("DELETE FROM in_clear WHERE number = ?", (number,))
        if found:
            self._file.empty_log()

    def erase(
        self,
        cases: Sequence[Case],
        *,
        at: int,
        reason: Reason,
        before: float | None = None,
    ) -> list[Erased]:
        """Destroy the keys of records, and what lay under them. Safe to repeat.

        A record of which nothing is left keeps the moment and the reason that it has.
        On return it is out of the files, if their logs could be emptied; see `tidy`.

        Args:
            at: Epoch seconds.
            before: If given, leaves out those that are not among `aged` of it any more.
        """
        with self._file.transaction() as db:
            found = []
            for case in cases:
                if before is not None and not _is_aged(db, case, before):
                    continue
                # First: without it the rest is noise, whatever happens to it.
                gone = self._keys.destroy([case])
                gone += db.execute(
                    "UPDATE tokens SET key_id = NULL, hidden = NULL "
                    "WHERE issuer = ? AND sub = ? AND hidden IS NOT NULL",
                    case,
                ).rowcount
                how = "REPLACE" if gone else "IGNORE"
                db.execute(
                    f"INSERT OR {how} INTO erased VALUES (?, ?, ?, ?)",  # noqa: S608
                    (*case, at, reason),
                )
                [row] = db.execute(
                    "SELECT at, reason FROM erased WHERE issuer = ? AND sub = ?", case
                )
                found.append(archive_rows.erased(db, *case, *row))
        self.tidy()
        return found

    def aged(self, before: float) -> list[Aged]:
        """List the records that can be read, and whose newest version came before.

        Args:
            before: Epoch seconds.
        """
        rows = self._file.rows(
            "SELECT issuer, sub, group_concat(DISTINCT tlp), MAX(first_seen) "
            "FROM tokens WHERE hidden IS NOT NULL GROUP BY issuer, sub "
            "HAVING MAX(first_seen) <= ?",
            (before,),
        )
        return [
            Aged(
                issuer=issuer,
                sub=sub,
                marks=frozenset(marks.split(",")),
                newest=newest,
            )
            for issuer, sub, marks, newest in rows
        ]

    def tidy(self) -> bool:
        """Let what was erased leave the files' logs.

        Returns:
            False: another process is reading just then.
        """
        return all([self._keys.empty_log(), self._file.empty_log()])

    def erased(self, since: float = 0) -> list[Erased]:
        """List the records that were erased from this moment on, the oldest first."""
        with self._file.transaction() as db:
            rows = db.execute(
                "SELECT issuer, sub, at, reason FROM erased WHERE at >= ? "
                "ORDER BY at, issuer, sub",
                (since,),
            ).fetchall()
            return [archive_rows.erased(db, *row) for row in rows]

    def continues(self, pos: int, link: str) -> bool:
        """Tell whether the chain has this stamp, or may have had it before pruning."""
        with self._file.transaction() as db:
            if (end := archive_rows.end(db))[0] <= pos:
                return end == (pos, link)
            rows = db.execute("SELECT stamp FROM tokens WHERE number = ?", (pos,))
            return all(seen.link_of(stamp) == link for (stamp,) in rows)

    def sign_head(self, make: MakeHead, *, now: int) -> SignedHead:
        """Sign how far the chain goes, and keep it.

        Args:
            now: Epoch seconds.
        """
        with self._file.transaction() as db:
            pos, link = archive_rows.end(db)
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
        rows = self._file.rows(archive_rows.SELECT + "WHERE token_id = ?", (token_id,))
        return self._archived(rows)[0] if rows else None

    def tokens_of(self, issuer: str, sub: str) -> list[str]:
        """Name the versions of a record, in the order in which they came."""
        query = (
            "SELECT token_id FROM tokens WHERE issuer = ? AND sub = ? ORDER BY number"
        )
        return [token_id for (token_id,) in self._file.rows(query, (issuer, sub))]

    def versions_of(self, issuer: str, sub: str) -> list[Version]:
        """List the versions of a record, in the order in which they came."""
        query = (
            "SELECT ver, kind, number FROM tokens WHERE issuer = ? AND sub = ? "
            "ORDER BY number"
        )
        return [Version(*row) for row in self._file.rows(query, (issuer, sub))]

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
        query = (
            archive_rows.SELECT
            + "WHERE number > ? AND first_seen >= ? ORDER BY number LIMIT ?"
        )
        # In pages: a long read must keep neither the gate's file nor its log open.
        while rows := self._file.rows(query, (after, moment, _PAGE)):
            yield from self._archived(rows)
            after = rows[-1][0]

    def _archived(self, rows: Sequence[Any]) -> list[Archived]:
        """Read rows of `archive_rows.SELECT`."""
        keys = self._keys.by_id({row[10] for row in rows if row[10] is not None})
        return [archive_rows.archived(row, keys.get(row[10])) for row in rows]


def _is_aged(db: Any, case: Case, before: float) -> bool:
    [newest] = db.execute(
        "SELECT MAX(first_seen) FROM tokens "
        "WHERE issuer = ? AND sub = ? AND hidden IS NOT NULL",
        case,
    ).fetchone()
    return newest is not None and newest <= before


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open the archive and its keys, made if they are missing.

    Raises:
        ConfigError: Readable by others, of another kind, not to be opened; there are
            tokens under keys, and no file of keys.
    """
    with open_private(path, LAYOUT) as file:
        place = keys_path(path)
        locked = "SELECT 1 FROM tokens WHERE hidden IS NOT NULL LIMIT 1"
        if not place.exists() and file.rows(locked):
            raise ConfigError(
                f"{path} has no keys: put {place.name} beside it. If they are lost, "
                f"all that they open is; to go on without, make an empty {place.name}"
            )
        with open_keys(place) as keys:
            archive = Archive(file, keys)
            archive.encrypt_old()
            yield archive
