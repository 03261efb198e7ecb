"""A joint record on a real RabbitMQ: two sign, a third gets it with both signatures."""

import json
from pathlib import Path

import pytest

from adapters.cli import main as command
from tests.support.hub import Hub, Party, tocsin, wait_until
from tests.support.rabbitmq_api import RabbitMQ

pytestmark = [pytest.mark.rabbitmq, pytest.mark.slow]

PARTIES = (
    Party("cert-aq", "peer-cert", publishes=True),
    Party("cert-bv", "peer-cert", publishes=True),
    Party("monitor-x", "civil-society"),
)
LEAK = Path(command.__file__).parent / "samples" / "election-leak.json"


def say(*arguments: object) -> str:
    done = tocsin(*map(str, arguments))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_two_have_signed_arrives_with_both_signatures(
    tmp_path: Path, rabbitmq: RabbitMQ
) -> None:
    hub = Hub(tmp_path, rabbitmq, PARTIES).build()
    own = ("--config", hub.publisher_config("cert-aq"))
    known = ("--directory", tmp_path / "directory")
    file = tmp_path / "joint.json"
    say("publish", LEAK, "--with", "cert-bv", "-o", file, *own)
    key = ("--key", tmp_path / "cert-bv.key", "--issuer", "cert-bv")
    say("cosign", file, *key, *known)
    with hub.running():
        say("publish", "--joint", file, *known, *own)
        for member in ("cert-bv", "monitor-x"):
            wait_until(
                lambda member=member: hub.deliveries(member),
                timeout_s=40,
                what=f"a delivery to {member}",
            )
            [delivery] = hub.deliveries(member)
            evidence = delivery / "evidence.sdjwt.json"
            facts = json.loads(say("verify", evidence, *known, "--json"))
            assert facts["signed_by"] == ["cert-aq", "cert-bv"]
            assert (facts["signatures"], facts["complete"]) == ("2 of 2", False)
            say("receipt", "verify", delivery, *known)
