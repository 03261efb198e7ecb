"""One run over a collection: pages into the state, then records into a folder. Edge."""

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, assert_never

import msgspec

from adapters.taxii import paging, splitting
from adapters.taxii.client import Collection
from adapters.taxii.cursor import Poll, begin, request
from adapters.taxii.paging import Finished, Go, Stopped, Wait
from adapters.taxii.records import Bundle, Written, case_bundle, digest, rest_bundle
from adapters.taxii.splitting import Group
from adapters.taxii.store import Kept, Store
from broker.errors import ConfigError
from schemas import timestamps
from schemas.stix.values import ID_PATTERN

_UNFINISHED: Final = ".unfinished-"
_ID: Final = re.compile(ID_PATTERN)


class Polled(msgspec.Struct, frozen=True, kw_only=True):
    """How a run over the pages ended.

    Attributes:
        fresh: Objects that were new to us.
        known: Objects that came before.
        odd: Items without an id and a type; they are left out.
        stopped: Why it ended before the end of the collection; None if it did not.
    """

    pages: int = 0
    fresh: int = 0
    known: int = 0
    odd: int = 0
    stopped: Stopped | None = None


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A record that was written.

    Attributes:
        is_case: Whether it has a primary object of its own; else it gathers the rest.
    """

    path: Path
    objects: int
    is_case: bool
    is_raised: bool


class Records(msgspec.Struct, frozen=True, kw_only=True):
    """What was written.

    Attributes:
        same: Cases with something new that is no news.
        waiting, is_narrow: As `splitting.Split`.
    """

    made: tuple[Made, ...] = ()
    same: int = 0
    waiting: int = 0
    is_narrow: bool = False


async def poll(
    collection: Collection,
    store: Store,
    *,
    limit: int,
    clock: Callable[[], float],
    random: Callable[[], float],
    tell: Callable[[Polled], None] = lambda _: None,
) -> Polled:
    """Take every page there is.

    Each page is kept, with the cursor behind it, before the next is asked for.

    Raises:
        ConfigError: The state cannot be written; the page will come again.
    """
    now: Poll = begin(store.cursor, limit=limit)
    done = Polled()
    while True:
        answer = await collection.get(request(now))
        arrivals = () if answer.page is None else answer.page.arrivals
        step = paging.receive(now, answer, store.held(arrivals), random=random())
        now = step.poll
        store.keep(now.cursor, step.fresh, when=timestamps.from_epoch(clock()))
        if answer.page is not None:
            done = Polled(
                pages=done.pages + 1,
                fresh=done.fresh + len(step.fresh),
                known=done.known + len(arrivals) - len(step.fresh),
                odd=done.odd + len(answer.page.odd),
            )
            tell(done)
        match step.move:
            case Go():
                pass
            case Wait(seconds):
                await asyncio.sleep(seconds)
            case Finished():
                return done
            case Stopped():
                return msgspec.structs.replace(done, stopped=step.move)
            case _:
                assert_never(step.move)


def write_records(
    store: Store, folder: Path, *, name: str, clock: Callable[[], float]
) -> Records:
    """Write a bundle for each record that has news, and note that it was written.

    A file is whole or not there. Cut short, it writes the same files again.

    Raises:
        ConfigError: The folder cannot be written, or the state.
    """
    if not store.has_fresh():
        return Records()
    _prepare(folder)
    split = splitting.split(store.nodes())
    made: list[Made] = []
    written: dict[str, Written] = {}
    same = 0
    now = timestamps.from_epoch(clock())
    for group in split.groups:
        if not group.is_fresh:
            continue
        kept = store.objects(group.members)
        bundle = _bundle(store, group, kept, name=name, now=now)
        if bundle is None:
            same += 1
            continue
        path = _write(folder, bundle)
        if group.primary is not None:
            written[group.primary] = bundle.written
        made.append(
            Made(
                path=path,
                objects=len(kept),
                is_case=group.primary is not None,
                is_raised=bundle.is_raised,
            )
        )
    _sync_folder(folder)
    store.all_written(written)
    return Records(
        made=tuple(made), same=same, waiting=split.waiting, is_narrow=split.is_narrow
    )


def _bundle(
    store: Store, group: Group, kept: list[Kept], *, name: str, now: str
) -> Bundle | None:
    """Make the bundle of a group; None if it is what was written before."""
    found = digest(each.key for each in kept)
    plain = [each.plain for each in kept]
    if group.primary is None:
        when = max(each.arrived for each in kept)
        return rest_bundle(plain, found, name=name, when=when)
    last = store.written(group.primary)
    if last is not None and last.digest == found:
        return None
    return case_bundle(plain, found, last, now=now)


def _prepare(folder: Path) -> None:
    """Make the folder, and clear what a run that was cut short left in it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.glob(f"{_UNFINISHED}*"):
            left.unlink()
    except OSError as error:
        raise ConfigError(f"cannot use the folder {folder}: {error.strerror}") from None


def _write(folder: Path, bundle: Bundle) -> Path:
    # An id of this form is a safe name of a file; `envelope` took in no other.
    assert _ID.match(bundle.name)  # noqa: S101
    path = folder / f"{bundle.name}.json"
    unfinished = folder / f"{_UNFINISHED}{bundle.name}"
    try:
        handle = os.open(
            unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
        )
        with open(handle, "wb") as file:
            file.write(bundle.content)
            file.flush()
            os.fsync(handle)
        unfinished.rename(path)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
    return path


def _sync_folder(folder: Path) -> None:
    """Make the names durable; fsync of a file does not (fsync(2))."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise ConfigError(f"cannot use the folder {folder}: {error.strerror}") from None
