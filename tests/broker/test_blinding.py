"""Blinding: no id that may derive from a value is signed, and what was meant stays."""

import io
import json
import time
import uuid
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broker.blinding import BlindMap, blind, must_replace, org_identity, own_id
from broker.signing import random_uuid
from schemas.markings import TLP_IDS, is_known_marking
from schemas.stix import OBSERVABLE_TYPES
from tests.support.records import an_id, entropy, new_uuids
from tests.support.stix_values import json_values

OWN = org_identity("cert-aq")
DERIVED = "ipv4-addr--5853f6a4-638f-5b4e-9b0f-ded361ae3812"
V4 = "00000000-0000-4000-8000-000000000001"
TLP_1_WHITE = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
EXTENSION = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"


def blinded(value: Any, known: dict[str, str] | None = None) -> Any:
    return next(blind([value], own=OWN, replace=BlindMap(new_uuids(), known or {})))


# -- which


@pytest.mark.parametrize(
    "stix_id",
    [
        pytest.param(DERIVED, id="an observable's, derived"),
        pytest.param(f"ipv4-addr--{V4}", id="an observable's, random"),
        pytest.param(f"user-account--{V4}", id="an account's"),
        pytest.param(f"email-addr--{V4}", id="a mail address's"),
        pytest.param(f"media-content--{V4}", id="a posting's"),
        pytest.param(f"identity--{V4}", id="an identity's, random"),
        pytest.param(org_identity("cert-bv"), id="another organisation's"),
        pytest.param(an_id("incident", version=1), id="of time and machine"),
        pytest.param(an_id("incident", version=3), id="derived by MD5"),
        pytest.param(an_id("campaign", version=5), id="derived by SHA-1"),
        pytest.param(an_id("incident", version=8), id="of a making of its own"),
        pytest.param(an_id("marking-definition", version=5), id="a marking of its own"),
        pytest.param(f"x-mine--{V4[:19]}0{V4[20:]}", id="another variant"),
        pytest.param("x-mine--00000000-0000-0000-0000-000000000000", id="nil"),
    ],
)
def test_an_id_that_may_tell_something_is_replaced(stix_id: str) -> None:
    assert must_replace(stix_id, OWN)


@pytest.mark.parametrize(
    "stix_id",
    [
        pytest.param(OWN, id="the issuer's own"),
        pytest.param(f"incident--{V4}", id="a random one"),
        pytest.param(f"indicator--{V4}", id="an indicator's, random"),
        pytest.param(f"marking-definition--{V4}", id="a random marking"),
        pytest.param(TLP_1_WHITE, id="TLP 1"),
        pytest.param(EXTENSION, id="an extension definition"),
        pytest.param(an_id("extension-definition", version=5), id="a derived one"),
        *[pytest.param(marking, id=tlp.name) for tlp, marking in TLP_IDS.items()],
    ],
)
def test_an_id_that_tells_nothing_or_is_common_knowledge_stays(stix_id: str) -> None:
    assert not must_replace(stix_id, OWN)
    assert blinded({"id": stix_id, "name": f"see {stix_id}."}) == {
        "id": stix_id,
        "name": f"see {stix_id}.",
    }


@pytest.mark.parametrize("kind", sorted(OBSERVABLE_TYPES | {"identity"}))
def test_every_observable_and_identity_id_is_replaced(kind: str) -> None:
    for version in (4, 5):
        before = an_id(kind, version=version)
        after = blinded({"id": before})["id"]
        assert after != before
        assert after.startswith(f"{kind}--")
        assert uuid.UUID(after.partition("--")[2]).version == 4


def test_the_own_identity_follows_from_the_name_alone() -> None:
    assert org_identity("cert-aq") == OWN
    assert org_identity("cert-bv") != OWN
    assert uuid.UUID(OWN.removeprefix("identity--")).version == 5


# -- where


