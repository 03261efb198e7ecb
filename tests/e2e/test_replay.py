"""A member that is admitted later gets the past, on RabbitMQ, by commands alone."""

from pathlib import Path

import pytest

from tests.support.hub import Hub, Party, tocsin, wait_until
from tests.support.rabbitmq_api import RabbitMQ

SAMPLES = Path(__file__).parents[2] / "adapters" / "cli" / "samples"
NEW = "ngo-a"


@pytest.mark.slow
def test_who_comes_later_gets_what_was_published_before_and_nobody_else_does(
    vhost: RabbitMQ, tmp_path: Path
) -> None:
    parties = [
        Party("cert-aq", "peer-cert", publishes=True),
        Party("platform-x", "platform"),
        Party(NEW, "civil-society"),
    ]
    hub = Hub(tmp_path, vhost, parties).build()
    hub._config("operator", hub._broker("operator"))
    adapter = tmp_path / "adapter.toml"
    whole = adapter.read_text()
    adapter.write_text(whole.partition(f'[[members]]\norg = "{NEW}"')[0])
    config = str(hub.publisher_config("cert-aq"))
    with hub.running():
        files = [str(SAMPLES / f"{n}.json") for n in ("bank-phishing", "election-leak")]
        done = tocsin("publish", *files, "--config", config)
        assert done.returncode == 0, done.stderr
        wait_until(
            lambda: len(hub.deliveries("platform-x")) == 2, timeout_s=30, what="two"
        )
    assert hub.deliveries(NEW) == []

    adapter.write_text(whole)
    with hub.running():
        for _ in range(2):  # idempotent
            done = tocsin(
                "replay", "--member", NEW, "--adapter", "main",
                "--config", str(tmp_path / "gate.toml"),
                "--operator", str(tmp_path / "operator.toml"),
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            assert "2 sent to the adapter" in done.stdout
        wait_until(lambda: len(hub.deliveries(NEW)) == 2, timeout_s=30, what="the past")
    assert len(hub.deliveries("platform-x")) == 2
    assert len(hub.deliveries(NEW)) == 2
