"""What changes of signing keys in the directory, in sentences. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import UNSET, UnsetType

from adapters.directory_sentences import Mark, Sentence, field_name, value_text
from broker.directory import KeyEntry, Member, SealingEntry, Service
from broker.keys import key_id
from broker.seal_keys import sealing_key_id
from schemas import timestamps

SOON: Final = timedelta(days=30)
Owner = Member | Service
Entry = KeyEntry | SealingEntry
Kind = Literal["signing", "sealing"]
_WITHOUT: Final = {
    "signing": "whatever it signed counts no more, also of earlier days; to let that "
    "count, end or revoke the key instead",
    "sealing": "nobody seals to it any more",
}


def key_sentences(old: Owner | None, new: Owner, now: datetime) -> Iterator[Sentence]:
    """Say what becomes of the keys of one owner, of either kind; None: it is new."""
    org = new.org
    signing = () if old is None else old.keys
    yield from _of_kind(_listed("signing", org, signing, new.keys), now)
    if isinstance(new, Member):
        sealing = old.sealing if isinstance(old, Member) else ()
        yield from _of_kind(_listed("sealing", org, sealing, new.sealing), now)


def _listed(
    kind: Kind, org: str, old: Iterable[Entry], new: Iterable[Entry]
) -> dict[str, tuple[Entry | None, Entry | None]]:
    """Put together what belongs to one key, by what people call it."""
    one, other = (
        {f"{kind} key {_kid(org, each)}": each for each in entries}
        for entries in (old, new)
    )
    return {name: (one.get(name), other.get(name)) for name in {**other, **one}}


def _kid(org: str, entry: Entry) -> str:
    if isinstance(entry, KeyEntry):
        return key_id(org, entry.jwk)
    return sealing_key_id(org, entry.jwk)


def _of_kind(
    listed: dict[str, tuple[Entry | None, Entry | None]], now: datetime
) -> Iterator[Sentence]:
    for name, (old, new) in listed.items():
        if new is None:
            yield Sentence(f"removes {name}: {_WITHOUT[name.split()[0]]}", "less")
        elif old is None:
            yield from _added(name, new, now)
        elif old != new:
            yield from _key_changed(name, old, new)


def _added(name: str, entry: Entry, now: datetime) -> Iterator[Sentence]:
    yield Sentence(
        f"adds {name}, valid {_day(entry.not_before)} to {_day(entry.not_after)}",
        "more",
    )
    left = timedelta(seconds=timestamps.epoch(entry.not_after) - now.timestamp())
    if left <= timedelta(0):
        yield Sentence(f"{name} has expired already")
    elif left <= SOON:
        yield Sentence(f"{name} expires in {left.days} days")
    if entry.revoked_at is not UNSET:
        yield _revoked(name, entry)


def _key_changed(key: str, old: Entry, new: Entry) -> Iterator[Sentence]:
    revocation = ("revoked_at", "revocation_reason")
    if any(getattr(old, name) != getattr(new, name) for name in revocation):
        if new.revoked_at is UNSET:
            yield Sentence(f"takes back the revocation of {key}", "more")
        else:
            yield _revoked(key, new, _of_revocations(old.revoked_at, new.revoked_at))
    for name in new.__struct_fields__:
        one, other = getattr(old, name), getattr(new, name)
        if one == other or name in revocation:
            continue
        if name in {"not_before", "not_after"}:
            yield _validity(key, name, one, other)
        else:
            yield Sentence(
                f"{key}: {field_name(name)} {value_text(one)} -> {value_text(other)}"
            )


def _of_revocations(old: str | UnsetType, new: str) -> Mark:
    if old is UNSET:
        return "less"
    order = timestamps.compare(new, old)
    return "other" if order == 0 else "more" if order > 0 else "less"


def _revoked(key: str, entry: Entry, mark: Mark = "less") -> Sentence:
    return Sentence(
        f"revokes {key} from {value_text(entry.revoked_at)}: "
        f"{value_text(entry.revocation_reason)}",
        mark,
    )


def _validity(key: str, name: str, old: str, new: str) -> Sentence:
    later = timestamps.epoch(new) > timestamps.epoch(old)
    longer = later if name == "not_after" else not later
    return Sentence(
        f"{'lengthens' if longer else 'shortens'} the validity of {key}: "
        f"{field_name(name)} {_day(old)} -> {_day(new)}",
        "more" if longer else "less",
    )


def _day(moment: str) -> str:
    return timestamps.truncate(moment, "day")[:10]
