"""Linting: what is allowed and probably a mistake, each with its place, never a value."""

import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import stix
from schemas.findings import Finding
from schemas.linting import LARGE_OBJECTS, lint
from schemas.linting_values import LONG_TEXT_CHARS, is_balanced
from schemas.markings import TLP_IDS, Tlp
from schemas.rules import RULES
from tests.support.records import MODIFIED, an_id, plain_object
from tests.support.stix_values import stix_objects


def thing(kind: str, number: int = 1, **properties: Any) -> dict[str, Any]:
    """Make an object with nothing that its type does not have."""
    struct = stix.TYPES.get(kind, stix.UnknownObject)
    known = {"type", *struct.__struct_fields__}
    plain = plain_object(kind, number)
    return {k: v for k, v in plain.items() if k in known} | properties


NOW = "2026-12-01T12:00:00.000Z"
INCIDENT = thing("incident")
OTHER = an_id("identity", 99)
INCIDENT_CORE = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"


def found_in(*plain: dict[str, Any], own: str | None = None) -> list[tuple[str, str]]:
    return [(each.rule, each.where) for each in findings(*plain, own=own)]


def findings(*plain: dict[str, Any], own: str | None = None) -> list[Finding]:
    objects = [stix.decode_object(each) for each in plain]
    places = {each["id"]: f"$[{number}]" for number, each in enumerate(plain)}
    return lint(objects, places, now=NOW, own=own)


def only(kind: str, **properties: Any) -> list[tuple[str, str]]:
    """Lint one object; what is found in it."""
    return found_in(thing(kind, **properties))


def indicator(number: int = 1, **properties: Any) -> dict[str, Any]:
    said = {"pattern": "[a:b = 'c']", "pattern_type": "stix", "valid_from": MODIFIED}
    return thing("indicator", number, **(said | properties))


# ---------------------------------------------------------------------- times


@pytest.mark.parametrize(
    ("kind", "earlier", "later"),
    [
        ("note", "created", "modified"),
        ("campaign", "first_seen", "last_seen"),
        ("observed-data", "first_observed", "last_observed"),
        ("relationship", "start_time", "stop_time"),
        ("impact", "start_time", "end_time"),
        ("network-traffic", "start", "end"),
        ("indicator", "valid_from", "valid_until"),
        ("x509-certificate", "validity_not_before", "validity_not_after"),
        ("malware-analysis", "analysis_started", "analysis_ended"),
        ("user-account", "account_first_login", "account_last_login"),
    ],
)
def test_a_pair_of_times_has_an_order(kind: str, earlier: str, later: str) -> None:
    early, late = "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.001Z"
    plain = thing(kind) | {"created": early, "modified": late}
    for properties, is_wrong in (
        ({earlier: early, later: late}, False),
        ({earlier: early, later: early}, False),
        ({earlier: late, later: early}, True),
        ({later: early}, False),
    ):
        rules = {r for r in findings(plain | properties) if r.rule == "time-order"}
        wrong = Finding("time-order", f"$[0].{later}", f"not before {earlier}")
        assert rules == ({wrong} if is_wrong else set())


def test_one_moment_in_two_spellings_is_in_order() -> None:
    assert only("note", created="2026-01-01T00:00:00.10Z",
                modified="2026-01-01T00:00:00.1Z") == []  # fmt: skip


@pytest.mark.parametrize(
    ("name", "time", "is_wrong"),
    [
        ("modified", "2026-12-01T12:01:59Z", False),  # clocks differ
        ("modified", "2026-12-01T12:02:01Z", True),
        ("first_seen", "2027-01-01T00:00:00Z", True),
        ("last_seen", "5138-11-16T09:46:40.000Z", True),
        ("last_seen", "2026-12-01T00:00:00Z", False),
    ],
)
def test_what_was_seen_does_not_lie_in_the_future(
    name: str, time: str, is_wrong: bool
) -> None:
    found = only("campaign", **{name: time})
    assert found == ([("time-future", f"$[0].{name}")] if is_wrong else [])


def test_a_validity_may_lie_in_the_future() -> None:
    assert found_in(indicator(valid_until="2030-01-01T00:00:00Z")) == []


def test_indicators_are_stale_only_if_all_are() -> None:
    over, lasting = "2026-12-01T11:00:00Z", "2026-12-01T13:00:00Z"
    stale = [indicator(n, valid_until=over) for n in (1, 2)]
    assert found_in(*stale) == [("all-expired", "$[0].valid_until")]
    assert found_in(*stale, indicator(3, valid_until=lasting)) == []
    assert found_in(*stale, indicator(3)) == []


# ----------------------------------------------------------------- references


