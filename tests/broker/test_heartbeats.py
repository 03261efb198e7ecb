"""Heartbeats: what an issuer says it has published, and what the gate adds to it."""

import msgspec
import pytest

from broker import base64url, heartbeats, jws
from broker.errors import TrustError
from broker.heartbeats import (
    HEARD_TYP,
    MAX_LISTED,
    TYP,
    Listed,
    beat_id,
    chained,
    make,
    make_heard,
    verify,
    verify_passed,
)
from broker.sdjwt import digest
from schemas import codec, timestamps
from tests.support.issuing import (
    HUB,
    NOW,
    directory,
    key_entry,
    member,
    service,
    signer,
)
from tests.support.suspended import suspended

AQ = signer("cert-aq")
KNOWN = directory()
LINE = base64url.encode(b"l" * 16).decode()
ALL = "urn:tocsin:community:all"


def ids(count: int, start: int = 0) -> list[tuple[str, int]]:
    return [
        (digest(str(i).encode()), int(NOW) - 60) for i in range(start, start + count)
    ]


def text(by: object = AQ, **more: object) -> bytes:
    values = {
        "line": LINE, "community": ALL, "tlp": "GREEN", "first": 0, "before": "",
        "ids": ids(3), "now": int(NOW), **more,
    }  # fmt: skip
    return make(by, **values)


def bent(**changes: object) -> bytes:
    """A heartbeat whose claims were changed before it was signed."""
    payload = codec.decode_json(base64url.decode(text().split(b".")[1]), max_bytes=9999)
    payload |= changes
    return jws.compact(TYP, codec.encode_json(payload), AQ)


def refused(body: bytes, known: object = KNOWN, **more: object) -> str:
    with pytest.raises(TrustError) as caught:
        verify(body, known, now=NOW, **more)
    return caught.value.reason


def passed(
    body: bytes, lacks: tuple[str, ...] = (), by: object = HUB, **more: object
) -> bytes:
    values = {"heartbeat": beat_id(body), "seen": int(NOW), "lacks": lacks, **more}
    return body + b"\n" + make_heard(by, **values)


def not_passed(body: bytes, known: object = KNOWN) -> str:
    with pytest.raises(TrustError) as caught:
        verify_passed(body, known, now=NOW)
    return caught.value.reason


def test_it_says_how_many_and_which_and_the_chain_over_them() -> None:
    org, beat = verify(text(), KNOWN, now=NOW)
    assert (org, beat.count, beat.first) == ("cert-aq", 3, 0)
    assert beat.ids == tuple(Listed(*each) for each in ids(3))
    assert beat.hash == chained("", [token_id for token_id, _ in ids(3)])


def test_silence_is_said_too() -> None:
    _, beat = verify(text(ids=[]), KNOWN, now=NOW)
    assert (beat.count, beat.hash, beat.before) == (0, "", "")


def test_the_longest_is_within_the_limit() -> None:
    body = text(ids=ids(MAX_LISTED), first=10, before=digest(b""))
    assert len(body) < heartbeats.MAX_BYTES
    assert verify(body, KNOWN, now=NOW)[1].count == MAX_LISTED + 10


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 2},
        {"count": -1},
        {"count": 4},
        {"count": True},
        {"hash": digest(b"")},
        {"before": digest(b"")},
        {"ids": [list(each) for each in ids(3)][::-1]},
        {"ids": [[*each, 1] for each in ids(3)]},
        {"ids": [list(ids(1)[0])] * (MAX_LISTED + 1), "count": MAX_LISTED + 1},
        {"line": LINE[:-1]},
        {"line": LINE[:-1] + "B"},
        {"tlp": "green"},
        {"community": "all"},
        {"iss": "urn:tocsin:org:cert-bv"},
        {"seq": 1},
        {"ids": None},
        {"iat": str(int(NOW))},
    ],
)
def test_whatever_contradicts_itself_or_is_malformed_is_refused(
    changes: dict[str, object],
) -> None:
    assert refused(bent(**changes)) == "heartbeat-invalid"


def test_a_list_that_begins_later_says_what_stood_before() -> None:
    assert refused(text(first=2)) == "heartbeat-invalid"
    assert verify(text(first=2, before=digest(b"")), KNOWN, now=NOW)[1].count == 5


