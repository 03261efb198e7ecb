"""docs/compatibility.md says what becomes of the real files, and still does."""

from functools import cache

from schemas.reasons import REASONS
from tests.compatibility.make import PAGE, Outcome, outcomes, page
from tests.support.real_data import needs_real_data

# Groups of which every file is a record; of others some are none (vocabularies, prose).
RECORDS = {
    "amnesty_stix21", "attack_flow", "csaf_cisa", "meta_json", "misp_events_eset",
    "oasis_incident_extension", "shadowserver_reports", "stalkerware",
}  # fmt: skip


@cache
def found() -> tuple[Outcome, ...]:
    return tuple(outcomes())


@needs_real_data
def test_the_page_is_what_the_files_become_today() -> None:
    assert page(list(found())) == PAGE.read_text(encoding="utf-8")


@needs_real_data
def test_every_refusal_has_a_reason_that_is_explained() -> None:
    refused = [each.refused for each in found() if each.refused]
    assert refused
    for each in refused:
        assert set(each.split(", ")) <= REASONS.keys()


@needs_real_data
def test_what_is_a_record_is_taken() -> None:
    refused = {each.group for each in found() if each.refused}
    assert refused.isdisjoint(RECORDS)
    assert {each.group for each in found()} >= RECORDS
