"""`tocsin correct`, `retract`, `answer`, `feedback`: from the file to what others read."""

import json
import re
import time
from pathlib import Path

import msgspec
import pytest

from broker.bus import JSON_CONTENT_TYPE, Message
from broker.directory import single_key
from broker.keys import Jwk
from broker.topology import feedback_key
from broker.trust import verify
from tests.adapters.test_cli_publish import LEAK
from tests.support.desks import Desks

TAKEDOWN = Path(__file__).parents[2] / "docs" / "takedown.md"


@pytest.fixture
def desks(tmp_path, capfd, monkeypatch) -> Desks:
    return Desks(tmp_path, capfd, monkeypatch)


def changed(desks: Desks, of: Path = LEAK, **changes) -> Path:
    bundle = json.loads(of.read_text())
    for each in bundle["objects"]:
        if each["type"] == "incident":
            each.update(changes)
    path = desks.folder / of.name
    path.write_text(json.dumps(bundle))
    return path


def test_a_corrected_file_becomes_the_next_version(desks) -> None:
    assert desks.say("cert-aq", "publish", LEAK)[0] == 0
    code, out, err = desks.say("cert-aq", "correct", changed(desks, name="Better"))
    assert (code, err) == (0, "")
    assert out.startswith("confirmed election-leak.json: ")
    old, new = map(desks.verified, desks.tokens("cert-aq"))
    assert (old["kind"], new["kind"]) == ("incident", "correction")
    assert old["record"] == new["record"]
    assert old["version"] < new["version"]


def test_the_same_correction_again_says_so(desks) -> None:
    desks.say("cert-aq", "publish", LEAK)
    path = changed(desks, name="Better")
    desks.say("cert-aq", "correct", path)
    code, out, _ = desks.say("cert-aq", "correct", path)
    assert code == 0
    assert "(was published before)" in out


def test_a_correction_of_nothing_is_refused(desks) -> None:
    code, out, err = desks.say("cert-aq", "correct", LEAK)
    assert (code, out) == (1, "")
    assert err.startswith("tocsin: refused: no-earlier-version: ")


@pytest.mark.parametrize("name", ["correct", "retract"])
def test_without_a_file_there_is_nothing_to_do(desks, name) -> None:
    assert desks.say("cert-aq", name)[0] == 2


def test_a_retraction_takes_the_record_back_with_a_reason(desks) -> None:
    desks.say("cert-aq", "publish", LEAK)
    code, _, err = desks.say("cert-aq", "retract", LEAK, "--why", "It was a rumour.")
    assert (code, err) == (0, "")
    old, new = desks.tokens("cert-aq")
    facts = desks.verified(new)
    assert facts["kind"] == "retraction"
    assert facts["record"] == desks.verified(old)["record"]
    assert facts["objects"] == 3  # the incident, its issuer, the note
    code, out, _ = desks.say("cert-aq", "retract", LEAK, "--why", "Once more.")
    assert code == 0
    assert "(was published before)" in out


def test_an_opinion_is_a_record_of_its_own_about_the_other(desks) -> None:
    path = desks.received()
    words = ("--opinion", "disagree", "--note", "The shop is innocent.")
    code, out, _ = desks.answer(path, *words, "--json")
    assert code == 0
    told = json.loads(out)
    [token] = desks.tokens("cert-bv")
    facts = desks.verified(token)
    assert facts["kind"] == "feedback"
    assert facts["record"] == told["record"]
    assert facts["record"].startswith("opinion--")
    assert facts["tlp"] == "CLEAR"  # as the record that it answers
    jwk = msgspec.json.decode((desks.folder / "cert-bv.jwk").read_bytes(), type=Jwk)
    claims = verify(token, single_key("cert-bv", jwk), now=time.time()).claims
    assert claims.to == ("urn:tocsin:org:cert-aq",)  # its issuer, by name
    assert told["about"] == desks.verified(path.read_bytes())["record"]
    again = json.loads(desks.answer(path, *words, "--json")[1])
    assert again["already"] is True
    assert desks.tokens("cert-bv") == []


@pytest.mark.parametrize("more", [(), ("--exercise",)])
def test_an_opinion_on_an_exercise_is_one_too(desks, more) -> None:
    path = desks.received(*more)
    assert desks.answer(path, "--opinion", "agree")[0] == 0
    [token] = desks.tokens("cert-bv")
    jwk = msgspec.json.decode((desks.folder / "cert-bv.jwk").read_bytes(), type=Jwk)
    claims = verify(token, single_key("cert-bv", jwk), now=time.time()).claims
    assert claims.exercise is bool(more)


