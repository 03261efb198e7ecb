"""A directory of 1,000 members: finding a key, and a refresh."""

import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import msgspec

from broker.directory import KeyEntry, Member
from broker.directory_client import DirectoryClient, Loaded, Remote
from broker.directory_plain import load_folder
from tests.bench.rounds import Report, Row, side_by_side
from tests.support.issuing import signer
from tests.support.tuf_groups import Groups

MEMBERS = 1000


def measure(*, quick: bool) -> Report:
    """Look up keys and refresh, against a dict and against reading the same files."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        return _measured(Path(name), 3 if quick else 11)


def _measured(folder: Path, rounds: int) -> Report:
    groups = _publish(folder)
    loaded = _client(folder, "looked-up").load()
    directory, plain = loaded.directory, dict(loaded.directory.keys)
    names = tuple(plain)

    def in_a_dict() -> None:
        for each in names:
            plain[each]

    def in_the_directory() -> None:
        for each in names:
            directory.keys[each]

    def by_method() -> None:
        for each in names:
            directory.key(each)

    looked = side_by_side(
        {"dict": in_a_dict, "keys": in_the_directory, "key()": by_method}, rounds
    )
    running = _client(folder, "running")
    running.load()
    fresh = count()
    files = [each for each in folder.joinpath("directory").rglob("*") if each.is_file()]

    def read() -> None:
        for each in files:
            each.read_bytes()

    def nothing_new() -> Loaded:
        return running.refresh()

    def daily() -> Loaded:
        groups.refresh()
        return running.refresh()

    sides: dict[str, Callable[[], object]] = {
        "read": read,
        "folder": lambda: load_folder(folder / "plain"),
        "first": lambda: _client(folder, f"first-{next(fresh)}").load(),
        "nothing new": nothing_new,
        "daily": daily,
    }
    found = side_by_side(sides, rounds)
    return Report(
        f"directory: {MEMBERS:,} members",
        "Processor time: of looking up every key once; of one refresh. Reading: the bytes "
        "of all files of the signed directory, nothing done with them. A plain folder: "
        "the same entries read, decoded and indexed without any signature. Daily: the "
        "signing of a new snapshot and timestamp by the test is included.",
        (
            Row("`directory.keys[kid]`", "dict", looked["keys"], looked["dict"]),
            Row("`directory.key(kid)`", "dict", looked["key()"], looked["dict"]),
            Row("refresh, nothing new", "reading", found["nothing new"], found["read"]),
            Row("refresh, a new day", "reading", found["daily"], found["read"]),
            Row("first load, all new", "reading", found["first"], found["read"]),
            Row("first load, all new", "plain folder", found["first"], found["folder"]),
        ),
    )


def _publish(folder: Path) -> Groups:
    groups = Groups(folder / "directory")
    plain = folder / "plain/members"
    plain.mkdir(parents=True)
    for number in range(MEMBERS):
        data = msgspec.json.encode(_member(f"cert-{number:04}"))
        org = f"cert-{number:04}"
        groups.put(f"members/{org}.json", data)
        (plain / f"{org}.json").write_bytes(data)
    groups.publish()
    (folder / "root.json").write_bytes(groups.pinned)
    return groups


def _member(org: str) -> Member:
    key = KeyEntry(signer(org).jwk, "2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z")
    kinds = ("incident", "correction", "retraction")
    return Member(
        org=org, name=org, country="XA", audience="peer-cert", kinds=kinds, keys=(key,)
    )


def _client(folder: Path, name: str) -> DirectoryClient:
    remote = Remote(
        url=(folder / "directory").as_uri(),
        root=folder / "root.json",
        cache=folder / name,
    )
    return DirectoryClient(remote, clock=time.time)