def test_a_reference_must_lead_somewhere() -> None:
    relation = thing(
        "relationship", relationship_type="uses", source_ref=INCIDENT["id"],
        target_ref=OTHER, created_by_ref=OTHER,
    )  # fmt: skip
    report = thing("report", object_refs=[relation["id"], OTHER])
    assert set(found_in(INCIDENT, relation, report)) == {
        ("dangling-ref", "$[1].target_ref"),
        ("dangling-ref", "$[1].created_by_ref"),
        ("dangling-ref", "$[2].object_refs[1]"),
    }


def test_the_issuers_identity_need_not_be_there() -> None:
    note = thing("tool", created_by_ref=OTHER)
    assert found_in(note) == [("dangling-ref", "$[0].created_by_ref")]
    assert found_in(note, own=OTHER) == []


def test_an_object_that_could_not_be_read_is_there_all_the_same() -> None:
    note = stix.decode_object(thing("tool", created_by_ref=OTHER))
    assert lint([note], {note.id: "$[0]", OTHER: "$[1]"}, now=NOW) == []


@pytest.mark.parametrize("kind", ["opinion", "note", "sighting"])
def test_feedback_is_about_objects_elsewhere(kind: str) -> None:
    name = "sighting_of_ref" if kind == "sighting" else "object_refs"
    value: Any = INCIDENT["id"] if kind == "sighting" else [INCIDENT["id"]]
    [(rule, where)] = only(kind, **{name: value})
    assert rule == "external-ref"
    assert where.startswith(f"$[0].{name}")


@pytest.mark.parametrize(
    ("kind", "name", "target"),
    [
        ("tool", "created_by_ref", "tool"),
        ("sighting", "where_sighted_refs", "tool"),
        ("sighting", "observed_data_refs", "identity"),
        ("email-message", "from_ref", "url"),
        ("email-message", "to_refs", "identity-x"),
    ],
)
def test_a_reference_leads_to_an_object_of_the_right_type(
    kind: str, name: str, target: str
) -> None:
    there = an_id(target, 7)
    plain = thing(kind, **{name: [there] if name.endswith("s") else there})
    found = findings(plain, thing(target, 7))
    [wrong] = [each for each in found if each.rule == "ref-type"]
    assert wrong.where.removesuffix("[0]") == f"$[0].{name}"
    assert wrong.expected.startswith("an object of type ")


def test_references_of_the_right_type_are_silent() -> None:
    assert found_in(
        thing("identity"),
        thing("location"),
        thing("sighting", sighting_of_ref=an_id("identity"),
                     where_sighted_refs=[an_id("identity"), an_id("location")]),
    ) == []  # fmt: skip


def test_a_mark_must_be_known_or_there() -> None:
    own = an_id("marking-definition", 5)
    marked = thing(
        "tool",
        object_marking_refs=[TLP_IDS[Tlp.GREEN], own],
        granular_markings=[
            {"selectors": ["name"], "marking_ref": own},
            {"selectors": ["name"], "marking_ref": TLP_IDS[Tlp.AMBER]},
            {"selectors": ["name"], "lang": "en"},
        ],
    )
    assert found_in(marked) == [
        ("dangling-marking", "$[0].object_marking_refs[1]"),
        ("dangling-marking", "$[0].granular_markings[0].marking_ref"),
    ]
    definition = thing("marking-definition", 5)
    assert found_in(marked, definition) == []


def test_references_in_the_incident_extension_are_followed() -> None:
    event = thing("event", status="occurred")
    core = {
        "extension_type": "property-extension",
        "event_refs": [event["id"], OTHER, 5],
        "events": [{"event_ref": OTHER, "sequence": 1, "x": {"y_ref": OTHER}}],
        "other_ref": 7,
        "numbers": [7],
    }
    case = INCIDENT | {"extensions": {INCIDENT_CORE: core}}
    inside = "$[0].extensions[...]"
    assert found_in(case, event) == [
        ("dangling-ref", f"{inside}.event_refs[1]"),
        ("dangling-ref", f"{inside}.events[0].event_ref"),
        ("dangling-ref", f"{inside}.events[0][...][...]"),
    ]


def test_an_object_that_nothing_connects_is_asked_about() -> None:
    stray, author = thing("tool"), thing("identity")
    case = INCIDENT | {"created_by_ref": author["id"]}
    assert found_in(case, author, stray) == [("unconnected", "$[2]")]
    report = thing("report", object_refs=[stray["id"]])
    assert found_in(case, author, stray, report) == []


