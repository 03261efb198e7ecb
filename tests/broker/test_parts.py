"""Parts: an object is taken exactly where it is cut as the profile cuts it.

The issuer's side (`signing.conceal_object`) and the verifier's (`parts.restored`) are
written apart; here they are held against each other, place by place.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker import concealing, parts, sdjwt
from broker.concealing import Decoy, Hidden
from broker.errors import TrustError
from broker.signing import conceal_object
from broker.unfolding import Origin, Path
from schemas import profile
from schemas.profile import INCIDENT_CORE
from tests.support.records import CERT, CERT_KEY, HEADER, OWN, an_id, entropy
from tests.support.stix_values import json_values, names

MAIN = an_id("x-mine")
TEXT = "The clinic lost its records. Staff restored the servers. All is well."


def places_of(origin: Origin) -> set[Path]:
    own: set[Path] = {()} if origin.own >= 0 else set()
    return own | {*((name,) for name in origin.names), *origin.slots}


def read(tree: Any, kept: set[Path] | None = None) -> tuple[Any, Origin]:
    """An object as the verifier of the format finds it, of all that is hidden or of *kept*."""
    payload, texts, _ = concealing.conceal({"objects": [Hidden(tree)]}, entropy())
    token = concealing.assemble(HEADER, payload, texts, CERT.sign)

    def opened(signed: bytes) -> sdjwt.Opened:
        return sdjwt.verify(signed, lambda _: CERT_KEY, within=("objects",))

    found = opened(token)
    if kept is not None:
        places = enumerate(d.path[2:] for d in found.disclosures)
        found = opened(sdjwt.withhold(found, {i for i, p in places if p in kept}))
    return found.claims["objects"][0], found.elements[0]


def restored(tree: Any, kept: set[Path] | None = None, primary: str = "") -> Any:
    return parts.restored(*read(tree, kept), primary, OWN)


def verdict(tree: Any, kept: set[Path] | None = None, primary: str = "") -> str:
    try:
        restored(tree, kept, primary)
    except TrustError as error:
        return f"{error.reason}{error.where}"
    return ""


def bare(**members: Any) -> dict[str, Any]:
    return {"type": "x-mine", "id": MAIN, **members}


# -- what is issued is taken, whole or cut

_texts = st.text(max_size=9) | st.sampled_from([TEXT, "One two three. " * 3])
_lists = st.lists(_texts | json_values, max_size=5)
_words = st.from_regex(r"[a-z-]{1,9}", fullmatch=True)
_extension = st.dictionaries(
    st.sampled_from(["events", "tasks", "event_refs", "scores", "description"]) | names,
    _lists | json_values,
    max_size=3,
)
_known = st.builds(
    lambda members, words: (
        {
            name: value
            for name, value in members.items()
            if name not in ("determination", "investigation_status", "extension_type")
        }
        | words
    ),
    _extension,
    st.dictionaries(st.sampled_from(["determination", "extension_type"]), _words),
)
_property = {
    "created": _texts,
    "modified": _texts,
    "created_by_ref": st.sampled_from([OWN, an_id("identity")]),
    "description": _texts,
    "content": _texts | st.booleans() | st.none(),
    "labels": _lists | _texts,
    "object_refs": _lists,
    "name": json_values,
    "object_marking_refs": json_values,
    "revoked": st.booleans(),
    "x_mine": json_values,
    "x_refs": _lists,
    "extensions": st.dictionaries(
        st.sampled_from([INCIDENT_CORE, "availability-ext"]), _known
    )
    | st.dictionaries(names, json_values, max_size=2),
}
objects = st.fixed_dictionaries(
    {"type": st.sampled_from(["x-mine", "incident", "indicator"]), "id": st.just(MAIN)},
    optional=_property,
)


@settings(derandomize=True, max_examples=120)
@given(objects, st.booleans(), st.data())
def test_what_is_issued_is_taken_whole_and_cut_anywhere(
    plain: dict[str, Any], primary: bool, data: st.DataObject
) -> None:
    tree = conceal_object(plain, entropy(), primary=primary, own=OWN)
    main = MAIN if primary else ""
    assert restored(tree, primary=main) == plain
    places = sorted(places_of(read(tree)[1]), key=repr)
    flags = data.draw(
        st.lists(st.booleans(), min_size=len(places), max_size=len(places))
    )
    kept = {(), *itertools.compress(places, flags)}
    cut = restored(tree, kept, primary=main)
    whole = dict(profile.places(plain.items()))
    for place, value in profile.places(cut.items()):
        before = whole[place]
        if value == before:
            continue
        assert profile.is_text(place) or profile.is_split(place)
        if isinstance(before, str):
            assert "[withheld]" in value
        else:
            rest = iter(before)
            assert all(each in rest for each in value)
    kind = plain["type"]
    shown = profile.visible(
        kind, primary=primary, own=plain.get("created_by_ref") == OWN
    )
    assert {name: cut[name] for name in shown & plain.keys() - {"extensions"}} == {
        name: plain[name] for name in shown & plain.keys() - {"extensions"}
    }


@settings(derandomize=True, max_examples=120)
@given(objects, st.booleans(), st.data())
def test_what_is_cut_otherwise_than_issued_is_refused(
    plain: dict[str, Any], primary: bool, data: st.DataObject
) -> None:
    main = MAIN if primary else ""
    tree = conceal_object(plain, entropy(), primary=primary, own=OWN)
    place = data.draw(st.sampled_from(sorted(turnable(tree), key=repr)))
    assert verdict(turned(tree, place), primary=main).startswith(
        ("visible-as-disclosure", "not-withholdable", "not-stix")
    )


def turnable(tree: Any) -> Iterator[Path]:
    """Each member that the profile cuts, or does not cut."""
    for name, inner in tree.items():
        # A withheld `type` or `id` is another object, see below.
        if name not in ("type", "id"):
            yield (name,)
        if name == "extensions" and isinstance(inner, dict):
            for key, extension in inner.items():
                yield (name, key)
                if isinstance(extension, dict):
                    yield from ((name, key, part) for part in extension)
    if len(tree) == 2:
        yield ("id",)


def turned(tree: Any, place: Path) -> Any:
    """Hide what is shown at *place*, show what is hidden."""
    name, *rest = place
    inner = tree[name]
    if rest:
        return {**tree, name: turned(inner, tuple(rest))}
    return {**tree, name: inner.value if isinstance(inner, Hidden) else Hidden(inner)}


@settings(derandomize=True, max_examples=100)
@given(objects, json_values, st.data())
def test_nothing_is_cut_finer_than_issued(
    plain: dict[str, Any], value: Any, data: st.DataObject
) -> None:
    tree = conceal_object(plain, entropy(), primary=False, own=OWN)
    hidden = [n for n, i in tree.items() if isinstance(i, Hidden)]
    for name in hidden[:1] or ["x_mine"]:
        for finer in ({"a": Hidden(value)}, [[Hidden(value)]], {"a": [Decoy()]}):
            assert verdict({**tree, name: Hidden(finer)}).startswith(
                ("visible-as-disclosure", "sd-shape", "not-withholdable", "segments")
            )


# -- one by one


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        (1, "not-stix"),
        ([], "not-stix"),
        ("text", "not-stix"),
        (None, "not-stix"),
        (bare(), ""),
        ({}, ""),
        (bare(type=7, name="n"), "not-withholdable.name"),
        (bare(x_mine="n"), "not-withholdable[...]"),
        (bare(name="n", value="v", labels=[]), "not-withholdable.labels"),
        (bare(revoked=Hidden(True), lang=Hidden("en")), "visible-as-disclosure.lang"),
        (bare(type=Hidden("x-mine")), "visible-as-disclosure.type"),
        (bare(labels=Hidden([])), ""),
        (bare(labels=Hidden(["a"])), ""),
        (bare(labels=Hidden([Hidden("a")])), ""),
        (bare(labels=Hidden(["a", Hidden("b")])), "not-withholdable.labels"),
        (bare(labels=Hidden([Hidden("a"), "b"])), "not-withholdable.labels"),
        (bare(labels=Hidden(["a", Decoy()])), "not-withholdable.labels"),
        (bare(labels=Hidden(["a", "b"])), "not-withholdable.labels"),
        (bare(labels=Hidden([Decoy(), Hidden("a"), Decoy()])), ""),
        (bare(labels=Hidden("a")), ""),
        (bare(labels=Hidden({"a": 1})), ""),
        (bare(labels=Hidden([[Hidden("a")]])), "visible-as-disclosure"),
        (bare(labels=Hidden([[Decoy()]])), "sd-shape"),
        (bare(labels=Hidden([Hidden([Decoy()])])), "sd-shape"),
        (bare(name=Hidden(["a", "b"])), ""),
        (bare(name=Hidden([Hidden("a")])), "visible-as-disclosure"),
        (bare(name=Hidden([Decoy()])), "sd-shape"),
        (bare(object_marking_refs=["a", "b"]), ""),
        (bare(object_marking_refs=[Decoy()]), "sd-shape"),
        (bare(description=Hidden(TEXT)), ""),
        (bare(description=Hidden([])), "segments.description"),
        (bare(description=Hidden([TEXT])), "not-withholdable.description"),
        (bare(description=Hidden([Decoy()])), "segments.description"),
        (bare(description=Hidden([Decoy(), Decoy()])), ""),
        (bare(description=Hidden([Hidden([0, 1, TEXT])])), "segments.description"),
        (bare(extensions=1), ""),
        (bare(extensions=[Decoy()]), "sd-shape"),
        (bare(extensions=Hidden({})), "visible-as-disclosure.extensions"),
        (bare(extensions={}), ""),
        (bare(extensions={"a": {}}), "not-withholdable.extensions"),
        (bare(extensions={"a": Hidden({})}), ""),
        (bare(extensions={"a": Hidden([1, 2])}), ""),
        (bare(extensions={"a": Hidden([Hidden(1)])}), "visible-as-disclosure"),
        (bare(extensions={"event_refs": Hidden([Hidden(1)])}), "visible-as-disclosure"),
        (bare(extensions={INCIDENT_CORE: {}}), ""),
        (bare(extensions={INCIDENT_CORE: Hidden({})}), "visible-as-disclosure"),
        (bare(extensions={INCIDENT_CORE: 1}), "not-withholdable.extensions"),
        (bare(extensions={INCIDENT_CORE: Hidden(1)}), ""),
        (bare(extensions={INCIDENT_CORE: {"events": Hidden([])}}), ""),
        (bare(extensions={INCIDENT_CORE: {"events": Hidden(["a"])}}), ""),
        (bare(extensions={INCIDENT_CORE: {"events": Hidden([Decoy()])}}), ""),
        (
            bare(extensions={INCIDENT_CORE: {"events": Hidden(["a", "b"])}}),
            "not-withholdable.extensions",
        ),
        (
            bare(extensions={INCIDENT_CORE: {"events": Hidden(["a", Hidden(1)])}}),
            "not-withholdable.extensions",
        ),
        # A text in an extension is a plain value: only those of objects are parted.
        (
            bare(extensions={INCIDENT_CORE: {"description": Hidden([Hidden("a")])}}),
            "visible-as-disclosure",
        ),
        (
            bare(extensions={INCIDENT_CORE: {"determination": Hidden("suspected")}}),
            "visible-as-disclosure.extensions",
        ),
        (
            bare(extensions={"availability-ext": {"determination": "suspected"}}),
            "not-withholdable.extensions",
        ),
    ],
)
def test_an_object_is_held_to_the_profile(tree: Any, why: str) -> None:
    assert verdict(tree) == why


def test_an_object_in_the_clear_is_refused_before_it_is_looked_at() -> None:
    for value in (bare(), 1, None):
        with pytest.raises(TrustError) as caught:
            parts.restored(value, Origin(-1, {}, {}, {}), "", OWN)
        assert caught.value.reason == "not-withholdable"


def test_the_times_of_the_primary_object_alone_are_visible() -> None:
    shown = bare(created="c", modified="m")
    hidden = bare(created=Hidden("c"), modified=Hidden("m"))
    assert verdict(shown, primary=MAIN) == verdict(hidden) == ""
    assert verdict(shown) == "not-withholdable.created"
    assert verdict(hidden, primary=MAIN) == "visible-as-disclosure.created"
    assert verdict(hidden, primary=an_id("x-mine", 2)) == ""


def test_who_created_an_object_may_be_withheld_unless_it_is_the_issuer() -> None:
    other = an_id("identity")
    assert verdict(bare(created_by_ref=OWN)) == ""
    assert verdict(bare(created_by_ref=Hidden(other))) == ""
    assert verdict(bare(created_by_ref=Hidden(other)), {()}) == ""
    assert verdict(bare(created_by_ref=other)) == "not-withholdable.created_by_ref"
    for kept in (None, {(), ("created_by_ref",)}):
        found = verdict(bare(created_by_ref=Hidden(OWN)), kept)
        assert found == "visible-as-disclosure.created_by_ref"
    for odd in (None, [OWN], {"a": OWN}):
        assert verdict(bare(created_by_ref=odd)) == "not-withholdable.created_by_ref"


def test_a_list_of_which_nothing_is_left_is_gone_and_an_empty_one_is_not() -> None:
    tree = bare(labels=Hidden([Hidden("a"), Hidden("b")]))
    assert restored(tree, {(), ("labels",)}) == bare()
    assert restored(tree, {(), ("labels",), ("labels", 1)}) == bare(labels=["b"])
    # It is for the schema to refuse this one.
    assert restored(bare(labels=Hidden([]))) == bare(labels=[])


def test_what_is_restored_is_a_copy_where_anything_changed() -> None:
    value, origin = read(bare(description=Hidden([Hidden([0, 2, "a"]), Decoy()])))
    before = repr(value)
    assert parts.restored(value, origin, "", OWN)["description"] == "a[withheld]"
    assert repr(value) == before


def test_a_name_of_the_sender_s_is_never_spelled() -> None:
    for tree in (
        bare(mallory=1),
        bare(extensions={"mallory": 1}),
        bare(extensions={INCIDENT_CORE: {"mallory": 1}}),
        bare(mallory_refs=Hidden(["a", "b"])),
        bare(extensions={INCIDENT_CORE: {"mallory_refs": Hidden(["a", "b"])}}),
    ):
        assert verdict(tree).startswith("not-withholdable")
        assert "mallory" not in verdict(tree)
