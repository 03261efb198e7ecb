"""A collection of loose objects becomes one record per case."""

import itertools
import time
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.taxii import splitting
from adapters.taxii.splitting import MAX_PART, Node, node, split

MARKING = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


class Shelf:
    """Objects by short names, as they would come from a server."""

    def __init__(self):
        self.objects = {}
        self.old = set()

    def put(self, name, kind, old=False, **members):
        own = f"{kind}--{uuid.uuid5(uuid.NAMESPACE_OID, name)}"
        members = {
            key: [self.id(each) for each in value]
            if key.endswith("_refs")
            else self.id(value)
            if key.endswith("_ref")
            else value
            for key, value in members.items()
        }
        self.objects[name] = {"type": kind, "id": own, **members}
        if old:
            self.old.add(name)
        return name

    def id(self, name):
        return self.objects[name]["id"] if name in self.objects else name

    def relate(self, source, target, kind="uses", **options):
        name = f"{source} {kind} {target}"
        return self.put(
            name, "relationship", source_ref=source, target_ref=target, **options
        )

    def split(self):
        return split(
            node(plain, is_fresh=name not in self.old)
            for name, plain in self.objects.items()
        )

    def names(self, found=None):
        names = {plain["id"]: name for name, plain in self.objects.items()}
        return {
            None if group.primary is None else names[group.primary]: {
                names[each] for each in group.members
            }
            for group in (found or self.split()).groups
        }


@pytest.fixture
def shelf():
    return Shelf()


def test_a_case_has_what_it_refers_to_and_what_its_relationships_lead_to(shelf):
    shelf.put(MARKING, "marking-definition")
    shelf.put("cert", "identity")
    shelf.put("impact", "impact")
    shelf.put(
        "case",
        "incident",
        created_by_ref="cert",
        object_marking_refs=[MARKING],
        extensions={"x": {"impact_refs": [shelf.id("impact")]}},
    )
    shelf.put("malware", "malware")
    shelf.put("host", "infrastructure")
    shelf.relate("case", "malware")
    shelf.relate("malware", "host")
    assert shelf.names() == {"case": set(shelf.objects)}


def test_what_speaks_of_a_part_comes_along(shelf):
    shelf.put("case", "incident")
    shelf.put("malware", "malware")
    shelf.relate("case", "malware")
    shelf.put("pattern", "indicator")
    shelf.relate("pattern", "malware", "indicates")
    shelf.put("seen", "sighting", sighting_of_ref="pattern")
    shelf.put("note", "note", object_refs=["seen"])
    assert shelf.names() == {"case": set(shelf.objects)}


def test_whoever_is_tied_to_an_event_or_a_task_belongs_to_the_case(shelf):
    shelf.put("task", "task")
    shelf.put("case", "incident", task_refs=["task"])
    shelf.put("analyst", "identity")
    shelf.relate("analyst", "task", "contact-for")
    assert shelf.names() == {"case": set(shelf.objects)}


def test_other_actors_with_the_same_malware_stay_away(shelf):
    shelf.put("case", "incident")
    shelf.put("malware", "malware")
    shelf.relate("case", "malware")
    shelf.put("somebody else", "intrusion-set")
    other = shelf.relate("somebody else", "malware")
    assert shelf.names()["case"] == {"case", "malware", "case uses malware"}
    assert {"somebody else", other} <= shelf.names()[None]


def test_what_cases_share_goes_into_each_and_leads_no_further(shelf):
    shelf.put("technique", "attack-pattern")
    for name in ("one", "two"):
        shelf.put(name, "incident")
        shelf.relate(name, "technique")
        shelf.put(f"pattern {name}", "indicator")
        shelf.relate(f"pattern {name}", "technique", "indicates")
        shelf.relate(f"pattern {name}", name, "indicates")
    found = shelf.names()
    assert found["one"] == {
        "one",
        "technique",
        "one uses technique",
        "pattern one",
        "pattern one indicates one",
        "pattern one indicates technique",
    }
    assert None not in found


def test_a_small_part_that_is_shared_brings_what_ties_it_to_the_rest(shelf):
    shelf.put("case", "incident")
    for name, kind in (("tool", "tool"), ("flaw", "vulnerability")):
        shelf.put(name, kind)
        shelf.relate("case", name)
    tie = shelf.relate("tool", "flaw", "targets")
    assert tie in shelf.names()["case"]


