"""The gate keeps what proves that an issuer has said two things, and raises it."""

from contextlib import asynccontextmanager

import msgspec
import pytest
from structlog.testing import capture_logs

from adapters.cli import feedback, main
from broker import archive as archive_file
from broker import heartbeats
from broker.archive import KeptProof, open_archive
from broker.bus import Message
from broker.directory import single_key
from broker.embedded import open_embedded
from broker.feedback_kept import Kept
from broker.proofs import check, decode
from broker.sdjwt import token_id
from broker.topology import INGRESS, ingress_key
from tests.support.issuing import (
    HUB,
    NOW,
    PLACE,
    Feed,
    draft,
    rest,
    running_gate,
    signer,
    take,
)

ALONE = single_key("cert-aq", signer("cert-aq").jwk)


@asynccontextmanager
async def hub(folder, **more):
    async with (
        open_embedded(None, PLACE) as broker,
        running_gate(broker.login("gate"), folder, **more) as gate,
    ):
        yield broker, gate


async def fork(broker):
    """Publish two tokens for one place; give their ids."""
    feed = Feed()
    place = feed.position
    first = feed.sign(draft(1))
    feed.position = place
    second = feed.sign(draft(2))
    bus = broker.login("cert-aq")
    for token, of in ((first, draft(1)), (second, draft(2))):
        await bus.publish(INGRESS, feed.pack(token, of))
    [told] = await take(bus, "tocsin.feedback.cert-aq", 1)
    assert msgspec.json.decode(told.body)["reason"] == "chain-conflict"
    return token_id(first), token_id(second)


async def test_two_tokens_for_one_place_are_kept_as_a_proof_and_raised(tmp_path):
    with capture_logs() as logs:
        async with hub(tmp_path, oversight=("platform-x",)) as (broker, gate):
            ids = await fork(broker)
            [told] = await take(
                broker.login("platform-x"), "tocsin.feedback.platform-x", 1
            )
            [kept] = gate.archive.proofs()
    shown = check(decode(kept.proof), ALONE)
    assert (shown.first, shown.second) == ids
    assert (kept.issuer, kept.found_at) == ("cert-aq", int(NOW))
    assert told.body == kept.proof
    assert told.routing_key == "gate.platform-x.proof"
    [alarm] = [each for each in logs if each["event"] == "gate.equivocation"]
    assert (alarm["proof"], alarm["log_level"]) == (kept.id, "error")


async def test_it_outlasts_a_restart_and_is_kept_once(tmp_path):
    async with hub(tmp_path) as (broker, _):
        await fork(broker)
    async with hub(tmp_path) as (broker, gate):
        before = gate.archive.proofs()
        feed = Feed()
        feed.sign(draft(1))
        feed.position = msgspec.structs.replace(feed.position, seq=1, prev="")
        bus = broker.login("cert-aq")
        await bus.publish(INGRESS, feed.message(draft(3)))
        await take(bus, "tocsin.feedback.cert-aq", 1)
        assert len(gate.archive.proofs()) == 2
    assert len(before) == 1


async def test_a_record_that_only_does_not_fit_proves_nothing(tmp_path):
    async with hub(tmp_path) as (broker, gate):
        feed, bus = Feed(), broker.login("cert-aq")
        await bus.publish(INGRESS, feed.message(draft(1)))
        feed.position = msgspec.structs.replace(feed.position, prev="x" * 42 + "A")
        await bus.publish(INGRESS, feed.message(draft(2)))
        [told] = await take(bus, "tocsin.feedback.cert-aq", 1)
        assert msgspec.json.decode(told.body)["reason"] == "chain-conflict"
        assert gate.archive.proofs() == []


async def test_two_histories_of_a_line_are_kept_too(tmp_path):
    def beat(token, iat):
        text = heartbeats.make(
            signer("cert-aq"), line="A" * 22, community="urn:tocsin:community:all",
            tlp="GREEN", first=0, before="", ids=[(token, 1)], now=int(NOW) + iat,
        )  # fmt: skip
        return Message(
            body=text,
            message_id=heartbeats.beat_id(text),
            routing_key=ingress_key(issuer="cert-aq", kind="heartbeat", tlp="GREEN"),
            content_type=heartbeats.CONTENT_TYPE,
            user_id="cert-aq",
        )

    async with hub(tmp_path) as (broker, gate):
        bus = broker.login("cert-aq")
        await bus.publish(INGRESS, beat("a" * 42 + "A", 0))
        await bus.publish(INGRESS, beat("b" * 42 + "A", 1))
        found = await rest(bus, "tocsin.feedback.cert-aq")
        reasons = [msgspec.json.decode(each.body)["reason"] for each in found]
        assert reasons == ["lost", "heartbeat-conflict"]
        [kept] = gate.archive.proofs()
    assert check(decode(kept.proof), ALONE).about == "heartbeat"


async def test_where_nobody_reads_it_is_kept_all_the_same(tmp_path):
    async with hub(tmp_path, oversight=("nobody-known",)) as (broker, gate):
        await fork(broker)
        assert len(gate.archive.proofs()) == 1


