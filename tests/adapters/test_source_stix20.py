"""STIX 2.0 is written as 2.1 has it; what 2.0 does not say is assumed and listed."""

import copy
import json
import time
from typing import Any

import pytest

from adapters.sources import formats
from adapters.sources.found import Found
from adapters.sources.source import Input
from schemas import stix
from schemas.composing import compose
from schemas.errors import SchemaError
from schemas.markings import TLP_IDS, Tlp
from tests.support.leaves import dropped_unlisted, one_changed
from tests.support.real_data import DATA, real_files
from tests.support.views import new

WHEN = "2026-11-05T00:00:00Z"
TIME = "2026-02-03T04:05:06.789Z"
WHITE = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
AMBER = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"


def old(kind: str, called: str = "", /, **properties: Any) -> dict[str, Any]:
    """Make an object of STIX 2.0."""
    one = new(kind, called, **properties)
    for name in ("spec_version", "pattern_type", "is_family"):
        if name not in properties:
            one.pop(name, None)
    return one


def observed(called: str = "", /, **inner: Any) -> dict[str, Any]:
    """Observed data whose observables are the keyword arguments, `_0` for "0"."""
    return old(
        "observed-data", called, objects={k.lstrip("_"): v for k, v in inner.items()}
    )


ADDRESS = {"type": "ipv4-addr", "value": "192.0.2.7"}
DOMAIN = {"type": "domain-name", "value": "bad.example", "resolves_to_refs": ["1"]}


def bundle(*objects: Any, **members: Any) -> dict[str, Any]:
    own = f"bundle--{'1' * 8}-1111-4111-8111-{'1' * 12}"
    return {
        "type": "bundle", "id": own, "spec_version": "2.0", "objects": list(objects),
    } | members  # fmt: skip


def read(*objects: Any, **members: Any) -> Found:
    return read_value(bundle(*objects, **members))


def read_value(value: Any) -> Found:
    given = Input(json.dumps(value).encode(), when=WHEN)
    return formats.read(given, "stix20")


def plain(found: Found, kind: str) -> list[dict[str, Any]]:
    return [stix.encode_object(o) for o in found.objects if o.type == kind]


def only(found: Found, kind: str) -> dict[str, Any]:
    (one,) = plain(found, kind)
    return one


def lost(found: Found) -> dict[str, str]:
    return {loss.where: loss.rule for loss in found.losses}


# ------------------------------------------------------------------- recognition


def source_of(value: Any) -> str:
    return formats.recognise(Input(json.dumps(value).encode(), when=WHEN)).name


def test_what_says_2_0_or_nothing_is_recognised():
    tool = old("tool", "PsExec")
    untold = bundle(tool)
    del untold["spec_version"]
    marking = new("marking-definition")
    del marking["spec_version"]
    own = {"type": "x-own", "id": tool["id"].replace("tool", "x-own")}
    assert source_of(bundle(tool)) == "stix20"
    assert source_of(untold) == "stix20"
    assert source_of([tool]) == "stix20"
    assert source_of([marking, own, observed(_0=ADDRESS)]) == "stix20"
    assert source_of(bundle()) == "stix20"


def test_what_was_written_for_2_1_is_left_to_its_source():
    for value in (
        bundle(new("tool"), spec_version="2.1"),
        {"type": "bundle", "id": "x", "objects": [new("tool")]},
        [new("tool")],
        [old("tool"), new("tool")],
        [old("indicator", pattern_type="stix")],
        [old("malware", is_family=True)],
        [old("observed-data", object_refs=[new("ipv4-addr")["id"]])],
        [old("report", report_types=["campaign"])],
        [old("incident")],
        [{"type": "ipv4-addr", "id": "x", "value": "192.0.2.7"}],
        [{"type": "x-own", "id": "x"}],
        {"type": "bundle", "objects": []},
        old("tool"),
    ):
        given = Input(json.dumps(value).encode(), when=WHEN)
        assert not formats.SOURCES["stix20"].recognises(given)


@pytest.mark.parametrize(
    "value", [7, "tool", {}, [], [7], [{"id": "x"}], {"type": "bundle", "objects": 7}]
)
def test_what_is_no_stix_is_refused(value):
    with pytest.raises(SchemaError, match="not-stix20"):
        read_value(value)


