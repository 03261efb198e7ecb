"""What marks other than TLP ask of a view: unknown ones, statements, PAP, IEP."""

import itertools
import time
import uuid
from typing import Any

import pytest

from adapters.policy import Policy
from adapters.view import View
from schemas import iep, pap
from schemas.markings import TLP_IDS, Tlp
from schemas.pap import PAP_IDS, Pap
from tests.support import records
from tests.support.policies import TERMS
from tests.support.views import (
    AMBER,
    CIVIL,
    CLEAR,
    INCIDENT,
    PEER,
    PLATFORM,
    POLICY,
    POLICY_FILE,
    cut,
    cut_new,
    granular,
    marked,
    new,
    only,
    opened,
    projected,
    signed,
)

GREEN = TLP_IDS[Tlp.GREEN]
ACS = marked(
    new("marking-definition", "For some", definition_type="acs", definition={}), GREEN
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
BELOW_PEERS = pytest.mark.parametrize("to", [PLATFORM, CIVIL])


@EVERYBODY
def test_an_object_with_an_unknown_mark_is_given_to_nobody(to: View) -> None:
    redacted = cut_new(to, INCIDENT, marked(ADVICE, GREEN, ACS["id"]), ACS)
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
        ADVICE | {"description": "Use a second factor."}, ACS["id"], "description"
    )
    redacted = cut_new(to, INCIDENT, advice, ACS)
    [shown] = projected(redacted, "course-of-action")
    assert shown["name"] == "Change passwords"
    assert "description" not in shown


def test_cutting_again_where_the_statement_is_gone_changes_nothing() -> None:
    first = cut_new(CIVIL, INCIDENT, marked(ADVICE, GREEN, LICENCE["id"]), LICENCE)
    assert cut(opened(first.evidence), CIVIL).evidence == first.evidence


def test_a_copy_whose_statement_was_not_for_the_view_stays_as_it_is() -> None:
    secret = marked(LICENCE, AMBER)
    first = cut_new(CIVIL, INCIDENT, marked(ADVICE, GREEN, LICENCE["id"]), secret)
    assert projected(first, "marking-definition") == []
    again = cut(opened(first.evidence), CIVIL)
    assert again.evidence == first.evidence
    assert only(again, "course-of-action")


# -- PAP

RED_PAP = marked(
    new("marking-definition", "PAP:RED", definition_type="PAP", definition={}), GREEN
)


@pytest.mark.parametrize(
    "objects",
    [
        [ADVICE | {"labels": ["PAP:RED"]}],
        [ADVICE | {"labels": ["weather", "pap:red"]}],
        [marked(ADVICE, GREEN, RED_PAP["id"]), RED_PAP],
        [marked(ADVICE, GREEN, next(i for i, p in PAP_IDS.items() if p is Pap.RED))],
        [ADVICE | {"labels": ["PAP:PURPLE"]}],
    ],
)
def test_what_is_under_pap_red_is_given_to_peers_alone(
    objects: list[dict[str, Any]],
) -> None:
    assert only(cut_new(PEER, INCIDENT, *objects), "course-of-action")
    for to in (PLATFORM, CIVIL):
        redacted = cut_new(to, INCIDENT, *objects)
        assert projected(redacted, "course-of-action") == []
        assert "pap-red" in redacted.reasons


@EVERYBODY
@pytest.mark.parametrize("word", ["AMBER", "GREEN", "CLEAR", "WHITE"])
def test_a_laxer_pap_withholds_nothing(to: View, word: str) -> None:
    advice = ADVICE | {"labels": [f"PAP:{word}"]}
    assert only(cut_new(to, INCIDENT, advice), "course-of-action")


def test_a_part_under_pap_red_is_given_to_peers_alone() -> None:
    advice = ADVICE | {"description": "Use a second factor."}
    advice = granular(advice, RED_PAP["id"], "description")
    shown = [
        only(cut_new(to, INCIDENT, advice, RED_PAP), "course-of-action")
        for to in (PEER, PLATFORM, CIVIL)
    ]
    assert ["description" in one for one in shown] == [True, False, False]


@BELOW_PEERS
def test_a_part_under_pap_red_that_cannot_be_cut_takes_its_object_along(
    to: View,
) -> None:
    advice = granular(ADVICE | {"confidence": 3}, RED_PAP["id"], "confidence")
    redacted = cut_new(to, INCIDENT, advice, RED_PAP)
    assert projected(redacted, "course-of-action") == []
    assert "granular-visible" in redacted.reasons


