"""The bundles that members really have: three libraries read each as we do.

Whole, without every second disclosure, without any, and as redacted for each
audience, the largest of 3,099 objects and 20,000 disclosures included: nothing is
left out. Half a minute on two cores, most of it the Python library at that one
bundle. And the other way: what two of the libraries sign, we read.
"""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwk import JWK

from adapters.redaction import NotGivenError
from adapters.sources import stix21
from broker import sdjwt
from schemas.composing import compose
from schemas.markings import Tlp
from tests.support import other_libraries, records, views
from tests.support.node import Libraries, public_jwk, running_libraries
from tests.support.other_libraries import ALL, Read, opened
from tests.support.real_data import needs_real_data, real_files
from tests.support.records import CERT, NOW

pytestmark = pytest.mark.slow

BUNDLES = real_files(
    "fimi_viginum_stix21/*.json",
    "oasis_incident_extension/incident_pii_report.json",
    "oasis_stix21_examples/apt1.json",
    "oasis_stix21_examples/sighting-of-an-indicator.json",
    "oasis_stix21_examples/using-marking-definitions.json",
    "amnesty_stix21/pegasus.stix2",
)
# As tests/e2e/test_real_bundles.py publishes them.
COMPOSED: dict[str, dict[str, Any]] = {
    "incident_pii_report.json": {"tlp": Tlp.GREEN},
    "apt1.json": {"tlp": Tlp.GREEN},
    "sighting-of-an-indicator.json": {"tlp": Tlp.GREEN, "report": "A sighting"},
    "using-marking-definitions.json": {"report": "Markings"},
    "pegasus.stix2": {"tlp": Tlp.CLEAR, "report": "Indicators"},
}
PEERS_ALONE = {"using-marking-definitions.json"}  # AMBER
SECRET = records.b64(records.private_key("cert-aq").private_bytes_raw()).decode()
PRIVATE = {**public_jwk(CERT.jwk), "d": SECRET}


@needs_real_data
def test_no_bundle_is_missing() -> None:
    assert len(BUNDLES) == 7


@pytest.fixture(scope="module")
def node() -> Iterator[Libraries]:
    with running_libraries() as started:
        yield started


@pytest.fixture(scope="module")
def read(node: Libraries) -> Read:
    return other_libraries.reader(node, now=NOW)


@functools.cache
def signed(path: Path) -> bytes:
    options = COMPOSED.get(path.name, {})
    objects = stix21.read(path.read_bytes())
    return records.token(compose(objects, now=views.NOW_TEXT, **options))


def cut_without_policy(token: bytes) -> Iterator[bytes]:
    whole = opened(token, CERT.jwk)
    count = len(sdjwt.split(token)[1])
    yield sdjwt.withhold(whole, set(range(0, count, 2)) - {count // 2})
    yield sdjwt.withhold(whole, ())


@pytest.mark.parametrize("library", ALL)
@pytest.mark.parametrize("path", BUNDLES)
def test_a_real_bundle_reads_the_same_whole_and_cut(
    path: Path, library: str, read: Read
) -> None:
    whole = signed(path)
    for token in (whole, *cut_without_policy(whole)):
        ours = opened(token, CERT.jwk).claims
        assert (read(library, token, CERT.jwk) == ours) is True, len(token)


@pytest.mark.parametrize("to", views.VIEWS)
@pytest.mark.parametrize("path", BUNDLES)
def test_a_real_bundle_reads_the_same_as_redacted_for_each_view(
    path: Path, to: str, read: Read
) -> None:
    verified = views.opened(signed(path))
    if path.name in PEERS_ALONE and to != "peer":
        with pytest.raises(NotGivenError):
            views.cut(verified, views.VIEWS[to])
        return
    evidence = views.cut(verified, views.VIEWS[to]).evidence
    ours = opened(evidence, CERT.jwk).claims
    for library in ALL:
        # A diff of two trees of a megabyte would take minutes, and print them.
        assert (read(library, evidence, CERT.jwk) == ours) is True, library


@pytest.mark.parametrize("path", BUNDLES)
def test_a_real_bundle_that_other_libraries_signed_is_read(
    path: Path, node: Libraries
) -> None:
    objects = json.loads(path.read_bytes())["objects"]
    objects.sort(key=lambda each: "modified" not in each)  # the first is primary
    concealed = records.tree(*objects)
    plain, frame = other_libraries.for_npm(concealed)
    by_npm = node.issue(plain, frame, header=records.HEADER, jwk=PRIVATE)
    marked = other_libraries.for_python(concealed)
    by_python = other_libraries.made_by_python(marked, JWK(**PRIVATE))
    for token in (by_npm, by_python):
        assert (opened(token, CERT.jwk).claims == plain) is True
        assert len(sdjwt.split(token)[1]) > len(objects)
    assert len(sdjwt.split(by_npm)[1]) == len(sdjwt.split(by_python)[1])
