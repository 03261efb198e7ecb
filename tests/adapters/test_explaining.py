"""Every cut in words: where it is, what of the policy decided, what stands instead."""

import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from adapters.cuts import NotGivenError
from adapters.explaining import (
    Explanation,
    Refusal,
    explained,
    json_path,
    meaning,
    refused,
)
from adapters.policy import Policy
from adapters.redaction import Redacted
from adapters.view import View
from broker.trust import Verified
from schemas import profile
from schemas.markings import TLP_IDS, Tlp
from tests.support import records
from tests.support.policies import policy as iep
from tests.support.policy_files import (
    REASON,
    compiled,
    limit,
    row,
    table,
)
from tests.support.tangles import tangles, views
from tests.support.views import (
    BANK,
    CIVIL,
    GREEN,
    INCIDENT,
    MALWARE,
    PEER,
    PERSON,
    PLATFORM,
    POLICY,
    POLICY_FILE,
    SAMPLES,
    VIEWS,
    core,
    cut,
    granular,
    link,
    marked,
    new,
    opened,
    projected,
    sample,
    signed,
    view,
)

ADVICE = new("course-of-action", "Change passwords")
LINES = POLICY_FILE.read_text("utf-8").splitlines()


def told(to: View, *objects: dict[str, Any], policy: Policy = POLICY, **signing: Any):
    return explained(cut(signed(*objects, **signing), to, policy), policy)


def the(found: list[Explanation], kind: str, name: str = "") -> Explanation:
    (one,) = (e for e in found if (e.object_type, e.property) == (kind, name))
    return one


def refusal(
    verified: Verified, to: View, policy: Policy = POLICY, **redacting: Any
) -> Refusal:
    with pytest.raises(NotGivenError) as caught:
        cut(verified, to, policy)
    return refused(verified, to, policy, caught.value)


def at(verified: Verified, path: str) -> Any:
    """Follow a JSON path, as a reader of RFC 9535 does."""
    value: Any = {"objects": list(verified.plain)}
    for name, index, quoted in re.findall(
        r"\.([A-Za-z_]\w*)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]", path
    ):
        value = value[int(index)] if index else value[name or quoted]
    return value


# ------------------------------------------------------------------------- where


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("to", VIEWS.values(), ids=VIEWS)
def test_every_cut_of_a_sample_is_told_with_a_path_that_leads_to_it(name, to):
    record = sample(name)
    redacted = cut(record, to)
    found = explained(redacted, POLICY)
    assert len(found) == len(redacted.cuts)
    for each in found:
        place = at(record, each.path)
        if not each.property:
            assert place["id"] == each.object_id
        if each.unit == "element":
            assert each.path.endswith(f"[{each.element}]")
        assert each.why.endswith(".")
        assert "refused" not in each.why.lower()


def test_a_name_that_is_no_plain_word_is_quoted_in_a_path():
    assert json_path(3, ("extensions", "extension-definition--x", "name"), 2) == (
        "$.objects[3].extensions['extension-definition--x'].name[2]"
    )
    assert json_path(0, ('it\'s \\ "so"\n',)) == (
        "$.objects[0]['it\\'s \\\\ \"so\"\\n']"
    )


def test_a_sentence_that_was_cut_has_its_number_and_what_was_found():
    text = "The mail server was attacked. The owner can be called at +62 812-3456-7890."
    case = INCIDENT | {"description": text, "lang": "en"}
    found = the(told(PEER, case), "incident", "description")
    assert (found.element, found.unit, found.reason) == (1, "sentence", "mask-hit")
    assert found.path.endswith(".description")
    assert found.found
    assert found.why.startswith(meaning("mask-hit"))
    assert found.instead == ""


