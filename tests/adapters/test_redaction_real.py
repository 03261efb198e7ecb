"""Redaction of the real records: the laws hold, and nobody is named who must not be."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from adapters.redaction import NotGivenError, Redacted
from broker.trust import Verified
from schemas.errors import SchemaError
from tests.support.projections import check_made, check_projection
from tests.support.real_data import real_files
from tests.support.views import VIEWS, cut, disclosures, opened, seen, signed

FILES = real_files(
    "amnesty_stix21/wintego*", "fimi_viginum_stix21/*.json", "misp_stix_pairs/*_stix21.json",
    "oasis_incident_extension/*.json", "oasis_stix21_examples/*.json",
)  # fmt: skip
# Marked RED in part: the one that no issuer can sign before there is sealing.
RED = "using-granular-markings.json"
each_file = pytest.mark.parametrize("path", FILES)
PRIMARIES = ({"incident", "campaign"}, {"report", "grouping"})


@cache
def record(path: Path) -> Verified:
    bundle = json.loads(path.read_text(encoding="utf-8"))
    objects = bundle["objects"] if isinstance(bundle, dict) else bundle
    options: dict[str, Any] = {"report": "Findings"}
    for kinds in PRIMARIES:
        found = [one["id"] for one in objects if one["type"] in kinds]
        if found:
            options = {"primary": found[0]}
            break
    return signed(*objects, **options)


@cache
def given(path: Path, name: str) -> Redacted | None:
    if path.name == RED:
        with pytest.raises(SchemaError, match="needs-sealing"):
            record(path)
        return None
    try:
        return cut(record(path), VIEWS[name])
    except NotGivenError:
        return None


@each_file
@pytest.mark.parametrize("name", ["peer", "platform", "civil"])
def test_the_laws_hold(path, name):
    redacted = given(path, name)
    if redacted is not None:
        again = cut(opened(redacted.evidence), VIEWS[name])
        assert again.evidence == redacted.evidence
        check_projection(redacted)
        check_made(redacted)


@each_file
def test_peers_see_most_and_civil_society_least(path):
    levels = [given(path, name) for name in ("peer", "concerned", "platform", "civil")]
    shown = [set() if level is None else disclosures(level) for level in levels]
    assert shown[0] >= shown[1] >= shown[2] >= shown[3]


@each_file
def test_no_private_person_is_named(path):
    people = {
        plain["name"]
        for plain in ([] if path.name == RED else record(path).plain)
        if plain["type"] == "identity"
        and plain.get("identity_class") in ("individual", None, "unknown")
        and " " in plain["name"]
    }
    for name in VIEWS:
        redacted = given(path, name)
        words = "" if redacted is None else plainly(seen(redacted))
        assert [person for person in people if plainly(person) in words] == []


def plainly(text: str) -> str:
    return " ".join(["", *re.findall(r"[^\W_]+", text.casefold()), ""])


@each_file
def test_no_mail_address_of_the_record_reaches_civil_society(path):
    redacted = given(path, "civil")
    if redacted is not None:
        assert re.findall(r"[\w.+-]+@[\w-]+\.[\w.]+", seen(redacted)) == []
