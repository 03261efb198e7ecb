"""docs/protocol.json: what it says for machines is what the product goes by.

It is written by hand, so that a verifier made from it is none of ours; here it is held
against the product. That whole records are read alike is in test_naive_verifier.py.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from broker import carried, disclosures, trust
from schemas import coarse, markings, profile, reasons, record, stix
from schemas.stix.values import MAX_TEXT_CHARS
from tests.support.edge_trees import SELECTORS
from tests.vectors import protocol_examples as examples

PAGE: dict[str, Any] = json.loads(
    examples.PAGE.with_name("protocol.json").read_text("utf-8")
)
FORMS: dict[str, dict[str, Any]] = PAGE["forms"]
ASCII = {"pattern": "[^!-~]"}
OF_THE_PRODUCT: dict[str, Any] = msgspec.json.schema(record.Claims)["$defs"]["Claims"]
NEED: dict[str, Any] = msgspec.json.schema(record.Need)["$defs"]["Need"]


def subschemas(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a schema; some are maps of names."""
    match value:
        case dict():
            yield value
            for inner in value.values():
                yield from subschemas(inner)
        case list():
            for inner in value:
                yield from subschemas(inner)


def spelled_alike(rule: Any) -> Any:
    """A schema as msgspec spells it: its own end of a pattern, words in order."""
    match rule:
        case {"pattern": str(pattern), **rest}:
            rest.pop("not", None)
            return rest | {"pattern": re.sub(r"\$\Z", r"\\Z", pattern)}
        case {"enum": words}:
            return {"enum": sorted(words)}
        case {"items": inner, **rest}:
            return rest | {"items": spelled_alike(inner)}
        case _:
            return rule


# ---------------------------------------------------------------------- tables


def test_the_tables_are_those_of_the_product() -> None:
    always = profile.visible("", primary=False, own=False)
    kinds = {each: record.natural_kind(f"{each}--") for each in stix.TYPES}
    assert {name: table for name, table in PAGE.items() if name != "forms"} == {
        "algorithms": {"OKP": ["EdDSA", "Ed25519"], "EC": ["ES256"]},
        "kinds": {each: kind for each, kind in kinds.items() if kind},
        "withholdable": [
            name
            for name in record.Claims.__struct_fields__
            if name in trust._WITHHOLDABLE_CLAIMS
        ],
        "visible": sorted(always),
        "visible_in_primary": sorted(
            profile.visible("", primary=True, own=False) - always
        ),
        "visible_in_own": sorted(profile.visible("", primary=False, own=True) - always),
        "visible_in_type": {
            kind: sorted(profile.visible(kind, primary=False, own=False) - always)
            for kind in stix.TYPES
            if profile.visible(kind, primary=False, own=False) - always
        },
        "visible_in_extension": {
            key: sorted(profile.visible_in_extension(key))
            for key in profile.EXTENSION_ALIASES
        },
        "texts": sorted(profile._TEXT),
        "split": sorted(profile._SPLIT),
        "coarse_times": sorted(coarse.TIMES),
        "tlp": {
            tlp.label: [ref for ref, meant in markings._KNOWN.items() if meant is tlp]
            for tlp in markings.Tlp
        },
    }


def test_the_strictest_tlp_is_the_last() -> None:
    assert [*PAGE["tlp"]] == [tlp.label for tlp in sorted(markings.Tlp)]


# ----------------------------------------------------------------------- forms


@pytest.mark.parametrize("what", FORMS)
def test_a_form_is_a_schema_under_the_code_it_refuses_with(what: str) -> None:
    for reason, schema in FORMS[what].items():
        assert reason in reasons.REASONS
        Draft202012Validator.check_schema(schema)


def test_no_pattern_takes_a_line_feed_whatever_a_language_makes_of_a_dollar() -> None:
    patterns = [each for each in subschemas(FORMS) if "pattern" in each]
    named = [each for each in patterns if each != ASCII]
    assert named
    for rule in named:
        assert re.fullmatch(r"\^.*\$", rule["pattern"])
        assert (rule["type"], rule["not"]) == ("string", ASCII)


def test_the_claims_are_those_of_the_product() -> None:
    schema = FORMS["claims"]["claims"]
    claims = {name: spelled_alike(rule) for name, rule in schema["properties"].items()}
    stix_shape = claims.pop("stix")
    need, of_the_product = claims.pop("need"), {**OF_THE_PRODUCT["properties"]}
    assert of_the_product.pop("need") == {"$ref": "#/$defs/Need"}
    assert claims == of_the_product
    named = spelled_alike(need["properties"]["iss"])
    assert named.pop("uniqueItems")
    assert {**need["properties"], "iss": named} == NEED["properties"]
    assert not need["additionalProperties"]
    assert need["required"] == NEED["required"]
    assert schema["required"] == [*OF_THE_PRODUCT["required"], "stix"]
    assert not schema["additionalProperties"]
    assert not stix_shape["additionalProperties"]
    assert stix_shape["required"] == [*stix_shape["properties"]] == ["type", "objects"]


def test_a_header_is_that_of_the_product() -> None:
    made = msgspec.json.schema(trust.Header)["$defs"]["Header"]
    del made["title"], made["description"]
    assert FORMS["header"]["header"] == made


def test_what_is_visible_has_the_forms_of_the_product() -> None:
    said = {
        name: rule["pattern"][1:-1]
        for name, rule in FORMS["visible"]["bad-property"]["properties"].items()
        if "pattern" in rule
    }
    [*told] = re.findall(
        r"^\| (`.+`) \| `(.+)` \|$", examples.made()["forms"], re.MULTILINE
    )
    assert said == {
        name: form for names, form in told for name in re.findall("`(.+?)`", names)
    }


def test_the_bounds_are_those_of_the_product() -> None:
    assert FORMS["object"]["too-large"]["maxLength"] == MAX_TEXT_CHARS
    [salt] = FORMS["disclosure"]["short-salt"]["prefixItems"]
    assert salt["minLength"] == disclosures.MIN_SALT_CHARS
    general = FORMS["carried"]["serialization"]["properties"]["signatures"]
    assert general["maxItems"] == carried.MAX_SIGNATURES == record.MAX_SIGNERS
    [first] = general["prefixItems"]
    sealed = first["properties"]["header"]["properties"]["sealed"]
    assert sealed["maxItems"] == carried.MAX_SEALED
    assert sealed["items"]["maxLength"] == carried.MAX_SEALED_CHARS
    red = FORMS["object"]["needs-sealing"]["$defs"]["tlp"]["not"]["enum"]
    assert {*red} == markings.RED_IDS


@pytest.mark.parametrize("selector", SELECTORS)
def test_a_selector_has_the_form_of_the_product(selector: str) -> None:
    marked = {"granular_markings": [{"selectors": [selector]}]}
    held = Draft202012Validator(FORMS["object"]["bad-selector"]).is_valid(marked)
    assert held == (markings._SELECTOR.fullmatch(selector) is not None)
