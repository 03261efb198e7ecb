"""SD-JWT: what is concealed comes back, what is withheld does not, whatever it is."""

import json
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from broker import base64url, concealing, sdjwt
from broker.concealing import Hidden
from broker.unfolding import Path
from schemas.errors import RefusedError
from tests.support.records import (
    CERT,
    HEADER,
    b64,
    entropy,
    forge,
    named,
    sha,
)
from tests.support.stix_values import json_values, names
from tests.support.verifying import elements, format_refusal, opened

CANARY = "mallory"

# -- issuing


def conceal(tree: Any) -> tuple[Any, list[bytes]]:
    source = entropy()
    return concealing.conceal(tree, source)[:2]


def sealed(tree: dict[str, Any]) -> bytes:
    payload, texts = conceal(tree)
    return concealing.assemble(HEADER, payload, texts, CERT.sign)


nodes = st.recursive(
    json_values,
    lambda inner: (
        st.lists(inner | inner.map(Hidden), max_size=4)
        | st.dictionaries(names, inner | inner.map(Hidden), max_size=4)
    ),
    max_leaves=12,
)
trees = st.dictionaries(names, nodes | nodes.map(Hidden), max_size=5)


def subsets(count: int) -> st.SearchStrategy[set[int]]:
    flags = st.lists(st.booleans(), min_size=count, max_size=count)
    return flags.map(lambda chosen: {i for i, flag in enumerate(chosen) if flag})


def hidden_places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where what is hidden stands when all of it is shown."""
    members: Any = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for name, inner in members:
        here = (*path, name)
        if isinstance(inner, Hidden):
            yield here
            inner = inner.value  # noqa: PLW2901
        yield from hidden_places(inner, here)


def shown(value: Any, kept: set[Path] | None, path: Path = ()) -> Any:
    """What a reader sees of *value*; of all that is hidden if *kept* is None."""

    def stays(inner: Any, here: Path) -> bool:
        return not isinstance(inner, Hidden) or kept is None or here in kept

    if isinstance(value, Hidden):
        return shown(value.value, kept, path)
    if isinstance(value, dict):
        return {
            name: shown(inner, kept, (*path, name))
            for name, inner in value.items()
            if stays(inner, (*path, name))
        }
    if isinstance(value, list):
        return [
            shown(inner, kept, (*path, i))
            for i, inner in enumerate(value)
            if stays(inner, (*path, i))
        ]
    return value


@settings(derandomize=True, max_examples=40)
@given(trees)
def test_what_was_hidden_anywhere_comes_back(tree: dict[str, Any]) -> None:
    found = opened(sealed(tree))
    assert found.claims == shown(tree, None)
    assert sorted(map(str, hidden_places(tree))) == sorted(
        str(d.path) for d in found.disclosures
    )
    assert found.withheld == {}


@settings(derandomize=True, max_examples=40)
@given(trees, st.data())
def test_withholding_anything_leaves_a_valid_token_of_the_rest(
    tree: dict[str, Any], data: st.DataObject
) -> None:
    whole = opened(sealed(tree))
    kept = data.draw(subsets(len(whole.disclosures)))
    cut = sdjwt.withhold(whole, kept)
    rest = opened(cut)
    assert rest.claims == shown(tree, {whole.disclosures[i].path for i in kept})
    assert rest.jwt == whole.jwt
    assert rest.token_id == whole.token_id
    assert {d.text for d in rest.disclosures} <= {d.text for d in whole.disclosures}
    # Cutting again what is cut changes nothing.
    assert sdjwt.withhold(rest, range(len(rest.disclosures))) == cut


@settings(derandomize=True, max_examples=40)
@given(trees, st.data())
def test_what_is_withheld_stands_nowhere_in_the_rest(
    tree: dict[str, Any], data: st.DataObject
) -> None:
    whole = opened(sealed({**tree, "canary": Hidden(CANARY)}))
    [canary] = [i for i, d in enumerate(whole.disclosures) if d.path == ("canary",)]
    kept = data.draw(subsets(len(whole.disclosures)))
    cut = sdjwt.withhold(whole, kept - {canary})
    decoded = [base64url.decode(part) for part in re.split(b"[.~]", cut) if part]
    assert not any(CANARY.encode() in part for part in decoded)


def test_a_disclosure_goes_with_its_parent() -> None:
    whole = opened(sealed({"a": Hidden({"b": Hidden({"c": Hidden(1)})})}))
    place = {d.path: i for i, d in enumerate(whole.disclosures)}
    leaf, middle, root = (place[p] for p in (("a", "b", "c"), ("a", "b"), ("a",)))
    assert opened(sdjwt.withhold(whole, {leaf})).claims == {}
    assert opened(sdjwt.withhold(whole, {leaf, root})).claims == {"a": {}}
    assert opened(sdjwt.withhold(whole, {middle, root})).claims == {"a": {"b": {}}}
    assert opened(sdjwt.withhold(whole, {leaf, middle, root})).claims == whole.claims


@settings(derandomize=True, max_examples=300)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_only_our_error(data: bytes) -> None:
    assert format_refusal(data)


@settings(derandomize=True, max_examples=300)
@given(st.binary(max_size=100))
def test_arbitrary_signed_bytes_raise_only_our_error(payload: bytes) -> None:
    assert format_refusal(forge(payload))


@settings(derandomize=True)
@given(st.dictionaries(st.sampled_from(["_sd", "...", "_sd_alg", "n"]), json_values))
def test_arbitrary_signed_members_raise_only_our_error(payload: Any) -> None:
    try:
        opened(forge(payload))
    except RefusedError:
        return


@settings(derandomize=True)
@given(json_values, st.booleans())
def test_an_arbitrary_disclosure_raises_only_our_error(
    value: Any, member: bool
) -> None:
    text = b64(json.dumps(value).encode())
    payload = {"_sd": [sha(text)]} if member else {"n": elements(text)}
    try:
        opened(forge(payload, text))
    except RefusedError:
        return


@settings(derandomize=True, max_examples=300)
@given(st.data())
def test_a_mutated_token_raises_only_our_error(data: st.DataObject) -> None:
    text = named("name", "A case")
    token = forge({"_sd": [sha(text)], "n": elements(b"x")}, text)
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, len(token)))
    bent = token[:start] + data.draw(st.binary(max_size=5)) + token[end:]
    try:
        # Without its disclosures, a token is still one.
        assert opened(bent).jwt == opened(token).jwt
    except RefusedError:
        return
