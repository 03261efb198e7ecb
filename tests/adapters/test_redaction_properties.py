"""Redaction, as laws that hold for every record and every view."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import stix2
from hypothesis import given, settings

from adapters.projection import EXTENSION_ID
from adapters.redaction import NotGivenError, Redacted
from adapters.view import View
from broker.trust import Verified
from schemas import profile, stix
from tests.support.tangles import narrower, tangles, views
from tests.support.views import (
    INCIDENT,
    SAMPLES,
    VIEWS,
    cut,
    disclosures,
    made_of,
    opened,
    projected,
    sample,
    signed,
)  # fmt: skip

ID = re.compile(
    r"(?:[a-z][a-z0-9-]*--)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)
laws = settings(max_examples=50, derandomize=True)


def record(objects: list[dict[str, Any]]) -> Verified:
    return signed(*objects, primary=INCIDENT["id"])


def cut_if_given(verified: Verified, to: View) -> Redacted | None:
    try:
        return cut(verified, to)
    except NotGivenError:
        return None


@given(tangles(), views)
@laws
def test_cutting_again_for_the_same_view_changes_nothing(objects, to):
    redacted = cut_if_given(record(objects), to)
    if redacted is not None:
        assert cut(opened(redacted.evidence), to).evidence == redacted.evidence


@given(tangles(), views)
@laws
def test_evidence_verifies_and_is_a_part_of_what_was_received(objects, to):
    redacted = cut_if_given(record(objects), to)
    if redacted is not None:
        again = opened(redacted.evidence)
        received = redacted.verified
        assert again.token_id == received.token_id
        assert again.opened.jwt == received.opened.jwt
        texts = {d.text for d in received.opened.disclosures}
        assert disclosures(redacted) <= texts


@given(tangles(), views)
@laws
def test_nobody_sees_more_by_being_trusted_less(objects, to):
    verified = record(objects)
    wide = cut_if_given(verified, to)
    for other in narrower(to):
        narrow = cut_if_given(verified, other)
        if narrow is not None:
            assert wide is not None
            assert disclosures(narrow) <= disclosures(wide)


@given(tangles(), views)
@laws
def test_a_projection_is_whole_stix_with_new_ids_and_no_loose_ends(objects, to):
    redacted = cut_if_given(record(objects), to)
    if redacted is not None:
        check_projection(redacted)


@given(tangles(), views)
@laws
def test_the_adapter_owns_up_to_what_it_made_and_to_nothing_else(objects, to):
    redacted = cut_if_given(record(objects), to)
    if redacted is not None:
        check_made(redacted)


@pytest.mark.parametrize("to", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_keep_all_these_laws(name, to):
    redacted = cut(sample(name), to)
    assert cut(opened(redacted.evidence), to).evidence == redacted.evidence
    check_projection(redacted)
    check_made(redacted)


@pytest.mark.parametrize("to", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("name", SAMPLES)
def test_the_stix2_library_reads_the_projection(name, to):
    bundle = stix2.parse(cut(sample(name), to).projection, allow_custom=True)
    assert len(bundle.objects) > 3


# ------------------------------------------------------------------------- the checks


def check_projection(redacted: Redacted) -> None:
    bundle = json.loads(redacted.projection)
    for one in stix.decode_bundle(bundle):
        stix.check_required(one)
    ids = [one["id"] for one in bundle["objects"]]
    assert len(ids) == len(set(ids))
    for one in bundle["objects"]:
        # Feedback is about objects of other records; marks are the same for all.
        about = {"object_marking_refs"} | (
            {"object_refs"} if one["type"] in ("opinion", "note") else set()
        )
        body = {name: v for name, v in one.items() if name not in about}
        assert set(references(body)) <= set(ids)
    text = redacted.projection.decode().lower()
    for candidate in redacted.verified.objects:
        if candidate.type != "marking-definition":
            assert candidate.id[-36:] not in text


def references(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for inner_name, inner in value.items():
            yield from references(inner, inner_name)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner, name)
    elif name.endswith(("_ref", "_refs")):
        yield value


def check_made(redacted: Redacted) -> None:
    evidence = opened(redacted.evidence)
    ours = projected(redacted)
    theirs = [dict(plain) for plain in evidence.plain]
    assert [one["type"] for one in ours] == [one["type"] for one in theirs]
    for mine, original in zip(ours, theirs, strict=True):
        is_mark = mine["type"] == "marking-definition"  # the same for everybody
        made = set() if is_mark else set(made_of(mine))
        signed_values = dict(profile.places(original.items()))
        written = dict(profile.places(mine.items()))
        for place, value in written.items():
            spelled = profile.spell(place)
            if spelled in ("id", "created_by_ref", f"extensions.{EXTENSION_ID}"):
                continue
            same = without_ids(signed_values.get(place)) == without_ids(value)
            assert same != (spelled in made), (spelled, value)
        assert made <= {profile.spell(place) for place in written}


def without_ids(value: Any) -> Any:
    """Write every id as a star: a projection has other ones."""
    return json.loads(ID.sub("*", json.dumps(value)))
