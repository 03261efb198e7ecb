"""Concealing: what is hidden, what decoys look like, what is not signed."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker import base64url, concealing, disclosures, sdjwt
from broker.concealing import Decoy, Hidden
from broker.errors import TrustError
from schemas.errors import SchemaError
from tests.support.records import CERT, HEADER, entropy, sha
from tests.support.stix_values import json_values, names
from tests.support.verifying import opened


def conceal(tree: Any) -> tuple[Any, list[bytes]]:
    return concealing.conceal(tree, entropy())[:2]


def sealed(tree: dict[str, Any]) -> bytes:
    payload, texts = conceal(tree)
    return concealing.assemble(HEADER, payload, texts, CERT.sign)


# -- what is hidden


def test_the_order_of_digests_does_not_tell_the_order_of_members() -> None:
    payload, _ = conceal({name: Hidden(name) for name in "abcdefgh"})
    assert payload["_sd"] == sorted(payload["_sd"])


def test_every_salt_is_fresh() -> None:
    _, texts = conceal([Hidden(1)] * 50)
    assert len(set(texts)) == 50


def test_parents_stand_before_their_children() -> None:
    payload, texts = conceal({"a": Hidden([Hidden({"b": Hidden(1)})])})
    lengths = [len(json.loads(base64url.decode(text))) for text in texts]
    assert lengths == [3, 2, 3]
    assert payload == {"_sd": [sha(texts[0])]}


@pytest.mark.parametrize("name", ["_sd", "...", "_sd_alg"])
@pytest.mark.parametrize("value", [1, "text", Hidden(1)])
def test_a_reserved_name_is_not_signed(name: str, value: Any) -> None:
    for tree in ({name: value}, {"n": [{name: value}]}, {"n": Hidden({name: value})}):
        with pytest.raises(TrustError) as caught:
            conceal(tree)
        assert caught.value.reason == "reserved-name"


def test_what_nobody_would_take_for_its_depth_is_not_signed() -> None:
    def deep(levels: int, hide: bool) -> dict[str, Any]:
        value: Any = 1
        for _ in range(levels - 1):
            value = [Hidden(value)] if hide else [value]
        return {"n": value}

    def deep_objects(levels: int) -> dict[str, Any]:
        return {"n": deep_objects(levels - 1) if levels > 1 else 1}

    for tree in (
        lambda levels: deep(levels, hide=True),
        lambda levels: deep(levels, hide=False),
        deep_objects,
    ):
        assert opened(sealed(tree(32)))
        with pytest.raises(TrustError) as caught:
            conceal(tree(33))
        assert caught.value.reason == "too-deep"


def test_what_nobody_would_take_for_its_disclosures_is_not_signed() -> None:
    with pytest.raises(TrustError) as caught:
        concealing.conceal([Hidden(0)] * 65_537, lambda _size: b"salt" * 4)
    assert caught.value.reason == "too-many-disclosures"


def test_what_nobody_would_take_for_its_size_is_not_signed() -> None:
    bare = len(concealing.assemble(HEADER, {}, [b""], CERT.sign))
    most = (16 << 20) - bare
    assert len(concealing.assemble(HEADER, {}, [b"a" * most], CERT.sign)) == 16 << 20
    with pytest.raises(TrustError) as caught:
        concealing.assemble(HEADER, {}, [b"a" * (most + 1)], CERT.sign)
    assert caught.value.reason == "too-large"


def test_what_nobody_could_read_is_not_signed() -> None:
    for tree in ({"n": Hidden("\ud800")}, {"n": [Hidden(["\udfff"])]}):
        with pytest.raises(SchemaError) as caught:
            conceal(tree)
        assert caught.value.reason == "surrogate"


def test_what_is_not_hidden_stays_as_it_is() -> None:
    tree = {"a": [1, "b", {"c": None}], "d": {}, "e": (1, [2])}
    payload, texts = conceal(tree)
    assert payload == {"a": [1, "b", {"c": None}], "d": {}, "e": [1, [2]]}
    assert texts == []


def test_what_is_given_is_not_changed() -> None:
    tree = {"a": Hidden([Hidden(1), Decoy(), {"b": Hidden(2)}]), "c": [3]}
    before = repr(tree)
    conceal(tree)
    assert repr(tree) == before


def test_elements_keep_their_places_among_what_is_hidden() -> None:
    payload, texts = conceal([1, Hidden("a"), "b", Decoy(), Hidden("c"), {"d": 4}])
    assert [payload[i] for i in (0, 2, 5)] == [1, "b", {"d": 4}]
    assert [payload[i] for i in (1, 4)] == [{"...": sha(text)} for text in texts]
    assert list(payload[3]) == ["..."]


# -- salts


@settings(derandomize=True, max_examples=60)
@given(st.dictionaries(names, json_values.map(Hidden), min_size=1), st.integers())
def test_every_salt_is_16_to_18_fresh_bytes_that_align_its_disclosure(
    tree: dict[str, Any], seed: int
) -> None:
    given_out: list[bytes] = []
    source = entropy(seed)

    def asked(size: int) -> bytes:
        given_out.append(source(size))
        return given_out[-1]

    _, texts, _ = concealing.conceal(tree, asked)
    salts = [json.loads(base64url.decode(text))[0] for text in texts]
    # Each is the end of 18 bytes in base64url, the last bits of which are zero.
    fresh = b"".join(given_out)
    fresh = b"".join(
        base64url.encode(fresh[at : at + 17] + bytes([fresh[at + 17] & 0xF0]))
        for at in range(0, len(fresh), 18)
    )
    ends = {fresh[at : at + 24].decode(): at for at in range(0, len(fresh), 24)}
    whole = [next(each for each in ends if each.endswith(salt)) for salt in salts]
    assert sorted(ends[each] for each in whole) == [*range(0, len(fresh), 24)]
    assert {len(base64url.decode(salt.encode())) for salt in salts} <= {16, 17, 18}
    assert {len(text) % 4 for text in texts} == {disclosures.ALIGNMENT}


# -- decoys


@settings(derandomize=True)
@given(
    st.lists(st.binary(max_size=9).map(sha), unique=True, max_size=20),
    st.integers(1, 9),
)
def test_digests_are_filled_to_a_multiple_and_sorted(
    known: list[str], fill: int
) -> None:
    found = concealing.filled(known, fill, entropy())
    assert set(known) <= set(found)
    assert found == sorted(found)
    assert len(found) % fill == 0
    assert max(fill, len(known)) <= len(found) < max(fill, len(known)) + fill
    # They look like any other digest, and none stands twice.
    disclosures.check_digests(found)


def test_a_decoy_is_a_digest_of_16_fresh_bytes() -> None:
    sizes: list[int] = []
    source = entropy()

    def asked(size: int) -> bytes:
        sizes.append(size)
        return source(size)

    payload, texts, _ = concealing.conceal([Decoy(), Decoy()], asked)
    assert (sizes, texts) == ([16, 16], [])
    again = entropy()
    assert payload == [{"...": sha(again(16))}, {"...": sha(again(16))}]


trees = st.recursive(
    json_values,
    lambda inner: (
        st.lists(inner | inner.map(Hidden) | st.just(Decoy()), max_size=5)
        | st.dictionaries(names, inner | inner.map(Hidden), max_size=4)
    ),
    max_leaves=15,
)


def bare(tree: Any) -> Any:
    """The same without decoys."""
    if isinstance(tree, Hidden):
        return Hidden(bare(tree.value))
    if isinstance(tree, dict):
        return {name: bare(inner) for name, inner in tree.items()}
    if isinstance(tree, list):
        return [bare(inner) for inner in tree if not isinstance(inner, Decoy)]
    return tree


def decoys(tree: Any) -> int:
    if isinstance(tree, Hidden):
        return decoys(tree.value)
    if isinstance(tree, Decoy):
        return 1
    inner = tree.values() if isinstance(tree, dict) else tree
    return sum(map(decoys, inner)) if isinstance(tree, dict | list) else 0


@settings(derandomize=True, max_examples=60)
@given(st.dictionaries(names, trees | trees.map(Hidden), max_size=4), st.integers(1, 8))
def test_decoys_change_nothing_that_is_read(tree: dict[str, Any], fill: int) -> None:
    without = opened(sealed(bare(tree)))
    payload, texts = conceal(tree)
    payload["_sd"] = concealing.filled(payload.get("_sd", ()), fill, entropy(1))
    found = opened(concealing.assemble(HEADER, payload, texts, CERT.sign))
    assert found.claims == without.claims
    assert [(d.path, d.parent) for d in found.disclosures] == [
        (d.path, d.parent) for d in without.disclosures
    ]
    assert without.withheld == {}
    shown = sum(isinstance(each, Hidden) for each in tree.values())
    more = -shown % fill if shown else fill
    assert sum(found.withheld.values()) == decoys(tree) + more
    # Of a cut copy nobody can say which are decoys and which are not.
    assert opened(sdjwt.withhold(found, ())).texts == ()