@pytest.mark.parametrize("patterns", [
    "amnesty_stix21/*", "fimi_viginum_stix21/*.json", "oasis_stix21_examples/*.json",
    "misp_stix_pairs/*_stix21.json", "attack_flow/*.json", "disarm/*.json",
])  # fmt: skip
def test_real_records_of_2_1_are_left_to_their_source(patterns):
    if not DATA.is_dir():
        pytest.skip("real data missing: shared/data beside the checkout")
    paths = sorted(DATA.glob(patterns))
    assert paths
    for path in paths:
        given = Input(path.read_bytes(), when=WHEN)
        assert not formats.SOURCES["stix20"].recognises(given)


# ------------------------------------------------------- what 2.1 calls otherwise


@pytest.mark.parametrize(
    ("kind", "name", "word"),
    [
        ("indicator", "indicator_types", "malicious-activity"),
        ("malware", "malware_types", "ransomware"),
        ("report", "report_types", "threat-report"),
        ("threat-actor", "threat_actor_types", "nation-state"),
        ("tool", "tool_types", "remote-access"),
        ("identity", "roles", "any role"),
    ],
)
def test_labels_of_the_vocabulary_become_types(kind, name, word):
    refs = {"object_refs": [new("tool")["id"]]} if kind == "report" else {}
    labels = ['misp:tool="x"', word, "Own:Word"]
    one = only(read(old(kind, labels=labels, **refs)), kind)
    assert one[name] == [word]
    assert one["labels"] == ['misp:tool="x"', "Own:Word"]
    assert one["spec_version"] == "2.1"
    alone = only(read(old(kind, labels=[word], **refs)), kind)
    assert "labels" not in alone


def test_other_labels_stay_labels():
    assert only(read(old("campaign", labels=["spy"])), "campaign")["labels"] == ["spy"]
    both = old("tool", labels=["exploitation"], tool_types=["own"])
    one = only(read(both), "tool")
    assert (one["labels"], one["tool_types"]) == (["exploitation"], ["own"])


def test_a_pattern_is_one_of_stix_2_0():
    one = only(read(old("indicator")), "indicator")
    assert (one["pattern_type"], one["pattern_version"]) == ("stix", "2.0")
    other = only(read(old("indicator", pattern_type="x-own")), "indicator")
    assert "pattern_version" not in other


def test_what_2_0_does_not_say_is_assumed_and_listed():
    found = read(
        old("malware", "Crate"),
        old("malware", "Own", is_family=False),
        old("indicator", valid_from=None),
        old("report", published=None, object_refs=[new("tool")["id"]]),
        {"type": "tool", "id": new("tool")["id"], "name": "PsExec"},
    )
    assert [one["is_family"] for one in plain(found, "malware")] == [True, False]
    assert only(found, "indicator")["valid_from"] == TIME
    assert only(found, "report")["published"] == TIME
    assert only(found, "tool")["created"] == WHEN
    assert lost(found) == {
        "$.objects[0].is_family": "assumed", "$.objects[2].valid_from": "assumed",
        "$.objects[3].published": "assumed", "$.objects[4].created": "assumed",
    }  # fmt: skip


def test_malware_without_a_name_is_no_family():
    one = only(read(old("malware", name=None)), "malware")
    assert one["is_family"] is False


def test_markings_keep_their_form():
    statement = old("marking-definition")
    del statement["modified"]
    tool = old("tool", object_marking_refs=[WHITE])
    found = read(statement, tool)
    assert "modified" not in only(found, "marking-definition")
    assert only(found, "tool")["object_marking_refs"] == [WHITE]


def test_an_object_of_2_1_among_them_stays_as_it_is():
    one = new("tool", labels=["exploitation"])
    assert only(read(one), "tool") == one


def test_properties_of_their_own_come_along():
    tool = old("tool", x_misp_level=3, extensions={"x-own-ext": {"a": 1}})
    one = only(read(tool), "tool")
    assert (one["x_misp_level"], one["extensions"]) == (3, {"x-own-ext": {"a": 1}})


def test_marks_follow_the_labels():
    marks = [
        {"marking_ref": RED, "selectors": ["labels.[1]", "name"]},
        {"marking_ref": AMBER, "selectors": ["labels", "labels.[2]", "labels.[9]"]},
    ]
    labels = ["own", "exploitation", "other"]
    one = only(read(old("tool", labels=labels, granular_markings=marks)), "tool")
    first, second = one["granular_markings"]
    assert first["selectors"] == ["tool_types.[0]", "name"]
    assert second["selectors"] == [
        "tool_types", "labels", "labels.[1]", "tool_types", "labels",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "marks", [7, [7], [{"selectors": 7}], [{"marking_ref": RED, "selectors": [7]}]]
)
def test_marks_that_are_not_valid_take_the_object_along(marks):
    found = read(
        old("campaign"), old("tool", labels=["exploitation"], granular_markings=marks)
    )
    assert plain(found, "tool") == []
    assert lost(found) == {"$.objects[1]": "unusable"}