def test_an_element_that_was_cut_has_its_place_in_the_list():
    lost = new("threat-actor", "Hollow Reed")
    report = new("report", "r", object_refs=[INCIDENT["id"], lost["id"]])
    found = told(CIVIL, report, INCIDENT, marked(lost, TLP_IDS[Tlp.AMBER]))
    one = the(found, "report", "object_refs")
    assert one.reason == "reference-withheld"
    assert one.path.endswith(".object_refs[1]")
    assert (one.element, one.unit) == (1, "element")


# --------------------------------------------------------------------------- what


def test_a_row_is_named_by_number_title_and_line():
    found = the(told(CIVIL, INCIDENT, BANK), "identity", "name")
    row_of = found.row
    assert row_of is not None
    assert row_of.title == "The name of an organisation"
    assert POLICY.row(row_of.number).title == row_of.title
    assert LINES[row_of.line - 1] == "[[row]]"
    assert row_of.title in LINES[row_of.line]
    assert found.why == POLICY.reason(row_of.number)
    assert (found.limit, found.gate) == (None, None)


def test_a_limit_that_made_a_row_stricter_is_named_beside_it():
    policy = compiled(
        row("incident identity", "name"), limit("identity", "name", "drop")
    )
    found = the(told(PEER, INCIDENT, BANK, policy=policy), "identity", "name")
    assert found.row is not None
    assert found.limit is not None
    assert found.limit.title == "A limit of a test"
    assert found.limit.line > found.row.line


@pytest.mark.parametrize(
    ("labels", "to", "mark"),
    [
        (["PAP:RED"], CIVIL, "PAP:RED"),
        (["protect:minors"], PEER, "protect:minors"),
        (["protect:survivors"], PEER, "protect:survivors"),
        (["protect:survivors"], CIVIL, "protect:survivors"),
        (["protect:nobody-knows"], PEER, "protect:minors"),
    ],
)
def test_a_gate_is_named_by_its_mark_and_says_why(labels, to, mark):
    found = the(told(to, INCIDENT, ADVICE | {"labels": labels}), "course-of-action")
    assert found.gate is not None
    assert found.gate.title == mark
    assert LINES[found.gate.line - 1] == "[[gate]]"
    assert f'"{mark}"' in LINES[found.gate.line]
    (said,) = (g.reason for g in POLICY.file.gate if g.mark == mark)
    assert said in found.why


def test_what_is_held_waits_for_as_many_as_the_gate_says():
    advice = ADVICE | {"labels": ["protect:defenders"]}
    found = the(told(PEER, INCIDENT, advice), "course-of-action")
    assert (found.reason, found.approvals) == ("held", 2)
    assert found.why.startswith("It waits until two persons agree.")


def test_terms_that_permit_no_action_name_their_gate():
    made = iep(permitted_actions="none")
    advice = marked(ADVICE, GREEN, made["id"])
    found = the(told(CIVIL, INCIDENT, advice, made), "course-of-action")
    assert found.gate is not None
    assert found.gate.title == "IEP:unseen"


def test_a_mark_above_the_clearance_is_no_matter_of_a_gate():
    advice = marked(ADVICE, TLP_IDS[Tlp.AMBER])
    found = the(told(CIVIL, INCIDENT, advice), "course-of-action")
    assert found.gate is None
    assert "TLP:AMBER" in found.why
    assert "TLP:GREEN" in found.why


def test_a_tlp_that_the_gate_does_not_let_pass_names_it():
    advice = marked(ADVICE, TLP_IDS[Tlp.AMBER_STRICT])
    to = view("peer-cert", Tlp.AMBER_STRICT)
    found = the(told(to, INCIDENT, advice), "course-of-action")
    assert found.gate is not None
    assert found.gate.title == "TLP:AMBER+STRICT"


