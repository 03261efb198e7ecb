"""A client of a directory that a test writes, and the clock by which TUF decides."""

import datetime as real
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from tuf.ngclient._internal import trusted_metadata_set

from broker.directory import Member, Service
from broker.directory_client import DirectoryClient, Remote
from tests.support import issuing
from tests.support.tuf_groups import Groups

START = real.datetime(2026, 3, 1, 12, tzinfo=real.UTC)
"""When timelines begin; keys of `tests.support.issuing` are valid then."""


class Hub:
    """A directory with two issuers and the hub, and clients that load it.

    Attributes:
        now: The clients' clock, epoch seconds; the groups' goes along.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.groups = Groups(folder / "directory", now=START)
        self.now = START.timestamp()
        for entry in (*map(issuing.member, issuing.ISSUERS), issuing.service()):
            self.put(entry)
        self.groups.publish()
        self.root = folder / "root.json"
        self.root.write_bytes(self.groups.pinned)

    def put(self, entry: Member | Service) -> None:
        """List *entry* from the next `publish` on."""
        kind = "members" if isinstance(entry, Member) else "services"
        data = msgspec.json.encode(entry)
        self.groups.put(f"{kind}/{entry.org}.json", data)

    def wait(self, *, days: float = 0, hours: float = 0) -> None:
        """Let time pass for all."""
        passed = real.timedelta(days=days, hours=hours)
        self.groups.now += passed
        self.now += passed.total_seconds()

    def daily(self, days: int) -> None:
        """Let days pass, on each of which the hub signs the timestamp anew."""
        for _ in range(days):
            self.wait(days=1)
            self.groups.refresh()

    def suspension(self, org: str = "cert-aq", **more: str) -> dict[str, str]:
        """A line of a party's file, from now on."""
        since = self.groups.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"org": org, "reason": "key stolen", "since": since, **more}

    def client(self, name: str = "cache", url: str = "") -> DirectoryClient:
        """A client with a cache of that name, as after a restart."""
        where = url or self.groups.folder.as_uri()
        remote = Remote(url=where, root=self.root, cache=self.folder / name)
        return DirectoryClient(remote, clock=lambda: self.now)

    @contextmanager
    def clock(self) -> Iterator["Hub"]:
        """Let python-tuf, which asks the machine for the time, ask this hub."""
        hub = self

        class Moment(real.datetime):
            @classmethod
            def now(cls, tz: Any = None) -> real.datetime:
                return real.datetime.fromtimestamp(hub.now, tz)

        before = trusted_metadata_set.datetime
        trusted_metadata_set.datetime = SimpleNamespace(  # type: ignore[assignment]
            datetime=Moment, timezone=real.timezone
        )
        try:
            yield self
        finally:
            trusted_metadata_set.datetime = before
