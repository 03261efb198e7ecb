"""A mark that is neither a TLP nor a statement may forbid what we do not know of."""

import pytest

from adapters.view import View
from schemas.markings import TLP_IDS, Tlp
from tests.support.views import (
    CIVIL,
    INCIDENT,
    PEER,
    PLATFORM,
    cut,
    cut_new,
    granular,
    marked,
    new,
    opened,
    projected,
)

GREEN = TLP_IDS[Tlp.GREEN]
PAP = marked(
    new("marking-definition", "PAP:RED", definition_type="PAP", definition={}), GREEN
)
LICENCE = marked(
    new(
        "marking-definition",
        "A licence",
        definition_type="statement",
        definition={"statement": "Free to use."},
    ),
    GREEN,
)
ADVICE = new("course-of-action", "Change passwords")
EVERYBODY = pytest.mark.parametrize("to", [PEER, PLATFORM, CIVIL])


@EVERYBODY
def test_an_object_with_an_unknown_mark_is_given_to_nobody(to: View) -> None:
    redacted = cut_new(to, INCIDENT, marked(ADVICE, GREEN, PAP["id"]), PAP)
    assert projected(redacted, "course-of-action") == []
    assert "marking-unknown" in redacted.reasons


@EVERYBODY
def test_a_statement_that_comes_along_forbids_nothing(to: View) -> None:
    redacted = cut_new(to, INCIDENT, marked(ADVICE, GREEN, LICENCE["id"]), LICENCE)
    assert [o["name"] for o in projected(redacted, "course-of-action")] == [
        "Change passwords"
    ]


@EVERYBODY
def test_a_mark_that_nobody_explains_counts_as_unknown(to: View) -> None:
    redacted = cut_new(to, INCIDENT, marked(ADVICE, GREEN, LICENCE["id"]))
    assert projected(redacted, "course-of-action") == []


@EVERYBODY
def test_a_property_with_an_unknown_granular_mark_is_withheld(to: View) -> None:
    advice = granular(
        ADVICE | {"description": "Use a second factor."}, PAP["id"], "description"
    )
    redacted = cut_new(to, INCIDENT, advice, PAP)
    [shown] = projected(redacted, "course-of-action")
    assert shown["name"] == "Change passwords"
    assert "description" not in shown


def test_cutting_again_where_the_statement_is_gone_changes_nothing() -> None:
    first = cut_new(CIVIL, INCIDENT, marked(ADVICE, GREEN, LICENCE["id"]), LICENCE)
    assert cut(opened(first.evidence), CIVIL).evidence == first.evidence
