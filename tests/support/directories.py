"""A directory that groups sign, in memory: a dict of its files, and who holds keys."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from broker import directory_proposal, directory_publication
from broker.directory import Member, Service
from broker.directory_change import Change, written
from broker.directory_proposal import Checked, Proposal
from broker.directory_roles import Keyring, bare
from broker.directory_state import State, read
from broker.signers import Signer
from tests.support import records
from tests.support.tuf_groups import GROUPS, private_key

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
TWO = ("government", "industry")
ALL = (*GROUPS, "hub")


def signer(name: str) -> Signer:
    return Signer(name, private_key(f"tuf {name}"))


def keyring(**changes: object) -> Keyring:
    groups = {name: signer(name).jwk for name in GROUPS}
    held = {
        "groups": groups,
        "threshold": 2,
        "online": signer("online").jwk,
        "suspending": {**groups, "hub": signer("hub").jwk},
    }
    return bare(Keyring(**(held | changes)))


def text(entry: Member | Service) -> str:
    return msgspec.json.encode(entry).decode()


CERT = {"members/cert-aq.json": text(records.member())}


class Shelf:
    """Where a directory is published, and the keys of all who sign it.

    Attributes:
        files: By path; what a web server would hold.
    """

    def __init__(
        self, files: Mapping[str, str] = CERT, *, online: str = "online", **keys: object
    ) -> None:
        self.files: dict[str, bytes] = {}
        self.now = NOW
        self.keys = {name: signer(name) for name in ALL} | {"online": signer(online)}
        held = keyring(**keys, online=signer(online).jwk)
        change = Change(files=dict(files), keys=held)
        proposal = directory_proposal.propose(
            None, change, title="founded", author="", made=written(NOW)
        )
        for name in ALL:
            seen = directory_proposal.checked(None, proposal, now=NOW)
            proposal = directory_proposal.sign(None, seen, self.keys[name])
        self.put(None, directory_proposal.checked(None, proposal, now=NOW))
        self.pinned = self.files["metadata/1.root.json"]

    def fetch(self, path: str, most: int) -> bytes | None:
        data = self.files.get(path)
        assert data is None or len(data) <= most
        return data

    @property
    def state(self) -> State:
        return read(self.fetch, self.pinned)

    def put(self, state: State | None, seen: Checked) -> None:
        made = directory_publication.publication(
            state, seen, self.keys["online"], now=self.now
        )
        self.files |= {each.path: each.data for each in made}

    def propose(self, change: Change) -> Proposal:
        made = written(self.now)
        return directory_proposal.propose(
            self.state, change, title="a change", author="", made=made
        )

    def checked(self, proposal: Proposal) -> Checked:
        return directory_proposal.checked(self.state, proposal, now=self.now)

    def signed(self, proposal: Proposal, by: Iterable[str | Signer] = TWO) -> Proposal:
        for each in by:
            key = self.keys[each] if isinstance(each, str) else each
            seen = self.checked(proposal)
            proposal = directory_proposal.sign(self.state, seen, key)
        return proposal

    def decide(self, change: Change, by: Iterable[str | Signer] = TWO) -> Checked:
        """Propose, sign and publish."""
        seen = self.checked(self.signed(self.propose(change), by))
        self.put(self.state, seen)
        return seen
