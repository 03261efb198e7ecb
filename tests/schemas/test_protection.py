"""Marks of those whom an alert may harm: by id, by label, for objects and for parts."""

from typing import Any

import pytest

from broker.blinding import must_replace, org_identity
from schemas import protection, stix
from schemas.composing import compose
from schemas.linting import lint
from schemas.markings import TLP_IDS, Tlp
from schemas.markings_checks import contradictions
from schemas.protection import PROTECTION_IDS, Group, groups_of, groups_of_refs
from schemas.terms import Marks, is_known_by_id, marks_of
from tests.support.policies import definition, pap_extension, policy
from tests.support.records import an_id, decoded, incident, plain_object

GREEN = TLP_IDS[Tlp.GREEN]
NOW = "2026-12-02T00:00:00Z"
ID_OF = {group: ref for ref, group in PROTECTION_IDS.items()}
MINORS, SURVIVORS, DEFENDERS = (ID_OF[group] for group in Group)
EVERYBODY = set(Group)

each_id = pytest.mark.parametrize("ref", PROTECTION_IDS)


def advice(**properties: Any) -> stix.StixObject:
    [made] = decoded(plain_object("course-of-action", **properties))
    return made


def composed(*plain: dict[str, Any]) -> tuple[stix.StixObject, ...]:
    return compose(decoded(incident(), *plain), now=NOW).objects[1:]


# -- whom a mark protects


def test_each_group_has_one_id() -> None:
    assert ID_OF.keys() == EVERYBODY
    assert len(PROTECTION_IDS) == len(EVERYBODY)


@pytest.mark.parametrize(("ref", "group"), PROTECTION_IDS.items())
def test_an_id_protects_its_group(ref: str, group: Group) -> None:
    assert groups_of(advice(object_marking_refs=[GREEN, ref])) == {group}
    assert groups_of_refs([GREEN, ref]) == {group}


@pytest.mark.parametrize("group", Group)
def test_a_label_protects_its_group(group: Group) -> None:
    for label in (
        f"protect:{group}",
        f"PROTECT: {group.value.title()}",
        f"  Protect:{group}  ",
    ):
        assert protection.is_label(label)
        assert protection.names_group(label)
        assert groups_of(advice(labels=["election", label])) == {group}


@pytest.mark.parametrize("word", ["", "refugees", "minor", "minors survivors", "*"])
def test_a_label_that_names_no_group_counts_as_all_of_them(word: str) -> None:
    label = f"protect:{word}"
    assert protection.is_label(label)
    assert not protection.names_group(label)
    assert groups_of(advice(labels=[label])) == EVERYBODY


def test_ids_and_labels_add_up() -> None:
    both = advice(object_marking_refs=[MINORS], labels=["protect:defenders"])
    assert groups_of(both) == {Group.MINORS, Group.DEFENDERS}


def test_other_marks_and_labels_protect_nobody() -> None:
    other = an_id("marking-definition")
    assert groups_of(advice(object_marking_refs=[GREEN, other])) == set()
    assert groups_of(advice(labels=["minors", "protected", "tlp:red"])) == set()
    assert groups_of(advice()) == set()
    assert groups_of_refs([]) == set()


def test_the_mark_of_a_part_does_not_protect_the_whole_object() -> None:
    part = {"selectors": ["name"], "marking_ref": MINORS}
    assert groups_of(advice(granular_markings=[part])) == set()


# -- known by their ids


@each_id
def test_an_id_is_known_without_a_definition(ref: str) -> None:
    assert is_known_by_id(ref)
    assert Marks().knows(ref)


@each_id
def test_an_id_is_never_blinded(ref: str) -> None:
    assert not must_replace(ref, org_identity("cert-aq"))


@each_id
@pytest.mark.parametrize("body", [pap_extension("red"), policy(tlp="red"), {}])
def test_what_a_definition_under_such_an_id_says_counts_for_nothing(
    ref: str, body: dict[str, Any]
) -> None:
    [claimed] = decoded(definition(**body) | {"id": ref})
    marks = marks_of([claimed])
    assert (marks.terms, marks.paps, marks.statements) == ({}, {}, frozenset())


@each_id
def test_a_definition_under_such_an_id_is_not_signed(ref: str) -> None:
    marked = plain_object("course-of-action", object_marking_refs=[GREEN, ref])
    [kept] = composed(marked, definition(name="Mine") | {"id": ref})
    assert kept.type == "course-of-action"


