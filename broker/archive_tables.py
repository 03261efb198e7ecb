"""Tables of the archive, and what of a token lies where: in clear, or under a key. Pure."""

from typing import Final

import msgspec

from broker import carried
from broker.private_sqlite import Layout

# What issuers have said in two ways, for ever (`broker.proofs`).
_PROOFS: Final = """CREATE TABLE proofs (
    id TEXT PRIMARY KEY, found_at INTEGER NOT NULL, issuer TEXT NOT NULL,
    proof BLOB NOT NULL
) WITHOUT ROWID"""

_ERASED: Final = (
    # Records whose key was destroyed last at `at`, and why (`schemas.erasing`).
    """CREATE TABLE erased (
        issuer TEXT NOT NULL, sub TEXT NOT NULL, at INTEGER NOT NULL,
        reason TEXT NOT NULL, PRIMARY KEY (issuer, sub)
    ) WITHOUT ROWID""",
    # Of a version before there were keys; emptied as soon as the file is opened.
    "CREATE TABLE in_clear (number INTEGER PRIMARY KEY)",
)

# Of what can be read yet, all that its retention depends on.
_BY_AGE: Final = (
    "CREATE INDEX tokens_readable ON tokens (issuer, sub, tlp, first_seen) "
    "WHERE hidden IS NOT NULL"
)

LAYOUT: Final = Layout(
    name="an archive",
    application_id=0x746F6361,  # "toca"
    version=5,
    exclusive=False,
    upgrades={
        2: (_PROOFS,),
        3: (
            *_ERASED,
            "ALTER TABLE tokens ADD COLUMN key_id BLOB",
            "ALTER TABLE tokens ADD COLUMN hidden BLOB",
            "INSERT INTO in_clear SELECT number FROM tokens",
        ),
        4: (_BY_AGE,),
    },
    tables=(
        _PROOFS,
        *_ERASED,
        # `number` is the place in the chain; `token` is without what `hidden` has,
        # which is NULL once it is erased. Both are compressed.
        """CREATE TABLE tokens (
            number INTEGER PRIMARY KEY,
            token_id TEXT NOT NULL UNIQUE, issuer TEXT NOT NULL,
            sub TEXT NOT NULL, ver TEXT NOT NULL, kind TEXT NOT NULL,
            tlp TEXT NOT NULL, first_seen INTEGER NOT NULL, stamp TEXT NOT NULL,
            token BLOB NOT NULL, key_id BLOB, hidden BLOB
        )""",
        "CREATE INDEX tokens_by_record ON tokens (issuer, sub)",
        _BY_AGE,
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


class _Hidden(msgspec.Struct, frozen=True, array_like=True):
    """The disclosures, each with its `~`, and the sealed parts."""

    disclosures: bytes
    sealed: tuple[bytes, ...] = ()


def parted(token: bytes) -> tuple[bytes, bytes]:
    """Give what proves (JWT with digests, all signatures), and what it proves.

    Args:
        token: As `carried.encode` spells it.
    """
    record = carried.decode(token)
    jwt, mark, disclosures = record.token.partition(b"~")
    bare = msgspec.structs.replace(record, token=jwt + mark, sealed=())
    hidden = _Hidden(disclosures, record.sealed)
    return carried.encode(bare), msgspec.msgpack.encode(hidden)


def joined(bare: bytes, hidden: bytes) -> bytes:
    """Give the token of which these are the parts."""
    record = carried.decode(bare)
    rest = msgspec.msgpack.decode(hidden, type=_Hidden)
    whole = msgspec.structs.replace(
        record, token=record.token + rest.disclosures, sealed=rest.sealed
    )
    return carried.encode(whole)