def test_what_refers_to_others_is_connected_but_not_by_who_created_it() -> None:
    inside = {INCIDENT_CORE: {"event_refs": [INCIDENT["id"]]}}
    elsewhere = {"extension-definition--x": {"event_refs": [INCIDENT["id"]]}}
    held = [{"state_change_type": "caused", "initial_ref": INCIDENT["id"]}]
    assert found_in(
        INCIDENT,
        thing("tool", 1, extensions=inside),
        thing("event", 2, changed_objects=held),
        thing("event", 3, changed_objects=[{"state_change_type": "caused"}]),
        thing("tool", 4, extensions=elsewhere),
        thing("sighting", 5, sighting_of_ref=INCIDENT["id"]),
        thing("tool", 6, created_by_ref=an_id("identity", 7)),
        thing("identity", 7),
    ) == [
        ("unknown-extension", "$[4].extensions[...]"),
        ("unconnected", "$[3]"),
        ("unconnected", "$[4]"),
        ("unconnected", "$[6]"),
    ]


def test_loose_objects_need_no_connection() -> None:
    assert found_in(thing("tool"), thing("identity")) == []


# ----------------------------------------------------------- texts and values


@pytest.mark.parametrize("name", ["name", "description"])
@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
def test_an_empty_text_says_nothing(name: str, text: str) -> None:
    assert only("tool", **{name: text}) == [("empty-text", f"$[0].{name}")]


@pytest.mark.parametrize(
    "character",
    ["\u202e", "\u2066", "\u200b", "\ufeff", "\u00ad", "\x1b", "\x00", "\U000e0041"],
)
def test_what_is_not_seen_is_pointed_out(character: str) -> None:
    text = f"Bank{character}of"
    assert only("tool", name=text) == [("hidden-character", "$[0].name")]
    assert only("tool", description=text) == [("hidden-character", "$[0].description")]
    assert only("tool", aliases=["a", text]) == [
        ("hidden-character", "$[0].aliases[1]")
    ]
    assert ("hidden-character", "$[0].value") in only("url", value=f"https://a/{text}")
    assert found_in(indicator(pattern=f"[a = 'é{text}']")) == [
        ("hidden-character", "$[0].pattern")
    ]


@pytest.mark.parametrize(
    "text", ["ไทย", "\u0645\u06cc\u200c\u062e", "a\nb\r\n\tc", "\u200fא", "👩\u200d🚒"]
)
def test_what_languages_need_is_silent(text: str) -> None:
    assert only("tool", name=text, description=text) == []


def test_a_very_long_text_is_pointed_out() -> None:
    assert only("tool", description="a" * LONG_TEXT_CHARS) == []
    found = only("tool", description="a" * (LONG_TEXT_CHARS + 1))
    assert found == [("long-text", "$[0].description")]


def test_the_summary_of_a_sighting_is_no_text() -> None:
    plain = thing("sighting", summary=True, sighting_of_ref=INCIDENT["id"])
    assert found_in(INCIDENT, plain) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("domain-name", "a.example"),
        ("domain-name", "münchen.example"),
        ("email-addr", "a.b+c@mail.example"),
        ("ipv4-addr", "192.0.2.255"),
        ("ipv4-addr", "198.51.100.0/24"),
        ("ipv6-addr", "2001:db8::1"),
        ("ipv6-addr", "2001:DB8::/32"),
        ("ipv6-addr", "::ffff:192.0.2.1"),
        ("mac-addr", "00:00:5e:00:53:af"),
        ("url", "https://a.example/x?y=[1]"),
        ("url", "https://[2001:db8::1]:8080/"),
        ("url", "mailto:a@b.example"),
    ],
)
def test_a_value_of_its_type_is_silent(kind: str, value: str) -> None:
    assert only(kind, value=value) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("domain-name", "https://a.example"),
        ("domain-name", "two words"),
        ("email-addr", "Somebody <a@b.example> x"),
        ("email-addr", "a.example"),
        ("ipv4-addr", "192.0.2.256"),
        ("ipv4-addr", "2001:db8::1"),
        ("ipv4-addr", "192.0.2.1/33"),
        ("ipv4-addr", "192.0.2.1-192.0.2.9"),
        ("ipv6-addr", "192.0.2.1"),
        ("ipv6-addr", "abcdef"),
        ("mac-addr", "00-00-5E-00-53-AF"),
        ("url", "a.example/path"),
        ("url", ""),
    ],
)
def test_a_value_of_another_type_is_pointed_out(kind: str, value: str) -> None:
    [found] = findings(thing(kind, value=value))
    assert (found.rule, found.where) == ("value-form", "$[0].value")
    assert found.expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("domain-name", "a[.]example"),
        ("ipv4-addr", "192.0.2[.]1"),
        ("email-addr", "a[at]b[.]example"),
        ("url", "hxxps://a.example/"),
        ("url", "https[:]//a.example/"),
    ],
)
def test_a_defanged_value_says_so(kind: str, value: str) -> None:
    assert only(kind, value=value) == [("defanged", "$[0].value")]
    assert only(kind, value=value, defanged=True) == []


