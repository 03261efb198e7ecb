"""Checking: all that is wrong at once, and a record exactly where nothing refuses it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.checking import Checked, check
from adapters.sources import formats
from adapters.sources.found import Found
from adapters.sources.source import Input
from schemas import composing, stix
from schemas.composing import attempt, compose
from schemas.findings import Finding
from schemas.markings import TLP_IDS, Tlp
from schemas.profile import INCIDENT_CORE
from schemas.rules import rule
from schemas.stix.disinformation import DISINFORMATION
from tests.support.records import MODIFIED, address, an_id, incident, plain_object
from tests.support.refusals import refusal_of
from tests.support.stix_values import stix_objects

NOW = "2026-12-01T12:00:00.000Z"
OPTIONS: composing.Options = {"now": NOW}
CANARY = "Xylophone-Quartz"
AUTHOR = plain_object("identity", identity_class="organization")


def checked(*items: Any, own: str | None = None, **options: Any) -> Checked:
    data = json.dumps({"type": "bundle", "objects": items}).encode()
    found = formats.read(Input(data, when=MODIFIED))
    return check(found, {**OPTIONS, **options}, own=own)


def said(result: Checked) -> list[tuple[str, str]]:
    return [(each.rule, each.where) for each in result.findings]


def test_what_is_good_becomes_a_record() -> None:
    result = checked(
        incident(), plain_object("note", content="x", object_refs=[an_id("incident")])
    )
    assert result.draft is not None
    assert said(result) == [("custom-property", "$.objects[1][...]")]
    assert result.errors == ()


def test_all_that_refuses_is_told_at_once_errors_first() -> None:
    red = address(object_marking_refs=[TLP_IDS[Tlp.RED]])
    bad = plain_object(
        "grouping", context="my own words", object_refs=[an_id("tool", 9)]
    )
    result = checked(
        incident(lang="not one"), red, bad, incident(id=an_id("incident", 2))
    )
    assert result.draft is None
    assert said(result) == [
        ("several-primaries", "$.objects[3]"),
        ("bad-property", "$.objects[0].lang"),
        ("needs-sealing", "$.objects[1]"),
        ("bad-property", "$.objects[2].context"),
        ("dangling-ref", "$.objects[2].object_refs[0]"),
        ("unconnected", "$.objects[1]"),
        ("vocabulary", "$.objects[2].context"),
    ]
    assert [each.rule for each in result.errors] == [
        "several-primaries", "bad-property", "needs-sealing", "bad-property",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        (incident(lang="x y"), "a language such as en or pt-BR"),
        (plain_object("indicator", pattern="[a]", pattern_type="stix", valid_from=NOW,
                      pattern_version="two"), "a version such as 2.1"),
        (plain_object("grouping", context="a b", object_refs=[an_id("incident")]),
         "a word of letters"),
        (plain_object("tool", granular_markings=[{"selectors": ["name"]}]),
         "either marking_ref or lang"),
        (incident(extensions={DISINFORMATION: {"behaviours": 5}}), ""),
        (plain_object("tool", summary=["a", "b"]), "a text, not a list"),
        (incident(extensions={INCIDENT_CORE: {"determination": "A B"}}),
         "words of lower case letters and hyphens"),
    ],
)  # fmt: skip
def test_where_a_record_is_stricter_than_stix_it_says_what_it_wants(
    plain: dict[str, Any], words: str
) -> None:
    result = checked(plain, *([] if plain["type"] == "incident" else [incident()]))
    [error] = result.errors
    assert error.rule == "bad-property"
    assert error.expected.startswith(words)


def test_faults_hide_what_only_follows_from_them() -> None:
    broken = incident(name=5)
    channel = plain_object("channel")
    result = checked(broken, channel)
    assert [each.rule for each in result.errors] == ["bad-property"]
    assert result.draft is None
    assert "no-primary" in [each.rule for each in checked(channel).errors]


def test_a_fault_beside_a_good_record_refuses_it() -> None:
    result = checked(incident(), address(value=5))
    assert result.draft is None
    assert [each.where for each in result.errors] == ["$.objects[1].value"]


def test_nothing_refers_into_the_void_because_its_target_is_at_fault() -> None:
    bad = plain_object("tool", name=5)
    report = plain_object("report", published=MODIFIED, object_refs=[bad["id"]])
    assert said(checked(bad, report)) == [("bad-property", "$.objects[0].name")]


def test_the_primary_that_a_format_names_counts_unless_another_is_named() -> None:
    cases = [stix.decode_object(incident(id=an_id("incident", n))) for n in (1, 2)]
    found = Found(objects=tuple(cases), primary=cases[1].id)
    first = check(found, OPTIONS).draft
    second = check(found, {**OPTIONS, "primary": cases[0].id}).draft
    assert first is not None
    assert second is not None
    assert (first.primary, second.primary) == (1, 0)


def test_losses_and_leaks_are_told_as_well() -> None:
    loss = Finding("no-equivalent", "$.x", count=3)
    case = stix.decode_object(incident(name="Ask a@b.example"))
    result = check(Found(objects=(case,), losses=(loss,)), OPTIONS)
    assert result.draft is not None
    assert {each.rule for each in result.findings} == {
        "no-equivalent",
        "contact-in-name",
    }


def test_whoever_has_created_the_record_is_asked_for() -> None:
    case = incident(created_by_ref=AUTHOR["id"])
    assert ("own-identity", "$.objects[1]") in said(checked(case, AUTHOR))
    assert "own-identity" not in dict(said(checked(case, AUTHOR, own=AUTHOR["id"])))
    person = AUTHOR | {"identity_class": "individual"}
    assert "own-identity" not in dict(said(checked(case, person)))
    assert "own-identity" not in dict(said(checked(incident(), AUTHOR)))


# ------------------------------------------------------------------ properties


def bundles() -> st.SearchStrategy[list[dict[str, Any]]]:
    case = stix_objects({k: stix.TYPES[k] for k in ("incident", "report", "note")})
    return st.lists(stix_objects() | case, max_size=4, unique_by=lambda o: o["id"])


@settings(max_examples=120, deadline=None)
@given(bundles(), st.sampled_from([None, Tlp.GREEN]), st.sampled_from([None, "A list"]))
def test_attempting_finds_faults_exactly_when_composing_refuses(
    plain: list[dict[str, Any]], tlp: Tlp | None, report: str | None
) -> None:
    objects = [stix.decode_object(each) for each in plain]
    options: composing.Options = {"now": NOW, "tlp": tlp, "report": report}
    draft, faults = attempt(objects, **options)
    error = refusal_of(compose, objects, **options)
    assert (draft is None) == bool(faults) == (error is not None)
    if error is not None:
        assert (error.reason, error.where) == (faults[0].reason, faults[0].where)
    assert len({(each.reason, each.where) for each in faults}) == len(faults)


def planted(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name if name in stix.PROPERTY_NAMES | {"type"} else name + CANARY:
            each if name in _KEPT else planted(each)
            for name, each in value.items()
        }  # fmt: skip
    if isinstance(value, list):
        return [planted(each) for each in value]
    return value + CANARY if isinstance(value, str) else value


_KEPT = {"type", "id", "spec_version", "created", "modified", "object_marking_refs"}


@settings(max_examples=80, deadline=None)
@given(bundles(), st.booleans())
def test_no_finding_repeats_the_input(plain: list[dict[str, Any]], keep: bool) -> None:
    items = [
        planted(each) if keep else planted(each) | {"id": CANARY} for each in plain
    ]
    result = checked(*items, planted(incident()))
    assert CANARY not in str(result.findings)
    ranks = [rule(each.rule).level for each in result.findings]
    assert ranks == sorted(ranks, key=["error", "warning", "note"].index)


@pytest.mark.parametrize("name", ["requesting_body", "legal_basis", "necessity"])
def test_what_a_request_lacks_of_its_legal_basis_is_told_once(name: str) -> None:
    whole = plain_object(
        "takedown-request",
        requesting_body="District Court",
        legal_basis="Election Act, section 86",
        necessity="A label did not help.",
        object_refs=[an_id("indicator")],
    )
    indicator = plain_object(
        "indicator", pattern="[a:b = 'c']", pattern_type="stix", valid_from=MODIFIED
    )
    assert checked(whole, indicator).draft is not None
    bare = {each: value for each, value in whole.items() if each != name}
    result = checked(bare, indicator)
    assert result.draft is None
    told = [(each.rule, each.where, each.expected) for each in result.errors]
    assert told == [("no-legal-basis", f"$.objects[0].{name}", "a text")]
