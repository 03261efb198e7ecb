"""The profile: what of an object is always visible, withholdable, split."""

from typing import Any

import pytest

from schemas import profile, stix
from schemas.errors import SchemaError
from schemas.profile import EXTENSION_ALIASES, INCIDENT_CORE, Place
from schemas.stix import incident_suite
from tests.support.records import decoded, plain_object

ALWAYS = {
    "type", "id", "spec_version", "object_marking_refs", "granular_markings",
    "revoked", "confidence", "lang", "defanged", "extensions",
}  # fmt: skip


# -- visible or withholdable


@pytest.mark.parametrize("kind", [*sorted(stix.TYPES), "x-mine"])
def test_what_gives_a_record_its_meaning_is_visible_in_every_type(kind: str) -> None:
    times, creator = {"created", "modified"}, {"created_by_ref"}
    bare = profile.visible(kind, primary=False, own=False)
    assert bare >= ALWAYS
    assert not bare & (times | creator)
    assert profile.visible(kind, primary=True, own=False) == bare | times
    assert profile.visible(kind, primary=False, own=True) == bare | creator
    assert profile.visible(kind, primary=True, own=True) == bare | times | creator


@pytest.mark.parametrize("kind", sorted(stix.TYPES))
def test_every_property_that_is_visible_exists(kind: str) -> None:
    visible = profile.visible(kind, primary=True, own=True)
    assert visible <= stix.PROPERTY_NAMES
    assert visible <= {*stix.TYPES[kind].__struct_fields__, "type"}


@pytest.mark.parametrize(
    "name",
    [
        "name", "value", "description", "pattern", "created_by_ref", "labels",
        "external_references", "contact_information", "source_ref", "object_refs",
        "country", "account_login", "a property of tomorrow",
    ],
)  # fmt: skip
def test_what_may_identify_somebody_is_withholdable_in_every_type(name: str) -> None:
    assert not any(
        profile.is_visible((name,), kind, primary=True) for kind in stix.TYPES
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("event", "status"),
        ("grouping", "context"),
        ("identity", "identity_class"),
        ("impact", "impact_category"),
        ("indicator", "valid_until"),
        ("indicator", "pattern_type"),
        ("malware", "is_family"),
        ("opinion", "opinion"),
        ("relationship", "relationship_type"),
        ("task", "outcome"),
    ],
)
def test_what_would_change_the_meaning_is_visible_in_its_type_alone(
    kind: str, name: str
) -> None:
    assert profile.is_visible((name,), kind, primary=False)
    assert not profile.is_visible((name,), "x-mine", primary=False)


@pytest.mark.parametrize(
    ("name", "visible"),
    [
        ("extension_type", True),
        ("determination", True),
        ("investigation_status", True),
        ("criticality", False),
        ("impacted_entity_counts", False),
        ("type", False),
        ("id", False),
    ],
)
def test_parts_of_a_known_extension_have_their_own_rule(
    name: str, visible: bool
) -> None:
    place = ("extensions", INCIDENT_CORE, name)
    assert profile.is_visible(place, "incident", primary=False) == visible


def test_an_unknown_extension_is_withholdable_whatever_its_name() -> None:
    for key in ("revoked", "type", "extension_type", "determination", ""):
        assert not profile.is_visible(("extensions", key), "incident", primary=True)


# -- places


def test_a_known_extension_is_gone_through_and_an_unknown_one_is_not() -> None:
    value = {
        "name": "n",
        "extensions": {
            INCIDENT_CORE: {"determination": "suspected", "scores": []},
            "availability-ext": {},
            "unknown": {"a": 1},
            "odd": 7,
        },
    }
    assert list(profile.places(value.items())) == [
        (("name",), "n"),
        (("extensions", INCIDENT_CORE, "determination"), "suspected"),
        (("extensions", INCIDENT_CORE, "scores"), []),
        (("extensions", "unknown"), {"a": 1}),
        (("extensions", "odd"), 7),
    ]


@pytest.mark.parametrize("extensions", [7, "text", [], None])
def test_extensions_that_are_no_object_are_one_property(extensions: Any) -> None:
    value = {"extensions": extensions}
    assert list(profile.places(value.items())) == [(("extensions",), extensions)]


def test_a_known_extension_that_is_no_object_is_one_property() -> None:
    value = {"extensions": {INCIDENT_CORE: "text"}}
    assert list(profile.places(value.items())) == [
        (("extensions", INCIDENT_CORE), "text")
    ]


def test_places_are_spelled_with_the_short_names_of_extensions() -> None:
    assert profile.spell(("name",)) == "name"
    assert profile.spell(("extensions", INCIDENT_CORE, "scores")) == (
        "extensions.incident-core.scores"
    )
    assert profile.spell(("extensions", "unknown")) == "extensions.unknown"


def test_the_short_names_of_extensions_are_those_of_the_suite_and_distinct() -> None:
    ids = {
        incident_suite.INCIDENT_CORE: "incident-core",
        incident_suite.EVENT: "event",
        incident_suite.IMPACT: "impact",
        incident_suite.TASK: "task",
    }
    assert ids.items() <= EXTENSION_ALIASES.items()
    assert len(set(EXTENSION_ALIASES.values())) == len(EXTENSION_ALIASES)


