"""Who is trusted less sees at most what others see: in projections, too.

For the evidence `test_redaction_properties` says so.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from adapters.redaction import NotGivenError, Redacted
from adapters.view import View
from broker.trust import Verified
from schemas import profile
from tests.support.projections import without_ids
from tests.support.tangles import narrower, tangles, views
from tests.support.views import (
    INCIDENT,
    SAMPLES,
    VIEWS,
    cut,
    disclosures,
    made_of,
    new,
    opened,
    projected,
    sample,
    seen,
    signed,
)

ELSEWHERE = frozenset({"urn:tocsin:community:elsewhere"})
# The adapter writes these for every object, as it likes.
OWN = {"id", "created", "modified", "created_by_ref", "spec_version", "defanged"}


def cut_if_given(verified: Verified, to: View) -> Redacted | None:
    try:
        return cut(verified, to)
    except NotGivenError:
        return None


def shown(redacted: Redacted) -> dict[str, tuple[dict[str, Any], set[str]]]:
    """Objects of the projection by the ids they were received under, and what was made."""
    ids = [plain["id"] for plain in opened(redacted.evidence).plain]
    return {
        stix_id: (one, set(made_of(one)))
        for stix_id, one in zip(ids, projected(redacted), strict=True)
    }


def check_narrower(narrow: Redacted, wide: Redacted) -> None:
    whole = shown(wide)
    for stix_id, (one, made) in shown(narrow).items():
        assert stix_id in whole
        more, made_there = whole[stix_id]
        there = {profile.spell(place): v for place, v in profile.places(more.items())}
        for place, value in profile.places(one.items()):
            name = profile.spell(place)
            if name in OWN or name.startswith("extensions.extension-definition--"):
                continue
            assert name in there
            if name not in made:
                # The issuer's own: whoever sees more has it from the issuer, too.
                assert name not in made_there
                assert is_part(value, there[name])


def is_part(value: Any, whole: Any) -> bool:
    value, whole = without_ids(value), without_ids(whole)
    if isinstance(value, list) and isinstance(whole, list):
        return all(value.count(each) <= whole.count(each) for each in value)
    if isinstance(value, str) and profile.WITHHELD_TEXT in value:
        return all(part in whole for part in value.split(profile.WITHHELD_TEXT))
    return value == whole


@given(tangles(), views)
@settings(max_examples=50, derandomize=True)
def test_nobody_reads_more_by_being_trusted_less(objects, to):
    verified = signed(*objects, primary=INCIDENT["id"])
    wide = cut_if_given(verified, to)
    for other in narrower(to):
        narrow = cut_if_given(verified, other)
        if narrow is not None:
            assert wide is not None
            check_narrower(narrow, wide)


@given(tangles(), views)
@settings(max_examples=10, derandomize=True)
def test_who_shares_no_community_with_a_record_gets_nothing(objects, to):
    verified = signed(*objects, primary=INCIDENT["id"])
    with pytest.raises(NotGivenError) as caught:
        cut(verified, replace(to, communities=ELSEWHERE))
    assert caught.value.reason == "community"


@pytest.mark.parametrize("to", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("name", SAMPLES)
def test_of_a_sample_nobody_reads_more_by_being_trusted_less(name, to):
    wide = cut(sample(name), to)
    for other in narrower(to):
        narrow = cut_if_given(sample(name), other)
        if narrow is not None:
            check_narrower(narrow, wide)


OWNER = "All systems run again. The owner answers at +62 812-3456-7890."


@pytest.mark.parametrize("law", ["FR", "PL", "TH", "SG"])
def test_a_stricter_law_takes_sentences_away_and_never_gives_any(law):
    texts = [
        new("course-of-action", description=OWNER, lang="en"),
        new("note", content=OWNER, lang="en", object_refs=[INCIDENT["id"]]),
        new("opinion", explanation=OWNER, lang="en", object_refs=[INCIDENT["id"]]),
    ]
    record = signed(INCIDENT, *texts, primary=INCIDENT["id"])
    for to in VIEWS.values():
        at_home, abroad = cut(record, to), cut(record, replace(to, jurisdiction=law))
        check_narrower(abroad, at_home)
        assert disclosures(abroad) <= disclosures(at_home)
        assert "7890" not in seen(abroad)
    # Below peers remarks are searched anyway, and what is found there is not said here.
    assert "7890" in seen(cut(record, VIEWS["peer"]))