@pytest.mark.parametrize(
    "text",
    [
        DERIVED,
        f" {DERIVED} ",
        f"see {DERIVED}.",
        f"({DERIVED}, {DERIVED})",
        f"{DERIVED}{DERIVED}",
        f"[{DERIVED}:value = 'x']",
        f"https://example.org/objects/{DERIVED}?view=1#{DERIVED}",
        f"2{DERIVED}",
        f"_{DERIVED}_",
        f"see-{DERIVED}",
        f"\u00e9{DERIVED}\u00e9",
        f"{DERIVED}0123",
        f"--{DERIVED}",
        f"{DERIVED}--{V4}",
        f"incident--{V4} {DERIVED}",
        f"incident--{V4}{DERIVED}",
        f"incident--{V4}-{DERIVED}",
        DERIVED.upper(),
        DERIVED.title(),
        f"{'a' * 300}--{DERIVED}",
        json.dumps({"id": DERIVED}),
    ],
)
def test_an_id_goes_wherever_it_stands_in_a_text(text: str) -> None:
    after = blinded({"name": text})["name"]
    assert DERIVED.partition("--")[2] not in after.lower()
    assert blinded([{"deep": [text]}]) == [{"deep": [after]}]


def test_the_text_around_an_id_stays() -> None:
    after = blinded({"name": f"See {DERIVED}, please -- or {EXTENSION}."})["name"]
    start, end = "See ipv4-addr--", f", please -- or {EXTENSION}."
    assert after.startswith(start)
    assert after.endswith(end)
    assert len(after) == len(start) + 36 + len(end)


def test_an_id_goes_as_the_name_of_a_member_too() -> None:
    after = blinded({"extensions": {DERIVED: 1, EXTENSION: {DERIVED: 2}}})
    [first, second] = after["extensions"]
    assert first != DERIVED
    assert second == EXTENSION
    assert after["extensions"][EXTENSION] == {first: 2}


def test_ids_of_one_object_agree_with_the_references_to_it() -> None:
    objects: list[dict[str, Any]] = [
        {"id": DERIVED, "value": "192.0.2.7"},
        {"id": an_id("report"), "object_refs": (DERIVED, DERIVED.upper())},
        {"id": an_id("note"), "content": f"about {DERIVED}"},
        {"id": an_id("note", 2), "content": f"x-{DERIVED} y{DERIVED.upper()}"},
    ]
    replace = BlindMap(new_uuids(), {})
    one, report, note, other = blind(objects, own=OWN, replace=replace)
    assert report["object_refs"] == [one["id"], one["id"]]
    assert note["content"] == f"about {one['id']}"
    assert other["content"] == f"x-{one['id']} y{one['id']}"
    assert replace.added == {DERIVED: one["id"]}


def test_what_is_no_text_stays_as_it_is() -> None:
    value = {"a": [1, 0.5, True, False, None, {}, [], ""], "b": "--", "c": "a--b"}
    assert blinded(value) == value


def test_the_objects_that_came_in_do_not_change() -> None:
    before = {"id": DERIVED, "labels": [DERIVED], "more": {DERIVED: DERIVED}}
    copy = json.loads(json.dumps(before))
    blinded(before)
    assert before == copy


@pytest.mark.parametrize(
    "text",
    [
        "a" * (1 << 20) + "--",
        "-" * (1 << 20),
        "a--" * (1 << 18),
        ("a" * 249 + "--" + V4) * 3_000,
        ("\u00e9" + "a" * 249 + "--" + V4) * 3_000,
        "--" + "0" * (1 << 20),
        ("--" + V4) * 20_000,
    ],
    ids=["letters", "hyphens", "starts", "ids", "ids apart", "digits", "tails"],
)
def test_a_text_without_spaces_takes_no_time_to_search(text: str) -> None:
    # One pattern for a whole id took minutes, growing with the square.
    start = time.process_time()
    blinded({"payload": text})
    assert time.process_time() - start < 2


# -- the map


