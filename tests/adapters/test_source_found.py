"""What a source gives: every member taken or listed, every object made once and whole."""

from typing import Any

import pytest
from hypothesis import given

from adapters.sources.found import Collected, Found, Intake, derived_id
from schemas import stix
from schemas.errors import SchemaError
from schemas.findings import Finding, Findings
from tests.support.records import MODIFIED, an_id
from tests.support.stix_values import json_objects

NAMES = frozenset({"name", "items", "Tag"})
CANARY = "Xylophone-Quartz"


def intake(**members: Any) -> tuple[Intake, Findings]:
    losses = Findings()
    return Intake(members, "$.Event", losses, NAMES), losses


def listed(losses: Findings) -> list[tuple[str, str, str]]:
    return [(each.rule, each.where, each.expected) for each in losses]


# --------------------------------------------------------------------- intake


@pytest.mark.parametrize(
    ("take", "value", "taken"),
    [
        ("text", "a", "a"),
        ("text", 12, "12"),
        ("flag", True, True),
        ("flag", "1", True),
        ("flag", 1, True),
        ("flag", "0", False),
        ("flag", 0, False),
        ("number", 5, 5),
        ("number", "12", 12),
    ],
)
def test_a_member_of_the_right_type_is_taken_once(
    take: str, value: Any, taken: Any
) -> None:
    given_members, losses = intake(name=value)
    assert given_members.has("name")
    assert getattr(given_members, take)("name") == taken
    assert not given_members.has("name")
    given_members.close()
    assert listed(losses) == []


@pytest.mark.parametrize(
    ("take", "value", "expected", "instead"),
    [
        ("text", [1], "a text", ""),
        ("text", True, "a text", ""),
        ("text", 1.5, "a text", ""),
        ("flag", "yes", "true or false", False),
        ("flag", [1], "true or false", False),
        ("number", "1e5", "a whole number", None),
        ("number", "9" * 16, "a whole number", None),
        ("number", 1.0, "a whole number", None),
        ("members", [1], "an object", None),
    ],
)
def test_a_member_of_another_type_counts_as_missing_and_is_listed(
    take: str, value: Any, expected: str, instead: Any
) -> None:
    given_members, losses = intake(name=value)
    assert getattr(given_members, take)("name") == instead
    assert listed(losses) == [("wrong-type", "$.Event.name", expected)]


@pytest.mark.parametrize("take", ["text", "flag", "number", "members"])
@pytest.mark.parametrize("value", [None, "", [], {}])
def test_what_is_empty_is_missing_and_not_listed(take: str, value: Any) -> None:
    given_members, losses = intake(name=value)
    if take == "members" and value == {}:
        return  # an object without members
    assert not getattr(given_members, take)("name")
    assert not getattr(given_members, take)("nothing")
    assert listed(losses) == []


def test_objects_inside_are_taken_with_their_places() -> None:
    given_members, losses = intake(
        items=[{"name": "a"}, 5, None, {"x": 1}], Tag={"name": 5}
    )
    inner = list(given_members.items("items"))
    assert [each.where for each in inner] == ["$.Event.items[0]", "$.Event.items[3]"]
    assert inner[0].text("name") == "a"
    inner[1].close()
    tag = given_members.members("Tag")
    assert tag is not None
    assert tag.where == "$.Event.Tag"
    tag.lose("unusable", "a tag")
    assert listed(losses) == [
        ("wrong-type", "$.Event.items[1]", "an object"),
        ("no-equivalent", "$.Event.items[3][...]", ""),
        ("unusable", "$.Event.Tag", "a tag"),
    ]


def test_texts_are_taken_with_their_places() -> None:
    given_members, losses = intake(items=["a", "", 5, None, "b"])
    assert list(given_members.texts("items")) == [
        ("$.Event.items[0]", "a"), ("$.Event.items[4]", "b"),
    ]  # fmt: skip
    assert listed(losses) == [("wrong-type", "$.Event.items[2]", "a text")]


@pytest.mark.parametrize("take", ["items", "texts"])
def test_what_is_no_list_is_listed(take: str) -> None:
    given_members, losses = intake(items={"a": 1})
    assert list(getattr(given_members, take)("items")) == []
    assert listed(losses) == [("wrong-type", "$.Event.items", "a list")]


def test_what_is_left_out_on_purpose_is_listed_by_its_rule() -> None:
    given_members, losses = intake(name="x", Tag="", items=[1], other=5)
    given_members.drop("person-left-out", "name", "Tag", "nothing")
    given_members.ignore("items", "nothing")
    given_members.close()
    given_members.close()
    assert listed(losses) == [
        ("person-left-out", "$.Event.name", ""),
        ("no-equivalent", "$.Event[...]", ""),
    ]


