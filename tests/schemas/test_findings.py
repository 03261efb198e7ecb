"""Findings: a rule and a place; places that differ only in a number count together."""

from schemas.errors import SchemaError
from schemas.findings import Finding, Findings, fault


def test_a_refusal_becomes_a_finding_with_its_place() -> None:
    error = SchemaError("bad-id", "$.objects[3].id")
    assert fault(error) == Finding("bad-id", "$.objects[3].id", "", 1)
    assert fault(error, "an id").expected == "an id"


def test_places_that_differ_in_a_position_alone_count_as_one() -> None:
    found = Findings()
    for place in (
        "$.objects[3].labels[0]",
        "$.objects[12].labels[7]",
        "row 3, column 2",
    ):
        found.add("bad-value", place)
    found.add("bad-value", "row 4, column 2")
    assert list(found) == [
        Finding("bad-value", "$.objects[3].labels[0]", count=2),
        Finding("bad-value", "row 3, column 2", count=2),
    ]


def test_another_rule_place_or_expectation_counts_for_itself() -> None:
    found = Findings()
    for each in (("a", "$[0]"), ("b", "$[1]"), ("a", "$[2].c"), ("a", "$[3]", "x")):
        found.add(*each)
    assert [each.count for each in found] == [1, 1, 1, 1]


def test_counts_of_counted_findings_add_up() -> None:
    found = Findings()
    found.put(Finding("a", "$[1]", count=3))
    found.put(Finding("a", "$[2]", count=4))
    assert list(found) == [Finding("a", "$[1]", count=7)]


def test_nothing_found_is_false() -> None:
    found = Findings()
    assert not found
    assert list(found) == []
    found.add("a", "")
    assert found
