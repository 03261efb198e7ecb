"""Redaction, as laws that hold for every record and every view."""

from typing import Any

import pytest
import stix2
from hypothesis import given, settings

from adapters.redaction import NotGivenError, Redacted
from adapters.view import View
from broker.trust import Verified
from tests.support.projections import check_made, check_projection
from tests.support.tangles import narrower, tangles, views
from tests.support.views import (
    INCIDENT,
    SAMPLES,
    VIEWS,
    cut,
    disclosures,
    opened,
    sample,
    signed,
)  # fmt: skip

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
