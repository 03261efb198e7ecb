"""What nobody has heard of is seen by nobody, wherever somebody adds it.

A property, a type of object or an extension that STIX or a dialect may get tomorrow:
beside those that are known, and inside them.
"""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.redaction import NotGivenError
from schemas import stix
from schemas.errors import SchemaError
from tests.support.records import SAMPLE_INDEX, SAMPLES, an_id
from tests.support.tangles import tangles, views
from tests.support.views import (
    CLEAR,
    CORE,
    INCIDENT,
    MALWARE,
    VIEWS,
    core,
    cut,
    granular,
    link,
    marked,
    new,
    projected,
    seen,
    signed,
)

CANARY = "zqplanted"
MARK = marked(new("marking-definition", definition={"statement": "For all."}), CLEAR)
FILE = new("file", "tool", hashes={"MD5": "0f" * 16})
CERTIFICATE = new("x509-certificate", "c", hashes={"SHA-256": "0f" * 32})
TASK = new("task", "t", changed_objects=[{"state_change_type": "affected"}])
# Whatever else a property that reaches anybody may hold. Each is tied to an attacker,
# so that as much as possible of it is shown.
HOLDERS = [
    INCIDENT | {
        "kill_chain_phases": [{"kill_chain_name": "disarm", "phase_name": "plan"}],
        "external_references": [{"source_name": "cve", "external_id": "CVE-2026-12345",
                                 "hashes": {"MD5": "0f" * 16}}],
        "extensions": core(
            determination="confirmed", impacted_entity_counts={"individual": 412},
            scores=[{"name": "impact", "value": 3, "description": "High."}],
        ),
    },
    marked(MALWARE, CLEAR, MARK["id"]), MARK, FILE, CERTIFICATE, TASK,
    new("impact", impacted_entity_counts={"individual": 500},
        extensions={"monetary-ext": {"variety": "ransom-payment"}}),
    new("language-content", object_ref=INCIDENT["id"], contents={"th": {"name": "คำ"}}),
    new("attack-pattern", external_references=[
        {"source_name": "mitre-attack", "external_id": "T1078"}]),
    granular(new("course-of-action", "Advice"), CLEAR, "name"),
    link(MALWARE, "drops", FILE), link(MALWARE, "related-to", CERTIFICATE),
]  # fmt: skip


def nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all JSON objects in *value*, itself included."""
    if isinstance(value, dict):
        yield path
        for name, inner in value.items():
            yield from nodes(inner, (*path, name))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from nodes(inner, (*path, i))


def planted(one: dict[str, Any], path: tuple[Any, ...], what: Any) -> dict[str, Any]:
    """Add a member of an unknown name to the JSON object at *path*."""
    found = one = copy.deepcopy(one)
    for step in path:
        found = found[step]
    found[f"x_{CANARY}"] = what
    return one


WHATS = [CANARY, 77_077_077, [CANARY], {CANARY: CANARY}, f"{CANARY}@mail.example"]
whats = st.sampled_from(WHATS)


def is_open(path: tuple[Any, ...], what: Any) -> bool:
    """Whom a count is of, its issuer says in own words; peers get those."""
    return path[-1:] == ("impacted_entity_counts",) and isinstance(what, int)


def check_unseen(objects: list[dict[str, Any]], *to: Any) -> None:
    try:
        record = signed(*objects, primary=INCIDENT["id"])
    except SchemaError:
        return  # what is not even signed is seen by nobody
    for each in to or VIEWS.values():
        try:
            text = seen(cut(record, each))
        except NotGivenError:
            continue
        assert CANARY not in text
        assert "77077077" not in text


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda one: one["type"])
def test_nothing_unknown_passes_inside_what_is_known(holder):
    others = [one for one in HOLDERS if one is not holder]
    for path in nodes(holder):
        for what in WHATS:
            if not is_open(path, what):
                check_unseen([planted(holder, path, what), *others])


def test_what_is_known_does_reach_somebody():
    # Else the test above would hold for an adapter that gives nothing.
    record = signed(*HOLDERS, primary=INCIDENT["id"])
    shown = {n for one in projected(cut(record, VIEWS["peer"])) for n in one}
    assert shown >= {
        "hashes", "contents", "definition", "kill_chain_phases", "external_references",
        "impacted_entity_counts", "changed_objects",
    }  # fmt: skip


@given(tangles(), views, st.randoms(use_true_random=False), whats)
@settings(max_examples=60, derandomize=True)
def test_an_unknown_property_in_any_place_is_seen_by_nobody(objects, to, chance, what):
    bent = list(objects)
    i = chance.randrange(len(bent))
    path = chance.choice(list(nodes(bent[i])))
    if is_open(path, what):
        return
    bent[i] = planted(bent[i], path, what)
    check_unseen(bent, to)


@given(tangles(), views, whats, st.booleans())
@settings(max_examples=30, derandomize=True)
def test_an_unknown_type_and_all_that_refers_to_it_are_seen_by_nobody(
    objects, to, what, named
):
    kind = f"x-{CANARY}" if named else "x-thing"
    thing = marked(new(kind, CANARY, name=CANARY, x_more=what), CLEAR)
    ties = [marked(link(each, "uses", thing), CLEAR) for each in objects[:4]]
    listing = new("report", f"of {CANARY}", object_refs=[thing["id"], INCIDENT["id"]])
    check_unseen(
        [*objects, thing, *ties, marked(listing | {"name": "List"}, CLEAR)], to
    )


@given(tangles(), views, whats, st.sampled_from(["new", "alias", "inside"]))
@settings(max_examples=30, derandomize=True)
def test_an_unknown_extension_is_seen_by_nobody(objects, to, what, how):
    keys = {
        "new": an_id("extension-definition", 77),
        "alias": f"incident-core-{CANARY}",
        "inside": CORE,
    }
    value = {f"x_{CANARY}": what, "extension_type": "property-extension"}
    bent = [
        one
        if one["type"] == "marking-definition"
        else one | {"extensions": one.get("extensions", {}) | {keys[how]: value}}
        for one in objects
    ]
    check_unseen(bent, to)


@pytest.mark.parametrize("entry", SAMPLE_INDEX, ids=lambda entry: entry["file"])
def test_nothing_unknown_passes_in_a_sample(entry):
    chance = random.Random(7)  # noqa: S311  no secret
    objects = []
    for one in json.loads((SAMPLES / entry["file"]).read_bytes())["objects"]:
        path, what = chance.choice(list(nodes(one))), chance.choice(WHATS)
        bent = one if is_open(path, what) else planted(one, path, what)
        try:
            stix.decode_object(bent)
        except SchemaError:
            bent = one  # what is not even signed is seen by nobody
        objects.append(bent)
    assert CANARY in json.dumps(objects)
    record = signed(*objects, issuer=entry["issuer"], kind=entry["kind"])
    for to in VIEWS.values():
        text = seen(cut(record, to))
        assert CANARY not in text
        assert "77077077" not in text