def test_one_lineage_keeps_its_replacements() -> None:
    first = BlindMap(new_uuids(), {})
    before = first(DERIVED)
    assert first(DERIVED) == before
    later = BlindMap(new_uuids(seed=9), first.added)
    assert later(DERIVED) == before
    assert later.added == {}


def test_another_lineage_gets_other_replacements() -> None:
    assert BlindMap(new_uuids(1), {})(DERIVED) != BlindMap(new_uuids(2), {})(DERIVED)


def test_two_ids_get_two_replacements() -> None:
    replace = BlindMap(new_uuids(), {})
    assert replace(DERIVED) != replace(an_id("ipv4-addr"))
    assert len(replace.added) == 2


# -- properties

ids = st.builds(
    lambda kind, value: f"{kind}--{value}",
    st.sampled_from(["ipv4-addr", "identity", "incident", "x-b2", "url"]),
    st.one_of([st.uuids(version=v) for v in (1, 4, 5)]),
)
around = st.text("ab-0 .:/\"'\u00e9", max_size=4)
texts = st.builds(
    lambda parts, end: "".join(a + i for a, i in parts) + end,
    st.lists(st.tuples(around, ids | ids.map(str.upper)), max_size=4),
    around,
)
values = st.recursive(
    texts | json_values,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(derandomize=True, max_examples=60)
@given(st.lists(ids, min_size=1, max_size=3), values)
@example([DERIVED], [f"--{DERIVED}"])
def test_no_telling_id_survives_anywhere(found: list[str], value: Any) -> None:
    telling = {i.partition("--")[2] for i in found if must_replace(i, OWN)}
    placed = {"ids": found, "text": " ".join(found), "more": value, found[0]: 1}
    after = json.dumps(blinded(placed), ensure_ascii=False).lower()
    kept = json.dumps(value, ensure_ascii=False).lower()
    for each in telling:
        assert each not in after or each in kept


@settings(derandomize=True, max_examples=60)
@given(texts)
def test_every_id_in_a_text_that_may_tell_something_is_asked_about(text: str) -> None:
    asked: list[str] = []

    def replace(stix_id: str) -> str:
        asked.append(stix_id)
        return "gone"

    [after] = blind([{"text": text}], own=OWN, replace=replace)
    assert all(must_replace(i, OWN) for i in asked)
    assert not any(i in after["text"].lower() for i in asked)
    # Nothing is left of the kinds that always go.
    assert "identity--" not in after["text"].lower()


@settings(derandomize=True, max_examples=60)
@given(values)
def test_blinding_again_with_the_same_map_changes_only_what_always_goes(
    value: Any,
) -> None:
    replace = BlindMap(new_uuids(), {})
    [once] = blind([{"v": value}], own=OWN, replace=replace)
    spared = set(replace.added.values())

    def again(stix_id: str) -> str:
        assert stix_id in spared
        return stix_id

    assert [*blind([once], own=OWN, replace=again)] == [once]


def test_a_random_uuid_is_one_of_version_4() -> None:
    for data in (bytes(16), b"\xff" * 16, entropy()(16), entropy(1)(16)):
        expected = uuid.UUID(bytes=data, version=4)
        assert random_uuid(io.BytesIO(data).read) == str(expected)


def test_known_markings_are_never_replaced() -> None:
    assert all(
        is_known_marking(i) and not must_replace(i, OWN) for i in TLP_IDS.values()
    )


def test_the_id_that_tools_give_the_issuer_becomes_its_derived_one() -> None:
    tool = "identity--3f9a1c22-e0b4-4b8e-9d0a-2f6c0e52f5aa"
    ids = BlindMap(lambda: str(uuid.uuid4()), own_id("cert-aq", tool))
    plain = [{"type": "identity", "id": tool, "created_by_ref": tool}]
    own = org_identity("cert-aq")
    [blinded] = blind(plain, own=own, replace=ids)
    assert blinded == {"type": "identity", "id": own, "created_by_ref": own}
    assert ids.added == {}
    assert own_id("cert-aq", None) == {}