# ------------------------------------------------------------------ observables


def test_observables_become_objects_under_ids_of_their_values():
    found = read(observed(_0=DOMAIN, _1=ADDRESS))
    domain, address = only(found, "domain-name"), only(found, "ipv4-addr")
    assert domain["resolves_to_refs"] == [address["id"]]
    data = only(found, "observed-data")
    assert data["object_refs"] == [domain["id"], address["id"]]
    assert "objects" not in data
    # STIX 2.1, Deterministic ID Creation: computed with the OASIS library.
    assert address["id"] == "ipv4-addr--fe609036-dbde-52d8-a120-35d115a7d338"
    assert "created" not in address


def test_the_same_observable_twice_is_one():
    found = read(
        observed("a", _0=DOMAIN, _1=ADDRESS), observed("b", _x=ADDRESS, _y=ADDRESS)
    )
    assert len(plain(found, "ipv4-addr")) == 1
    first, second = plain(found, "observed-data")
    assert second["object_refs"] == [first["object_refs"][1]]


def test_descriptions_that_agree_are_joined():
    bare = {"type": "domain-name", "value": "bad.example"}
    found = read(observed("a", _0=bare), observed("b", _0=DOMAIN, _1=ADDRESS))
    assert only(found, "domain-name")["resolves_to_refs"]
    (first, second) = plain(found, "observed-data")
    assert first["object_refs"][0] == second["object_refs"][0]


def test_descriptions_that_do_not_agree_stay_apart():
    other = {"type": "ipv4-addr", "value": "198.51.100.1"}
    found = read(
        observed("a", _0=DOMAIN, _1=ADDRESS), observed("b", _0=DOMAIN, _1=other)
    )
    first, second = plain(found, "domain-name")
    assert first["id"] != second["id"]
    addresses = {one["id"]: one["value"] for one in plain(found, "ipv4-addr")}
    assert addresses[first["resolves_to_refs"][0]] == "192.0.2.7"
    assert addresses[second["resolves_to_refs"][0]] == "198.51.100.1"
    within = read(observed(_0=DOMAIN, _1=ADDRESS, _2=DOMAIN | {"resolves_to_refs": ["3"]},
                           _3=other))  # fmt: skip
    assert len(plain(within, "domain-name")) == 2


def test_references_lead_to_objects_at_any_depth():
    found = read(
        observed(
            _0={"type": "file", "name": "a.zip", "parent_directory_ref": "1",
                "hashes": {"ssdeep": "3:a:b"},
                "extensions": {"archive-ext": {"contains_refs": ["2", "7"],
                                               "comment": "x"}}},
            _1={"type": "directory", "path": "/srv", "contains_refs": ["0"]},
            _2={"type": "file", "name": "b.exe", "content_ref": "9"},
        )
    )  # fmt: skip
    archive, inner = plain(found, "file")
    assert archive["parent_directory_ref"] == only(found, "directory")["id"]
    assert archive["extensions"]["archive-ext"]["contains_refs"] == [inner["id"]]
    assert archive["hashes"] == {"SSDEEP": "3:a:b"}
    assert "content_ref" not in inner
    assert lost(found) == {"$.objects[0].objects[...]": "dangling"}
    assert found.losses[0].count == 2


def test_references_in_a_ring_are_followed_no_further():
    found = read(
        observed(
            _0={"type": "network-traffic", "protocols": ["tcp"], "src_ref": "1"},
            _1={"type": "network-traffic", "protocols": ["tcp"], "src_ref": "0",
                "dst_ref": "2"},
            _2=ADDRESS,
            _3={"type": "network-traffic", "protocols": ["udp"], "src_ref": "2"},
        )
    )  # fmt: skip
    one, other, plainly = plain(found, "network-traffic")
    assert (one["src_ref"], other["src_ref"]) == (other["id"], one["id"])
    assert plainly["src_ref"] == other["dst_ref"] == only(found, "ipv4-addr")["id"]