def test_a_note_is_said_in_its_language(desks) -> None:
    path = desks.received()
    code, out, _ = desks.answer(path, "--note", "Kami juga melihatnya.", "--lang", "id")
    assert code == 0
    assert out.startswith("answered incident--")
    [token] = desks.tokens("cert-bv")
    assert desks.verified(token)["record"].startswith("note--")


def test_an_action_and_a_sighting_reach_the_issuer_alone(desks) -> None:
    path = desks.received()
    assert desks.answer(path, "--action", "removed", "--count", "7")[0] == 0
    seen = ("--sighting", "--count", "40", "--seen", "2026-11-02T08:15:00Z")
    assert desks.answer(path, *seen)[0] == 0
    action, sighting = desks.feedback()
    assert (action["kind"], action["from"], action["action"], action["count"]) == (
        "action", "cert-bv", "removed", 7,
    )  # fmt: skip
    assert (sighting["count"], sighting["last_seen"]) == (40, "2026-11-02T08:15:00Z")
    assert sighting["record"] == desks.verified(path.read_bytes())["record"]
    assert desks.feedback() == []
    directory = desks.folder / "directory"
    done = desks.say("cert-aq", "feedback", "--directory", directory)
    assert done[1] == "nobody has told anything\n"


def test_a_refusal_of_the_gate_is_told_with_its_meaning(desks) -> None:
    key = feedback_key(sender="gate", issuer="cert-aq", kind="refusal")
    body = b'{"token_id":"abc","reason":"incomplete"}'
    told = {"routing_key": key, "content_type": JSON_CONTENT_TYPE, "user_id": "gate"}
    desks.tell(Message(body=body, message_id="m", **told), "gate")
    desks.tell(Message(body=b'{"token_id":7}', message_id="n", **told), "gate")
    good, bad = desks.feedback()
    assert (good["kind"], good["reason"]) == ("refusal", "incomplete")
    assert "whole records" in good["meaning"]
    assert bad == {"ok": False, "kind": "not-valid", "reason": "answer-invalid"}


def test_what_the_gate_says_of_a_trial_that_nobody_waited_for_is_told(desks) -> None:
    key = feedback_key(sender="gate", issuer="cert-aq", kind="accepted")
    told = {"routing_key": key, "content_type": JSON_CONTENT_TYPE, "user_id": "gate"}
    body = b'{"token_id":"abc","stamp":"a.b.c"}'
    desks.tell(Message(body=body, message_id="m", **told), "gate")
    assert desks.feedback() == [{"ok": True, "kind": "accepted", "token": "abc"}]


def test_a_member_cannot_speak_as_the_gate(desks) -> None:
    key = feedback_key(sender="cert-bv", issuer="cert-aq", kind="refusal")
    body = b'{"token_id":"abc","reason":"incomplete"}'
    message = Message(
        body=body,
        message_id="m",
        routing_key=key,
        content_type=JSON_CONTENT_TYPE,
        user_id="cert-bv",
    )
    desks.tell(message, "cert-bv")
    directory = desks.folder / "directory"
    _, out, _ = desks.say("cert-aq", "feedback", "--directory", directory)
    assert out == "not-valid: reason answer-invalid\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--opinion", "agree", "--sighting"),
        ("--sighting", "--action", "removed"),
        ("--note", "x", "--count", "3"),
        ("--sighting", "--count", "0"),
        ("--sighting", "--seen", "yesterday"),
        ("--action", "cheered"),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_matter_of_usage(desks, arguments) -> None:
    code, _, err = desks.answer(desks.received(), *arguments)
    assert code == 2
    assert len(err.splitlines()) == 1


def test_what_does_not_verify_is_not_answered(desks) -> None:
    path = desks.received()
    path.write_bytes(path.read_bytes().replace(b".", b".A", 1))
    code, _, err = desks.answer(path, "--sighting")
    assert code == 1
    assert "refused" in err


# -- requests to take something down


def test_a_request_is_published_corrected_and_taken_back_addressed(desks) -> None:
    [text] = re.findall(r"```json\n(.*?)```", TAKEDOWN.read_text("utf-8"), re.DOTALL)
    bundle = json.loads(text)
    path = desks.folder / "request.json"
    path.write_text(json.dumps(bundle))
    for name, *more in (("publish",), ("correct",), ("retract", "--why", "Lapsed.")):
        if name == "correct":
            bundle["objects"][0]["necessity"] = "It is still shown."
            path.write_text(json.dumps(bundle))
        code, _, err = desks.say("cert-aq", name, path, *more)
        assert code == 1
        assert "not-addressed" in err
        assert desks.say("cert-aq", name, path, *more, "--to", "cert-bv")[0] == 0
    found = [desks.verified(token) for token in desks.tokens("cert-aq")]
    assert [each["kind"] for each in found] == [
        "takedown-request", "correction", "retraction",
    ]  # fmt: skip
    assert len({each["record"] for each in found}) == 1
