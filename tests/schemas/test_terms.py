"""What marking definitions mean in a record, and how objects are marked in signing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import stix
from schemas.composing import compose
from schemas.errors import SchemaError
from schemas.markings import TLP_IDS, Tlp, granular_tlp, tlp_of
from schemas.pap import PAP_IDS, Pap
from schemas.record import Draft
from schemas.terms import TLP_EXTENSION, Marks, mark_all, marks_of
from tests.support.policies import definition, pap_extension, policy
from tests.support.records import an_id, decoded, incident, plain_object

NOW = "2026-12-02T00:00:00Z"
BEFORE = "2026-12-01T23:59:59.999Z"
ONE, TWO = an_id("marking-definition"), an_id("marking-definition", 2)
GREEN, AMBER = TLP_IDS[Tlp.GREEN], TLP_IDS[Tlp.AMBER]
TLP_1_AMBER = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
STATEMENT = {"definition_type": "statement", "definition": {"statement": "Free."}}
FOREIGN = {"extension-definition--00000000-0000-4000-8000-000000000001": {"a": 1}}


def composed(*plain: dict[str, Any], **options: Any) -> Draft:
    return compose(decoded(*plain), now=NOW, **options)


def refusal(*plain: dict[str, Any], **options: Any) -> tuple[str, str]:
    with pytest.raises(SchemaError) as caught:
        composed(*plain, **options)
    return caught.value.reason, caught.value.where


def tlps(draft: Draft) -> dict[str, Tlp | None]:
    return {o.id: tlp_of(o.object_marking_refs or ()) for o in draft.objects}


def under(*refs: str, **more: Any) -> dict[str, Any]:
    return plain_object("course-of-action", object_marking_refs=[*refs], **more)


ADVICE = an_id("course-of-action")


# -- what is known


def test_each_kind_of_definition_is_found_by_its_id() -> None:
    marks = marks_of(
        decoded(
            incident(),
            policy(1, tlp="green"),
            definition(2, **pap_extension("amber")),
            definition(3, **STATEMENT),
            definition(
                4, definition_type="statement", definition={"statement": "PAP:RED"}
            ),
        )
    )
    ids = [an_id("marking-definition", n) for n in range(1, 5)]
    assert [*marks.terms] == ids[:1]
    assert marks.paps == {ids[1]: Pap.AMBER, ids[3]: Pap.RED}
    assert marks.statements == {ids[2], ids[3]}
    assert all(map(marks.knows, [*ids, GREEN, *PAP_IDS]))
    assert not marks.knows(an_id("marking-definition", 9))


def test_a_record_without_definitions_knows_the_tables_alone() -> None:
    assert marks_of(decoded(incident())) == Marks()
    assert Marks().knows(AMBER)
    assert not Marks().knows(ONE)


@pytest.mark.parametrize(
    "properties",
    [
        {"definition_type": "acs", "definition": {}},
        {"extensions": FOREIGN},
        {"name": "Something"},
        {"definition_type": "statement", "extensions": policy(tlp="x")["extensions"]},
        {"extensions": policy()["extensions"] | FOREIGN},
        {"definition_type": "acs", "extensions": policy()["extensions"]},
        {"extensions": pap_extension("green")["extensions"] | FOREIGN},
        {"definition_type": "tlp", "definition": {"tlp": "green"}},
        {**STATEMENT, "extensions": {TLP_EXTENSION: {"tlp_2_0": "red"}}},
    ],
)
def test_a_definition_that_may_ask_more_than_is_known_here_is_unknown(
    properties: dict[str, Any],
) -> None:
    assert not marks_of(decoded(definition(**properties))).knows(ONE)


@pytest.mark.parametrize(
    "properties",
    [
        STATEMENT | {"extensions": FOREIGN},
        {"definition_type": "PAP", "name": "PAP:GREEN", "extensions": FOREIGN},
        {"extensions": policy()["extensions"] | pap_extension("red")["extensions"]},
    ],
)
def test_a_definition_of_a_known_type_may_have_colours(
    properties: dict[str, Any],
) -> None:
    assert marks_of(decoded(definition(**properties))).knows(ONE)


def test_a_body_under_the_id_of_a_tlp_is_never_read() -> None:
    bent = policy() | {"id": AMBER}
    assert marks_of(decoded(bent)) == Marks()


# -- how objects are marked


def test_the_tlp_of_an_iep_is_signed_where_it_is_stricter() -> None:
    draft = composed(incident(), under(GREEN, ONE), policy(tlp="amber"))
    assert tlps(draft)[ADVICE] is Tlp.AMBER
    [advice] = [o for o in draft.objects if o.id == ADVICE]
    assert advice.object_marking_refs == (AMBER, ONE)


def test_the_tlp_of_an_iep_never_makes_a_marking_laxer() -> None:
    assert tlps(composed(incident(), under(AMBER, ONE), policy()))[ADVICE] is Tlp.AMBER
    bare = under(ONE)
    assert tlps(composed(incident(), bare, policy()))[ADVICE] is Tlp.AMBER_STRICT
    assert (
        tlps(composed(incident(), bare, policy(), tlp=Tlp.GREEN))[ADVICE] is Tlp.GREEN
    )


def test_of_several_policies_the_strictest_tlp_is_signed() -> None:
    draft = composed(
        incident(),
        under(GREEN, ONE, TWO),
        policy(1, tlp="green"),
        policy(2, tlp="amber+strict"),
    )
    assert tlps(draft)[ADVICE] is Tlp.AMBER_STRICT


def test_the_record_is_as_strict_as_the_iep_of_its_primary_object() -> None:
    case = incident(object_marking_refs=[GREEN, ONE])
    assert composed(case, policy(tlp="amber")).tlp is Tlp.AMBER


def test_an_iep_alone_does_not_mark_the_primary_object() -> None:
    case = incident(object_marking_refs=[ONE])
    assert refusal(case, policy()) == ("unmarked", "$.objects[0]")


def test_an_iep_that_says_red_needs_sealing() -> None:
    made = [incident(), under(GREEN, ONE), policy(tlp="red")]
    assert refusal(*made) == ("needs-sealing", "$.objects[1]")
    part = {"marking_ref": ONE, "selectors": ["name"]}
    made[1] = under(GREEN, granular_markings=[part])
    assert refusal(*made) == ("needs-sealing", "$.objects[1]")


def test_a_report_is_as_strict_as_the_ieps_of_what_it_wraps() -> None:
    draft = composed(under(GREEN, ONE), policy(tlp="amber"), report="Advice")
    assert draft.tlp is Tlp.AMBER
    unmarked = under(ONE)
    assert composed(unmarked, policy(tlp="green"), report="Advice").tlp is Tlp.GREEN


def test_parts_under_a_stricter_iep_are_marked_with_its_tlp() -> None:
    parts = [
        {"marking_ref": TLP_1_AMBER, "selectors": ["labels"]},
        {"lang": "th", "selectors": ["name"]},
        {"marking_ref": ONE, "selectors": ["name", "labels.[0]"]},
        {"marking_ref": TWO, "selectors": ["name"]},
    ]
    advice = under(GREEN, labels=["a"], granular_markings=parts)
    draft = composed(
        incident(), advice, policy(1, tlp="amber+strict"), policy(2, tlp="green")
    )
    [found] = [o for o in draft.objects if o.id == ADVICE]
    assert granular_tlp(found) == {"labels": Tlp.AMBER_STRICT, "name": Tlp.AMBER_STRICT}
    assert stix.encode_object(found)["granular_markings"] == [
        {"marking_ref": AMBER, "selectors": ["labels"]},
        *parts[1:],
        {
            "marking_ref": TLP_IDS[Tlp.AMBER_STRICT],
            "selectors": ["name", "labels.[0]"],
        },
    ]


def test_an_unmarked_policy_is_as_open_as_the_most_open_object_under_it() -> None:
    draft = composed(
        incident(),
        under(AMBER, ONE),
        plain_object("tool", object_marking_refs=[GREEN, ONE]),
        plain_object("campaign", object_marking_refs=[AMBER], granular_markings=[
            {"marking_ref": TWO, "selectors": ["name"]}]),
        policy(1),
        definition(2, **pap_extension("green")),
        definition(3, **STATEMENT),
        policy(4),
        policy(5) | {"object_marking_refs": [AMBER]},
        primary=an_id("incident"),
    )  # fmt: skip
    found = [tlps(draft)[an_id("marking-definition", n)] for n in range(1, 6)]
    assert found == [
        Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.AMBER_STRICT, Tlp.AMBER,
    ]  # fmt: skip


@given(
    st.lists(st.sampled_from([*TLP_IDS.values(), TLP_1_AMBER, ONE, TWO]), unique=True),
    st.sampled_from(Tlp),
    st.sampled_from(["white", "green", "amber", "red"]),
)
def test_what_is_signed_is_never_laxer_than_any_mark(
    refs: list[str], default: Tlp, word: str
) -> None:
    changes = {"object_marking_refs": refs} if refs else {}
    advice = {k: v for k, v in under().items() if k != "object_marking_refs"} | changes
    objects = decoded(advice, policy(1, tlp=word), policy(2))
    [signed, *_] = mark_all(objects, marks_of(objects), default)
    [own] = [r for r in signed.object_marking_refs or () if tlp_of([r])]
    tlp = tlp_of([own])
    wanted = [tlp_of(refs) or default, *([Tlp.parse(word)] if ONE in refs else [])]
    assert tlp is max(wanted)
    # Marked once, it is marked so.
    [again] = mark_all([signed], marks_of(objects), default)
    assert again == signed


# -- what cannot be kept


def test_an_iep_that_has_ended_is_refused() -> None:
    made = [incident(), under(GREEN, ONE), policy(end_date=BEFORE)]
    assert refusal(*made) == ("iep-expired", "$.objects[1].object_marking_refs[1]")
    part = {"marking_ref": ONE, "selectors": ["name"]}
    made[1] = under(
        GREEN, granular_markings=[{"lang": "th", "selectors": ["name"]}, part]
    )
    assert refusal(*made) == (
        "iep-expired",
        "$.objects[1].granular_markings[1].marking_ref",
    )


def test_an_iep_that_ends_now_has_ended() -> None:
    made = [incident(), under(GREEN, ONE), policy(end_date=NOW)]
    assert refusal(*made)[0] == "iep-expired"
    made[2] = policy(end_date="2026-12-02T00:00:00.001Z")
    assert ADVICE in tlps(composed(*made))


def test_an_ended_iep_that_marks_nothing_is_nobody_s_concern() -> None:
    assert len(composed(incident(), policy(end_date=BEFORE)).objects) == 2


def test_a_case_may_be_taken_back_after_its_iep_has_ended() -> None:
    case = incident(object_marking_refs=[GREEN, ONE], revoked=True)
    made = policy(end_date=BEFORE)
    assert composed(case, made).kind == "retraction"
    assert refusal(case | {"revoked": False}, made)[0] == "iep-expired"
    revoked = under(GREEN, ONE, revoked=True)
    assert refusal(case, revoked, made)[0] == "iep-expired"


def test_an_iep_that_begins_later_holds_at_once() -> None:
    made = policy(start_date="2027-01-01T00:00:00Z", tlp="amber")
    assert tlps(composed(incident(), under(GREEN, ONE), made))[ADVICE] is Tlp.AMBER


def test_an_iep_that_forbids_to_name_the_provider_is_refused() -> None:
    made = policy(provider_attribution="must-not")
    assert refusal(incident(), under(GREEN, ONE), made) == (
        "attribution-visible",
        "$.objects[1].object_marking_refs[1]",
    )
    case = incident(object_marking_refs=[GREEN, ONE], revoked=True)
    assert refusal(case, made)[0] == "attribution-visible"


def test_an_iep_that_cannot_be_read_is_refused_wherever_it_stands() -> None:
    reason, where = refusal(incident(), policy(tlp="purple"))
    assert reason == "bad-iep"
    assert where.startswith("$.objects[1].extensions.")


@pytest.mark.parametrize("word", ["must", "may"])
def test_other_terms_are_carried(word: str) -> None:
    made = policy(
        provider_attribution=word,
        permitted_actions="none",
        affected_party_notifications="must-not",
        unmodified_resale="must-not",
        encrypt_in_transit="must",
    )
    draft = composed(incident(), under(GREEN, ONE), made)
    [found] = [o for o in draft.objects if o.id == ONE]
    assert stix.encode_object(found)["extensions"] == made["extensions"]