def test_what_2_1_has_renamed_has_its_new_name():
    found = read(
        observed(
            _0={"type": "file", "name": "a", "created": TIME, "modified": TIME,
                "accessed": TIME},
            _1={"type": "process", "pid": 7, "created": TIME, "binary_ref": "0",
                "name": "old"},
            _2={"type": "user-account", "user_id": "u", "password_last_changed": TIME},
            _3={"type": "windows-registry-key", "key": "HKLM", "modified": TIME},
            _4={"type": "directory", "path": "/", "created": TIME, "ctime": TIME},
        )
    )  # fmt: skip
    assert only(found, "file").keys() >= {"ctime", "mtime", "atime"}
    process = only(found, "process")
    assert process["image_ref"] == only(found, "file")["id"]
    assert (process["created_time"], process["name"]) == (TIME, "old")
    assert only(found, "user-account")["credential_last_changed"] == TIME
    assert only(found, "windows-registry-key")["modified_time"] == TIME
    assert only(found, "directory")["created"] == TIME


def test_observables_are_marked_as_what_held_them():
    one = observed("a", _0=ADDRESS) | {"object_marking_refs": [WHITE]}
    other = observed("b", _0=ADDRESS) | {
        "granular_markings": [
            {"marking_ref": AMBER, "selectors": ["objects.0.value", "number_observed"]},
            {"marking_ref": RED, "selectors": ["number_observed"]},
            {"lang": "en", "selectors": ["objects.0"]},
        ]
    }
    third = observed("c", _0=ADDRESS | {"object_marking_refs": [WHITE]})
    found = read(one, other, third)
    assert only(found, "ipv4-addr")["object_marking_refs"] == [WHITE, AMBER]
    second = plain(found, "observed-data")[1]
    selectors = [m["selectors"] for m in second["granular_markings"]]
    assert selectors == [
        ["object_refs", "number_observed"],
        ["number_observed"],
        ["object_refs"],
    ]
    clear = read(one, old("report", object_refs=[one["id"]]))
    draft = compose(clear.objects, now=WHEN, tlp=Tlp.AMBER)
    (address,) = [o for o in draft.objects if o.type == "ipv4-addr"]
    assert address.object_marking_refs == (TLP_IDS[Tlp.CLEAR],)


@pytest.mark.parametrize(
    "marks",
    [
        {"object_marking_refs": [7]},
        {"object_marking_refs": RED},
        {"granular_markings": {"marking_ref": RED, "selectors": ["objects.0"]}},
        {"granular_markings": [{"marking_ref": [7], "selectors": ["objects.0"]}]},
    ],
)
def test_observables_of_what_is_marked_wrongly_are_left_out_with_it(marks):
    found = read(old("tool"), observed(_0=ADDRESS) | marks)
    assert [one.type for one in found.objects] == ["tool"]
    assert lost(found) == {"$.objects[1]": "unusable"}


def test_an_observable_that_is_not_valid_is_listed():
    found = read(
        observed(_0=ADDRESS, _1={"type": "ipv4-addr"}, _2=7, _3={"type": 7}, _5={"type": ""},
                 _4={"type": "mutex", "name": "m", "id": "own",
                     "object_marking_refs": 7})
    )  # fmt: skip
    data = only(found, "observed-data")
    assert data["object_refs"] == [only(found, "ipv4-addr")["id"]]
    assert lost(found) == {
        "$.objects[0].objects[...]": "unusable",
        "$.objects[0].objects[...].id": "no-equivalent",
    }  # fmt: skip
    assert [x.count for x in found.losses] == [5, 1]


def test_observed_data_without_observables_is_listed():
    found = read(old("tool"), old("observed-data"), observed(_0=7), old(
        "observed-data", "b", objects=[ADDRESS]))  # fmt: skip
    assert plain(found, "observed-data") == []
    assert lost(found)["$.objects[1]"] == "unusable"


def test_observed_data_of_both_kinds_is_left_as_it_is():
    data = observed(_0=ADDRESS) | {"object_refs": [new("ipv4-addr")["id"]]}
    one = only(read(data), "observed-data")
    assert one["objects"] == {"0": ADDRESS}


# ---------------------------------------------------------------------- odd input


def test_of_several_versions_the_newest_stays():
    def version(number: int, **more: Any) -> dict[str, Any]:
        return old("tool", "x", modified=f"2026-02-0{number}T00:00:00Z", **more)

    found = read(version(4), version(6), version(6), version(5), old("tool", "y"))
    assert next(o.modified for o in found.objects) == "2026-02-06T00:00:00Z"
    assert len(found.objects) == 2
    assert [(x.rule, x.where, x.count) for x in found.losses] == [
        ("older-version", "$.objects[0]", 2), ("repeated", "$.objects[2]", 1),
    ]  # fmt: skip
    odd = read(
        version(4), old("tool", "x", modified="now"), old("tool", "x", modified=7)
    )
    assert odd.objects[0].modified == "2026-02-04T00:00:00Z"


