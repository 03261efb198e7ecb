"""One record side by side: each column has what its projection has, and nothing else."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given as given_by
from hypothesis import settings
from hypothesis import strategies as st

from adapters.cli.demo.secrets import CANARIES
from adapters.comparing import Given, compare, give
from adapters.comparison import STATES, Card, Cell, Comparison, flat
from adapters.policy import Policy
from adapters.view import View
from broker.trust import Verified
from schemas.markings import TLP_IDS, Tlp
from tests.support.policy_files import REASON, compiled, row
from tests.support.tangles import tangles, views
from tests.support.views import (
    AUTHOR,
    BANK,
    CIVIL,
    INCIDENT,
    NOW_TEXT,
    PEER,
    PERSON,
    POLICY,
    SAMPLES,
    VIEWS,
    link,
    new,
    sample,
    signed,
    strings,
    view,
)

ADVICE = new("course-of-action", "Change passwords")
ALL = [*VIEWS.values(), view("research"), view("peer-cert", Tlp.CLEAR)]


def side_by_side(
    record: Verified, to: Sequence[View], policy: Policy = POLICY
) -> tuple[Comparison, list[Given]]:
    given = [
        give(record, each, policy, author=AUTHOR, now=NOW_TEXT, name=str(n))
        for n, each in enumerate(to)
    ]
    return compare(record, policy, given), given


def cells(record: Verified, to: View, one: dict[str, Any], *place: str) -> Cell:
    """The cell of a property; objects are found by what they say, ids change."""
    comparison, _ = side_by_side(record, [to])
    return comparison.row(id_of(record, one), place).cells[0]


def id_of(record: Verified, one: dict[str, Any]) -> str:
    (found,) = (
        plain["id"]
        for plain in record.plain
        if plain["type"] == one["type"] and plain.get("name") == one.get("name")
    )
    return found


def column(comparison: Comparison, n: int) -> list[Cell]:
    return [row.cells[n] for card in comparison.cards for row in card.rows]


def check_columns(comparison: Comparison, given: list[Given]) -> None:
    """What a column shows stands in its projection; what it withholds it does not show."""
    for n, side in enumerate(given):
        there = {} if not side.projection else json.loads(side.projection)
        stands = set(strings(there))
        shown: set[str] = set()
        for cell in column(comparison, n):
            leaves = {str(leaf) for _, leaf in flat(cell.value)}
            assert leaves <= stands
            shown |= leaves
            if cell.state in ("withheld", "part", "waiting", "made"):
                assert cell.why
            if cell.state == "withheld":
                assert cell.value is None
            if cell.state == "made":
                assert cell.instead
            assert (cell.state == "full") or not set(cell.why) & {""}
        for each in comparison.cards:
            for one in each.rows:
                if one.cells[n].state == "withheld":
                    leaves = {str(leaf) for _, leaf in flat(one.signed)}
                    assert not (leaves & shown) - stands
        assert sum(comparison.columns[n].totals.values()) == len(column(comparison, n))


# ------------------------------------------------------------------------- laws


@pytest.mark.parametrize("name", SAMPLES)
def test_every_value_in_a_column_stands_in_that_projection(name):
    check_columns(*side_by_side(sample(name), ALL))


@pytest.mark.parametrize("name", SAMPLES)
def test_no_secret_of_a_sample_is_in_the_column_of_who_may_not_see_it(name):
    record = sample(name)
    comparison, given = side_by_side(record, list(VIEWS.values()))
    whole = json.dumps(record.plain)
    for canary in CANARIES:
        for n, side in enumerate(given):
            text = json.dumps(msgspec.to_builtins(column(comparison, n)))
            if canary.value in whole and canary.value not in side.projection.decode():
                assert canary.value not in text


@given_by(tangles(), st.lists(views, min_size=1, max_size=3))
@settings(max_examples=60, derandomize=True)
def test_the_same_holds_of_every_record_and_every_view(objects, to):
    record = signed(*objects, primary=INCIDENT["id"])
    check_columns(*side_by_side(record, to))


@pytest.mark.parametrize("name", SAMPLES)
def test_who_is_trusted_more_has_no_more_withheld(name):
    comparison, _ = side_by_side(sample(name), [PEER, CIVIL])
    most, least = (each.totals["withheld"] for each in comparison.columns)
    assert most <= least


# ------------------------------------------------------------------------ cells


def test_a_value_that_the_issuer_wrote_is_given_in_full():
    cell = cells(signed(INCIDENT, BANK), PEER, BANK, "name")
    assert cell == Cell("full", BANK["name"])


def test_a_made_value_says_what_it_is_and_why():
    record = signed(INCIDENT, BANK)
    comparison, _ = side_by_side(record, [CIVIL])
    cell = comparison.row(id_of(record, BANK), ("name",)).cells[0]
    assert (cell.state, cell.instead) == ("made", "a coarser value")
    assert cell.value.startswith("an organisation")
    assert "attacked" in cell.why[0]


def test_a_withheld_value_gives_the_sentence_of_its_row():
    cell = cells(
        signed(INCIDENT | {"description": "Words."}), CIVIL, INCIDENT, "description"
    )
    assert cell.state == "withheld"
    assert cell.value is None
    assert "slip through" in cell.why[0]


def test_a_text_without_a_sentence_is_given_in_part():
    text = "The mail server was attacked. The owner can be called at +62 812-3456-7890."
    case = INCIDENT | {"description": text, "lang": "en"}
    cell = cells(signed(case), PEER, INCIDENT, "description")
    assert cell.state == "part"
    assert cell.value == "The mail server was attacked. [withheld]"
    assert cell.why


def test_what_waits_for_persons_is_waiting_with_what_stands_there_meanwhile():
    policy = compiled(
        row("incident", "name"),
        row("identity", "name", peer="hold", meanwhile="generalise", approvals=2),
    )
    record = signed(INCIDENT, BANK)
    comparison, _ = side_by_side(record, [PEER], policy)
    cell = comparison.row(id_of(record, BANK), ("name",)).cells[0]
    assert (cell.state, cell.instead) == ("waiting", "a coarser value")
    assert cell.value == "an organisation"
    assert cell.why == (f"It waits until two persons agree. {REASON}",)
    assert comparison.columns[0].totals["waiting"] == 1


def test_of_an_object_that_waits_every_part_waits():
    advice = ADVICE | {"labels": ["protect:defenders"]}
    record = signed(INCIDENT, advice)
    comparison, _ = side_by_side(record, [PEER, CIVIL])
    (card,) = (c for c in comparison.cards if c.object_type == "course-of-action")
    assert {one.cells[0].state for one in card.rows} == {"waiting"}
    assert {one.cells[1].state for one in card.rows} == {"withheld"}
    assert card.lost[0]
    assert card.lost[1]


def test_of_an_object_that_went_a_property_gives_its_own_reason_first():
    record = signed(INCIDENT, PERSON)
    name = cells(record, CIVIL, PERSON, "name")
    created = cells(record, CIVIL, PERSON, "created")
    assert "not named outside the case" in name.why[0]
    # Nothing stands there for the object, whatever a row would have made of the time.
    assert created.why[0].startswith("Without the withheld part")


def test_a_reference_to_a_new_id_is_the_same_reference():
    tie = link(INCIDENT, "targets", BANK)
    record = signed(INCIDENT, BANK, tie)
    comparison, _ = side_by_side(record, [PEER])
    (card,) = (c for c in comparison.cards if c.object_type == "relationship")
    (target,) = (r for r in card.rows if r.name == "target_ref")
    assert target.cells[0].state == "full"
    assert target.cells[0].why == ()
    assert target.cells[0].value != target.signed
    assert comparison.columns[0].ids[target.cells[0].value] == target.signed


def test_what_is_written_safely_is_given_in_full_and_says_so():
    bad = new("domain-name", value="bad.example")
    tie = link(new("malware", "m"), "communicates-with", bad)
    record = signed(INCIDENT, new("malware", "m"), bad, tie)
    (found,) = (p["id"] for p in record.plain if p["type"] == "domain-name")
    comparison, _ = side_by_side(record, [CIVIL])
    cell = comparison.row(found, ("value",)).cells[0]
    assert (cell.state, cell.value) == ("full", "bad[.]example")
    assert "as the issuer wrote it" in cell.why[0]


def test_what_the_adapter_writes_anew_is_not_taken_for_the_issuers():
    cell = cells(signed(INCIDENT), PEER, INCIDENT, "modified")
    assert (cell.state, cell.value) == ("full", None)
    assert cell.instead == "the adapter's own"


def test_marks_of_parts_are_applied_and_stay_in_the_evidence():
    case = INCIDENT | {
        "description": "Words.",
        "granular_markings": [
            {"marking_ref": TLP_IDS[Tlp.GREEN], "selectors": ["description"]}
        ],
    }
    cell = cells(signed(case), PEER, INCIDENT, "granular_markings")
    assert (cell.state, cell.value) == ("full", None)


def test_ids_of_other_records_are_written_anew():
    note = new("note", object_refs=[INCIDENT["id"]])
    other = f"incident--{'0' * 8}-0000-4000-8000-000000000000"
    record = signed(INCIDENT, note | {"object_refs": [INCIDENT["id"], other]})
    (found,) = (p["id"] for p in record.plain if p["type"] == "note")
    comparison, _ = side_by_side(record, [PEER])
    cell = comparison.row(found, ("object_refs",)).cells[0]
    assert cell.state == "full"
    assert cell.why


def test_the_issuers_coarse_value_stands_in_the_row_of_the_exact_one():
    victim = new("ipv4-addr", value="198.51.100.23")
    record = signed(INCIDENT, victim, coarse=frozenset({"address"}))
    (found,) = (p["id"] for p in record.plain if p["type"] == "ipv4-addr")
    comparison, _ = side_by_side(record, [PEER])
    (card,) = (c for c in comparison.cards if c.object_id == found)
    assert not [one for one in card.rows if "coarse" in one.name]
    one = comparison.row(found, ("value",))
    assert one.signed == "198.51.100.23"
    assert one.cells[0].value == "198.51.100.0/24"
    assert one.cells[0].instead == "the issuer's own coarser value"


# ------------------------------------------------------------------ the whole record


def test_a_view_that_gets_nothing_says_why_in_every_cell():
    record = signed(INCIDENT, tlp=Tlp.AMBER)
    comparison, given = side_by_side(record, [PEER, CIVIL])
    refusal = comparison.columns[1].refusal
    assert refusal is not None
    assert refusal.reason == "tlp-clearance"
    assert {c.why for c in column(comparison, 1)} == {(refusal.why,)}
    assert comparison.columns[0].refusal is None
    assert given[1].redacted is None
    assert comparison.columns[1].totals["withheld"] == len(column(comparison, 1))


def test_it_begins_with_what_the_record_is_about_and_ends_with_marks():
    statement = new(
        "marking-definition",
        definition_type="statement",
        definition={"statement": "For members."},
    )
    tie = link(INCIDENT, "targets", BANK)
    address = new("ipv4-addr")
    record = signed(tie, statement, address, BANK, INCIDENT, primary=INCIDENT["id"])
    comparison, _ = side_by_side(record, [PEER])
    kinds = [each.object_type for each in comparison.cards]
    assert kinds == [
        "incident", "identity", "ipv4-addr", "relationship", "marking-definition",
    ]  # fmt: skip
    assert [each.number for each in comparison.cards] == [1, 2, 3, 4, 5]
    assert comparison.numbers()[comparison.record] == (1, "incident")
    assert comparison.title == INCIDENT["name"]


def test_a_card_begins_with_its_name_and_ends_with_times_and_marks():
    record = sample("election-leak")
    comparison, _ = side_by_side(record, [PEER])
    first = comparison.cards[0]
    assert first.rows[0].name == "name"
    minor = [each.is_minor for each in first.rows]
    assert minor == sorted(minor)
    assert "incident-core event refs" in {each.spoken for each in first.rows}


def test_a_path_leads_to_the_value_as_signed():
    record = sample("bank-phishing")
    comparison, _ = side_by_side(record, [PEER])
    card: Card = comparison.cards[0]
    index = int(card.path.removeprefix("$.objects[").removesuffix("]"))
    assert record.plain[index]["id"] == card.object_id
    assert all(each.path.startswith(card.path) for each in card.rows)


def test_a_column_says_what_the_policy_knows_of_its_view():
    to = view("platform", jurisdiction="SE", addressed=True, concerned=True)
    record = signed(INCIDENT)
    given = [
        give(record, to, POLICY, author=AUTHOR, now=NOW_TEXT),
        give(record, PEER, POLICY, author=AUTHOR, now=NOW_TEXT, name="cert-borea"),
    ]
    first, second = compare(record, POLICY, given).columns
    assert (first.name, first.heading) == ("platform", "online platforms")
    assert first.described == (
        "platform, up to TLP:GREEN, law of SE, addressed by name, named as concerned"
    )
    assert (second.heading, second.described) == (
        "cert-borea",
        "peer-cert, up to TLP:AMBER",
    )


def test_a_column_says_that_its_audience_waits():
    comparison, _ = side_by_side(signed(INCIDENT), [view("research")])
    assert comparison.columns[0].described == "research, up to TLP:GREEN, 30 days later"


def test_an_audience_that_the_policy_does_not_have_gets_nothing_and_is_called_as_it_is():
    record = signed(INCIDENT)
    comparison, _ = side_by_side(record, [view("research")], compiled(row("incident")))
    (only,) = comparison.columns
    assert only.called == "research"
    assert only.refusal is not None


def test_totals_have_every_state():
    comparison, _ = side_by_side(signed(INCIDENT), [PEER])
    assert tuple(comparison.columns[0].totals) == STATES


def test_a_record_without_its_primary_object_has_no_title():
    record = msgspec.structs.replace(signed(INCIDENT), primary=None)
    claims = msgspec.structs.replace(record.claims, sub="incident--other")
    record = msgspec.structs.replace(record, claims=claims)
    comparison, _ = side_by_side(record, [PEER])
    assert comparison.title == ""
    assert comparison.columns[0].refusal is not None


def test_what_a_value_holds_is_listed_with_the_names_that_lead_to_it():
    value = {"a": [1, {"b": True}], "c": None, "d": {}}
    assert list(flat(value)) == [("a", 1), ("a b", True)]
    assert list(flat("x")) == [("", "x")]
