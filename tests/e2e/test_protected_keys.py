"""A hub whose keys lie in tokens and under a passphrase, on a real RabbitMQ.

The gate and an issuer sign with keys in a SoftHSM, the adapter with one under a
passphrase. Then the issuer's key is stolen: what a member kept decides.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from broker import signers
from tests.support.hub import Hub, Party, tocsin, wait_until
from tests.support.rabbitmq_api import RabbitMQ
from tests.support.records import SAMPLES
from tests.support.softhsm import SoftHsm

pytestmark = [pytest.mark.rabbitmq, pytest.mark.slow]

PARTIES = (
    Party("cert-aq", "peer-cert", publishes=True),
    Party("platform-x", "platform"),
)
PASSPHRASE = b"correct horse battery staple"
VALID = {"not_before": "2026-01-01T00:00:00Z", "not_after": "2036-01-01T00:00:00Z"}


def say(*arguments: object) -> str:
    done = tocsin(*map(str, arguments))
    assert done.returncode == 0, done.stderr
    return done.stdout


def listed(hub: Hub, kind: str, org: str, **more: Any) -> None:
    """List the keys of *org* anew."""
    path = hub.folder / "directory" / kind / f"{org}.json"
    entry = json.loads(path.read_bytes())
    entry["keys"] = [
        {"jwk": json.loads((hub.folder / f"{name}.jwk").read_bytes()), **VALID, **more}
        for name in ((org,) if kind == "members" else ("gate", "adapter"))
    ]
    path.write_bytes(msgspec.json.encode(entry))


def use(config: Path, key: str, more: str = "") -> None:
    lines = [
        f'key = "{key}"\n{more}' if line.startswith("key = ") else f"{line}\n"
        for line in config.read_text().splitlines()
    ]
    config.write_text("".join(lines))


@pytest.fixture
def hub(tmp_path: Path, rabbitmq: RabbitMQ, softhsm: SoftHsm) -> Hub:
    made = Hub(tmp_path, rabbitmq, PARTIES).build()
    for name in ("hub.key", "cert-aq.key", "cert-aq.jwk"):
        (tmp_path / name).unlink()
    for org, name in (("hub", "gate"), ("cert-aq", "cert-aq")):
        uri = softhsm.uri(f"e2e-{name}", token="other")
        signers.generate_in_token(org, uri, tmp_path / f"{name}.jwk")
        use(tmp_path / f"{name}.toml", uri)
    signers.generate("hub", tmp_path, passphrase=PASSPHRASE, name="adapter")
    secret = tmp_path / "adapter.pass"
    secret.write_bytes(PASSPHRASE)
    secret.chmod(0o600)
    use(
        tmp_path / "adapter.toml",
        "adapter.key",
        'key_passphrase_file = "adapter.pass"\nheads = "heads.jsonl"\n',
    )
    listed(made, "services", "hub")
    listed(made, "members", "cert-aq")
    return made


def test_a_hub_with_protected_keys_delivers_and_a_theft_undoes_nothing_before_it(
    hub: Hub,
) -> None:
    folder = hub.folder
    known = ("--directory", folder / "directory")
    with hub.running():
        config = ("--config", hub.publisher_config("cert-aq"))
        say("publish", SAMPLES / "bank-phishing.json", *config)
        wait_until(
            lambda: len(hub.deliveries("platform-x")) == 1,
            timeout_s=60,
            what="a delivery",
        )
        [delivery] = hub.deliveries("platform-x")
        # The first head is signed at the start, so the second record comes with it.
        say("publish", SAMPLES / "election-leak.json", *config)
        wait_until(
            lambda: len(hub.deliveries("platform-x")) == 2,
            timeout_s=60,
            what="a second delivery",
        )
    say("receipt", "verify", delivery, *known, "--policy", "shipped")
    mine = folder / "mine"
    said = say("heads", "save", folder / "out" / "platform-x", "--heads", mine, *known)
    assert "no contradiction" in said
    assert (folder / "heads.jsonl").exists()
    # The key is stolen and revoked: only what was held before counts.
    listed(hub, "members", "cert-aq", revoked_at="2026-01-02T00:00:00Z")
    evidence = delivery / "evidence.sdjwt"
    receipt = ("--receipt", delivery / "receipt.jwt")
    refused = tocsin("verify", *map(str, (evidence, *known, *receipt)))
    assert (refused.returncode, "key-revoked" in refused.stderr) == (1, True)
