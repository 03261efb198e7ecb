"""What is expected at a place, in words of ours: for every property of every type."""

import pytest

from schemas import stix
from schemas.stix.expected import expected_at, required_words

ID = "an id: <type>--<UUID>, in lower case and of a version from 1 to 8"
TIME = "a time in UTC such as 2026-11-02T08:15:00Z"
KNOWN = sorted(stix.TYPES)


@pytest.mark.parametrize(
    ("kind", "place", "words"),
    [
        ("note", "created", TIME),
        ("note", "spec_version", '"2.1"'),
        ("note", "id", ID.replace("<type>", "note")),
        ("x-own", "id", ID),
        ("x-own", "lang", "a text"),
        ("note", "object_refs", f"a list, not empty, of: {ID}"),
        ("note", "object_refs[12]", ID),
        ("note", "revoked", "true or false"),
        ("note", "extensions", "an object"),
        ("note", "external_references[3].url", "a text"),
        ("note", "external_references[3]", "an object with source_name"),
        ("malware", "kill_chain_phases[0]", "an object with kill_chain_name and phase_name"),
        ("note", "granular_markings[0].lang", "a language such as en or pt-BR"),
        ("relationship", "relationship_type", "lower case letters, digits and hyphens"),
        ("file", "size", "a whole number, 0 or more"),
        ("network-traffic", "src_port", "a whole number from 0 to 65535"),
        ("location", "latitude", "a whole number from -90 to 90 or a number from -90 to 90"),
        ("location", "precision", "a whole number or a number"),
        ("opinion", "opinion", "one of: agree, disagree, neutral, strongly-agree, strongly-disagree"),
        ("note", "nothing", ""),
        ("note", "", "an object with id"),
    ],
)  # fmt: skip
def test_words_for_a_place(kind: str, place: str, words: str) -> None:
    assert expected_at(kind, place, "bad-property") == words


@pytest.mark.parametrize("kind", [*KNOWN, "x-own"])
def test_every_property_has_words(kind: str) -> None:
    struct = stix.TYPES.get(kind, stix.UnknownObject)
    for name in set(struct.__struct_fields__) - {"extra"}:
        words = expected_at(kind, name, "bad-property")
        assert words
        assert "  " not in words
        assert not words.endswith((".", ":", " "))


@pytest.mark.parametrize("reason", ["too-deep", "reserved-name", "number-range"])
def test_where_the_form_is_not_the_trouble_it_is_not_told(reason: str) -> None:
    assert expected_at("note", "content", reason) == ""


def test_how_long_a_text_may_be_is_told() -> None:
    words = expected_at("note", "content", "too-large")
    assert words == "at most 1,048,576 characters in a text"


def test_where_several_properties_would_do_all_are_named() -> None:
    assert required_words("file", "hashes") == "at least one of: hashes, name"
    assert required_words("marking-definition", "definition") == (
        "at least one of: definition with definition_type, extensions"
    )


def test_a_property_without_alternative_is_described() -> None:
    assert required_words("observed-data", "first_observed") == TIME
    assert required_words("note", "content") == "a text"