@pytest.mark.parametrize("value", ["10.1.2.3", "127.0.0.1", "192.168.1.0/24",
                                   "172.16.0.1", "172.31.9.9", "169.254.1.1"])  # fmt: skip
def test_a_private_address_is_pointed_out(value: str) -> None:
    assert only("ipv4-addr", value=value) == [("private-address", "$[0].value")]


@pytest.mark.parametrize("value", ["172.32.0.1", "110.1.2.3", "192.0.2.1"])
def test_other_addresses_are_not_private(value: str) -> None:
    assert only("ipv4-addr", value=value) == []


def test_one_value_in_two_objects_is_pointed_out() -> None:
    names = [thing("domain-name", n, value="a.example") for n in (1, 2)]
    other = thing("domain-name", 3, value="b.example")
    assert found_in(*names, other) == [("same-value", "$[1].value")]


@pytest.mark.parametrize(
    "pattern",
    [
        "[a:b = 'c']",
        " ([a:b = 'c'] AND [d:e = 'it\\'s [']) WITHIN 5 SECONDS",
        "[a:b[0].c = 'd' AND (e:f[*] = 'g')]",
        "[a:b = 'c'] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'",
    ],
)
def test_a_pattern_with_brackets_in_pairs_is_silent(pattern: str) -> None:
    assert is_balanced(pattern)
    assert found_in(indicator(pattern=pattern)) == []


@pytest.mark.parametrize(
    "pattern",
    ["", "a.example", "[a:b = 'c'", "[a:b = 'c]", "[a:b = 'c'])", "[a:b = ('c']",
     "[[a:b = 'c']]", "(a", "rule x { condition: true }", "[a:b = 'c\\']"],
)  # fmt: skip
def test_what_is_no_pattern_is_pointed_out(pattern: str) -> None:
    assert not is_balanced(pattern)
    assert found_in(indicator(pattern=pattern)) == [("pattern-form", "$[0].pattern")]


def test_patterns_of_other_languages_are_not_looked_at() -> None:
    assert found_in(indicator(pattern="alert tcp (", pattern_type="snort")) == []


# ------------------------------------------------------------- what is unknown


def test_what_no_audience_is_shown_is_told() -> None:
    assert only("x-own") == [("unknown-type", "$[0]")]
    assert only("tool", x_opencti_score=5) == [("custom-property", "$[0][...]")]
    found = only("tool", extensions={an_id("extension-definition"): {"a_ref": OTHER}})
    assert found == [("unknown-extension", "$[0].extensions[...]")]


def test_what_is_known_is_not_told() -> None:
    assert only("tool", x_tocsin_coarse_first_seen="2026-01-01") == []
    assert only("file", extensions={"archive-ext": {"comment": "x"}}) == []


def test_a_large_record_is_told() -> None:
    tool = stix.decode_object(thing("tool"))
    assert lint([tool] * LARGE_OBJECTS, {}, now=NOW) == []
    found = lint([tool] * (LARGE_OBJECTS + 1), {}, now=NOW)
    assert found == [Finding("large-record")]


# ------------------------------------------------------------------ properties


@settings(max_examples=60, deadline=None)
@given(st.lists(stix_objects(), max_size=3))
def test_any_objects_are_linted_with_rules_that_exist(
    plain: list[dict[str, Any]],
) -> None:
    for each in findings(*plain):
        assert each.rule in RULES
        assert each.where.startswith("$")


@pytest.mark.parametrize(
    "text",
    ["(" * 300_000 + "[]" * 100_000, "[" + "\\'" * 400_000, "'" * 900_000,
     "hxxp" * 200_000, "[" * 900_000, "a" * 900_000, "1." * 450_000, "@" * 900_000],
    ids=range(8),
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    plain = [indicator(pattern=text)] + [
        thing(kind, value=text, name=text)
        for kind in ("url", "domain-name", "ipv4-addr", "ipv6-addr", "email-addr",
                     "mac-addr")
    ]  # fmt: skip
    began = time.process_time()
    findings(*plain)
    assert time.process_time() - began < 2


def test_the_time_grows_with_the_number_of_objects_alone() -> None:
    def seconds(count: int) -> float:
        objects = [
            stix.decode_object(
                thing("report", n, object_refs=[an_id("tool", n), OTHER])
            )
            for n in range(count)
        ]
        random.Random(0).shuffle(objects)  # noqa: S311
        began = time.process_time()
        lint(objects, {}, now=NOW)
        return time.process_time() - began

    seconds(100)
    # The least of some: a collection of garbage falls into one of them.
    many = min(seconds(4000) for _ in range(3))
    assert many < 20 * max(seconds(800), 0.002)