def test_what_is_no_object_is_listed():
    found = read(old("tool"), 7, None, {"type": "tool"}, {"type": 7, "id": "x"}, {"type": "", "id": "x"},
                 {"type": "tool", "id": "x", "name": "y"},
                 {"type": "tool", "id": new("tool", "z")["id"], "spec_version": "3"},
                 x_own=1)  # fmt: skip
    assert len(found.objects) == 1
    assert {(x.where, x.rule, x.count) for x in found.losses} == {
        ("$[...]", "no-equivalent", 1), ("$.objects[1]", "wrong-type", 2),
        ("$.objects[3]", "unusable", 3), ("$.objects[6].created", "assumed", 1),
        ("$.objects[6]", "unusable", 2),
    }  # fmt: skip


@pytest.mark.parametrize(
    "objects", [7, [], [7], {"a": 1}, [{"type": "tool", "id": "x"}]]
)
def test_a_bundle_without_anything_to_read_is_refused(objects):
    with pytest.raises(SchemaError, match="no-objects"):
        read_value(bundle() | {"objects": objects})


@pytest.mark.parametrize(
    "value",
    [
        [old("tool", f"t{i}") for i in range(20_001)],
        [
            observed(
                **{f"_{i}": {"type": "mutex", "name": f"m{i}"} for i in range(20_001)}
            )
        ],
    ],
    ids=["objects", "observables"],
)
def test_more_objects_than_a_record_holds_are_refused_quickly(value):
    data = json.dumps(value).encode()
    start = time.process_time()
    with pytest.raises(SchemaError, match="too-many-objects"):
        formats.read(Input(data, when=WHEN), "stix20")
    assert time.process_time() - start < 10


@pytest.mark.parametrize("seed", range(4))
def test_one_value_changed_at_random_hurts_nothing_else(seed):
    marks = [{"marking_ref": AMBER, "selectors": ["objects.0.value"]}]
    value = [
        observed("a", _0=DOMAIN, _1=ADDRESS) | {"granular_markings": marks},
        observed("b", _0={"type": "file", "name": "a", "content_ref": "1"}, _1=ADDRESS),
        old("tool", labels=["exploitation"], granular_markings=[
            {"marking_ref": WHITE, "selectors": ["labels.[0]"]}]),
        old("indicator"), old("campaign"),
    ]  # fmt: skip
    for each in one_changed(bundle(*value)["objects"], seed=seed, times=100):
        found = read(*each)
        kinds = {one.type for one in found.objects}
        assert len(kinds & {"observed-data", "tool", "indicator", "campaign"}) >= 3


def test_no_text_of_the_input_stands_in_what_is_listed():
    found = read(old("tool"), observed(Secret={"type": "Secret"}), {"type": "Secret"},
                 Secret="Secret")  # fmt: skip
    assert "Secret" not in str(found.losses)


def test_the_same_bytes_give_the_same_objects():
    value = bundle(
        observed("a", _0=DOMAIN, _1=ADDRESS), observed("b", _0=DOMAIN, _1=DOMAIN)
    )
    assert read_value(value) == read_value(copy.deepcopy(value))


# ------------------------------------------------------------------- real bundles


@pytest.mark.parametrize("path", real_files("misp_stix_pairs/*stix20.json"))
def test_real_bundles_come_along_whole(path):
    data = path.read_bytes()
    found = formats.read(Input(data, name=path.stem, when=WHEN))
    objects = json.loads(data)["objects"]
    beside = r".*\._?refs?|.*\.(\w+_ref|\w+_refs\[\d+\])"  # keys are ids now
    assert dropped_unlisted({"objects": objects}, found, beside=beside) == []
    assert found.losses == ()
    report = next((o.id for o in found.objects if o.type == "report"), None)
    options = {"primary": report} if report else {"report": "Findings"}
    assert compose(found.objects, now=WHEN, tlp=Tlp.GREEN, **options)


@pytest.mark.parametrize("path", real_files("misp_stix_pairs/*stix20.json"))
def test_real_bundles_hold_what_their_twins_of_2_1_hold(path):
    """The twin is MISP's own work; it leaves values of observables alone."""
    twin = path.with_name(path.name.replace("stix20", "stix21"))
    mine = formats.read(Input(path.read_bytes(), when=WHEN)).objects
    theirs = formats.read(Input(twin.read_bytes(), when=WHEN)).objects

    def values(objects: Any) -> set[tuple[str, Any]]:
        return {
            (o.type, getattr(o, name))
            for o in objects
            for name in ("value", "number", "path", "user_id", "subject")
            if isinstance(getattr(o, name, None), str | int)
        }

    assert values(mine) == values(theirs)
