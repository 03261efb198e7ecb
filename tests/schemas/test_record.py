"""Records: the primary object, marking, kind, and the claims that state them."""

import itertools
from typing import Any

import pytest

from schemas import record
from schemas.composing import compose
from schemas.errors import SchemaError
from schemas.markings import TLP_IDS, Tlp, tlp_of
from schemas.record import MAX_OBJECTS, Draft, find_primary, kind_fits, need_behaviour
from tests.support.records import (
    MODIFIED,
    address,
    an_id,
    decoded,
    incident,
    plain_object,
)

LATER = "2026-12-02T00:00:00Z"
TLP_1_GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
TLP_1_RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
STATEMENT = an_id("marking-definition", 9)
PRIMARIES = {
    "incident": "incident",
    "campaign": "campaign",
    "report": "advisory",
    "grouping": "advisory",
    "opinion": "feedback",
    "note": "feedback",
}


def composed(*plain: dict[str, Any], **options: Any) -> Draft:
    return compose(decoded(*plain), now=LATER, **options)


def refusal(*plain: dict[str, Any], **options: Any) -> tuple[str, str]:
    with pytest.raises(SchemaError) as caught:
        composed(*plain, **options)
    return caught.value.reason, caught.value.where


def some(kind: str, number: int = 1, **properties: Any) -> dict[str, Any]:
    own = {"opinion": {"opinion": "agree"}}.get(kind, {})
    return plain_object(kind, number, **own, **properties)


def unmarked(plain: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in plain.items() if k != "object_marking_refs"}


def marked(*tlps: Tlp) -> dict[str, Any]:
    return {"object_marking_refs": [TLP_IDS[t] for t in tlps]}


# -- the primary object


def test_the_first_type_that_is_there_is_primary_whatever_the_order() -> None:
    for higher, lower in itertools.combinations(PRIMARIES, 2):
        if {higher, lower} == {"opinion", "note"}:
            continue
        for pair in ((higher, lower), (lower, higher)):
            objects = decoded(*(some(kind) for kind in pair))
            assert objects[find_primary(objects)].type == higher


@pytest.mark.parametrize(("kind", "expected"), PRIMARIES.items())
def test_the_kind_follows_from_the_type_of_the_primary_object(
    kind: str, expected: str
) -> None:
    made = composed(address(), some(kind))
    assert (made.primary, made.kind) == (1, expected)


@pytest.mark.parametrize("kind", PRIMARIES)
def test_several_of_the_first_type_found_are_refused(kind: str) -> None:
    found = refusal(some(kind, 1), address(), some(kind, 2))
    assert found == ("several-primaries", "$.objects[2]")


def test_an_opinion_and_a_note_are_two() -> None:
    assert refusal(some("opinion"), some("note"))[0] == "several-primaries"


def test_of_several_the_one_named_is_primary() -> None:
    two = some("incident", 1), some("incident", 2)
    assert composed(*two, primary=two[1]["id"]).primary == 1


def test_a_lower_type_may_be_named_primary() -> None:
    made = composed(some("incident"), some("report"), primary=an_id("report"))
    assert (made.primary, made.kind) == (1, "advisory")


@pytest.mark.parametrize("wanted", ["", "report", an_id("report", 2), an_id("url")])
def test_naming_what_cannot_be_primary_is_refused(wanted: str) -> None:
    plain = some("report"), some("url")
    assert refusal(*plain, primary=wanted) == ("primary-not-found", "$.objects")


def test_nothing_that_could_be_primary_is_refused() -> None:
    assert refusal()[0] == "no-primary"
    assert refusal(address(), some("indicator"))[0] == "no-primary"


# -- marking


def test_everything_unmarked_takes_the_tlp_given() -> None:
    made = composed(unmarked(incident()), unmarked(address()), tlp=Tlp.GREEN)
    assert made.tlp == Tlp.GREEN
    assert [o.object_marking_refs for o in made.objects] == [
        (TLP_IDS[Tlp.GREEN],),
        (TLP_IDS[Tlp.GREEN],),
    ]


def test_the_tlp_given_does_not_change_what_is_marked() -> None:
    made = composed(incident(), address(), tlp=Tlp.CLEAR)
    assert [tlp_of(o.object_marking_refs or ()) for o in made.objects] == [
        Tlp.GREEN,
        Tlp.AMBER,
    ]


def test_without_a_tlp_what_is_unmarked_becomes_amber_strict() -> None:
    made = composed(incident(), unmarked(address()))
    assert made.tlp == Tlp.GREEN
    assert made.objects[1].object_marking_refs == (TLP_IDS[Tlp.AMBER_STRICT],)


