"""What changes of signing keys in the directory, in sentences. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from msgspec import UNSET

from adapters.directory_sentences import Mark, Sentence, field_name, value_text
from broker.directory import KeyEntry, Member, Service
from broker.keys import key_id, thumbprint
from schemas import timestamps
from schemas.errors import RefusedError

SOON: Final = timedelta(days=30)


def key_sentences(
    old: Member | Service, new: Member | Service, now: datetime
) -> Iterator[Sentence]:
    """Say what becomes of the keys of one owner."""
    one = {thumbprint(each.jwk): each for each in old.keys}
    other = {thumbprint(each.jwk): each for each in new.keys}
    for print_, entry in other.items():
        if print_ not in one:
            yield from key_added(new.org, entry, now)
        elif one[print_] != entry:
            yield from _key_changed(new.org, one[print_], entry)
    for print_, entry in one.items():
        if print_ not in other:
            yield Sentence(
                f"removes signing key {key_id(new.org, entry.jwk)}: whatever it signed "
                "counts no more, also of earlier days; to let that count, end or "
                "revoke the key instead",
                "less",
            )


def key_added(org: str, entry: KeyEntry, now: datetime) -> Iterator[Sentence]:
    """Say what a new key may sign, and whether it ends soon."""
    kid = key_id(org, entry.jwk)
    yield Sentence(
        f"adds signing key {kid}, valid {_day(entry.not_before)} to "
        f"{_day(entry.not_after)}",
        "more",
    )
    left = timedelta(seconds=timestamps.epoch(entry.not_after) - now.timestamp())
    if left <= timedelta(0):
        yield Sentence(f"signing key {kid} has expired already")
    elif left <= SOON:
        yield Sentence(f"signing key {kid} expires in {left.days} days")
    if entry.revoked_at is not UNSET:
        yield _revoked(kid, entry)


def _key_changed(org: str, old: KeyEntry, new: KeyEntry) -> Iterator[Sentence]:
    kid = key_id(org, new.jwk)
    revocation = ("revoked_at", "revocation_reason")
    if any(getattr(old, name) != getattr(new, name) for name in revocation):
        if new.revoked_at is UNSET:
            yield Sentence(f"takes back the revocation of signing key {kid}", "more")
        else:
            later = old.revoked_at is not UNSET and (
                timestamps.epoch(new.revoked_at) > timestamps.epoch(old.revoked_at)
            )
            yield _revoked(kid, new, "more" if later else "less")
    for name in new.__struct_fields__:
        one, other = getattr(old, name), getattr(new, name)
        if one == other or name in revocation:
            continue
        if name in {"not_before", "not_after"}:
            yield _validity(kid, name, one, other)
        else:
            yield Sentence(
                f"key {kid}: {field_name(name)} {value_text(one)} -> {value_text(other)}"
            )


def _revoked(kid: str, entry: KeyEntry, mark: Mark = "less") -> Sentence:
    return Sentence(
        f"revokes signing key {kid} from {value_text(entry.revoked_at)}: "
        f"{value_text(entry.revocation_reason)}",
        mark,
    )


def _validity(kid: str, name: str, old: str, new: str) -> Sentence:
    later = timestamps.epoch(new) > timestamps.epoch(old)
    longer = later if name == "not_after" else not later
    return Sentence(
        f"{'lengthens' if longer else 'shortens'} the validity of signing key {kid}: "
        f"{field_name(name)} {_day(old)} -> {_day(new)}",
        "more" if longer else "less",
    )


def _day(moment: str) -> str:
    try:
        return timestamps.truncate(moment, "day")[:10]
    except RefusedError:
        return moment
