"""What a change of the directory means, in sentences for those who are to sign it. Pure.

Every difference is a sentence: one that this file has no words for is shown as values.
What gives somebody more is marked, and comes first.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from msgspec import UNSET

from adapters.directory_entry_words import Entry, entry_sentences
from adapters.directory_policies import policy_sentences
from adapters.directory_sentences import Mark, Sentence
from broker import suspensions
from broker.directory import (
    decode_member,
    decode_service,
)
from broker.directory_roles import Keyring
from broker.keys import Jwk, thumbprint
from broker.suspensions import LAPSES_AFTER, Suspension
from schemas import timestamps

_ORDER: Final[dict[Mark, int]] = {"more": 0, "other": 1, "less": 2}

Files = Mapping[str, bytes]


def sentences(before: Files, after: Files, *, now: datetime) -> list[Sentence]:
    """Say what differs between the files of two versions.

    Raises:
        ConfigError: A file is not what clients can load, such as a policy.
    """
    found = [
        each
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
        for each in _of_file(path, before.get(path), after.get(path), now)
    ]
    return sorted(found, key=lambda each: _ORDER[each.mark])


def _of_file(
    path: str, old: bytes | None, new: bytes | None, now: datetime
) -> Iterator[Sentence]:
    folder, _, name = path.partition("/")
    if folder == "policies":
        yield from policy_sentences(path, old, new)
    elif folder == "suspensions":
        yield from _suspensions(name.removesuffix(".json"), old, new)
    else:
        entries = [_entry(folder, path, data) for data in (old, new)]
        yield from entry_sentences(entries[0], entries[1], now)


def _entry(folder: str, path: str, data: bytes | None) -> Entry | None:
    if data is None:
        return None
    read: Callable[[bytes, str], Entry] = (
        decode_member if folder == "members" else decode_service
    )
    return read(data, path)


# ------------------------------------------------------------ suspensions, parties


def _suspensions(
    party: str, old: bytes | None, new: bytes | None
) -> Iterator[Sentence]:
    one, other = (
        {}
        if data is None
        else {each.subject: each for each in suspensions.decode(data)}
        for data in (old, new)
    )
    for subject, each in other.items():
        if one.get(subject) != each:
            yield Sentence(_suspended(party, each), "less")
    for subject in one:
        if subject not in other:
            yield Sentence(f"{party} lifts its suspension of {subject}", "more")


def _suspended(party: str, each: Suspension) -> str:
    lapses = timestamps.epoch(each.since) + LAPSES_AFTER.total_seconds()
    what = "organisation" if each.kid is UNSET else "signing key"
    return (
        f"{party} suspends {what} {each.subject} from {each.since}, at the longest to "
        f"{timestamps.from_epoch(lapses)[:19]}Z: {each.reason}"
    )


def keyring_sentences(old: Keyring | None, new: Keyring) -> list[Sentence]:
    """Say what changes in who signs the directory."""
    if old is None:
        return [*_founding(new)]
    found = []
    if old.threshold != new.threshold:
        fewer = new.threshold < old.threshold
        found.append(
            Sentence(
                f"takes {new.threshold} groups, not {old.threshold}, to decide",
                "more" if fewer else "other",
            )
        )
    found += _parties(_GROUP, old.groups, new.groups)
    found += _parties(_ONLINE, {"": old.online}, {"": new.online})
    found += _parties(_SUSPENDS, old.suspending, new.suspending)
    return found


class _Says(NamedTuple):
    """Sentences about one kind of key; `{}` is the party."""

    added: str
    removed: str
    replaced: str


_GROUP: Final = _Says(
    "adds group {}, which decides",
    "removes group {}, which decides no more",
    "replaces the key by which group {} decides",
)
_ONLINE: Final = _Says("", "", "replaces the key by which the hub says what is newest")
_SUSPENDS: Final = _Says(
    "lets {} suspend at once",
    "lets {} suspend no more",
    "replaces the key by which {} suspends",
)


def _founding(new: Keyring) -> Iterator[Sentence]:
    yield Sentence(
        f"founds a NEW directory, in which {new.threshold} of {len(new.groups)} groups "
        "decide; if you have one already, do not sign",
        "more",
    )
    for name, jwk in new.groups.items():
        yield Sentence(f"group {name}: key {thumbprint(jwk)}", "more")
    yield Sentence(f"the hub's online key: {thumbprint(new.online)}", "more")
    for name, jwk in new.suspending.items():
        yield Sentence(f"{name} may suspend at once, by key {thumbprint(jwk)}", "more")


def _parties(
    says: _Says, old: Mapping[str, Jwk], new: Mapping[str, Jwk]
) -> Iterator[Sentence]:
    for name in {**old, **new}:
        one, other = old.get(name), new.get(name)
        if one == other:
            continue
        if other is None:
            yield Sentence(says.removed.format(name), "less")
        elif one is None:
            by = f", by key {thumbprint(other)}"
            yield Sentence(says.added.format(name) + by, "more")
        else:
            keys = f": {thumbprint(one)} -> {thumbprint(other)}"
            yield Sentence(says.replaced.format(name) + keys, "more")
