"""What we cut, libraries of others verify: every sample in every view, and random records.

The real bundles are in `tests/broker/test_interoperability_real`.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from adapters.redaction import NotGivenError
from tests.support import other_libraries
from tests.support.node import NPM, running_libraries
from tests.support.other_libraries import PYPI, Read
from tests.support.records import CERT, NOW, SAMPLE_INDEX, signer
from tests.support.tangles import parts_of, tangles, views
from tests.support.views import INCIDENT, VIEWS, cut, opened, sample, signed

LIBRARIES = (PYPI, NPM)


@pytest.fixture(scope="module")
def read() -> Iterator[Read]:
    with running_libraries() as node:
        yield other_libraries.reader(node, now=NOW)


@pytest.mark.parametrize("to", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("entry", SAMPLE_INDEX, ids=lambda entry: entry["file"])
def test_the_evidence_of_a_sample_verifies_with_libraries_of_others(
    entry: dict[str, Any], to: Any, read: Read
) -> None:
    record = sample(entry["file"].removesuffix(".json"))
    for approved in (set(), set(parts_of(record))):
        evidence = cut(record, to, approved=approved).evidence
        ours = opened(evidence).opened.claims
        for library in LIBRARIES:
            theirs = read(library, evidence, signer(entry["issuer"]).jwk)
            assert theirs == ours, library


@given(tangles(), views, st.randoms(use_true_random=False))
@settings(max_examples=20, derandomize=True, phases=[Phase.generate])
def test_the_evidence_of_any_record_verifies_with_libraries_of_others(
    read: Read, objects: Any, to: Any, chance: Any
) -> None:
    record = signed(*objects, primary=INCIDENT["id"])
    approved = {part for part in parts_of(record) if chance.random() < 0.5}
    try:
        evidence = cut(record, to, approved=approved).evidence
    except NotGivenError:
        return
    ours = opened(evidence).opened.claims
    for library in LIBRARIES:
        assert read(library, evidence, CERT.jwk) == ours, library