async def test_where_the_first_counts_no_more_it_is_an_alarm_without_a_proof(tmp_path):
    with capture_logs() as logs:
        async with hub(tmp_path) as (broker, gate):
            feed, bus = Feed(), broker.login("cert-aq")
            place = feed.position
            await bus.publish(INGRESS, feed.message(draft(1)))
            await rest(broker.login("adapter-main"), "tocsin.adapter.main")
            with gate.archive._file.transaction() as db:
                db.execute("DELETE FROM tokens")
            feed.position = place
            await bus.publish(INGRESS, feed.message(draft(2)))
            await take(bus, "tocsin.feedback.cert-aq", 1)
            assert gate.archive.proofs() == []
    [alarm] = [each for each in logs if each["event"] == "gate.equivocation"]
    assert alarm["proof"] == ""


def test_what_is_kept_of_one_issuer_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(archive_file, "MAX_PROOFS", 2)
    with open_archive(tmp_path / "a.sqlite") as archive:
        kept = [KeptProof(f"p{i}", i, "cert-aq", b"x") for i in range(3)]
        assert [archive.keep_proof(each) for each in kept] == [True, True, False]
        assert archive.keep_proof(KeptProof("q", 0, "cert-bv", b"x"))
        assert archive.keep_proof(KeptProof("q", 9, "cert-bv", b"y")) is False
        assert [each.id for each in archive.proofs()] == ["p0", "q", "p1"]


# ------------------------------------------------------------------ the command


@pytest.fixture
async def config(tmp_path):
    async with hub(tmp_path) as (broker, _):
        await fork(broker)
    path = tmp_path / "gate.toml"
    path.write_text(
        'org = "hub"\nkey = "hub.key"\ndirectory = "d"\nstate = "gate.sqlite"\n'
        'archive = "archive.sqlite"\noversight = ["platform-x"]\n[broker]\n'
        'url = "amqp://127.0.0.1/"\nuser = "gate"\npassword_file = "pw"\n'
    )
    (tmp_path / "cert-aq.jwk").write_bytes(
        msgspec.json.encode(
            msgspec.to_builtins(signer("cert-aq").jwk) | {"kid": signer("cert-aq").kid}
        )
    )
    return path


def tocsin(*arguments):
    return main.run([str(each) for each in arguments])


def test_a_proof_is_listed_shown_and_checked(config, capfd):
    assert tocsin("proofs", "list", "--config", config, "--json") == 0
    listed = msgspec.json.decode(capfd.readouterr().out)
    assert (listed["issuer"], listed["about"]) == ("cert-aq", "place")
    assert tocsin("proofs", "list", "--config", config) == 0
    assert "2026-03-01T12:00:00" in capfd.readouterr().out
    out = config.parent / "proof.json"
    assert (
        tocsin("proofs", "show", listed["proof"][:8], "--config", config, "--out", out)
        == 0
    )
    jwk = config.parent / "cert-aq.jwk"
    assert tocsin("proofs", "check", out, "--jwk", jwk) == 0
    assert capfd.readouterr().out.startswith("proven: cert-aq has signed two records")
    assert tocsin("proofs", "check", out, "--jwk", jwk, "--json") == 0
    assert (
        msgspec.json.decode(capfd.readouterr().out)["where"] == "cert-aq/main/epoch1 1"
    )


def test_what_is_no_proof_is_refused(config, capfd):
    file = config.parent / "x.json"
    file.write_text("{}")
    jwk = config.parent / "cert-aq.jwk"
    assert tocsin("proofs", "check", file, "--jwk", jwk) == 1
    assert "proof-invalid" in capfd.readouterr().err


def test_a_proof_that_is_not_there_is_told(config, capfd):
    for name in ("zzz", "-zz"):  # a name may begin with a hyphen
        assert tocsin("proofs", "show", name, "--config", config) == 2
        assert "tocsin proofs list" in capfd.readouterr().err
    (config.parent / "archive.sqlite").unlink()
    assert tocsin("proofs", "list", "--config", config) == 2
    assert "there is no archive" in capfd.readouterr().err


def test_where_there_is_none_it_says_so(tmp_path, config, capfd):
    (tmp_path / "archive.sqlite").unlink()
    with open_archive(tmp_path / "archive.sqlite"):
        pass
    assert tocsin("proofs", "list", "--config", config) == 0
    assert capfd.readouterr().out == "no issuer has said two things\n"


async def test_oversight_reads_it_with_the_rest_of_its_feedback(tmp_path, capfd):
    async with hub(tmp_path, oversight=("platform-x",)) as (broker, _):
        await fork(broker)
        bus = broker.login("platform-x")
        async with bus.consume("tocsin.feedback.platform-x") as messages:
            received = await anext(messages)
            for known, expected in ((ALONE, True), (single_key("hub", HUB.jwk), False)):
                kept = Kept(1, received.message, 0)
                feedback._print(kept, known, as_json=True)
                said = msgspec.json.decode(capfd.readouterr().out.splitlines()[-1])
                assert said["ok"] is expected
                assert said["kind"] == ("proof" if expected else "not-valid")
            await received.ack()
