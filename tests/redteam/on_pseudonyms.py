"""Attacks on pseudonyms: who is meant, and which of them mean one?"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import msgspec

from tests.redteam.words import MIN_CHARS, plainly
from tests.redteam.world import Case, Got, Hit, leaves
from tests.support.views import made_of

MADE = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)-([0-9a-f]{12})")
_GUESSED_KEYS = (b"", b"\0" * 32, b"tocsin", b"hub", b"secret", b"pseudonyms")
_COMMON_CHARS = 10  # with its spaces: a shorter word may be one of a list, too
_COMMON_NAMES = ("admin", "John Doe", "Jane Doe", "info@example.org", "test", "root")


def pseudonyms(got: Got) -> Iterator[tuple[str, str, str]]:
    """List them: id in the projection, property, pseudonym."""
    for one in got.bundle:
        for name in made_of(one):
            value: Any = one.get(name)
            found = MADE.fullmatch(value) if isinstance(value, str) else None
            if found is not None and found[1] == one["type"]:
                yield one["id"], name, value


def of(got: Got) -> set[str]:
    return {value for _, _, value in pseudonyms(got)}


def dictionary(case: Case) -> Iterator[Hit]:
    """Try every value that was withheld, and common ones, without the key."""
    for version in case.versions:
        values = {text for s in version.secrets for text in leaves(s.value)}
        values |= set(_COMMON_NAMES)
        for got in version.got:
            wanted: dict[str, str] = {}
            for value in of(got):
                kind, digits = MADE.fullmatch(value).groups()  # type: ignore[union-attr]
                wanted[digits] = kind
            if not wanted:
                continue
            kinds = sorted(set(wanted.values()))
            period = got.account.get("period", "")
            for value in sorted(values):
                for digits in _digests(value, kinds, got.audience, period):
                    if digits in wanted:
                        yield case.hit("pseudonyms.guessed", wanted[digits])


def _digests(value: str, kinds: list[str], audience: str, period: str) -> Iterator[str]:
    for text in (value, value.casefold()):
        for kind in kinds:
            whole = msgspec.json.encode([period, audience, kind, text])
            for message in (text.encode(), f"{kind} {text}".encode(), whole):
                yield hashlib.sha256(message).hexdigest()[:12]
                for key in _GUESSED_KEYS:
                    yield hmac.new(key, message, "sha256").hexdigest()[:12]


def beside_the_value(case: Case) -> Iterator[Hit]:
    """Find the very value that a pseudonym stands for elsewhere in the same copy."""
    for version in case.versions:
        plain = {str(o["id"]): o for o in version.whole.plain}
        for got in version.got:
            words = plainly(got.words)
            for stix_id, name in _by_object(got):
                value = plain[stix_id].get(name)
                word = plainly(str(value))
                if len(word) >= MIN_CHARS + 2 and word in words:
                    kind = stix_id.partition("--")[0]
                    common = len(word) < _COMMON_CHARS and word.strip().isalpha()
                    yield case.hit(
                        "values.in-vocabulary" if common else "pseudonyms.beside-value",
                        f"{got.audience}: {kind}.{name}",
                    )


def over_audiences(case: Case) -> Iterator[Hit]:
    """Link pseudonyms of two audiences: by themselves, and by the evidence."""
    for version in case.versions:
        for one, other in combinations(version.got, 2):
            if one.audience == other.audience:
                continue
            for value in of(one) & of(other):
                yield case.hit("pseudonyms.same-for-two", value)
            linked = _by_object(one).keys() & _by_object(other).keys()
            if linked:
                yield case.hit(
                    "pseudonyms.linked-audiences",
                    f"{one.audience}, {other.audience}",
                    amount=len(linked),
                )


def _by_object(got: Got) -> dict[tuple[str, str], str]:
    """Pseudonyms by the id that the object has in the evidence.

    Evidence and projection have the same objects in the same order.
    """
    marks = len(got.bundle) - len(got.opened.objects)
    ids = {
        one["id"]: str(plain.id)
        for one, plain in zip(got.bundle[marks:], got.opened.objects, strict=True)
    }
    return {(ids[i], name): value for i, name, value in pseudonyms(got) if i in ids}


def over_time(case: Case) -> Iterator[Hit]:
    """Link pseudonyms over records and periods."""
    for one, other in combinations(case.versions, 2):
        for mine in one.got:
            for theirs in other.got:
                if mine.audience != theirs.audience:
                    continue
                periods = mine.account.get("period"), theirs.account.get("period")
                same = of(mine) & of(theirs)
                if periods[0] == periods[1]:
                    if same:
                        yield case.hit(
                            "pseudonyms.equal", mine.audience, amount=len(same)
                        )
                    continue
                for value in same:
                    yield case.hit("pseudonyms.same-in-two-periods", value)
                before = {(i, n): v for i, n, v in pseudonyms(mine)}
                after = {(i, n): v for i, n, v in pseudonyms(theirs)}
                linked = before.keys() & after.keys()
                if linked:
                    yield case.hit(
                        "pseudonyms.linked-periods", mine.audience, amount=len(linked)
                    )


ALL = (dictionary, beside_the_value, over_audiences, over_time)