@pytest.mark.parametrize("to", [CIVIL, view("platform", Tlp.AMBER)])
def test_the_tlp_of_terms_is_not_taken_for_the_objects_own(to):
    made = marked(iep(tlp="amber"), GREEN)
    advice = marked(ADVICE, GREEN, made["id"])
    case = marked(INCIDENT, TLP_IDS[Tlp.CLEAR])
    # As another issuer may sign it; ours would mark the object as its terms are.
    record = opened(records.mint(records.tree(case, advice, made, tlp="CLEAR")))
    found = the(explained(cut(record, to), POLICY), "course-of-action")
    assert found.reason.startswith("tlp-")
    assert found.gate is None
    assert "TLP:GREEN" not in found.why


def test_a_part_with_a_mark_of_its_own_says_so():
    advice = granular(
        ADVICE | {"description": "Use a second factor."},
        TLP_IDS[Tlp.AMBER],
        "description",
    )
    found = the(told(CIVIL, INCIDENT, advice), "course-of-action", "description")
    assert (found.reason, found.gate, found.row) == ("granular-tlp", None, None)


def test_an_object_that_is_incomplete_says_what_it_lacks():
    found = told(CIVIL, INCIDENT, PERSON)
    assert "Needed, and withheld: name." in the(found, "identity").why
    lost = marked(PERSON, TLP_IDS[Tlp.AMBER])
    tie = link(MALWARE, "targets", lost)
    found = told(CIVIL, INCIDENT, MALWARE, lost, tie)
    assert "Needed, and withheld: target_ref." in the(found, "relationship").why


def test_what_came_incomplete_names_nothing_that_was_withheld_here():
    record = signed(INCIDENT, ADVICE)
    (i,) = (i for i, o in enumerate(record.objects) if o.type == ADVICE["type"])
    lost = record.origins[i].names["name"]
    kept = [t for j, t in enumerate(record.opened.texts) if j != lost]
    again = opened(b"~".join([record.opened.jwt, *kept, b""]))
    found = the(explained(cut(again, PEER), POLICY), "course-of-action")
    assert found.why == meaning("required-withheld")


# ------------------------------------------------------------------------ instead


def test_what_stands_instead_is_said_in_words():
    counts = core(impacted_entity_counts={"individual": 412})
    name = "extensions.incident-core.impacted_entity_counts"
    found = told(CIVIL, INCIDENT | {"extensions": counts}, BANK)
    assert the(found, "incident", name).instead == "a coarser value"
    assert the(told(PEER, INCIDENT, PERSON), "identity", "name").instead == (
        "a made-up name"
    )


def test_a_time_that_the_adapter_writes_anew_is_no_coarser_value():
    found = told(CIVIL, INCIDENT, ADVICE)
    assert the(found, "course-of-action", "modified").instead == ""
    assert the(found, "course-of-action", "created").instead == "a coarser value"


def test_the_issuers_own_coarser_value_is_called_so():
    victim = new("ipv4-addr", value="198.51.100.23")
    found = told(PEER, INCIDENT, victim, coarse=frozenset({"address"}))
    assert the(found, "ipv4-addr", "value").instead == "the issuer's own coarser value"


@pytest.mark.parametrize("meanwhile", ["pseudonymise", "drop"])
def test_what_waits_says_what_stands_there_meanwhile(meanwhile):
    policy = compiled(
        row("incident", "name"),
        row("identity", "name", peer="hold", meanwhile=meanwhile, approvals=4),
    )
    held = new("identity", "Bank", identity_class="organization")
    redacted = cut(signed(INCIDENT, held), PEER, policy)
    found = the(explained(redacted, policy), "identity", "name")
    assert found.approvals == 4
    assert found.why == f"It waits until 4 persons agree. {REASON}"
    expected = "a made-up name" if meanwhile == "pseudonymise" else ""
    assert found.instead == expected


def test_what_a_narrower_view_gets_stands_for_a_text_that_holds_a_name():
    policy = compiled(
        row("incident", "name"),
        row("identity", "name", "mask", "generalise", "generalise"),
    )
    named = BANK | {"name": "Write to berrick.osgathe@people.example"}
    found = the(told(PEER, INCIDENT, named, policy=policy), "identity", "name")
    assert (found.reason, found.instead) == ("mask-hit", "a value made by the adapter")