@given(json_objects)
def test_nothing_is_dropped_without_being_listed(members: dict[str, Any]) -> None:
    planted = {CANARY + name: value for name, value in members.items()}
    losses = Findings()
    Intake(planted, "$", losses).close()
    full = [v for v in planted.values() if v not in ("", None, [], {})]
    assert sum(each.count for each in losses) == len(full)
    assert CANARY not in str(list(losses))


# ------------------------------------------------------------------ collected


def collected() -> Collected:
    return Collected(Findings(), when=MODIFIED)


def test_an_object_is_made_whole() -> None:
    found = collected()
    tool = found.add(
        {"type": "tool", "id": an_id("tool"), "name": "x", "labels": [], "lang": None},
        "$.a",
    )
    address = found.add({"type": "url", "id": an_id("url"), "value": "a:b"}, "$.b")
    [first, second] = [stix.encode_object(each) for each in found.found().objects]
    assert (tool, address) == (first["id"], second["id"])
    assert first == {
        "type": "tool", "id": tool, "spec_version": "2.1", "created": MODIFIED,
        "modified": MODIFIED, "name": "x",
    }  # fmt: skip
    assert second.keys() == {"type", "id", "spec_version", "value"}
    assert found.found("x").places == {tool: "$.a", address: "$.b"}
    assert found.found("x").primary == "x"
    assert found.ids() == [tool, address]


@pytest.mark.parametrize(
    ("times", "created", "modified"),
    [
        ({"created": "2026-01-01T00:00:00Z"}, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ({"modified": "2026-01-02T00:00:00Z"}, "2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z"),
        ({"created": "2026-01-01T00:00:00Z", "modified": "2026-01-02T00:00:00Z"},
         "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    ],
)  # fmt: skip
def test_times_that_are_known_are_kept(
    times: dict[str, str], created: str, modified: str
) -> None:
    found = collected()
    found.add({"type": "tool", "id": an_id("tool"), "name": "x", **times}, "$")
    [made] = found.found().objects
    assert (made.created, made.modified) == (created, modified)


def test_an_object_is_made_once() -> None:
    found = collected()
    first, second = (
        found.add({"type": "tool", "id": an_id("tool"), "name": name}, f"$.{name}")
        for name in ("a", "b")
    )
    assert first == second
    assert found.found().places == {first: "$.a"}


@pytest.mark.parametrize("plain", [{"name": 5}, {}, {"name": "x", "created": "now"}])
def test_what_gives_no_valid_object_is_listed(plain: dict[str, Any]) -> None:
    found = collected()
    assert found.add({"type": "tool", "id": an_id("tool"), **plain}, "$.a") is None
    assert found.found() == Found(objects=(), losses=(Finding("unusable", "$.a"),))


def test_an_observable_has_the_id_that_stix_derives() -> None:
    found = collected()
    # As the library stix2 derives them.
    made = found.observable("ipv4-addr", "$", "value", value="198.51.100.3")
    assert made == "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"
    again = found.observable("ipv4-addr", "$", "value", value="198.51.100.3")
    assert again == made
    other = found.observable("file", "$", "name", "size", name="a", mime_type="x")
    same = found.observable("file", "$", "name", name="a")
    assert other == same == "file--0bdfffc2-d6e5-5347-b3d4-7511e49cb982"


def test_a_relationship_needs_both_its_ends() -> None:
    found = collected()
    tool = found.add({"type": "tool", "id": an_id("tool"), "name": "x"}, "$.a")
    other = found.add({"type": "tool", "id": an_id("tool", 2), "name": "y"}, "$.b")
    for source, target in ((None, tool), (tool, None), (tool, other), (tool, other)):
        found.relate("related-to", source, target)
    [made] = [each for each in found.found().objects if each.type == "relationship"]
    assert found.found().places[made.id] == "$.a"
    found.relate("uses", "tool--elsewhere", other)  # no id: no object
    assert [each.rule for each in found.found().losses] == ["unusable"]


def test_a_derived_id_is_always_the_same() -> None:
    assert derived_id("tool", "a", "b") == derived_id("tool", "a", "b")
    assert derived_id("tool", "a", "b") != derived_id("tool", "ab")
    assert derived_id("tool", "a") != derived_id("url", "a").replace("url", "tool")


# ---------------------------------------------------------------------- found


def test_an_input_without_a_fault_gives_its_objects() -> None:
    tool = stix.decode_object({"type": "tool", "id": an_id("tool")})
    assert Found(objects=(tool,)).whole() == (tool,)


def test_an_input_at_fault_raises_the_first_fault() -> None:
    faults = (Finding("bad-id", "$.a"), Finding("bad-property", "$.b"))
    with pytest.raises(SchemaError) as caught:
        Found(objects=(), faults=faults).whole()
    assert (caught.value.reason, caught.value.where) == ("bad-id", "$.a")