def test_cases_do_not_take_each_other_in_but_keep_what_ties_them(shelf):
    shelf.put("one", "incident")
    shelf.put("two", "incident")
    tie = shelf.relate("one", "two", "related-to")
    assert shelf.names() == {"one": {"one", tie}, "two": {"two", tie}}


def test_campaigns_reports_and_groupings_are_cases_where_nothing_higher_has_them(shelf):
    shelf.put("incident", "incident")
    shelf.put("its campaign", "campaign")
    shelf.relate("incident", "its campaign", "attributed-to")
    shelf.put("campaign", "campaign")
    shelf.put("ip", "ipv4-addr")
    shelf.put("report", "report", object_refs=["ip"])
    shelf.put("grouping", "grouping", object_refs=["ip"])
    assert shelf.names() == {
        "incident": {
            "incident",
            "its campaign",
            "incident attributed-to its campaign",
        },
        "campaign": {"campaign"},
        "report": {"report", "ip"},
        "grouping": {"grouping", "ip"},
    }


def test_a_report_about_one_case_belongs_to_it_with_all_that_it_lists(shelf):
    shelf.put("case", "incident")
    shelf.put("ip", "ipv4-addr")
    shelf.put("report", "report", object_refs=["case", "ip", "missing"])
    assert shelf.names() == {"case": {"case", "report", "ip"}}


def test_a_report_about_several_cases_is_a_record_without_them(shelf):
    shelf.put("one", "incident")
    shelf.put("two", "incident")
    shelf.put("ip", "ipv4-addr")
    shelf.put("report", "report", object_refs=["one", "two", "ip"])
    assert shelf.names() == {
        "one": {"one"},
        "two": {"two"},
        "report": {"report", "ip"},
    }


def test_a_grouping_of_a_report_belongs_to_it(shelf):
    shelf.put("ip", "ipv4-addr")
    shelf.put("report", "report", object_refs=["ip"])
    shelf.put("grouping", "grouping", object_refs=["report"])
    assert shelf.names() == {"report": {"report", "grouping", "ip"}}


def test_a_relationship_to_what_is_not_there_comes_along(shelf):
    shelf.put("case", "incident")
    tie = shelf.relate("missing", "case")
    assert shelf.names() == {"case": {"case", tie}}


def test_what_belongs_to_no_case_comes_together_with_what_it_refers_to(shelf):
    shelf.put("case", "incident")
    shelf.put("cert", "identity")
    shelf.put("as", "autonomous-system", old=True)
    shelf.put("ip", "ipv4-addr", belongs_to_refs=["as"])
    shelf.put("pattern", "indicator", created_by_ref="cert")
    shelf.put("note", "note", object_refs=["pattern", "case"])
    found = shelf.names()
    assert found["case"] == {"case", "note", "pattern", "cert"}
    assert found[None] == {"ip", "as"}


def test_markings_and_identities_alone_wait(shelf):
    shelf.put("cert", "identity")
    shelf.put("team", "identity")
    shelf.relate("cert", "team", "member-of")
    shelf.put(MARKING, "marking-definition")
    found = shelf.split()
    assert found.groups == ()
    assert found.waiting == 4
    shelf.relate("cert", "missing", "member-of")
    assert len(shelf.split().groups) == 1


def test_a_record_is_fresh_if_a_part_of_its_own_is(shelf):
    shelf.put("technique", "attack-pattern")  # fresh, and shared
    for name in ("one", "two"):
        shelf.put(name, "incident", old=True)
        shelf.relate(name, "technique", old=True)
    shelf.put("note", "note", object_refs=["two"])
    shelf.put("ip", "ipv4-addr", old=True)
    fresh = {group.primary: group.is_fresh for group in shelf.split().groups}
    assert fresh == {shelf.id("one"): False, shelf.id("two"): True}


def test_the_rest_comes_in_parts(shelf):
    for number in range(MAX_PART + 1):
        shelf.put(f"ip {number}", "ipv4-addr")
    sizes = [len(group.members) for group in shelf.split().groups]
    assert sizes == [MAX_PART, 1]


