"""What a view gets does not depend on the order in which anything was written.

Disclosures of a token may stand in any order; members of an object and objects of a
bundle too, before they are signed.
"""

import hashlib
import json
import uuid
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.redaction import NotGivenError, Redacted
from adapters.view import View
from broker.blinding import BlindMap
from broker.signing import sign
from broker.trust import Verified
from schemas import profile, stix
from schemas.composing import compose
from schemas.markings import Tlp
from tests.support import records
from tests.support.projections import without_ids
from tests.support.tangles import parts_of, tangles, views
from tests.support.views import (
    INCIDENT,
    NOW,
    SAMPLES,
    TIME,
    VIEWS,
    cut,
    disclosures,
    opened,
    projected,
    sample,
    signed,
)

chances = st.randoms(use_true_random=False)


def outcome(record: Verified, to: View, approved: Any = frozenset()) -> Any:
    """All that a view gets, or why it gets nothing."""
    try:
        return cut(record, to, approved=approved)
    except NotGivenError as refusal:
        return refusal.reason


def shuffled(data: bytes, chance: Any) -> bytes:
    """The same token with its disclosures in another order."""
    jwt, *texts, _ = data.split(b"~")
    chance.shuffle(texts)
    return b"~".join([jwt, *texts, b""])


def check_same_token(one: Any, other: Any) -> None:
    if isinstance(one, str):
        assert other == one
        return
    assert disclosures(other) == disclosures(one)
    assert other.projection == one.projection
    assert Counter(other.cuts) == Counter(one.cuts)


@given(tangles(), views, chances)
@settings(max_examples=40, derandomize=True)
def test_disclosures_may_stand_in_any_order(objects, to, chance):
    record = signed(*objects, primary=INCIDENT["id"])
    approved = {part for part in parts_of(record) if chance.random() < 0.3}
    again = opened(shuffled(whole(record), chance))
    check_same_token(outcome(record, to, approved), outcome(again, to, approved))


@pytest.mark.parametrize("to", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("name", SAMPLES)
def test_disclosures_of_a_sample_may_stand_in_any_order(name, to):
    texts = sorted(whole(sample(name)).split(b"~")[1:-1])
    jwt = whole(sample(name)).split(b"~")[0]
    again = opened(b"~".join([jwt, *texts, b""]))
    check_same_token(outcome(sample(name), to), outcome(again, to))


def whole(record: Verified) -> bytes:
    return b"~".join(
        [record.opened.jwt, *(d.text for d in record.opened.disclosures), b""]
    )


# ------------------------------------------------------------- before it is signed


def signed_alike(objects: list[dict[str, Any]]) -> Verified:
    """Sign so that an object gets the same id, whatever its place."""
    known = {
        one["id"]: f"{one['type']}--{uuid.UUID(bytes=digest(one['id']), version=4)}"
        for one in objects
    }
    draft = compose(
        stix.decode_bundle(objects), now=TIME, tlp=Tlp.CLEAR, primary=INCIDENT["id"]
    )
    token = sign(
        draft,
        records.signer("cert-aq"),
        blind_map=BlindMap(records.new_uuids(1), known),
        now=NOW - 60,
        entropy=records.entropy(),
    )
    return opened(token)


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]


def reordered(value: Any, chance: Any) -> Any:
    """The same JSON with the members of its objects in another order."""
    if isinstance(value, dict):
        names = list(value)
        chance.shuffle(names)
        return {name: reordered(value[name], chance) for name in names}
    if isinstance(value, list):
        return [reordered(each, chance) for each in value]
    return value


def spelled(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def evidence_of(redacted: Redacted) -> Counter[tuple[str, str, str]]:
    return Counter(
        (one["id"], profile.spell(place), spelled(value))
        for one in opened(redacted.evidence).plain
        for place, value in profile.places(one.items())
    )


def projection_of(redacted: Redacted) -> Counter[str]:
    # Of two objects with one value, either may have the id that STIX derives; and
    # another order is another token.
    found = projected(redacted)
    for one in found:
        for extension in one.get("extensions", {}).values():
            extension.pop("token", None)
    return Counter(spelled(without_ids(one)) for one in found)


@given(tangles(), views, chances)
@settings(max_examples=40, derandomize=True)
def test_members_and_objects_may_stand_in_any_order(objects, to, chance):
    others = reordered(objects, chance)
    chance.shuffle(others)
    one, other = (outcome(signed_alike(each), to) for each in (objects, others))
    if isinstance(one, str):
        assert other == one
        return
    assert evidence_of(other) == evidence_of(one)
    assert projection_of(other) == projection_of(one)
    assert other.reasons == one.reasons
