"""Trust: what is known of a record that is believed, whole or cut; and any bytes."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from broker import sdjwt
from broker.concealing import Decoy, Hidden
from broker.errors import TrustError
from broker.signing import Address, FeedPosition
from schemas import profile
from schemas.errors import RefusedError
from schemas.markings import Tlp
from schemas.profile import INCIDENT_CORE
from schemas.reasons import REASONS
from schemas.record import Claims, Need
from tests.support.records import (
    CERT,
    MODIFIED,
    NOW,
    address,
    an_id,
    draft,
    incident,
    mint,
    token,
    tree,
)
from tests.support.stix_values import json_values
from tests.support.verifying import (
    cut,
    index_of,
    refusal,
    refused,
    verified,
)

CANARY = "mallory"
TEXT = "It is not confirmed that votes were touched."
FIRST = "The clinic lost the records of its patients. "
SECOND = "Staff of the town restored the servers on Monday."
TWO_SENTENCES = FIRST + SECOND

# -- what is known of a record that is believed


def test_a_record_that_was_signed_is_believed() -> None:
    found = verified(token())
    assert (found.issuer, found.kid) == ("cert-aq", CERT.kid)
    assert found.token_id == sdjwt.token_id(token())
    assert found.claims.sub == an_id("incident")
    assert found.primary is not None
    assert found.objects[found.primary].id == an_id("incident")
    assert found.plain[found.primary]["description"] == TEXT
    assert found.tlp == Tlp.GREEN
    assert found.complete
    # Decoys only, where the profile says: claims, objects, two labels.
    place = ("stix", "objects", found.primary, "labels")
    assert found.opened.withheld == {(): 8, ("stix", "objects"): 6, place: 2}
    assert found.withheld == 0


def test_a_tree_as_it_is_is_believed() -> None:
    # Else every refusal below could be for something else.
    assert verified(mint(tree())).complete


def test_a_record_with_every_claim_there_is_is_believed() -> None:
    address_of = Address(to=("cert-bv",), concerns=("cert-cw",))
    position = FeedPosition("cert-aq/main/k2", 1, "")
    need = Need(2, ("urn:tocsin:org:cert-aq", "urn:tocsin:org:cert-bv"))
    signed = token(address=address_of, position=position, replaces="A" * 43, need=need)
    found = verified(signed, allow_partial=True)
    missing = [n for n in Claims.__struct_fields__ if getattr(found.claims, n) is UNSET]
    assert missing == ["sealed"]  # by `tests/adapters/test_sealing.py`


def test_the_tlp_of_an_object_is_its_own_and_the_strictest_if_it_has_none() -> None:
    unmarked = {k: v for k, v in address().items() if k != "object_marking_refs"}
    found = verified(
        mint(
            tree(incident(), address(), unmarked | {"id": an_id("url"), "type": "url"})
        )
    )
    assert [found.tlp_of(i) for i in range(3)] == [
        Tlp.GREEN,
        Tlp.AMBER,
        Tlp.AMBER_STRICT,
    ]


def test_each_part_names_the_disclosure_that_carries_it() -> None:
    address_of = Address(to=("cert-bv",), concerns=("platform-lumen",))
    found = verified(token(address=address_of, position=FeedPosition("f", 1, "")))
    assert found.claim_slots.keys() == {"to", "concerns", "feed", "seq", "prev"}
    assert found.primary is not None
    origin = found.origins[found.primary]
    assert origin.names.keys() == {"name", "description", "labels"}
    assert origin.slots.keys() == {
        ("labels", 0), ("labels", 1), ("extensions", INCIDENT_CORE, "criticality")
    }  # fmt: skip
    carried = found.opened.disclosures[origin.slot(("labels", 1))]
    assert carried.parent == origin.slot(("labels",)) == origin.names["labels"]
    assert origin.slot(("id",)) is origin.slot(("labels", 2)) is None
    maps = [m for o in found.origins for m in (o.names, o.slots)]
    indices = [i for each in (*maps, found.claim_slots) for i in each.values()]
    indices += [each.own for each in found.origins]
    assert [each.slot(()) for each in found.origins] == indices[-len(found.origins) :]
    assert sorted(indices) == list(range(len(found.opened.disclosures)))


# -- a cut copy


def test_a_cut_copy_is_believed_as_far_as_it_goes() -> None:
    whole = verified(mint(tree()))
    found = verified(cut(mint(tree()), ("stix", "objects", 0, "name")))
    assert (whole.complete, found.complete) == (True, False)
    assert found.opened.withheld == whole.opened.withheld | {("stix", "objects", 0): 1}
    # A reader cannot tell decoys from what is withheld.
    assert (whole.withheld, found.withheld) == (0, 3)
    assert "name" not in found.plain[0]
    assert found.token_id == sdjwt.token_id(mint(tree()))


def test_a_bare_token_is_believed_and_has_no_primary_object() -> None:
    bare = mint(tree()).partition(b"~")[0] + b"~"
    found = verified(bare)
    assert (found.primary, found.objects) == (None, ())
    # Without decoys: one digest an object.
    assert found.opened.withheld == {("stix", "objects"): 2}
    assert not found.complete
    assert found.claims.sub == an_id("incident")


def test_without_its_primary_object_a_record_has_none() -> None:
    found = verified(cut(mint(tree()), ("stix", "objects", 0)))
    assert found.primary is None
    assert [o.type for o in found.objects] == ["ipv4-addr"]


def test_an_object_may_lose_all_that_is_withholdable() -> None:
    whole = verified(token(draft(incident(extensions={INCIDENT_CORE: {"scores": 1}}))))
    main = {d.path for d in whole.opened.disclosures if len(d.path) == 3}
    objects = {index_of(whole, *path) for path in main}
    found = verified(sdjwt.withhold(whole.opened, objects))
    visible = set(profile.visible("incident", primary=True, own=False))
    assert found.plain[0].keys() <= visible
    assert found.plain[0]["extensions"] == {INCIDENT_CORE: {}}
    address_alone = verified(token(draft(incident(), address())))
    [place] = [i for i, o in enumerate(address_alone.plain) if o["type"] != "incident"]
    only = {address_alone.origins[place].own}
    [found_address] = verified(sdjwt.withhold(address_alone.opened, only)).plain
    assert found_address.keys() == {"type", "id", "spec_version", "object_marking_refs"}


def test_a_text_without_its_segments_says_that_something_is_withheld() -> None:
    place = ("stix", "objects", 0, "description")
    signed = mint(tree(incident(description=TWO_SENTENCES)))
    assert verified(signed).plain[0]["description"] == TWO_SENTENCES
    for lost, text in (
        ([0], f"[withheld]{SECOND}"),
        ([1], f"{FIRST}[withheld]"),
        ([0, 1], "[withheld]"),
    ):
        found = verified(cut(signed, *((*place, index) for index in lost)))
        assert found.plain[0]["description"] == text
    assert "description" not in verified(cut(signed, place)).plain[0]


def test_a_text_of_one_segment_goes_as_a_whole() -> None:
    signed = mint(tree())
    found = verified(cut(signed, ("stix", "objects", 0, "description")))
    assert verified(signed).plain[0]["description"] == TEXT
    assert "description" not in found.plain[0]


def test_a_list_that_lost_all_its_elements_is_gone() -> None:
    place = ("stix", "objects", 0, "labels")
    found = verified(cut(mint(tree()), (*place, 0)))
    assert found.plain[0]["labels"] == ["register"]
    found = verified(cut(mint(tree()), (*place, 0), (*place, 1)))
    assert "labels" not in found.plain[0]


def test_a_list_in_an_extension_that_lost_all_its_elements_is_gone_too() -> None:
    extension = {"events": ["a", "b"], "tasks": []}
    signed = mint(tree(incident(extensions={INCIDENT_CORE: extension})))
    place = ("stix", "objects", 0, "extensions", INCIDENT_CORE, "events")
    found = verified(cut(signed, (*place, 0), (*place, 1)))
    assert found.plain[0]["extensions"][INCIDENT_CORE] == {"tasks": []}


def test_a_claim_that_is_withheld_is_missing() -> None:
    signed = token(address=Address(to=("cert-bv",), concerns=("cert-cw",)))
    found = verified(cut(signed, ("to",)))
    assert not found.claims.to
    assert found.claims.concerns == ("urn:tocsin:org:cert-cw",)


# -- properties


@settings(derandomize=True, max_examples=200)
@given(st.binary(max_size=300))
@example(b"")
def test_arbitrary_bytes_raise_only_our_error(data: bytes) -> None:
    assert refusal(data)


WHOLE = token(address=Address(to=("cert-bv",)), position=FeedPosition("f", 1, ""))


@settings(derandomize=True, max_examples=200)
@given(st.data())
def test_a_mutated_token_raises_only_our_error(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(WHOLE)))
    end = data.draw(st.integers(start, min(len(WHOLE), start + 200)))
    changed = WHOLE[:start] + data.draw(st.binary(max_size=5)) + WHOLE[end:]
    try:
        found = verified(changed)
    except RefusedError:
        return
    # What still verifies is the same token, perhaps with less of it.
    assert found.token_id == sdjwt.token_id(WHOLE)
    assert found.complete == (len(found.opened.disclosures) == WHOLE.count(b"~") - 1)


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a tree, through what is hidden."""
    inner = value.value if isinstance(value, Hidden) else value
    found = [path]
    if isinstance(inner, dict):
        for name, each in inner.items():
            found += spots(each, (*path, name))
    elif isinstance(inner, list):
        for index, each in enumerate(inner):
            found += spots(each, (*path, index))
    return found


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Copy a tree with *new* at *path*."""
    if not path:
        return new
    if isinstance(value, Hidden):
        return Hidden(put(value.value, path, new))
    changed = copy.copy(value)
    changed[path[0]] = put(value[path[0]], path[1:], new)
    return changed


OTHER = token(
    address=Address(to=("cert-bv",)), position=FeedPosition("f", 2, ""), seed=1
)
PARTS = [each.split(b"~")[1:-1] for each in (WHOLE, OTHER)]


@settings(derandomize=True, max_examples=150)
@given(st.data())
def test_of_any_disclosures_in_any_order_only_the_record_s_own_are_believed(
    data: st.DataObject,
) -> None:
    own, other = PARTS
    lost = data.draw(st.sets(st.sampled_from(range(len(own))), max_size=2))
    texts = [text for index, text in enumerate(own) if index not in lost]
    texts += data.draw(st.lists(st.sampled_from(own + other), max_size=1))
    texts = data.draw(st.permutations(texts))
    signed = b"~".join([WHOLE.partition(b"~")[0], *texts, b""])
    why = refused(signed)
    whole = verified(WHOLE)
    parent = {d.text: own[d.parent] for d in whole.opened.disclosures if d.parent >= 0}
    if len(set(texts)) < len(texts):
        assert why == "duplicate-disclosure"
    elif not set(texts) <= set(own) or any(
        parent.get(text, text) not in texts for text in texts
    ):
        assert why == "unreferenced-disclosure"
    else:
        assert why == ""
        found = verified(signed)
        assert found.complete == (len(texts) == len(own))
        before = {each["id"]: each for each in whole.plain}
        for each in found.plain:
            for name, value in each.items():
                if name not in ("labels", "extensions"):
                    assert value == before[each["id"]][name]
            assert set(each.get("labels", ())) <= set(
                before[each["id"]].get("labels", ())
            )


def stripped(value: Any) -> Any:
    """A tree without its decoys."""
    if isinstance(value, Hidden):
        return Hidden(stripped(value.value))
    if isinstance(value, dict):
        return {name: stripped(each) for name, each in value.items()}
    if isinstance(value, list):
        return [stripped(each) for each in value if not isinstance(each, Decoy)]
    return value


@settings(derandomize=True, max_examples=60)
@given(
    st.lists(st.text(max_size=5), min_size=1, max_size=9),
    st.lists(st.integers(0, 9), max_size=5),
)
def test_decoys_change_nothing_that_is_believed(
    labels: list[str], places: list[int]
) -> None:
    claims = tree(incident(labels=labels), address())
    bare = stripped(claims)
    for place in places:
        claims["stix"]["objects"].insert(place, Decoy())
    found, plain = verified(mint(claims)), verified(mint(bare))
    assert plain.opened.withheld == {}
    assert sum(found.opened.withheld.values()) == len(places) + (
        -len(labels) % 4 if len(labels) > 1 else 0
    )
    assert (found.plain, found.objects) == (plain.plain, plain.objects)
    assert (found.complete, plain.complete) == (True, True)
    assert (found.withheld, plain.withheld) == (0, 0)
    assert msgspec.structs.replace(found.claims, full=plain.claims.full) == plain.claims


SPOTS = [path for path in spots(tree()) if path]
fragments = (
    json_values
    | st.sampled_from(
        [
            [0, 1, "text"], an_id("incident"), [], {}, {"type": "incident"}, "bundle",
            "urn:tocsin:org:cert-aq", NOW, MODIFIED, [[0, 1, "a"]], {INCIDENT_CORE: []}, ["a"], ["a", "b"], [["a"]],
            [Decoy()], [Decoy(), "a"], [Decoy(), Decoy()], [Hidden("a"), "b"],
            [Hidden([0, 2, "a"]), Decoy()], [Hidden({})], {"_sd": 1}, None,
        ]
    )
)  # fmt: skip


@settings(derandomize=True, max_examples=400)
@given(st.sampled_from(SPOTS), fragments, st.booleans())
def test_anything_at_any_place_signed_with_care_raises_only_our_error(
    path: tuple[Any, ...], value: Any, hidden: bool
) -> None:
    claims = put(tree(), path, Hidden(value) if hidden else value)
    if value == {"_sd": 1}:
        with pytest.raises(TrustError):
            mint(claims)
        return
    assert refused(mint(claims)).partition(" at ")[0] in {"", *REASONS}


@settings(derandomize=True, max_examples=60)
@given(st.sampled_from(SPOTS), json_values)
def test_no_text_of_a_record_stands_in_a_refusal(
    path: tuple[Any, ...], value: Any
) -> None:
    for spoiled in (CANARY, {CANARY: value}, [CANARY, value], Hidden({CANARY: CANARY})):
        assert CANARY not in refused(mint(put(tree(), path, spoiled)))
        assert CANARY not in refused(mint(put(tree(), path[:-1], {CANARY: spoiled})))
