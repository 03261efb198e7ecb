"""broker.suspensions: the file by which one party suspends, read strictly."""

import json

import pytest

from broker.errors import TrustError
from broker.suspensions import MAX_SUSPENSIONS, Suspension, decode, encode

ENTRY = {"org": "cert-aq", "reason": "stolen laptop", "since": "2026-12-01T00:00:00Z"}
KID = "cert-aq/0123456789abcdef"


def file(*entries):
    return json.dumps({"suspensions": entries}).encode()


def test_it_reads_as_it_was_written():
    entries = (Suspension(**ENTRY), Suspension(**ENTRY, kid=KID))
    assert decode(encode(entries)) == entries
    assert [each.subject for each in entries] == ["cert-aq", KID]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        file({}),
        file({**ENTRY, "until": "2030-01-01T00:00:00Z"}),
        file({**ENTRY, "reason": ""}),
        file({**ENTRY, "reason": "x" * 501}),
        file({**ENTRY, "since": "today"}),
        file({**ENTRY, "org": "CERT"}),
        file({**ENTRY, "kid": "cert-bx/0123456789abcdef"}),
        file({**ENTRY, "kid": "cert-aq"}),
        file({**ENTRY, "kid": KID + "x" * 80}),
        file(ENTRY, ENTRY),
        file(*({**ENTRY, "org": f"o{n}"} for n in range(MAX_SUSPENSIONS + 1))),
        file({**ENTRY, "reason": "x" * (1 << 20)}),
    ],
)
def test_what_is_of_another_form_is_refused(data):
    with pytest.raises(TrustError, match="suspensions-form"):
        decode(data)
