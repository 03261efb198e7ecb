"""Keeps the heads that records come with, and says when the gate contradicts them. Edge.

A fork stops nothing: every record is still its issuer's own, and delivered. What can no
longer be believed is when the gate first saw one, so people must look at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from broker.directory import Directory
from broker.errors import TrustError
from broker.head_files import KeptHeads, open_heads, write_proof
from broker.heads import Held, statement_of
from broker.seen import verify_head

_log: Any = structlog.get_logger(__name__)


class ChainWatch:
    """A file of heads, and the proof beside it once there is one."""

    def __init__(self, kept: KeptHeads, path: Path) -> None:
        self._kept = kept
        self._path = path
        self._last = ""

    def see(self, head: str, directory: Directory, *, now: float) -> None:
        """Keep *head*, or tell that it contradicts one that is kept.

        Args:
            head: As a record came with it.
            now: Epoch seconds.

        Raises:
            ConfigError: A file cannot be written.
        """
        if head == self._last:  # an hour's records come with the same one
            return
        try:
            found = verify_head(head, directory, now=now)
        except TrustError:
            return  # its record was refused, too, or its key has gone just now
        self._last = head
        said = statement_of(Held(head, int(now), found))
        self._kept.directory = directory
        fork = self._kept.keep(said, now=now)
        if fork is None:
            return
        proof = write_proof(self._path, fork, said.pos)
        _log.error("chain.forked", pos=said.pos, proof=str(proof))


@contextmanager
def open_chain_watch(path: Path, directory: Directory) -> Iterator[ChainWatch]:
    """Open a file of heads for the time of a block.

    Raises:
        ConfigError: See `open_heads`.
    """
    kept = open_heads(path, directory)
    if kept.dropped:
        _log.warning("chain.heads_dropped", heads=kept.dropped)
    yield ChainWatch(kept, path)
