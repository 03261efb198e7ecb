"""The laws hold for every real file that becomes a record, whatever its format.

Names and addresses in a selection of them are looked at in `test_redaction_real`.
"""

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from adapters.redaction import NotGivenError, Redacted
from adapters.view import View
from broker.trust import Verified
from schemas import stix
from schemas.composing import compose
from schemas.errors import SchemaError
from tests.support import records
from tests.support.oracle import leaks
from tests.support.policy_files import without_holds
from tests.support.projections import check_made, check_projection
from tests.support.real_data import needs_real_data
from tests.support.real_records import FILES, UNSIGNED, draft, given, record
from tests.support.tangles import parts_of
from tests.support.views import (
    CIVIL,
    CONCERNED,
    PEER,
    PLATFORM,
    POLICY_FILE,
    cut,
    disclosures,
    opened,
    seen,
    view,
)

LEVELS = (PEER, CONCERNED, PLATFORM, CIVIL)
FRENCH = view("peer-cert", PEER.clearance, jurisdiction="FR")
LIFTED = without_holds(POLICY_FILE.read_text("utf-8"))
CANARY = "zqplanted"
# Larger ones are cut again and again elsewhere; here one in each format is enough.
MANY = 500


def is_no_record(path: Path) -> bool:
    if path.name not in UNSIGNED:
        return False
    with pytest.raises(SchemaError) as caught:
        record(path)
    assert caught.value.reason == UNSIGNED[path.name]
    return True


def given_if_any(path: Path, to: View) -> Redacted | None:
    try:
        return given(path, to)
    except NotGivenError:
        return None


@needs_real_data
def test_nearly_all_real_files_are_records() -> None:
    assert len(FILES) > 80
    assert sum(each.values[0].name not in UNSIGNED for each in FILES) == len(FILES) - 3


@pytest.mark.parametrize("path", FILES)
def test_no_guarded_value_of_a_real_file_is_seen(path):
    if is_no_record(path):
        return
    for to in LEVELS if len(record(path).objects) < MANY else (PEER, CIVIL):
        redacted = given_if_any(path, to)
        if redacted is not None:
            assert leaks(redacted) == []


@pytest.mark.parametrize("path", FILES)
def test_of_a_real_file_nobody_sees_more_by_being_trusted_less(path):
    if is_no_record(path):
        return
    shown = [
        set() if redacted is None else disclosures(redacted)
        for redacted in (given_if_any(path, to) for to in LEVELS)
    ]
    assert shown[0] >= shown[1] >= shown[2] >= shown[3]
    if len(record(path).objects) < MANY:
        french = given_if_any(path, FRENCH)
        assert french is None or disclosures(french) <= shown[0]


@pytest.mark.parametrize("path", FILES)
def test_what_is_cut_of_a_real_file_is_whole_and_stays_as_it_is(path):
    redacted = None if is_no_record(path) else given_if_any(path, PLATFORM)
    if redacted is not None:
        check_projection(redacted)
        check_made(redacted)
        if len(record(path).objects) < MANY:
            again = cut(opened(redacted.evidence), PLATFORM)
            assert again.evidence == redacted.evidence


@pytest.mark.parametrize("path", FILES)
def test_the_order_of_disclosures_of_a_real_file_changes_nothing(path):
    if is_no_record(path) or len(record(path).objects) >= MANY:
        return
    jwt, *texts, _ = whole(record(path)).split(b"~")
    other = opened(b"~".join([jwt, *sorted(texts), b""]))
    for to in (PEER, CIVIL):
        redacted = given_if_any(path, to)
        if redacted is not None:
            again = cut(other, to)
            assert disclosures(again) == disclosures(redacted)
            assert again.projection == redacted.projection


def whole(verified: Verified) -> bytes:
    texts = (each.text for each in verified.opened.disclosures)
    return b"~".join([verified.opened.jwt, *texts, b""])


@pytest.mark.parametrize("path", FILES)
def test_of_a_real_file_an_agreement_lifts_holds_and_nothing_else(path):
    if is_no_record(path) or len(record(path).objects) >= MANY:
        return
    everything = set(parts_of(record(path)))
    for to in (PEER, PLATFORM):
        try:
            redacted = cut(record(path), to, approved=everything)
        except NotGivenError:
            continue
        assert disclosures(redacted) <= disclosures(cut(record(path), to, LIFTED))
        assert leaks(redacted) == []


@pytest.mark.parametrize("path", FILES)
def test_nothing_unknown_that_is_added_to_a_real_file_is_seen(path):
    if is_no_record(path) or len(record(path).objects) >= MANY:
        return
    made, chance = draft(path), random.Random(path.name)  # noqa: S311  no secret
    plain = [stix.encode_object(each) for each in made.objects]
    bent = [planted(one, chance) for one in plain]
    assert CANARY in json.dumps(bent)
    whole = compose(
        [stix.decode_object(one) for one in bent],
        now=records.MODIFIED,
        primary=plain[made.primary]["id"],
    )
    verified = opened(records.token(whole))
    for to in (PEER, CIVIL):
        try:
            text = seen(cut(verified, to))
        except NotGivenError:
            continue
        assert CANARY not in text


def planted(one: dict[str, Any], chance: Any) -> dict[str, Any]:
    """Add an unknown member somewhere in an object, if that is an object of STIX still."""
    bent = copy.deepcopy(one)
    found: list[dict[str, Any]] = []

    def look(value: Any, name: str = "") -> None:
        if isinstance(value, dict) and name != "impacted_entity_counts":
            found.append(value)
        inner = value.items() if isinstance(value, dict) else ()
        for each_name, each in inner:
            look(each, each_name)
        for each in value if isinstance(value, list) else ():
            look(each)

    look(bent)
    chance.choice(found)[f"x_{CANARY}"] = {CANARY: CANARY}
    try:
        compose([stix.decode_object(bent)], now=records.MODIFIED, report="A check")
    except SchemaError as fault:
        if fault.reason not in ("unmarked", "no-behaviour"):
            return one  # it would not be signed
    return bent
