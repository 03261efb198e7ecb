"""Sightings and actions: signed by who sends them, and strictly read."""

import json

import msgspec
import pytest

from broker import answers, base64url
from broker.answers import Sighting, Taken
from broker.errors import TrustError
from schemas.reasons import REASONS
from tests.support import records
from tests.support.issuing import NOW, directory, key_entry, member, signer
from tests.support.suspended import suspended

SIGNER = signer("platform-x")
TOKEN = records.sha(b"a token")
SUB = records.an_id("incident")


def made(about=Taken("removed", 3), by=SIGNER, now=NOW):  # noqa: B008  frozen
    return answers.make(about, token=TOKEN, sub=SUB, signer=by, now=int(now))


def sent(about=Taken("removed", 3), by=SIGNER, **more):  # noqa: B008  frozen
    return answers.message(made(about, by, **more), "cert-aq", by)


def members():
    return directory(member("platform-x"), member("cert-bv"))


def refusal(message, now=NOW, known=None):
    with pytest.raises(TrustError) as caught:
        answers.verify(message, known or members(), now=now)
    assert caught.value.reason in REASONS
    return caught.value.reason


def resigned(message, by=SIGNER, header=None, **changes):
    """Change the payload, and sign it again."""
    parts = [base64url.decode(part) for part in message.body.split(b".")]
    head = json.loads(parts[0]) | (header or {})
    payload = {**json.loads(parts[1]), **changes}
    payload = {name: value for name, value in payload.items() if value is not None}
    signing_input = b".".join(
        base64url.encode(json.dumps(part).encode()) for part in (head, payload)
    )
    signature = base64url.encode(by.sign(signing_input))
    return msgspec.structs.replace(message, body=signing_input + b"." + signature)


@pytest.mark.parametrize(
    "about",
    [
        Sighting(),
        Sighting(40, "2026-11-02T08:15:00Z"),
        Taken("refused"),
        Taken("labelled", 12),
    ],
)
def test_an_answer_comes_back_as_it_was_given(about):
    message = sent(about)
    told = answers.verify(message, members(), now=NOW)
    assert told == made(about)
    kind = "sighting" if isinstance(about, Sighting) else "action"
    assert told.kind == kind
    assert message.routing_key == f"platform-x.cert-aq.{kind}"


def test_the_same_answer_has_the_same_message_id():
    assert sent() == sent()
    assert sent().message_id != sent(Taken("removed", 4)).message_id


@pytest.mark.parametrize(
    "changes",
    [
        {"token": "short"},
        {"sub": "incident"},
        {"iss": "urn:tocsin:org:cert-bv"},
        {"iat": -1},
        {"more": 1},
        {"action": {"action": "cheered"}},
        {"action": {"action": "removed", "count": 0}},
        {"action": {"action": "removed", "why": "text"}},
        {"action": None},
        {"sighting": {"count": 1}},
        {"action": None, "sighting": {"count": 1_000_000_000}},
        {"action": None, "sighting": {"count": 1, "last_seen": "yesterday"}},
        {"action": None, "sighting": {"count": 1}},  # sent under the key of actions
    ],
)
def test_a_claim_that_is_wrong_is_refused_though_it_is_signed(changes):
    assert refusal(resigned(sent(), **changes)) == "answer-invalid"


@pytest.mark.parametrize(
    "body", [b"", b"a.b", b"a.b.c", b"a.b.c.d", b"x" * 5000, b"e30.e30.AA"]
)
def test_what_is_no_jws_of_ours_is_refused(body):
    assert refusal(msgspec.structs.replace(sent(), body=body)) == "answer-invalid"


@pytest.mark.parametrize(
    "header", [{"typ": "vnd.tocsin.receipt+jwt"}, {"alg": "ES256"}, {"crit": []}]
)
def test_another_header_is_refused(header):
    assert refusal(resigned(sent(), header=header)) == "answer-invalid"


def test_a_payload_that_is_no_json_is_refused_after_its_signature():
    head = sent().body.split(b".")[0]
    signing_input = head + b"." + base64url.encode(b"{")
    body = signing_input + b"." + base64url.encode(SIGNER.sign(signing_input))
    assert refusal(msgspec.structs.replace(sent(), body=body)) == "answer-invalid"


def test_a_changed_answer_is_refused():
    head, payload, signature = sent().body.split(b".")
    other = sent(Taken("refused")).body.split(b".")[1]
    forged = b".".join((head, other, signature))
    assert payload != other
    assert refusal(msgspec.structs.replace(sent(), body=forged)) == "signature"


def test_a_stranger_is_refused():
    stranger = signer("stranger-co")
    assert refusal(sent(by=stranger)) == "unknown-key"


def test_what_another_member_sent_on_is_refused():
    passed_on = msgspec.structs.replace(
        sent(), user_id="cert-bv", routing_key="cert-bv.cert-aq.action"
    )
    assert refusal(passed_on) == "answer-invalid"


def test_an_answer_from_the_future_is_refused():
    assert refusal(sent(now=NOW + 3600)) == "key-not-valid"


def test_an_answer_from_before_its_key_is_refused():
    assert refusal(sent(now=1000)) == "key-not-valid"


def test_a_revoked_key_answers_no_more():
    revoked = member(
        "platform-x", keys=(key_entry("platform-x", revoked_at="2026-01-02T00:00:00Z"),)
    )
    assert refusal(sent(), known=directory(revoked)) == "key-revoked"


def test_who_is_suspended_answers_no_more():
    for subject, reason in (
        ("platform-x", "member-suspended"),
        (signer("platform-x").kid, "key-suspended"),
    ):
        known = suspended(directory(member("platform-x")), subject, NOW)
        assert refusal(sent(), known=known) == reason