def test_an_unmarked_primary_object_without_a_tlp_is_refused() -> None:
    found = refusal(address(), unmarked(incident()))
    assert found == ("unmarked", "$.objects[1]")


def test_a_marking_that_is_no_tlp_does_not_count_as_one() -> None:
    plain = incident(object_marking_refs=[STATEMENT])
    assert refusal(plain)[0] == "unmarked"
    made = composed(plain, tlp=Tlp.CLEAR)
    assert made.objects[0].object_marking_refs == (TLP_IDS[Tlp.CLEAR], STATEMENT)


def test_of_several_tlps_the_strictest_stays_alone() -> None:
    plain = incident(
        object_marking_refs=[
            TLP_1_GREEN, STATEMENT, TLP_IDS[Tlp.AMBER], TLP_IDS[Tlp.CLEAR], STATEMENT
        ]
    )  # fmt: skip
    made = composed(plain)
    assert made.objects[0].object_marking_refs == (TLP_IDS[Tlp.AMBER], STATEMENT)


def test_tlp_1_is_written_as_tlp_2() -> None:
    made = composed(incident(object_marking_refs=[TLP_1_GREEN]))
    assert made.objects[0].object_marking_refs == (TLP_IDS[Tlp.GREEN],)


def test_a_body_sent_along_for_a_tlp_is_left_out_and_another_marking_stays() -> None:
    lie = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": TLP_1_GREEN,
        "created": MODIFIED,
        "name": "TLP:CLEAR",
    }
    made = composed(lie, incident(), lie | {"id": STATEMENT})
    assert [o.id for o in made.objects] == [an_id("incident"), STATEMENT]
    assert made.primary == 0


@pytest.mark.parametrize("red", [TLP_IDS[Tlp.RED], TLP_1_RED])
def test_red_cannot_be_signed_until_it_can_be_sealed(red: str) -> None:
    part = {"granular_markings": [{"selectors": ["name"], "marking_ref": red}]}
    for spoil in ({"object_marking_refs": [red]}, part):
        found = refusal(incident(), address() | {"name": "n"} | spoil)
        assert found == ("needs-sealing", "$.objects[1]")
        assert refusal(incident(**spoil)) == ("needs-sealing", "$.objects[0]")


def test_an_unmarked_object_does_not_become_red() -> None:
    assert refusal(unmarked(incident()), tlp=Tlp.RED)[0] == "needs-sealing"


def test_a_misspelt_selector_is_refused_since_it_protects_nothing() -> None:
    def part(selector: str) -> dict[str, Any]:
        mark = {"selectors": [selector], "marking_ref": TLP_IDS[Tlp.AMBER]}
        return address(granular_markings=[mark])

    assert composed(incident(), part("value"))
    for selector in ("vaule", "name", "value..x", "", "[0]"):
        reason, where = refusal(incident(), part(selector))
        assert reason == "bad-selector"
        assert where.startswith("$.objects[1].granular_markings")


# -- kind


@pytest.mark.parametrize("kind", PRIMARIES)
def test_a_revoked_primary_object_makes_a_retraction(kind: str) -> None:
    assert composed(some(kind, revoked=True)).kind == "retraction"
    assert composed(some(kind, revoked=False)).kind == PRIMARIES[kind]


def test_a_retraction_needs_a_revoked_primary_object() -> None:
    assert composed(incident(revoked=True), kind="retraction").kind == "retraction"
    for plain in (incident(), incident(revoked=False)):
        assert refusal(plain, kind="retraction") == ("not-revoked", "$.objects[0]")


@pytest.mark.parametrize("kind", PRIMARIES)
def test_anything_can_be_corrected(kind: str) -> None:
    assert composed(some(kind), kind="correction").kind == "correction"


def test_a_kind_that_does_not_fit_the_primary_object_is_refused() -> None:
    kinds = {*PRIMARIES.values(), "heartbeat"}
    for primary, own in PRIMARIES.items():
        assert composed(some(primary), kind=own).kind == own
        for other in kinds - {own}:
            assert refusal(some(primary), kind=other)[0] == "kind-mismatch"


def test_a_kind_fits_by_the_type_in_the_id() -> None:
    assert kind_fits("incident", an_id("incident"))
    assert kind_fits("retraction", an_id("note"))
    assert not kind_fits("feedback", an_id("incident"))
    assert not kind_fits("correction", an_id("ipv4-addr"))
    assert not kind_fits("incident", "")


