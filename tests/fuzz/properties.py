"""What must hold of any token that is taken, and of any refusal."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from broker import sdjwt, trust
from broker.sdjwt import Opened
from schemas.errors import RefusedError
from schemas.reasons import REASONS
from tests.fuzz.building import CANARY
from tests.fuzz.choices import subset
from tests.fuzz.standins import ANY, DIRECTORY
from tests.vectors.cast import NOW

_OBJECTS = ("stix", "objects")


@contextmanager
def refusals() -> Iterator[None]:
    """Let refusals pass that have a known reason and repeat nothing of the sender's."""
    try:
        yield
    except RefusedError as error:
        assert error.reason in REASONS, "a reason that is not listed"
        assert CANARY not in str(error), "a refusal repeats the sender's text"


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
    assert less.complete <= whole.complete
    assert less.complete == (whole.complete and cut == token)
    assert not whole.complete or whole.withheld == 0


def _spelled(value: Any) -> str:
    """JSON text, because in Python 1, 1.0 and True are equal."""
    return json.dumps(value)
