"""What must hold of any token that is taken, and of any refusal."""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import UNSET

from broker import sdjwt, trust
from broker.sdjwt import Opened
from broker.trust import Verified
from schemas import profile
from schemas.errors import RefusedError
from schemas.reasons import REASONS
from tests.fuzz.building import CANARY
from tests.fuzz.choices import subset
from tests.fuzz.standins import ANY, DIRECTORY
from tests.vectors import reading
from tests.vectors.cast import NOW, identity_of

_OBJECTS = ("stix", "objects")
_WITHHOLDABLE = ("to", "concerns", "feed", "seq", "prev")
# In extensions, by the names that policies have for them (DESIGN.md 4.3).
_TYPE = frozenset({"extension_type"})
_VISIBLE = {"incident-core": _TYPE | {"determination", "investigation_status"}}


refused: deque[str] = deque(maxlen=100)
"""The reasons of the last refusals."""


@contextmanager
def refusals(*reasons: str) -> Iterator[None]:
    """Let refusals pass that repeat nothing of the sender's.

    Args:
        reasons: The only ones there may be; without any, all that are listed.
    """
    try:
        yield
    except RefusedError as error:
        found = error
    else:
        return
    refused.append(found.reason)
    assert found.reason in (reasons or REASONS), f"unexpected: {found.reason}"
    assert CANARY not in str(found), "a refusal repeats the sender's text"


def check_token(token: bytes, choice: bytes) -> None:
    """Check what can be said of any bytes that are taken for a token.

    Args:
        choice: Decides which disclosures are withheld.
    """
    with refusals():
        found = _opened(token)
        kept = subset(choice, len(found.texts))
        cut = sdjwt.withhold(found, kept)
        _check_withheld(found, cut, kept)
        assert sdjwt.withhold(found, range(len(found.texts))) == token
        _check_record(token, cut)


def _opened(token: bytes) -> Opened:
    """Open it both ways, with and without an origin for each object."""
    whole = sdjwt.verify(token, lambda _: ANY)
    apart = sdjwt.verify(token, lambda _: ANY, within=_OBJECTS)
    assert _spelled(whole.claims) == _spelled(apart.claims)
    assert whole.disclosures == apart.disclosures
    assert whole.withheld == apart.withheld
    return whole


def _check_withheld(found: Opened, cut: bytes, kept: Sequence[int]) -> None:
    shown = [i for i in kept if _is_shown(i, found.parents, {*kept})]
    again = _unrefused(cut)
    assert again.token_id == found.token_id == sdjwt.token_id(cut)
    assert again.texts == tuple(found.texts[i] for i in shown)
    assert _spelled(again.claims) == _spelled(_without(found, {*shown}))
    # Every digest whose disclosure went, and whose own place is still seen, is a gap.
    visible = {-1, *shown}
    gone = sum(p in visible for i, p in enumerate(found.parents) if i not in visible)
    lost = _gaps_inside(found, visible)
    assert sum(again.withheld.values()) == sum(found.withheld.values()) + gone - lost
    assert sdjwt.withhold(again, range(len(again.texts))) == cut


def _unrefused(token: bytes) -> Opened:
    try:
        return _opened(token)
    except RefusedError as error:
        raise AssertionError(f"refused after withholding: {error.reason}") from error


def _is_shown(index: int, parents: Sequence[int], kept: set[int]) -> bool:
    while index in kept:
        index = parents[index]
    return index == -1


def _without(found: Opened, kept: set[int]) -> Any:
    """Take what the other disclosures carry out of a copy of the claims."""
    claims = json.loads(_spelled(found.claims))
    paths = [each.path for i, each in enumerate(found.disclosures) if i not in kept]
    # The last elements of an array and the innermost parts first.
    for path in sorted(paths, reverse=True):
        container = claims
        for step in path[:-1]:
            container = container[step]
        del container[path[-1]]
    return claims


def _gaps_inside(found: Opened, visible: set[int]) -> int:
    """Count the gaps that stand in parts which are withheld now."""
    hidden = {each.path for i, each in enumerate(found.disclosures) if i not in visible}
    return sum(
        count
        for path, count in found.withheld.items()
        if any(path[:end] in hidden for end in range(1, len(path) + 1))
    )


def _check_record(token: bytes, cut: bytes) -> None:
    """What is taken as a record is also taken after withholding, and says less."""
    whole = trust.verify(token, DIRECTORY, now=NOW)
    try:
        less = trust.verify(cut, DIRECTORY, now=NOW)
    except RefusedError as error:
        raise AssertionError(f"refused after withholding: {error.reason}") from error
    assert less.token_id == whole.token_id
    assert (less.kid, less.issuer) == (whole.kid, whole.issuer)
    assert {each.id for each in less.objects} <= {each.id for each in whole.objects}
    # If not whole: an issuer may name a part alone in `full`, then that part is complete.
    assert not whole.complete or less.complete == (cut == token)
    assert not whole.complete or whole.withheld == 0
    _check_read(token, whole)
    _check_bare(whole)


def _check_read(token: bytes, whole: Verified) -> None:
    """The second opinion of `tests.vectors`, which checks nothing, reads the same."""
    said = reading.read(token)
    assert (said["kid"], said["issuer"]) == (whole.kid, whole.issuer)
    assert (said["token_id"], said["complete"]) == (whole.token_id, whole.complete)
    assert said["withheld"] == sum(whole.opened.withheld.values())
    assert _sorted(said["objects"]) == _sorted(whole.plain)


def _check_bare(whole: Verified) -> None:
    """All can be withheld but what the profile wants to be seen, and that cannot be."""
    shown = whole.opened.disclosures
    outer = [i for i, each in enumerate(shown) if each.path[:-1] == _OBJECTS]
    bare = trust.verify(sdjwt.withhold(whole.opened, outer), DIRECTORY, now=NOW)
    assert [getattr(bare.claims, name) for name in _WITHHOLDABLE] == [UNSET] * 5
    full = {each["id"]: each for each in whole.plain}
    assert len(bare.plain) == len(whole.plain) == len(full)
    own = identity_of(whole.issuer)
    for each in bare.plain:
        before = full[each["id"]]
        visible = profile.visible(
            each["type"],
            primary=each["id"] == whole.claims.sub,
            own=before.get("created_by_ref") == own,
        )
        assert each.keys() == before.keys() & visible
        extensions, known = before.get("extensions", {}), profile.EXTENSION_ALIASES
        assert each.get("extensions", {}) == {
            key: {
                n: v for n, v in inner.items() if n in _VISIBLE.get(known[key], _TYPE)
            }
            for key, inner in extensions.items()
            if key in known and isinstance(inner, dict)
        }


def _sorted(objects: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(json.dumps(_filled(each), sort_keys=True) for each in objects)


def _filled(value: Any) -> Any:
    """Leave out empty lists: `reading` and `trust` differ in whether they stay."""
    if isinstance(value, dict):
        return {name: _filled(inner) for name, inner in value.items() if inner != []}
    return value


def _spelled(value: Any) -> str:
    """JSON text, because in Python 1, 1.0 and True are equal."""
    return json.dumps(value)
