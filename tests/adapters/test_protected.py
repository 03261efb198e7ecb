"""Marks of those whom an alert may harm are stricter than any TLP beside them."""

from typing import Any

import msgspec
import pytest

from adapters.cuts import Part
from adapters.redaction import NotGivenError, Redacted, redact
from adapters.view import View
from broker.trust import Verified
from schemas.markings import Tlp
from schemas.protection import PROTECTION_IDS, Group
from tests.support.policies import definition
from tests.support.records import incident, mint, tree
from tests.support.views import (
    AUTHOR,
    CIVIL,
    CLEAR,
    CONCERNED,
    GREEN,
    INCIDENT,
    NOW_TEXT,
    PEER,
    PERSON,
    PLATFORM,
    POLICY,
    cut,
    cut_new,
    granular,
    marked,
    new,
    only,
    opened,
    projected,
    seen,
    signed,
    view,
)

ID_OF = {group: ref for ref, group in PROTECTION_IDS.items()}
MINORS, SURVIVORS, DEFENDERS = (ID_OF[group] for group in Group)
HELD = [SURVIVORS, DEFENDERS]
CANARY = "zqzqshelter"
ADVICE = new("course-of-action", CANARY, description="Use a second factor.")
VIEWS = {
    "peer": PEER,
    "platform": PLATFORM,
    "concerned": CONCERNED,
    "civil": CIVIL,
    "researchers": view("research"),
    "public": view("public", Tlp.CLEAR),
}
ABOVE_ALL = {
    name: msgspec.structs.replace(
        each, clearance=Tlp.AMBER_STRICT, addressed=True, concerned=True
    )
    for name, each in VIEWS.items()
}
CLEAR_INCIDENT = incident(object_marking_refs=[CLEAR])
WRITTEN = {
    "an id": marked(ADVICE, CLEAR, MINORS),
    "an id beside two": marked(ADVICE, CLEAR, SURVIVORS, MINORS),
    "a label": ADVICE | {"labels": ["protect:minors"]},
    "a label in another spelling": ADVICE | {"labels": ["weather", "PROTECT: Minors"]},
    "a label of nobody known": ADVICE | {"labels": ["protect:refugees"]},
    "a label and an id": marked(ADVICE, CLEAR, DEFENDERS)
    | {"labels": ["protect:minors"]},
}
everybody = pytest.mark.parametrize("name", VIEWS)
but_peers = pytest.mark.parametrize("name", [n for n in VIEWS if n != "peer"])


def agreed(verified: Verified, to: View, *parts: Part) -> Redacted:
    return redact(
        verified, to, POLICY, author=AUTHOR, now=NOW_TEXT, approved=frozenset(parts)
    )


def id_of(verified: Verified) -> str:
    (found,) = (o.id for o in verified.objects if o.type == "course-of-action")
    return found


def minted(*plain: dict[str, Any]) -> Verified:
    """Sign as other tools may: what labels ask is not written as a mark as well."""
    clear = {"object_marking_refs": [CLEAR]}
    objects = [CLEAR_INCIDENT, *(clear | each for each in plain)]
    return opened(mint(tree(*objects, tlp="CLEAR")))


def held(ref: str) -> Verified:
    return signed(INCIDENT, marked(ADVICE, CLEAR, ref))


# -- what concerns minors


@everybody
@pytest.mark.parametrize("written", WRITTEN)
def test_what_concerns_minors_reaches_nobody_whatever_its_tlp(
    written: str, name: str
) -> None:
    for verified in (signed(INCIDENT, WRITTEN[written]), minted(WRITTEN[written])):
        for to in (VIEWS[name], ABOVE_ALL[name]):
            redacted = cut(verified, to)
            assert projected(redacted, "course-of-action") == []
            assert CANARY not in seen(redacted)
            assert redacted.reasons["protected"] == 1


@everybody
def test_nobody_can_agree_to_show_what_concerns_minors(name: str) -> None:
    verified = signed(INCIDENT, WRITTEN["an id"])
    redacted = agreed(verified, ABOVE_ALL[name], (id_of(verified), ""))
    assert CANARY not in seen(redacted)


@everybody
def test_a_record_about_minors_reaches_nobody(name: str) -> None:
    for main in (marked(INCIDENT, CLEAR, MINORS), INCIDENT | {"labels": ["protect:x"]}):
        with pytest.raises(NotGivenError) as caught:
            cut_new(ABOVE_ALL[name], main)
        assert caught.value.reason == "primary-withheld"


@everybody
@pytest.mark.parametrize("ref", PROTECTION_IDS)
def test_a_mark_holds_without_a_tlp_beside_it(name: str, ref: str) -> None:
    # As an issuer with other tools may sign it: no TLP counts as AMBER+STRICT.
    verified = minted(marked(ADVICE, ref))
    assert verified.objects[1].object_marking_refs == (ref,)
    redacted = cut(verified, ABOVE_ALL[name])
    assert CANARY not in seen(redacted)
    assert {"protected", "held"} & set(redacted.reasons)


# -- what concerns survivors and defenders


