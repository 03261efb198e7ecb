"""IEP 2.0: read strictly, joined by the strictest of each term, carried out in signing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import stix
from schemas.errors import SchemaError
from schemas.iep import (
    EXTENSION,
    ORDER,
    IepTerms,
    read,
    strictest,
    terms_of,
)
from schemas.markings import Tlp
from schemas.stix.meta import MarkingDefinition
from tests.support.policies import TERMS, definition, policy
from tests.support.records import an_id

ONE, TWO = an_id("marking-definition"), an_id("marking-definition", 2)


def decoded(plain: dict[str, Any]) -> MarkingDefinition:
    found = stix.decode_object(plain)
    assert isinstance(found, MarkingDefinition)
    return found


def terms(**changes: Any) -> IepTerms:
    found = read(decoded(policy(**changes)))
    assert found is not None
    return found


def test_every_term_is_read() -> None:
    assert terms(
        encrypt_in_transit="must",
        permitted_actions="internally-visible-actions",
        affected_party_notifications="must-not",
        tlp="amber",
        provider_attribution="must",
        unmodified_resale="must-not",
        end_date="2027-01-01T00:00:00Z",
    ) == IepTerms(
        encrypt_in_transit="must",
        permitted_actions="internally-visible-actions",
        affected_party_notifications="must-not",
        tlp=Tlp.AMBER,
        provider_attribution="must",
        unmodified_resale="must-not",
        start_date="2026-01-01T00:00:00Z",
        end_date="2027-01-01T00:00:00Z",
    )


def test_every_value_of_the_order_is_read_and_no_other() -> None:
    for name, values in ORDER.items():
        for value in values:
            assert getattr(terms(**{name: value}), name) == value
        with pytest.raises(SchemaError, match="bad-iep"):
            terms(**{name: "perhaps"})


@pytest.mark.parametrize(
    ("word", "tlp"),
    [
        ("white", Tlp.CLEAR),
        ("clear", Tlp.CLEAR),
        ("green", Tlp.GREEN),
        ("amber", Tlp.AMBER),
        ("amber+strict", Tlp.AMBER_STRICT),
        ("red", Tlp.RED),
    ],
)
def test_the_words_of_both_tlps_are_read(word: str, tlp: Tlp) -> None:
    assert terms(tlp=word).tlp is tlp


@pytest.mark.parametrize(
    "changes", [{"iep_version": 2}, {"iep_version": "2.0"}, {"policy_name": "x"}]
)
def test_spellings_that_are_met_are_read(changes: dict[str, Any]) -> None:
    assert terms(**changes) == terms()


def test_null_says_that_a_policy_does_not_end() -> None:
    endless = TERMS | {"end_date": None}
    found = read(decoded(definition(extensions={EXTENSION: endless})))
    assert found == terms()


@pytest.mark.parametrize("missing", sorted(TERMS))
def test_an_iep_that_lacks_a_term_is_refused(missing: str) -> None:
    with pytest.raises(SchemaError) as caught:
        terms(**{missing: None})
    assert caught.value.reason == "bad-iep"


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"x_stricter": True}, ""),
        ({"tlp": "purple"}, ".tlp"),
        ({"tlp": "RED"}, ".tlp"),
        ({"tlp_ref": ONE}, ""),
        ({"permitted_actions": ["none"]}, ".permitted_actions"),
        ({"iep_version": 1.0}, ".iep_version"),
        ({"iep_version": 3}, ".iep_version"),
        ({"iep_id": "mine"}, ".iep_id"),
        ({"start_date": "2026-01-01"}, ".start_date"),
        ({"end_date": "never"}, ".end_date"),
        ({"extension_type": "new-sdo"}, ".extension_type"),
        ({"description": 7}, ".description"),
    ],
)
def test_what_is_unknown_is_refused_at_its_place(
    changes: dict[str, Any], at: str
) -> None:
    with pytest.raises(SchemaError) as caught:
        read(decoded(policy(**changes)), "$.objects[3]")
    assert caught.value.reason == "bad-iep"
    assert caught.value.where == f"$.objects[3].extensions.{EXTENSION}{at}"


@pytest.mark.parametrize("body", [None, [], "none", 7])
def test_a_policy_that_is_no_object_is_refused(body: Any) -> None:
    with pytest.raises(SchemaError, match="bad-iep"):
        read(decoded(definition(extensions={EXTENSION: body})))


@pytest.mark.parametrize("properties", [{}, {"extensions": {}}, {"name": "IEP"}])
def test_another_marking_is_no_iep(properties: dict[str, Any]) -> None:
    assert read(decoded(definition(**properties))) is None


def test_a_policy_begins_and_ends_at_its_dates() -> None:
    some = terms(end_date="2026-06-01T00:00:00.000Z")
    assert not some.has_begun("2025-12-31T23:59:59.999Z")
    assert some.has_begun("2026-01-01T00:00:00.000Z")
    assert not some.has_ended("2026-05-31T23:59:59.999999999Z")
    assert some.has_ended("2026-06-01T00:00:00Z")
    assert not terms().has_ended("9999-12-31T23:59:59Z")


# -- algebra

TIMES = st.sampled_from(
    [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T00:00:00.000000001Z",
        "2025-12-31T23:59:59Z",
        "2030-01-01T00:00:00Z",
    ]
)
POLICIES = st.builds(
    IepTerms,
    **{name: st.sampled_from(values) for name, values in ORDER.items()},
    tlp=st.sampled_from(Tlp),
    start_date=TIMES,
    end_date=st.none() | TIMES,
)


def joined(*policies: IepTerms) -> IepTerms:
    found = strictest(policies)
    assert found is not None
    return found


def test_no_policy_asks_nothing() -> None:
    assert strictest([]) is None


@given(POLICIES)
def test_joining_is_idempotent(one: IepTerms) -> None:
    assert joined(one, one) == joined(one) == one


@given(POLICIES, POLICIES)
def test_joining_is_commutative(one: IepTerms, other: IepTerms) -> None:
    assert joined(one, other) == joined(other, one)


@given(POLICIES, POLICIES, POLICIES)
def test_joining_is_associative(a: IepTerms, b: IepTerms, c: IepTerms) -> None:
    assert joined(joined(a, b), c) == joined(a, joined(b, c)) == joined(a, b, c)


@given(st.lists(POLICIES, min_size=1), TIMES)
def test_what_is_joined_is_as_strict_as_each_and_no_stricter_than_all(
    policies: list[IepTerms], now: str
) -> None:
    found = joined(*policies)
    for name, values in ORDER.items():
        strictness = [values.index(getattr(p, name)) for p in policies]
        assert values.index(getattr(found, name)) == max(strictness)
    assert found.tlp == max(p.tlp for p in policies)
    assert found.has_ended(now) == any(p.has_ended(now) for p in policies)
    assert found.has_begun(now) == all(p.has_begun(now) for p in policies)


def test_the_order_of_each_term_is_the_documented_one() -> None:
    assert joined(
        terms(permitted_actions="none"),
        terms(permitted_actions="contact-for-instruction"),
    ) == terms(permitted_actions="none")
    assert joined(
        terms(provider_attribution="must"), terms(provider_attribution="must-not")
    ) == terms(provider_attribution="must-not")
    assert joined(terms(encrypt_in_transit="must"), terms()) == terms(
        encrypt_in_transit="must"
    )


# -- of objects

MARKINGS = {ONE: terms(tlp="green"), TWO: terms(encrypt_in_transit="must")}
NOTE = {"type": "note", "id": an_id("note"), "content": "x", "labels": ["a"]}


def test_an_object_is_under_all_its_policies() -> None:
    note = stix.decode_object(
        NOTE | {"object_marking_refs": [ONE, TWO, an_id("marking-definition", 3)]}
    )
    assert terms_of(note, MARKINGS) == terms(tlp="green", encrypt_in_transit="must")
    assert terms_of(stix.decode_object(NOTE), MARKINGS) is None
    assert terms_of(note, {}) is None
