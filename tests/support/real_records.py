"""Every real file that becomes a record, signed as its issuer would sign it.

Any format that a source reads. What is unmarked is GREEN; where several objects could be
the primary one it is the first, and where none is, a report wraps them all.
"""

from functools import cache
from pathlib import Path
from typing import Any

from adapters.redaction import Redacted
from adapters.sources import formats
from adapters.sources.source import Input
from adapters.view import View
from broker.trust import Verified
from schemas.composing import attempt
from schemas.errors import SchemaError
from schemas.markings import Tlp
from schemas.record import Draft
from tests.support import records
from tests.support.real_data import real_files
from tests.support.views import cut, opened

# Those that are nobody's records: words, licences, tables that explain other tables.
FILES = real_files(
    "amnesty_stix21/*", "attack_flow/*", "csaf_cisa/*", "disarm/DISARM.json",
    "fimi_viginum_stix21/*.[jc]*", "meta_cib_csv/*[0-9kK].csv", "meta_json/*",
    "misp_events_eset/*", "misp_events_pymisp/[!dgs]*", "misp_events_pymisp/sighting_1*",
    "misp_stix_pairs/*", "oasis_incident_extension/*", "oasis_stix21_examples/*",
    "shadowserver_reports/*", "stalkerware/*",
)  # fmt: skip
# The only ones that are no record: RED in part, several events, a list of columns.
UNSIGNED = {
    "test_events_collection_1.json": "several-events",
    "test_events_collection_2.json": "several-events",
    "using-granular-markings.json": "needs-sealing",
}
_MAIN = ({"incident"}, {"campaign"}, {"report"}, {"grouping"})


@cache
def record(path: Path) -> Verified:
    """Sign and verify what a file holds.

    Raises:
        SchemaError: It is no record; `UNSIGNED` says why.
    """
    return opened(records.token(draft(path)))


@cache
def given(path: Path, to: View) -> Redacted:
    """Cut what a file holds for a view.

    Raises:
        NotGivenError: Nothing of it may be given.
    """
    return cut(record(path), to)


def draft(path: Path) -> Draft:
    found = formats.read(
        Input(path.read_bytes(), name=path.name, when=records.MODIFIED)
    )
    options: dict[str, Any] = {"now": records.MODIFIED, "tlp": Tlp.GREEN}
    made, faults = attempt(found.objects, **options)
    match [fault.reason for fault in faults]:
        case []:
            pass
        case ["several-primaries", *_]:
            first = next(
                each.id
                for kinds in _MAIN
                for each in found.objects
                if each.type in kinds
            )
            made, faults = attempt(found.objects, **options, primary=first)
        case _:
            made, faults = attempt(found.objects, **options, report="Findings")
    for fault in faults:
        raise SchemaError(fault.reason, fault.where)
    assert made is not None
    return made
