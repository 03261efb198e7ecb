"""What the gate signs: the stamps and heads of its chain. One for all lanes. Edge."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from broker import heartbeats, seen
from broker.archive import MakeHead, MakeStamp, SignedHead
from broker.directory import Directory
from broker.directory_held import Held
from broker.errors import ConfigError, TrustError
from broker.signing import RecordSigner

HEAD_EVERY_S: Final = 3600.0


class Stamps:
    """The gate's key, and the newest head, which goes along with every record.

    Attributes:
        make_stamp: For `Archive.append`.
        make_head: For `Archive.sign_head`.
    """

    def __init__(self, signer: RecordSigner, directory: Directory | Held) -> None:
        self.make_stamp: MakeStamp = partial(seen.make_stamp, signer)
        self.make_head: MakeHead = partial(seen.make_head, signer)
        self._signer = signer
        self._held = Held.of(directory)
        self._head = ""

    def need_key(self, now: float) -> None:
        """Check that what is signed now would be taken for the gate's.

        Raises:
            ConfigError: The directory does not list the key, or it is not valid now.
        """
        signer = self._signer
        if not seen.may_stamp(signer, self._held.current, now=now):
            raise ConfigError(
                f"the directory lists no key {signer.kid} of a gate that is valid "
                f"now, so adapters would refuse every record; put {signer.org}.jwk "
                f'into directory/services/{signer.org}.json, "gate" among its services'
            )

    def resume(self, newest: SignedHead | None, now: float) -> float:
        """Go on with the head that was signed before the gate stopped.

        Returns:
            Seconds until the next is due, at most an hour.
        """
        if newest is None:
            return 0.0
        try:
            seen.verify_head(newest.head, self._held.current, now=now)
        except TrustError:
            return 0.0  # its key has gone: adapters would refuse all that it is on
        self._head = newest.head
        return min(max(newest.at + HEAD_EVERY_S - now, 0.0), HEAD_EVERY_S)

    def follow(self, head: SignedHead) -> None:
        """Let *head* go along from now on."""
        self._head = head.head

    def make_heard(self, heartbeat: str, seen: int, lacks: Sequence[str]) -> bytes:
        """Sign what the hub lacks of a heartbeat, see `heartbeats.make_heard`."""
        return heartbeats.make_heard(
            self._signer, heartbeat=heartbeat, seen=seen, lacks=lacks
        )

    def headers(self, stamp: str) -> dict[str, str]:
        """Give the headers of the record that *stamp* is about."""
        head = {seen.HEAD_HEADER: self._head} if self._head else {}
        return {seen.STAMP_HEADER: stamp, **head}
