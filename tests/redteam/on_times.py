"""Attacks on times and routing facts: what is always visible tells what is not."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from schemas.protection import groups_of
from tests.redteam.world import Case, Got, Hit, leaves, withheld

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_ROUND = re.compile(r"T\d\d:00:00(?:\.0+)?Z")
_DAY = timedelta(days=1)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def exact(case: Case) -> Iterator[Hit]:
    """Find exact times that were coarsened or cut among those that were not."""
    for version in case.versions:
        for got in version.got:
            shown = _times(got)
            lost = {
                text
                for secret in withheld(version, got)
                for text in leaves(secret.value)
                if _TIME.fullmatch(text) and not _ROUND.search(text)
            }
            if not lost:
                continue
            same = {t for t in lost if _moment(t) in shown}
            whole = {
                t
                for t in lost - same
                for other in shown
                if (_moment(t) - other) % _DAY == timedelta(0)
            }
            for leak, found in (("times.same", same), ("times.whole-days", whole)):
                if found:
                    yield case.hit(
                        leak, got.audience, amount=round(len(found) / len(lost), 2)
                    )


def _times(got: Got) -> set[datetime]:
    """List the exact times that a member reads in its evidence."""
    texts = [t for o in got.opened.plain for t in leaves(o)] + [got.opened.claims.ver]
    return {_moment(t) for t in texts if _TIME.fullmatch(t) and not _ROUND.search(t)}


def facts(case: Case) -> Iterator[Hit]:
    """Read routing facts that no object says that one was given."""
    for version in case.versions:
        protected = {
            word
            for o in version.whole.objects
            if groups_of(o)
            for word in _words(version.whole.plain[version.whole.objects.index(o)])
        }
        others = {
            word
            for o, plain in zip(version.whole.objects, version.whole.plain, strict=True)
            if not groups_of(o)
            for word in _words(plain)
        }
        for got in version.got:
            shown = {w for plain in got.opened.plain for w in _words(plain)}
            claims = got.opened.claims
            told = {*claims.countries, *claims.sectors, *claims.languages} - shown
            for word in sorted(told):
                if word in protected - others:
                    yield case.hit("facts.protected", f"{got.audience}: {word}")
                else:
                    yield case.hit("facts.told", f"{got.audience}: {word}")


def _words(plain: object) -> Iterator[str]:
    for text in leaves(plain):
        yield text
        if len(text) == 2:
            yield text.upper()


ALL = (exact, facts)
