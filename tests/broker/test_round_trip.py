"""Sign, verify, withhold, verify: what was signed comes back, and only less of it."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker import sdjwt, trust
from broker.blinding import BlindMap, blind, org_identity
from broker.directory import single_key
from schemas import profile, stix
from schemas.profile import INCIDENT_CORE
from schemas.record import Draft
from tests.support.records import (
    CERT,
    DIRECTORY,
    MODIFIED,
    NOW,
    SAMPLE_INDEX,
    an_id,
    draft,
    incident,
    new_uuids,
    sample_token,
    signer,
    token,
)
from tests.support.stix_values import json_values, names
from tests.support.verifying import lacking


def opened(signed: bytes) -> trust.Verified:
    return trust.verify(signed, DIRECTORY, now=NOW)


def as_signed(record: Draft, ids: BlindMap) -> list[dict[str, Any]]:
    plain = [stix.encode_object(o) for o in record.objects]
    return [*blind(plain, own=org_identity(CERT.org), replace=ids)]


def by_id(objects: Any) -> dict[str, Any]:
    return {each["id"]: json.loads(json.dumps(each)) for each in objects}


_texts = st.text(max_size=10) | st.sampled_from(
    [
        "The clinic lost its records. Staff restored the servers. All is well now.",
        "- one thing\n- another thing\n- a third thing\n",
    ]
)
_uuids = st.uuids(version=4) | st.uuids(version=5)
_extensions = st.dictionaries(
    st.sampled_from([INCIDENT_CORE, "availability-ext", "unknown"]) | names,
    json_values
    | st.dictionaries(
        st.sampled_from(["scores", "events", "x_refs", "description"]),
        json_values,
    )
    | st.sampled_from(["suspected", "confirmed"]).map(
        lambda word: {"determination": word}
    ),
    max_size=3,
)
_properties: dict[str, st.SearchStrategy[Any]] = {
    "created": st.just(MODIFIED),
    "created_by_ref": _uuids.map(lambda u: f"identity--{u}"),
    "revoked": st.booleans(),
    "confidence": st.integers(0, 100),
    "labels": st.lists(_texts, min_size=1, max_size=3),
    "lang": st.sampled_from(["en", "th", "zh-Hant", "sr-Latn-RS"]),
    "external_references": st.lists(
        st.fixed_dictionaries({"source_name": _texts, "x_more": json_values}),
        min_size=1,
        max_size=2,
    ),
    "extensions": _extensions,
    "name": json_values,
    "description": _texts,
    "content": _texts | st.booleans() | st.none(),
    "aliases": json_values,
    "object_refs": st.lists(_uuids.map(lambda u: f"url--{u}"), max_size=3),
    "x_refs": json_values,
}


@st.composite
def records(draw: st.DrawFn) -> Draft:
    """An incident among objects of an unknown type: all properties, any values."""
    properties = st.fixed_dictionaries({}, optional=_properties)
    others = [
        {"type": "x-mine", "id": an_id("x-mine", number), **each}
        for number, each in enumerate(draw(st.lists(properties, max_size=2)))
    ]
    own = draw(_extensions)
    return draft(incident(extensions=own, x_own=draw(json_values)), *others)


@settings(derandomize=True, max_examples=40)
@given(records(), st.data())
def test_what_is_signed_comes_back_and_cutting_changes_nothing_that_stays(
    record: Draft, data: st.DataObject
) -> None:
    signed = token(record)
    found = opened(signed)
    expected = by_id(as_signed(record, BlindMap(new_uuids(1), {})))
    assert by_id(found.plain) == expected
    assert by_id(map(stix.encode_object, found.objects)) == expected
    assert found.complete
    assert found.primary is not None
    assert found.objects[found.primary].id == found.claims.sub

    count = len(found.opened.disclosures)
    flags = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    kept = set(itertools.compress(range(count), flags))
    cut = opened(sdjwt.withhold(found.opened, kept))
    assert cut.token_id == found.token_id
    assert cut.complete == all(flags)
    for each in cut.plain:
        assert_only_less(json.loads(json.dumps(each)), expected[each["id"]])


def assert_only_less(cut: dict[str, Any], whole: dict[str, Any]) -> None:
    whole_places = dict(profile.places(whole.items()))
    for place, value in profile.places(cut.items()):
        before = whole_places[place]
        if profile.is_text(place) and isinstance(before, str):
            assert_only_withheld(value, before)
        elif profile.is_split(place) and isinstance(before, list):
            rest = iter(before)
            assert all(element in rest for element in value)
        else:
            assert value == before


def assert_only_withheld(text: str, whole: str) -> None:
    """What is left of a text stands in it in the same order."""
    place = 0
    for part in text.split("[withheld]"):
        place = whole.index(part, place) + len(part)
    assert "[withheld]" in text or text == whole


@pytest.mark.parametrize("entry", SAMPLE_INDEX, ids=lambda e: e["file"])
def test_a_sample_record_survives_each_cut_of_one_part(entry: dict[str, Any]) -> None:
    signed = sample_token(entry)
    issuer = signer(entry["issuer"])
    directory = single_key(issuer.org, issuer.jwk)
    whole = trust.verify(signed, directory, now=NOW)
    assert whole.complete
    before = by_id(whole.plain)
    gaps = whole.opened.withheld
    for index, part in list(enumerate(whole.opened.disclosures))[::7]:
        cut = trust.verify(lacking(whole, index), directory, now=NOW)
        assert not cut.complete
        # One digest more stands for nothing, less those that went with it.
        depth = len(part.path)
        gone = sum(n for path, n in gaps.items() if path[:depth] == part.path)
        assert cut.withheld == sum(gaps.values()) - gone + 1
        for each in cut.plain:
            assert_only_less(each, before[each["id"]])
