"""From a MISP export to what others answer, on a real RabbitMQ: one command a step."""

import json
import time
from pathlib import Path

import pytest

from broker import trust
from broker.directory_plain import load_folder
from broker.trust import Verified
from tests.support.hub import Hub, Party, tocsin, wait_until
from tests.support.misp_events import EVENT, ORG, attribute
from tests.support.rabbitmq_api import RabbitMQ

pytestmark = [pytest.mark.rabbitmq, pytest.mark.slow]

PARTIES = (
    Party("cert-aq", "peer-cert", publishes=True),
    Party("cert-bv", "peer-cert", publishes=True),
    Party("monitor-x", "civil-society"),
)


def event(*attributes: dict[str, object]) -> str:
    body = {
        "uuid": EVENT,
        "info": "False sign-in pages",
        "date": "2026-11-01",
        "timestamp": "1793520000",
        "published": True,
        "Orgc": ORG,
        "Tag": [{"name": "tlp:green"}],
        "Attribute": list(attributes),
    }
    return json.dumps({"Event": body})


def say(*arguments: object) -> str:
    done = tocsin(*map(str, arguments))
    assert done.returncode == 0, done.stderr
    return done.stdout


def received(hub: Hub, member: str, count: int) -> list[Verified]:
    """Wait for that many deliveries; each of them verifies."""
    wait_until(
        lambda: len(hub.deliveries(member)) >= count,
        timeout_s=40,
        what=f"{count} deliveries to {member}",
    )
    # In process: the command `verify` has tests of its own, and takes a second each.
    known = load_folder(hub.folder / "directory")
    tokens = [each / "evidence.sdjwt" for each in hub.deliveries(member)]
    return [trust.verify(t.read_bytes(), known, now=time.time()) for t in tokens]


def test_a_record_is_answered_corrected_and_taken_back(
    tmp_path: Path, vhost: RabbitMQ
) -> None:
    hub = Hub(tmp_path, vhost, PARTIES).build()
    own = ("--config", hub.publisher_config("cert-aq"))
    other = ("--config", hub.publisher_config("cert-bv"))
    known = ("--directory", tmp_path / "directory")
    file = tmp_path / "event.json"
    file.write_text(event(attribute("domain", "shop-login.example", to_ids=True)))
    with hub.running():
        said = say("publish", file, *own, *known, "--wait", 2, "--wait-s", 60)
        assert "delivered event.json: 2 members have it\n" in said
        [first] = received(hub, "cert-bv", 1)
        evidence = hub.deliveries("cert-bv")[0] / "evidence.sdjwt"
        say("answer", evidence, "--opinion", "agree", "--note", "Seen.", *known, *other)
        say("answer", evidence, "--action", "blocked", "--count", "3", *known, *other)
        told = json.loads(say("feedback", *known, *own, "--json"))
        assert (told["kind"], told["from"], told["action"]) == (
            "action", "cert-bv", "blocked",
        )  # fmt: skip
        assert told["record"] == first.claims.sub
        assert say("feedback", *known, *own) == "nobody has told anything\n"
        # The opinion is for all who got the record.
        opinion = received(hub, "cert-aq", 2)[-1]
        assert (opinion.claims.kind, opinion.issuer) == ("feedback", "cert-bv")
        assert received(hub, "monitor-x", 2)[-1].claims.kind == "feedback"
        file.write_text(event(attribute("domain", "shop-signin.example", to_ids=True)))
        say("correct", file, *own)
        say("retract", file, "--why", "The shop is real.", *own)
        last = received(hub, "monitor-x", 4)[-2:]
        assert [each.claims.kind for each in last] == ["correction", "retraction"]
        assert {each.claims.sub for each in last} == {first.claims.sub}
        received(hub, "cert-bv", 4)
        taken_back = hub.deliveries("cert-bv")[-1] / "evidence.sdjwt"
        say("answer", taken_back, "--action", "acknowledged", *known, *other)

        def acknowledged() -> bool:
            lines = say("acknowledgements", *known, *own, "--json").splitlines()
            corrected, found = map(json.loads, lines)
            signed = [each["org"] for each in found["acknowledged"]]
            assert corrected["acknowledged"] == []
            return (signed, found["members"]) == (["cert-bv"], 2)

        wait_until(acknowledged, timeout_s=60, what="the retraction's reports")
        forged = tocsin("retract", str(file), *map(str, other))
    assert forged.returncode == 1
    assert "no-earlier-version" in forged.stderr


def test_what_the_gate_refuses_is_told_to_its_issuer(
    tmp_path: Path, vhost: RabbitMQ
) -> None:
    hub = Hub(tmp_path, vhost, PARTIES).build()
    own = ("--config", hub.publisher_config("cert-aq"))
    entry = tmp_path / "directory" / "members" / "cert-aq.json"
    member = json.loads(entry.read_text())
    entry.write_text(json.dumps({**member, "kinds": ["incident"]}))
    file = tmp_path / "event.json"
    file.write_text(event(attribute("domain", "shop-login.example", to_ids=True)))
    with hub.running():
        say("publish", file, *own)
        known = ("--directory", tmp_path / "directory")

        def told() -> bool:
            said = say("feedback", *known, *own, "--json")
            return bool(said) and json.loads(said)["reason"] == "kind-not-allowed"

        wait_until(told, timeout_s=40, what="the gate's refusal")