@pytest.mark.parametrize(
    ("place", "text", "split"),
    [
        (("description",), True, False),
        (("content",), True, False),
        (("labels",), False, True),
        (("aliases",), False, True),
        (("external_references",), False, True),
        (("object_refs",), False, True),
        (("x_mine_refs",), False, True),
        (("object_marking_refs",), False, False),
        (("source_ref",), False, False),
        (("name",), False, False),
        (("extensions", INCIDENT_CORE, "events"), False, True),
        (("extensions", INCIDENT_CORE, "event_refs"), False, True),
        (("extensions", INCIDENT_CORE, "description"), False, False),
        (("extensions", "description"), False, False),
    ],
)
def test_texts_and_lists_are_told_by_their_names(
    place: Place, text: bool, split: bool
) -> None:
    assert (profile.is_text(place), profile.is_split(place)) == (text, split)


def test_what_is_never_parted_is_neither_text_nor_list() -> None:
    for name in (*stix.PROPERTY_NAMES, "x_mine_refs", "x_mine"):
        parted = profile.is_text((name,)) or profile.is_split((name,))
        assert (name in profile.WHOLE) == (not parted and name in stix.PROPERTY_NAMES)
    assert not profile.is_text(("extensions", INCIDENT_CORE, "description"))
    assert profile.is_split(("extensions", INCIDENT_CORE, "events"))


def test_who_created_an_object_is_visible_only_where_it_is_the_issuer() -> None:
    for kind in (*stix.TYPES, "x-mine"):
        for primary in (True, False):
            assert profile.is_visible(
                ("created_by_ref",), kind, primary=primary, own=True
            )
            assert not profile.is_visible(
                ("created_by_ref",), kind, primary=primary, own=False
            )


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("suspected", True),
        ("blame-unknown", True),
        ("a" * 40, True),
        ("a" * 41, False),
        ("", False),
        ("A", False),
        ("a b", False),
        ("a\n", False),
        ("caf\u00e9", False),
        ("a1", False),
        (["suspected"], False),
        ({"suspected": 1}, False),
        (1, False),
        (None, False),
    ],
)
def test_a_word_is_short_and_of_plain_letters(value: Any, fits: bool) -> None:
    assert profile.is_word(value) == fits


def test_nothing_is_both_a_text_and_a_list() -> None:
    names = stix.PROPERTY_NAMES
    assert not any(profile.is_text((n,)) and profile.is_split((n,)) for n in names)


def test_no_list_of_a_known_type_has_the_name_of_a_text() -> None:
    # Else a list in its place could not be told from segments.
    for kind, struct in stix.TYPES.items():
        for name in filter(lambda n: profile.is_text((n,)), struct.__struct_fields__):
            with pytest.raises(SchemaError):
                decoded(plain_object(kind) | {name: ["text"]})


def test_a_place_is_found_again_by_the_name_that_policies_give_it() -> None:
    for place in (
        ("name",),
        ("extensions", profile.INCIDENT_CORE, "scores"),
        ("extensions", "monetary-ext", "min_amount"),
        ("extensions", "unknown"),
    ):
        assert profile.place_of(profile.spell(place)) == place


def test_only_words_may_stand_where_nothing_can_be_withheld() -> None:
    core = ("extensions", profile.INCIDENT_CORE, "determination")
    assert profile.may_be_visible(core, "suspected")
    assert not profile.may_be_visible(core, {"x": "a name"})
    assert not profile.may_be_visible(core, "A Name")
    assert profile.may_be_visible(("extensions", profile.INCIDENT_CORE, "scores"), {})
    assert profile.may_be_visible(("name",), "A Name")


def test_a_determination_outside_the_incident_core_can_be_withheld() -> None:
    contact = "extension-definition--66e2492a-bbd3-4be6-88f5-cc91a017a498"
    place = ("extensions", contact, "determination")
    assert not profile.is_visible(place, "identity", primary=False)


@pytest.mark.parametrize(
    ("kind", "name", "good", "bad"),
    [
        ("incident", "lang", ["en", "zh-Hant", "sr-Latn-RS"], ["Alice Muster", "", 1]),
        ("event", "status", ["not-occurred"], ["a b", "x" * 41, "+49 1", None]),
        ("indicator", "pattern_version", ["2.1", "10"], ["2.1 of", "1.2.3.4.5", 2.1]),
        ("relationship", "relationship_type", ["related-to"], ["met Alice", ["uses"]]),
    ],
)
def test_what_is_always_visible_is_a_term_and_no_text(
    kind: str, name: str, good: list[Any], bad: list[Any]
) -> None:
    for value in good:
        assert profile.misformed(kind, {name: value, "name": "Any text."}.get) is None
    for value in bad:
        assert profile.misformed(kind, {name: value}.get) == name
    # Where it can be withheld it may be anything.
    assert profile.misformed("x-mine", {"status": "a b"}.get) is None


def test_what_is_too_long_for_any_form_is_not_remembered() -> None:
    forms = [each for named in profile._FORMED.values() for _, each in named]
    assert forms
    for form in forms:
        before = set(form.known)
        for length in (60, 100_000):
            assert not form.fits("x" * length)
        assert form.known == before