def test_the_order_in_which_objects_come_changes_nothing(shelf):
    for name in ("one", "two"):
        shelf.put(name, "campaign")
        shelf.put(f"malware {name}", "malware")
        shelf.relate(name, f"malware {name}")
    nodes = [node(plain) for plain in shelf.objects.values()]
    assert {split(order) for order in itertools.permutations(nodes, 6)} == {
        split(nodes)
    }


def test_an_id_in_a_place_that_is_no_reference_is_none():
    plain = {"type": "note", "id": "note--1", "x_refs": [7, {"y_ref": "a"}], "b": "c"}
    assert node(plain).refs == ("a",)
    assert node(plain | {"type": "relationship", "source_ref": 7}).ends is None


def tangle(cases, shared):
    """Cases that all refer to the same malware, each of which leads to the next."""
    for number in range(shared):
        onward = (f"malware--{number + 1}",)
        yield Node(f"malware--{number}", "malware", refs=onward)
    for number in range(cases):
        yield Node(f"incident--{number:05d}", "incident", refs=("malware--0",))
        yield Node(
            f"relationship--{number}",
            "relationship",
            ends=(f"incident--{number:05d}", "identity--1"),
            support=(MARKING,),
        )
    yield Node("identity--1", "identity", refs=("identity--1",))
    yield Node(MARKING, "marking-definition")


def test_cases_that_share_everything_come_with_their_neighbours_alone():
    found = split(tangle(200, 200))
    assert found.is_narrow
    cases = [group for group in found.groups if group.primary is not None]
    assert len(cases) == 200
    assert cases[0].members == (
        "incident--00000",
        "identity--1",
        "malware--0",
        MARKING,
        "relationship--0",
    )
    [rest] = [group for group in found.groups if group.primary is None]
    assert len(rest.members) == 199


def test_a_case_too_large_for_a_record_comes_with_its_neighbours_alone(monkeypatch):
    monkeypatch.setattr(splitting, "MAX_OBJECTS", 10)
    found = split(tangle(1, 30))
    assert not found.is_narrow
    assert len(found.groups[0].members) == 5


@pytest.mark.parametrize("kind", ["attack-pattern", "malware"])
def test_a_hub_that_all_use_costs_no_more_than_it_has_relationships(kind):
    def collection(size):
        yield Node("hub--1", kind)
        for number in range(size):
            yield Node(f"incident--{number}", "incident")
            yield Node(
                f"r--{number}", "relationship", ends=(f"incident--{number}", "hub--1")
            )

    def seconds(size):
        nodes = list(collection(size))
        times = []
        for _ in range(3):
            start = time.process_time()
            split(nodes)
            times.append(time.process_time() - start)
        return min(times)

    assert seconds(8_000) < 50 * max(seconds(800), 0.002)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "incident",
                    "campaign",
                    "report",
                    "grouping",
                    "malware",
                    "note",
                    "identity",
                    "indicator",
                    "relationship",
                    "attack-pattern",
                ]
            ),
            st.lists(st.integers(0, 14), max_size=4),
        ),
        max_size=15,
    )
)
def test_everything_is_in_a_record_or_waits(shapes):
    ids = [f"{kind}--{place}" for place, (kind, _) in enumerate(shapes)]
    nodes = []
    for own, (kind, places) in zip(ids, shapes, strict=True):
        refs = tuple(ids[p] if p < len(ids) else f"x--{p}" for p in places)
        tie = (refs[0], refs[1]) if kind == "relationship" and len(refs) > 1 else None
        nodes.append(Node(own, kind, refs[2:] if tie else refs, tie, refs[:1]))
    found = split(nodes)
    used = {member for group in found.groups for member in group.members}
    assert len(used) + found.waiting == len(ids)
    for group in found.groups:
        assert len(set(group.members)) == len(group.members)
        kinds = [each.partition("--")[0] for each in group.members]
        ranks = [splitting.RANKS.get(each, 9) for each in kinds]
        if group.primary is not None:
            assert group.members[0] == group.primary
            # So that whoever looks for the primary object finds this one alone.
            assert min(ranks[1:], default=9) > ranks[0]
        else:
            assert min(ranks) == 9
