"""What members' tools get is STIX 2.1: the OASIS validator and library take it."""

import json
from typing import Any

import pytest
import stix2
from stix2validator import ValidationOptions, validate_instance

from adapters.redaction import NotGivenError, Redacted
from tests.support.records import SAMPLE_INDEX
from tests.support.views import VIEWS, cut, projected, sample

# What it says of a value that a policy has defanged.
DEFANGED = ("is not a 'idn-hostname'", "is not a 'uri'")

GIVEN = [
    pytest.param(
        entry["file"].removesuffix(".json"), view, id=f"{entry['file']}-{view}"
    )
    for entry in SAMPLE_INDEX
    for view in VIEWS
]


def given(name: str, view: str) -> Redacted:
    try:
        return cut(sample(name), VIEWS[view])
    except NotGivenError as error:
        return pytest.fail(error.reason) if name == "bank-phishing" else _nothing(error)


def _nothing(error: NotGivenError) -> Any:
    pytest.skip(f"nothing is given: {error.reason}")


def errors(bundle: dict[str, Any]) -> list[str]:
    found = validate_instance(bundle, ValidationOptions(version="2.1"))
    results = found if isinstance(found, list) else [found]
    return [str(error) for each in results for error in each.errors]


@pytest.mark.parametrize(("name", "view"), GIVEN)
def test_the_oasis_validator_finds_no_error(name: str, view: str) -> None:
    redacted = given(name, view)
    defanged = {one["id"] for one in projected(redacted) if one.get("defanged")}
    for error in errors(json.loads(redacted.projection)):
        assert error.partition(":")[0] in defanged, error
        assert error.endswith(DEFANGED), error


def test_the_validator_would_find_an_error() -> None:
    bundle = json.loads(cut(sample("bank-phishing"), VIEWS["peer"]).projection)
    incident = next(one for one in bundle["objects"] if one["type"] == "incident")
    del incident["name"]
    assert errors(bundle)


@pytest.mark.parametrize(("name", "view"), GIVEN)
def test_the_stix2_library_parses_it(name: str, view: str) -> None:
    bundle = json.loads(given(name, view).projection)
    parsed = stix2.parse(bundle, allow_custom=True)
    assert len(parsed.objects) == len(bundle["objects"])