def test_nothing_stands_for_what_goes_with_its_object():
    found = told(CIVIL, INCIDENT, PERSON)
    assert the(found, "identity", "created").instead == ""


@given(tangles(), views)
@settings(max_examples=60, derandomize=True)
def test_what_is_said_to_stand_there_stands_there_and_no_value_is_told(objects, to):
    record = signed(*objects, primary=INCIDENT["id"])
    redacted, found = explanations(record, to)
    by_id = {} if redacted is None else by_signed_id(redacted)
    for each in found:
        if each.instead:
            value: Any = by_id[each.object_id]
            for name in profile.place_of(each.property):
                value = value[name]
            assert value is not None
    text = json.dumps(msgspec.to_builtins(found))
    for plain in record.plain:
        if plain["type"] == "identity":
            assert plain["name"] not in text


def explanations(
    record: Verified, to: View
) -> tuple[Redacted | None, Sequence[Explanation]]:
    try:
        redacted = cut(record, to)
    except NotGivenError as error:
        return None, refused(record, to, POLICY, error).cuts
    found = explained(redacted, POLICY)
    assert len(found) == len(redacted.cuts)
    return redacted, found


def by_signed_id(redacted: Redacted) -> dict[str, Any]:
    gone = {each.object_id for each in redacted.cuts if not each.place}
    stay = [o.id for o in redacted.verified.objects if o.id not in gone]
    return dict(zip(reversed(stay), reversed(projected(redacted)), strict=False))


# ---------------------------------------------------------------- the whole record


def test_a_record_above_the_clearance_says_both():
    found = refusal(signed(INCIDENT, tlp=Tlp.AMBER), CIVIL)
    assert found.reason == "tlp-clearance"
    assert "TLP:AMBER" in found.why
    assert "TLP:GREEN" in found.why


def test_a_record_that_a_gate_stops_gives_the_gates_reason():
    record = signed(INCIDENT, tlp=Tlp.AMBER)
    found = refusal(record, view("platform", Tlp.AMBER))
    assert found.gate is not None
    assert found.gate.title == "TLP:AMBER"
    assert found.why == next(
        g.reason for g in POLICY.file.gate if g.mark == "TLP:AMBER"
    )


def test_a_kind_that_is_not_for_an_audience_gives_the_gates_reason():
    record = signed(INCIDENT)
    claims = msgspec.structs.replace(record.claims, kind="takedown-request")
    found = refusal(msgspec.structs.replace(record, claims=claims), CIVIL)
    assert found.reason == "kind"
    assert found.gate is not None
    assert found.gate.title == "kind:takedown-request"
    assert found.why == POLICY.file.gate[found.gate.number - 1].reason


def test_a_record_that_is_too_old_gives_the_reason_of_the_law():
    rule = table("retention", jurisdictions=["SE"], days=1, reason=REASON)
    policy = compiled(row("incident", "name"), rule)
    found = refusal(signed(INCIDENT), view("peer-cert", jurisdiction="SE"), policy)
    assert (found.reason, found.why) == ("retention", REASON)


def test_another_community_is_said_in_a_sentence():
    found = refusal(
        signed(INCIDENT), view("peer-cert", communities=frozenset({"urn:x"}))
    )
    assert found.why == "Addressed to communities that this view is not part of."


def test_a_primary_object_that_is_withheld_says_what_took_it():
    case = INCIDENT | {"labels": ["protect:minors"]}
    found = refusal(signed(case), PLATFORM)
    assert found.reason == "primary-withheld"
    (one,) = (e for e in found.cuts if not e.property)
    assert one.gate is not None
    assert one.gate.title == "protect:minors"
    assert one.why in found.why


def test_a_bare_token_has_no_cut_to_tell():
    record = sample("election-leak")
    bare = msgspec.structs.replace(record, primary=None)
    assert refusal(bare, PEER).cuts == ()
