"""Checking looks at many objects together, and finds what it would find in each alone."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import leaks
from adapters.checking import check
from adapters.sources.found import Found
from schemas import composing, linting, markings_checks, stix
from schemas.errors import SchemaError
from schemas.stix.values import ID_PATTERN
from schemas.vocabularies.checking import outside, outside_in
from tests.support.records import MODIFIED, SAMPLES
from tests.support.stix_values import stix_objects

_IDS = re.compile(ID_PATTERN.removeprefix("^").removesuffix(r"\Z"))
_RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
_OTHERS: list[Any] = [
    "", " ", "a\u202eb", "en", "x y", "stix", "[a:b = 'c'", "2036-01-01T00:00:00Z",
    "2001-01-01T00:00:00Z", ["tlp:green"], ["PAP:RED"], [" "], [_RED], 5, {"a": {}},
    {"monetary-ext": {"variety": "odd", "extension_type": "An Odd One"}},
    "identity--a9792279-41fa-4676-a1ed-488ffbc146f4", "10.0.0.1", "odd",
]  # fmt: skip


def known(plain: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the type does not have."""
    names = {"type", *stix.TYPES[plain["type"]].__struct_fields__}
    return {name: value for name, value in plain.items() if name in names}


def found_of(plain: list[dict[str, Any]]) -> Found:
    """Decode objects; all that they refer to is in the input."""
    everywhere = dict.fromkeys(_IDS.findall(json.dumps(plain)), "$")
    objects = tuple(map(stix.decode_object, plain))
    places = {each.id: f"$[{i}]" for i, each in enumerate(objects)}
    return Found(objects=objects, places=everywhere | places)


def findings_of(found: Found) -> Any:
    checked = check(found, {"now": MODIFIED})
    assert [*outside_in(found.objects, found.places)] == [
        each for o in found.objects for each in outside(o, found.places[o.id])
    ]
    return checked.findings, checked.draft


def one_by_one(found: Found) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linting, "to_look_at", lambda _, objects: range(len(objects)))
        patch.setattr(composing, "_to_check", lambda objects: objects)
        patch.setattr(markings_checks, "_is_telling", lambda _: True)
        patch.setattr(markings_checks, "AS_WRITTEN", {})
        for module in (composing, leaks):
            patch.setattr(module, "uncommon", lambda objects: range(len(objects)))
        return findings_of(found)


@given(st.lists(stix_objects(), min_size=1, max_size=4, unique_by=lambda o: o["id"]))
def test_of_any_objects(objects: list[dict[str, Any]]) -> None:
    found = found_of([*map(known, objects)])
    assert findings_of(found) == one_by_one(found)


@given(st.sampled_from(sorted(SAMPLES.glob("*.json"))), st.data())
def test_of_a_sample_in_which_something_is_changed(path: Any, data: Any) -> None:
    plain = json.loads(path.read_text(encoding="utf-8"))["objects"]
    changed = data.draw(st.sampled_from(range(len(plain))))
    name = data.draw(st.sampled_from([*plain[changed], "labels", "extensions", "lang"]))
    plain[changed][name] = data.draw(st.sampled_from(_OTHERS))
    try:
        found = found_of(plain)
    except SchemaError:
        return
    assert findings_of(found) == one_by_one(found)