def test_a_kind_is_read_from_text() -> None:
    assert record.parse_kind("correction") == "correction"
    assert record.parse_kind(None) is None
    for text in ("", "Incident", "mallory"):
        with pytest.raises(SchemaError) as caught:
            record.parse_kind(text)
        assert str(caught.value) == "kind-mismatch"


# -- conduct, not speech


@pytest.mark.parametrize("kind", ["narrative", "channel", "media-content"])
def test_a_disinformation_record_names_a_behaviour(kind: str) -> None:
    about = some("campaign"), some(kind)
    assert refusal(*about) == ("no-behaviour", "$.objects")
    assert composed(*about, some("attack-pattern"))


def test_other_records_need_no_behaviour() -> None:
    need_behaviour(decoded(some("campaign"), some("indicator")))
    need_behaviour([])


# -- texts, sizes


@pytest.mark.parametrize("name", ["description", "content", "summary"])
def test_a_list_in_the_place_of_a_text_is_refused(name: str) -> None:
    found = refusal(incident(), some("x-mine", **{name: ["a", "b"]}))
    assert found == ("bad-property", f"$.objects[1].{name}")


def test_a_boolean_with_the_name_of_a_text_is_fine() -> None:
    # STIX 2.1, Sighting: `summary` is no text.
    assert composed(incident(), some("sighting", summary=True))


def test_20000_objects_are_the_most() -> None:
    [one] = decoded(address())
    primary = decoded(incident())
    with pytest.raises(SchemaError) as caught:
        compose([*primary, *[one] * MAX_OBJECTS], now=LATER)
    most = compose([*primary, *[one] * (MAX_OBJECTS - 1)], now=LATER)
    assert len(most.objects) == MAX_OBJECTS
    assert caught.value.reason == "too-many-objects"


# -- wrapping loose objects


def test_loose_objects_are_wrapped_in_a_report() -> None:
    made = composed(address(), some("url"), report="Two addresses", tlp=Tlp.CLEAR)
    report = made.objects[made.primary]
    assert (report.type, made.kind, made.tlp) == ("report", "advisory", Tlp.CLEAR)
    assert report.name == "Two addresses"  # type: ignore[attr-defined]
    assert report.object_refs == (  # type: ignore[attr-defined]
        an_id("ipv4-addr", version=5),
        an_id("url"),
    )


def test_the_wrapping_report_is_as_strict_as_the_strictest_part() -> None:
    made = composed(address(), some("url"), report="Two addresses")
    assert made.tlp == Tlp.AMBER


def test_the_wrapping_report_of_what_is_unmarked_needs_a_tlp() -> None:
    assert refusal(unmarked(address()), report="Loose")[0] == "unmarked"


def test_the_wrapping_report_has_the_newest_time_of_its_parts() -> None:
    older = some("url", 1, modified="2026-12-01T10:00:00.9Z")
    newer = some("url", 2, modified="2026-12-01T10:00:00.95Z")
    made = composed(newer, older, report="Two")
    assert made.objects[made.primary].modified == "2026-12-01T10:00:00.95Z"
    made = composed(address(), report="One")
    assert made.objects[made.primary].modified == LATER


def test_the_same_input_makes_the_same_wrapping_report() -> None:
    def made(*plain: dict[str, Any], name: str = "n") -> str:
        draft = composed(*plain, report=name)
        return draft.objects[draft.primary].id

    one, other = some("url", 1), some("url", 2)
    assert made(one, other) == made(other, one)
    assert len({made(one), made(other), made(one, other), made(one, name="m")}) == 4


def test_a_report_does_not_hide_a_primary_object_that_is_there() -> None:
    made = composed(incident(), report="Case")
    assert made.objects[made.primary].type == "incident"


def test_a_report_is_primary_where_several_others_could_be() -> None:
    made = composed(incident(), incident(id=an_id("incident", 2)), report="Two")
    assert made.objects[made.primary].type == "report"


def test_nothing_at_all_cannot_be_wrapped() -> None:
    mark = plain_object("marking-definition")
    assert refusal(report="Nothing") == ("no-primary", "$.objects")
    assert refusal(mark, report="Nothing") == ("no-primary", "$.objects")


@pytest.mark.parametrize("value", [None, {"x": "a name"}, "A Name", ["suspected"]])
def test_nothing_but_a_word_may_stand_where_nothing_can_be_withheld(
    value: object,
) -> None:
    core = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
    main = some("incident") | {"extensions": {core: {"determination": value}}}
    assert refusal(main) == ("bad-property", "$.objects[0].extensions")