# -- IEP


def policy(mark: str | None = GREEN, /, **terms: Any) -> dict[str, Any]:
    body = {**TERMS, **terms}
    made = new(
        "marking-definition",
        "House policy",
        definition_type=None,
        definition=None,
        extensions={iep.EXTENSION: body},
    )
    return made if mark is None else marked(made, mark)


def under(to: View, made: dict[str, Any], **composing: Any) -> Any:
    return cut_new(to, INCIDENT, marked(ADVICE, GREEN, made["id"]), made, **composing)


def bent(made: dict[str, Any]) -> bytes:
    """A record that `compose` would refuse or mend, as another issuer may sign it."""
    advice = marked(ADVICE, GREEN, made["id"])
    return records.mint(
        records.tree(marked(INCIDENT, CLEAR), advice, made, tlp="CLEAR")
    )


@EVERYBODY
def test_what_is_under_an_iep_goes_with_its_terms(to: View) -> None:
    made = policy()
    redacted = under(to, made)
    assert made["id"] in only(redacted, "course-of-action")["object_marking_refs"]
    definition = only(redacted, "marking-definition")
    assert definition["id"] == made["id"]
    assert definition["extensions"] == made["extensions"]


@EVERYBODY
def test_the_terms_are_as_open_as_what_they_are_about(to: View) -> None:
    objects = (marked(INCIDENT, CLEAR), marked(ADVICE, GREEN, policy()["id"]))
    redacted = cut_new(to, *objects, policy(None), tlp=None)
    assert only(redacted, "course-of-action")
    assert only(redacted, "marking-definition")


def test_who_cannot_read_the_terms_does_not_get_what_is_under_them() -> None:
    made = policy(AMBER)
    assert only(under(PEER, made), "course-of-action")
    for to in (PLATFORM, CIVIL):
        redacted = under(to, made)
        assert projected(redacted) == [only(redacted, "incident")]
        assert "marking-withheld" in redacted.reasons
        assert made["id"].encode() not in redacted.projection


def test_a_part_goes_where_its_terms_go() -> None:
    made = policy(AMBER)
    advice = ADVICE | {"description": "Use a second factor.", "confidence": 3}
    apart = granular(advice, made["id"], "description")
    redacted = cut_new(PLATFORM, INCIDENT, apart, made)
    assert "description" not in only(redacted, "course-of-action")
    assert "description" in only(
        cut_new(PEER, INCIDENT, apart, made), "course-of-action"
    )
    stuck = granular(advice, made["id"], "confidence")
    redacted = cut_new(PLATFORM, INCIDENT, stuck, made)
    assert projected(redacted, "course-of-action") == []


def test_of_what_has_terms_of_its_own_nothing_is_made() -> None:
    case = marked(INCIDENT | {"x_own": 1}, GREEN)
    advice = marked(ADVICE, GREEN)
    plain = only(cut_new(CIVIL, case, advice), "course-of-action")
    assert plain["created"] == "2026-02-03T00:00:00.000Z"
    apart = granular(advice, policy()["id"], "created")
    redacted = cut_new(CIVIL, case, apart, policy())
    cuts = [
        c
        for c in redacted.cuts
        if c.place == "created" and c.object_type == "course-of-action"
    ]
    assert [(c.reason, c.made) for c in cuts] == [("policy-generalise", False)]


def test_a_long_chain_of_terms_that_go_is_cut_in_one_go() -> None:
    few = min(seconds_to_cut_a_chain(100) for _ in range(3))
    assert seconds_to_cut_a_chain(1_500) < 15 * 4 * few  # of a square, 225 times


def seconds_to_cut_a_chain(count: int) -> float:
    chain = [
        marked(policy(), GREEN)
        | {"id": f"marking-definition--{uuid.UUID(int=n, version=4)}"}
        for n in range(1, count)
    ]
    for one, other in itertools.pairwise(chain):
        one["object_marking_refs"] = [GREEN, other["id"]]
    chain[-1]["object_marking_refs"] = [AMBER]
    advice = marked(ADVICE, GREEN, chain[0]["id"])
    verified = signed(INCIDENT, advice, *chain)
    began = time.process_time()
    redacted = cut(verified, PLATFORM)
    seconds = time.process_time() - began
    assert projected(redacted) == [only(redacted, "incident")]
    assert redacted.reasons["marking-withheld"] == count - 1
    return seconds