@pytest.mark.parametrize("ref", HELD)
def test_at_peers_it_waits_until_two_persons_agree(ref: str) -> None:
    verified = held(ref)
    redacted = cut(verified, PEER)
    assert CANARY not in seen(redacted)
    (waiting,) = (c for c in redacted.cuts if c.reason == "held")
    assert waiting.part == (id_of(verified), "")
    assert waiting.approvals == 2
    shown = only(agreed(verified, PEER, waiting.part), "course-of-action")
    assert shown["name"] == CANARY
    assert ref in shown["object_marking_refs"]


def test_to_agree_to_one_object_shows_no_other() -> None:
    other = marked(new("course-of-action", "zqzqother"), CLEAR, SURVIVORS)
    verified = signed(INCIDENT, marked(ADVICE, CLEAR, SURVIVORS), other)
    found = [o for o in verified.plain if o["type"] == "course-of-action"]
    parts, names = [o["id"] for o in found], [o["name"] for o in found]
    for part, name, hidden in zip(parts, names, reversed(names), strict=True):
        redacted = agreed(verified, PEER, (part, ""))
        assert only(redacted, "course-of-action")["name"] == name
        assert hidden not in seen(redacted)


@but_peers
@pytest.mark.parametrize("ref", HELD)
def test_elsewhere_it_is_withheld_whatever_its_tlp_and_whoever_agrees(
    ref: str, name: str
) -> None:
    verified = held(ref)
    for to in (VIEWS[name], ABOVE_ALL[name]):
        redacted = agreed(verified, to, (id_of(verified), ""))
        assert CANARY not in seen(redacted)
        assert redacted.reasons["protected"] == 1


@pytest.mark.parametrize("ref", HELD)
def test_a_record_about_them_goes_to_peers_if_two_persons_agree(ref: str) -> None:
    verified = signed(marked(INCIDENT, CLEAR, ref))
    main = verified.objects[0].id
    with pytest.raises(NotGivenError):
        cut(verified, PEER)
    assert only(agreed(verified, PEER, (main, "")), "incident")


# -- parts


@everybody
@pytest.mark.parametrize("ref", PROTECTION_IDS)
def test_a_part_that_protects_somebody_reaches_nobody(ref: str, name: str) -> None:
    advice = granular(ADVICE | {"name": "Advice", "description": CANARY}, ref, "description")  # fmt: skip
    verified = signed(INCIDENT, advice)
    for to in (VIEWS[name], ABOVE_ALL[name]):
        redacted = agreed(
            verified, to, (id_of(verified), ""), (id_of(verified), "description")
        )
        assert only(redacted, "course-of-action")["name"] == "Advice"
        assert CANARY not in seen(redacted)
        assert "granular-tlp" in redacted.reasons


@everybody
def test_a_part_that_cannot_be_cut_takes_its_object_along(name: str) -> None:
    redacted = cut_new(VIEWS[name], INCIDENT, granular(ADVICE, MINORS, "type"))
    assert CANARY not in seen(redacted)
    assert "granular-visible" in redacted.reasons


# -- copies that were cut before


@everybody
@pytest.mark.parametrize("ref", HELD)
@pytest.mark.parametrize("by_label", [True, False])
def test_in_a_copy_of_a_copy_the_mark_still_holds(
    ref: str, name: str, by_label: bool
) -> None:
    label = f"Protect:{PROTECTION_IDS[ref].value}"
    one = ADVICE | {"labels": ["a", label]} if by_label else marked(ADVICE, CLEAR, ref)
    verified = minted(one, PERSON) if by_label else signed(INCIDENT, one, PERSON)
    part = id_of(verified), ""
    copy = opened(agreed(verified, PEER, part).evidence)
    assert not copy.complete
    assert only(agreed(copy, PEER, part), "course-of-action")["name"] == CANARY
    assert CANARY not in seen(cut(copy, VIEWS[name]))


@everybody
@pytest.mark.parametrize("ref", PROTECTION_IDS)
def test_in_a_copy_of_a_copy_the_mark_of_a_part_still_holds(
    ref: str, name: str
) -> None:
    advice = granular(ADVICE | {"name": "Advice", "description": CANARY}, ref, "description")  # fmt: skip
    copy = opened(cut_new(PEER, INCIDENT, advice).evidence)
    again = cut(copy, VIEWS[name])
    assert only(again, "course-of-action")["name"] == "Advice"
    assert CANARY not in seen(again)


# -- definitions


@everybody
def test_a_definition_under_such_an_id_goes_to_nobody_and_allows_nothing(
    name: str,
) -> None:
    free = {"definition_type": "statement", "definition": {"statement": "zqzqfree"}}
    body = definition(**free) | {"id": MINORS, "object_marking_refs": [GREEN]}
    verified = minted(marked(ADVICE, CLEAR, MINORS), body)
    assert len(verified.objects) == 3
    text = seen(cut(verified, ABOVE_ALL[name]))
    assert CANARY not in text
    assert "zqzqfree" not in text


def test_other_marks_and_labels_withhold_nothing() -> None:
    advice: dict[str, Any] = ADVICE | {"labels": ["minors", "protected"]}
    assert only(cut_new(PEER, INCIDENT, advice), "course-of-action")["name"] == CANARY