@each_id
def test_signing_keeps_the_mark_beside_the_tlp(ref: str) -> None:
    part = {"selectors": ["name"], "marking_ref": ref}
    marked = plain_object(
        "course-of-action", object_marking_refs=[ref, GREEN], granular_markings=[part]
    )
    [kept] = composed(marked)
    assert kept.object_marking_refs == (GREEN, ref)
    assert [each.marking_ref for each in kept.granular_markings or ()] == [ref]


@pytest.mark.parametrize(
    ("label", "asked"),
    [
        ("protect:minors", (MINORS,)),
        ("Protect: Defenders", (DEFENDERS,)),
        ("protect:refugees", (MINORS, SURVIVORS, DEFENDERS)),
        ("election", ()),
    ],
)
def test_signing_turns_a_label_into_the_mark_that_nobody_can_cut(
    label: str, asked: tuple[str, ...]
) -> None:
    for refs in ([GREEN], [GREEN, MINORS], [MINORS, GREEN]):
        marked = plain_object(
            "course-of-action", object_marking_refs=refs, labels=["a", label]
        )
        [kept] = composed(marked)
        own = tuple(ref for ref in refs if ref != GREEN)
        assert kept.object_marking_refs == (GREEN, *dict.fromkeys((*own, *asked)))
        assert kept.labels == ("a", label)


def observation(*refs: str, number: int = 1, **more: Any) -> dict[str, Any]:
    return plain_object(
        "observed-data",
        number,
        first_observed=NOW,
        last_observed=NOW,
        number_observed=1,
        object_refs=list(refs),
        **more,
    )


def observable(kind: str, number: int = 1, **more: Any) -> dict[str, Any]:
    own = {"type": kind, "id": an_id(kind, number), "object_marking_refs": [GREEN]}
    return own | more


def protecting(*plain: dict[str, Any]) -> dict[str, set[Group]]:
    marked = {each.id: groups_of_refs(each.object_marking_refs or ()) for each in composed(*plain)}  # fmt: skip
    return {each: groups for each, groups in marked.items() if groups}


def test_signing_marks_what_an_observation_lists_and_what_that_refers_to() -> None:
    mail = an_id("email-message")
    child, other = an_id("email-addr"), an_id("email-addr", 2)
    message = observable(
        "email-message", is_multipart=False, from_ref=child, to_refs=[other, child]
    )
    addresses = [
        observable("email-addr", 1, value="child@school.example"),
        observable("email-addr", 2, value="teacher@school.example"),
    ]
    apart = observable("ipv4-addr", value="192.0.2.7")
    seen = observation(mail, apart["id"], an_id("tool"), an_id("url"), number=2)
    told = observation(mail, an_id("url"), an_id("tool"), labels=["protect:minors"])
    tool = plain_object("tool")
    found = protecting(told, seen, message, *addresses, apart, tool)
    minors = {Group.MINORS}
    assert found == dict.fromkeys([told["id"], mail, child, other], minors)
    both = told | {"object_marking_refs": [GREEN, DEFENDERS]}
    again = protecting(both, told | {"id": an_id("observed-data", 3)}, message)
    assert again[mail] == {Group.MINORS, Group.DEFENDERS}


def test_observations_that_protect_nobody_mark_nothing() -> None:
    address = observable("ipv4-addr", value="192.0.2.7")
    assert protecting(observation(address["id"], labels=["a"]), address) == {}


def test_a_mark_alone_says_no_tlp() -> None:
    marked = plain_object("course-of-action", object_marking_refs=[MINORS])
    [kept] = composed(marked)
    assert kept.object_marking_refs == (TLP_IDS[Tlp.AMBER_STRICT], MINORS)


# -- what checking says of them


def told(*plain: dict[str, Any]) -> list[tuple[str, str]]:
    objects = decoded(incident(), *plain)
    places = {each.id: f"$.objects[{i}]" for i, each in enumerate(objects)}
    found = [
        *lint(objects, places, now=NOW),
        *contradictions(objects, places, now=NOW),
    ]
    return [(each.rule, each.where) for each in found if each.rule != "unconnected"]


@each_id
def test_a_mark_gives_no_cause(ref: str) -> None:
    part = {"selectors": ["name"], "marking_ref": ref}
    marked = plain_object(
        "course-of-action", object_marking_refs=[GREEN, ref], granular_markings=[part]
    )
    assert told(marked) == []
    assert told(marked, definition() | {"id": ref}) == []


def test_a_label_that_names_no_group_is_told() -> None:
    labels = ["protect:minors", "protect:refugees"]
    marked = plain_object("course-of-action", labels=labels)
    assert told(marked) == [("protect-unknown", "$.objects[1].labels[1]")]