def test_a_policy_that_does_not_show_terms_shows_nothing_under_them() -> None:
    line = f'  "extensions.{iep.EXTENSION}",\n'.encode()
    assert line in POLICY_FILE.read_bytes()
    mute = Policy(POLICY_FILE.read_bytes().replace(line, b""), "mute.toml")
    made = policy()
    redacted = cut(under(PEER, made).verified, PEER, mute)
    assert projected(redacted, "course-of-action") == []
    assert only(cut(redacted.verified, PEER, POLICY), "course-of-action")


@EVERYBODY
def test_an_iep_whose_terms_hold_unknown_members_is_unknown(to: View) -> None:
    made = policy()
    made["extensions"][iep.EXTENSION]["x_only"] = "you"
    verified = opened(bent(made))
    redacted = cut(verified, to)
    assert projected(redacted, "course-of-action") == []
    assert "marking-unknown" in redacted.reasons


@EVERYBODY
@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"end_date": "2026-12-01T12:00:00Z"}, "iep-expired"),
        ({"provider_attribution": "must-not"}, "attribution-visible"),
        ({"tlp": "red"}, "tlp-clearance"),
    ],
)
def test_what_another_issuer_signed_although_it_cannot_be_kept_goes_to_nobody(
    to: View, terms: dict[str, str], reason: str
) -> None:
    redacted = cut(opened(bent(policy(**terms))), to)
    assert projected(redacted, "course-of-action") == []
    assert reason in redacted.reasons


@EVERYBODY
def test_an_iep_that_has_not_ended_yet_holds(to: View) -> None:
    made = policy(end_date="2026-12-01T12:00:01Z")
    assert only(under(to, made), "course-of-action")


@EVERYBODY
def test_the_case_itself_is_taken_back_even_when_its_policy_has_ended(
    to: View,
) -> None:
    made = policy(end_date="2026-11-01T00:00:00Z")
    case = marked(INCIDENT | {"revoked": True}, GREEN, made["id"])
    redacted = cut_new(to, case, made, kind="retraction")
    assert only(redacted, "incident")["revoked"] is True


@BELOW_PEERS
@pytest.mark.parametrize(
    "actions", ["none", "contact-for-instruction", "internally-visible-actions"]
)
def test_who_may_do_nothing_that_shows_gets_nothing_below_peers(
    to: View, actions: str
) -> None:
    made = policy(permitted_actions=actions)
    redacted = under(to, made)
    assert projected(redacted, "course-of-action") == []
    assert "iep-actions" in redacted.reasons
    assert only(under(PEER, made), "course-of-action")


@EVERYBODY
def test_indirect_actions_are_enough(to: View) -> None:
    made = policy(permitted_actions="externally-visible-indirect-actions")
    assert only(under(to, made), "course-of-action")


@BELOW_PEERS
def test_the_tlp_of_an_iep_counts_where_it_is_stricter(to: View) -> None:
    made = policy(tlp="amber")
    for redacted in (under(to, made), cut(opened(bent(made)), to)):
        assert projected(redacted, "course-of-action") == []
    assert only(under(PEER, made), "course-of-action")


@EVERYBODY
def test_cutting_again_under_marks_changes_nothing(to: View) -> None:
    made = policy(AMBER, permitted_actions="none")
    advice = granular(
        marked(ADVICE, GREEN, made["id"]) | {"labels": ["PAP:AMBER", "b"]},
        RED_PAP["id"],
        "labels",
    )
    first = cut_new(to, INCIDENT, advice, made, RED_PAP)
    again = cut(opened(first.evidence), to)
    assert again.evidence == first.evidence
    assert projected(again) == projected(first)


def test_a_pap_extension_is_shown_whole() -> None:
    made = marked(
        new(
            "marking-definition",
            "PAP:AMBER",
            definition_type=None,
            definition=None,
            extensions={
                pap.EXTENSION: {"extension_type": "property-extension", "pap": "amber"}
            },
        ),
        GREEN,
    )
    redacted = cut_new(CIVIL, INCIDENT, marked(ADVICE, GREEN, made["id"]), made)
    assert only(redacted, "marking-definition")["extensions"] == made["extensions"]