def test_another_kind_of_jws_is_no_heartbeat() -> None:
    good = base64url.decode(text().split(b".")[1])
    assert (
        refused(jws.compact("vnd.tocsin.answer+jwt", good, AQ)) == "heartbeat-invalid"
    )
    assert refused(b"a.b") == "heartbeat-invalid"
    assert refused(jws.compact(TYP, b"[]", AQ)) == "heartbeat-invalid"
    assert refused(b"a" * (heartbeats.MAX_BYTES + 1)) == "heartbeat-invalid"


def test_one_changed_byte_breaks_the_signature() -> None:
    head, body, signature = text().split(b".")
    other = text(tlp="AMBER").split(b".")[1]
    assert refused(b".".join([head, other, signature])) == "signature"
    assert refused(b".".join([head, body, base64url.encode(b"s" * 64)])) == "signature"


def test_the_name_of_another_algorithm_is_refused() -> None:
    head = codec.encode_json({"alg": "ES256", "kid": AQ.kid, "typ": TYP})
    _, body, signature = text().split(b".")
    assert refused(b".".join([base64url.encode(head), body, signature])) == (
        "heartbeat-invalid"
    )


def test_nobody_beats_for_another() -> None:
    assert refused(text(signer("stranger"))) == "unknown-key"
    assert refused(text(HUB)) == "unknown-key"


def test_revocation_counts_from_when_the_gate_heard_it() -> None:
    revoked = timestamps.from_epoch(NOW - 10)
    known = directory(
        member("cert-aq", keys=(key_entry("cert-aq", revoked_at=revoked),))
    )
    assert refused(text(), known) == "key-revoked"
    assert refused(text(), known, heard=NOW - 10) == "key-revoked"
    assert verify(text(), known, now=NOW, heard=NOW - 11)


def test_suspension_counts_from_when_the_gate_heard_it() -> None:
    known = suspended(KNOWN, "cert-aq", NOW - 10)
    assert refused(text(), known) == "member-suspended"
    assert refused(text(), known, heard=NOW - 10) == "member-suspended"
    assert verify(text(), known, now=NOW, heard=NOW - 11)


def test_no_word_of_a_suspended_gate_counts() -> None:
    known = suspended(KNOWN, HUB.kid, NOW)
    assert not_passed(passed(text(), seen=int(NOW) - 60), known) == "key-suspended"


def test_a_moment_outside_of_the_key_or_ahead_is_refused() -> None:
    assert refused(text(now=int(NOW) + 121)) == "key-not-valid"
    assert refused(text(now=0)) == "key-not-valid"


def test_the_gate_says_what_the_hub_lacks() -> None:
    body = text()
    found = verify_passed(passed(body, (ids(1)[0][0],)), KNOWN, now=NOW)
    assert found.org == "cert-aq"
    assert found.heard.lacks == (ids(1)[0][0],)
    assert found.text + b"\n" + found.heard_text == passed(body, (ids(1)[0][0],))


def test_the_word_of_the_gate_is_about_this_heartbeat_and_by_the_gate() -> None:
    body = text()
    other = passed(text(tlp="AMBER")).partition(b"\n")[2]
    assert not_passed(body + b"\n" + other) == "heartbeat-invalid"
    assert not_passed(body) == "heartbeat-invalid"
    assert not_passed(passed(body, by=AQ)) == "unknown-key"
    assert not_passed(passed(body, seen=int(NOW) + 121)) == "key-not-valid"
    other_iss = {
        "iss": "urn:tocsin:org:cert-aq", "heartbeat": beat_id(body),
        "seen": int(NOW), "lacks": [],
    }  # fmt: skip
    forged = jws.compact(HEARD_TYP, msgspec.json.encode(other_iss), HUB)
    assert not_passed(body + b"\n" + forged) == "heartbeat-invalid"


def test_no_word_of_a_revoked_gate_counts() -> None:
    revoked = timestamps.from_epoch(NOW)
    known = directory(service(keys=(key_entry("hub", revoked_at=revoked),)))
    assert not_passed(passed(text(), seen=int(NOW) - 60), known) == "key-revoked"
