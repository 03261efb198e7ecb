"""What changes of an organisation in the directory, in sentences. Pure.

Every field that differs is told: one without words of its own as its values.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from adapters.directory_key_words import key_sentences
from adapters.directory_sentences import Mark, Sentence, field_name, value_text
from broker.directory import DEFAULT_CLEARANCE, Audience, Member, Service, Suspended

Entry = Member | Service
_KEYS: Final = frozenset({"keys", "sealing"})
_SAID: Final = frozenset(
    {"org", "name", "country", "audience", "clearance", "communities", "kinds"}
)
_GIVES: Final = frozenset({"kinds", "communities", "services"})


def entry_sentences(
    old: Entry | None, new: Entry | None, now: datetime
) -> Iterator[Sentence]:
    """Say what becomes of an organisation or a service; one of the two may be None."""
    if new is None:
        assert old is not None  # noqa: S101  one of them is there
        yield Sentence(
            f"removes {_what(old)} {old.org} ({old.name}): what it signs counts no more"
            + (", and it receives nothing" if isinstance(old, Member) else ""),
            "less",
        )
    elif old is None:
        yield _added(new)
        yield from key_sentences(None, new, now)
    else:
        found = [*_fields(old, new), *key_sentences(old, new, now)]
        # Other spaces, another order of members: nothing that a client could notice.
        yield from found or [Sentence(f"spells the entry of {new.org} differently")]


def _what(entry: Entry) -> str:
    return "organisation" if isinstance(entry, Member) else "service of the hub"


def _added(new: Entry) -> Sentence:
    if isinstance(new, Service):
        return Sentence(
            f"adds service of the hub {new.org} ({new.name}), which signs as "
            + " and ".join(new.services),
            "more",
        )
    kinds = f"may publish {', '.join(new.kinds)}" if new.kinds else "publishes nothing"
    rest = {
        name: value for name, value in _told(new).items() if name not in _KEYS | _SAID
    }
    more = "".join(f"; {field_name(name)} {value}" for name, value in rest.items())
    return Sentence(
        f"adds organisation {new.org} ({new.name}, {new.country}) as {new.audience} with "
        f"clearance {new.highest_tlp.label}, in {', '.join(new.communities)}; "
        f"{kinds}{more}",
        "more",
    )


def _fields(old: Entry, new: Entry) -> Iterator[Sentence]:
    org = new.org
    for name in new.__struct_fields__:
        one, other = getattr(old, name), getattr(new, name)
        if name in _KEYS or one == other:
            continue
        if name == "clearance":
            yield _clearance(old, new)
        elif name == "audience":
            yield _audience(org, one, other)
        elif name == "exercise":
            yield _exercise(org, begins=other)
        elif name == "suspended":
            yield _suspended(org, other)
        elif isinstance(one, tuple) and isinstance(other, tuple):
            yield from _lists(org, name, one, other)
        else:
            yield Sentence(
                f"{org}: {field_name(name)} {value_text(one)} -> {value_text(other)}"
            )
    if not isinstance(old, Member) or not isinstance(new, Member):
        return
    if old.clearance == new.clearance and old.highest_tlp != new.highest_tlp:
        yield _clearance(old, new)  # it follows from the audience


def _audience(org: str, old: Audience, new: Audience) -> Sentence:
    order = [*DEFAULT_CLEARANCE]
    wider = order.index(new) < order.index(old)
    return Sentence(
        f"{org}: {'widens' if wider else 'narrows'} audience {old} -> {new}",
        "more" if wider else "less",
    )


def _exercise(org: str, *, begins: bool) -> Sentence:
    if begins:
        return Sentence(f"{org}: only exercises from now on", "less")
    return Sentence(f"{org}: its exercises are over, records count", "more")


def _suspended(org: str, new: Suspended | UnsetType) -> Sentence:
    if new is UNSET:
        return Sentence(f"ends the suspension of {org}", "more")
    return Sentence(
        f"suspends {org} from {new.since} until this is undone: {new.reason}", "less"
    )


def _clearance(old: Any, new: Any) -> Sentence:
    before, after = old.highest_tlp, new.highest_tlp
    if before == after:
        return Sentence(f"{new.org}: clearance {after.label} as before, said otherwise")
    wider = after > before
    return Sentence(
        f"{new.org}: {'widens' if wider else 'narrows'} clearance "
        f"{before.label} -> {after.label}",
        "more" if wider else "less",
    )


def _lists(
    org: str, name: str, old: tuple[Any, ...], new: tuple[Any, ...]
) -> Iterator[Sentence]:
    added = [each for each in new if each not in old]
    removed = [each for each in old if each not in new]
    gives = name in _GIVES
    if added:
        mark: Mark = "more" if gives else "other"
        yield Sentence(f"{org}: {field_name(name)} + {_words(added)}", mark)
    if removed:
        mark = "less" if gives else "other"
        yield Sentence(f"{org}: {field_name(name)} - {_words(removed)}", mark)
    if not added and not removed:
        yield Sentence(f"{org}: {field_name(name)} in another order")


def _words(values: list[Any]) -> str:
    return ", ".join(map(value_text, values))


def _told(entry: Entry) -> dict[str, str]:
    """List what of an entry is not as if it were not said."""
    plain = type(entry)(
        **{
            f.name: getattr(entry, f.name)
            for f in msgspec.structs.fields(entry)
            if f.required
        }
    )
    return {
        name: value_text(getattr(entry, name))
        for name in entry.__struct_fields__
        if getattr(entry, name) != getattr(plain, name)
    }
