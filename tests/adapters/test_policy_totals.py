"""Effects of many records, added up."""

from typing import Any

from adapters.policy_effect import Effect, PartChange
from adapters.policy_totals import Tally, Totals, Turned


def part(change: Any = "shown", title: str = "Labels", number: int = 1) -> PartChange:
    return PartChange(
        change=change,
        title=title,
        object_type="tool",
        object_id=f"tool--{number}",
        property="labels",
        before="nothing",
        after="signed",
    )


def of(audience: Any, *parts: PartChange, before: str = "", after: str = "") -> Effect:
    return Effect(
        audience=audience, refused_before=before, refused_after=after, parts=parts
    )


def test_parts_are_counted_by_audience_row_and_record():
    totals = Totals(["peer-cert", "platform"], places=5)
    totals.add("a", [of("peer-cert", part(), part("hidden")), of("platform")])
    totals.add("b", [of("peer-cert", part(), part(title="Advice")), of("platform")])
    assert totals.records == 2
    assert totals.audiences == {
        "peer-cert": Tally(shown=3, hidden=1, records=2),
        "platform": Tally(),
    }
    assert totals.titles == {
        ("peer-cert", "Labels"): Tally(shown=2, hidden=1, records=2),
        ("peer-cert", "Advice"): Tally(shown=1, records=1),
    }
    assert totals.by_record == {
        ("a", "peer-cert"): Tally(shown=1, hidden=1, records=1),
        ("b", "peer-cert"): Tally(shown=2, records=1),
    }


def test_the_first_places_of_each_kind_are_remembered():
    totals = Totals(["public"], places=2)
    parts = [part("changed", number=n) for n in range(5)]
    totals.add("a", [of("public", *parts, part("hidden"))])
    assert [f.part.object_id for f in totals.places["changed"]] == [
        "tool--0",
        "tool--1",
    ]
    assert [f.record for f in totals.places["hidden"]] == ["a"]
    assert totals.places["shown"] == []


def test_of_a_record_given_or_refused_as_a_whole_no_places_are_listed():
    totals = Totals(["public"], places=2)
    totals.add("a", [of("public", part(), before="tlp-audience")])
    totals.add("b", [of("public", part("hidden"), after="retention")])
    totals.add("c", [of("public", before="kind", after="kind")])
    assert totals.turned == [
        Turned("a", "public", True, "tlp-audience"),
        Turned("b", "public", False, "retention"),
    ]
    assert not any(totals.places.values())
    assert totals.audiences["public"] == Tally(shown=1, hidden=1, records=2)
