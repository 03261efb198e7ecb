"""A policy as tables: each entry with its word for each audience, and its line."""

import pytest

from adapters import policy_table
from adapters.policy_names import properties_of
from tests.support.policy_files import REASON, SHIPPED, compiled, limit, row, table
from tests.support.views import POLICY, VIEWS


def test_every_gate_and_row_has_a_word_for_each_audience_and_its_line():
    text = SHIPPED.read_text("utf-8").splitlines()
    for entries, header in (
        (policy_table.gates(POLICY), "[[gate]]"),
        (policy_table.rows(POLICY), "[[row]]"),
    ):
        assert {text[entry.line - 1] for entry in entries} == {header}
        assert {tuple(e.words) for e in entries} == {tuple(POLICY.audiences)}
    amber = policy_table.gates(POLICY)[2]
    assert (amber.title, amber.words["platform"]) == ("TLP:AMBER", "affected")


@pytest.mark.parametrize("kind", sorted(POLICY.types))
def test_each_property_of_a_type_is_decided_as_the_policy_decides_it(kind: str):
    found = policy_table.of_type(POLICY, kind)
    assert {each.property for each in found} >= properties_of(kind) - {"extensions"}
    for each in found:
        for role in each.roles:
            for to in VIEWS.values():
                rule = POLICY.seen_by(to).of(kind, role, each.property)
                is_told = to.concerned == each.concerned
                if is_told and to.audience in each.actions:
                    said = each.actions[to.audience]
                    assert said == policy_table.spelled(rule)
                    assert each.row == rule.row


def test_concerned_is_told_where_it_matters():
    names = [
        (each.roles, each.concerned, each.actions["platform"])
        for each in policy_table.of_type(POLICY, "channel")
        if each.property == "name"
    ]
    assert names == [
        (("operated",), False, "pseudonymise"),
        (("ordinary",), False, "drop"),
        (("protected",), False, "drop"),
        (("operated",), True, "keep"),
    ]


def test_a_rule_is_spelled_with_what_bounds_it():
    made = compiled(
        row("tool", "labels", "listed", only="x"),
        row("tool", "name", "hold", approvals=2),
        row("tool", "description", "mask"),
        table("list", name="x", words=["a"], reason=REASON),
    )
    said = {
        e.property: e.actions["peer-cert"] for e in policy_table.of_type(made, "tool")
    }
    assert said["labels"] == "listed: x"
    assert said["name"] == "hold: 2, meanwhile drop"
    assert said["description"] == "mask"
    assert said["aliases"] == "drop"
    (aliases,) = (
        e for e in policy_table.of_type(made, "tool") if e.property == "aliases"
    )
    assert (aliases.row, aliases.line, aliases.limit) == (0, 0, 0)


def test_a_type_that_no_row_names_is_withheld_whole():
    made = compiled(row("*", "labels", "keep"), row("tool"))
    found = policy_table.of_type(made, "malware")
    assert {action for each in found for action in each.actions.values()} == {"drop"}
    assert "labels" in {each.property for each in found}


def test_limits_are_told_those_of_laws_apart():
    made = compiled(
        row("note", "content", "keep"),
        limit("note", "content", "mask"),
        limit("note", "content", "drop", jurisdictions=["DE"]),
        limit("*", "content", "drop", jurisdictions=["FR"]),
    )
    content = next(
        e for e in policy_table.of_type(made, "note") if e.property == "content"
    )
    assert (content.actions["peer-cert"], content.limit) == ("mask", 1)
    assert [n for n, _ in policy_table.limits_of(made, "note")] == [2, 3]
    assert [n for n, _ in policy_table.limits_of(made, "tool")] == [3]
