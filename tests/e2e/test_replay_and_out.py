"""A member that comes later gets the past from its own queue, on RabbitMQ, by commands alone."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hub import ROOT, Hub, Party, tocsin, wait_until
from tests.support.rabbitmq_api import RabbitMQ

SAMPLES = ROOT / "adapters" / "cli" / "samples"
NEW = "ngo-a"


def run(*arguments: str) -> str:
    done = tocsin(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def example(folder: Path) -> Path:
    """Write the example of the page as a file."""
    page = (ROOT / "docs" / "operations.md").read_text()
    [text] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    path = folder / "read.py"
    path.write_text(text)
    return path


@pytest.mark.slow
def test_who_comes_later_gets_the_past_from_its_queue_and_nobody_else_does(
    vhost: RabbitMQ, tmp_path: Path
) -> None:
    parties = [
        Party("cert-aq", "peer-cert", publishes=True),
        Party("platform-x", "platform"),
        Party(NEW, "civil-society"),
    ]
    hub = Hub(tmp_path, vhost, parties).build()
    hub._config("operator", hub._broker("operator"))
    hub._config(NEW, f'org = "{NEW}"\ndirectory = "directory"\n{hub._broker(NEW)}')
    adapter, broker = tmp_path / "adapter.toml", tmp_path / "broker.toml"
    without, _, _ = adapter.read_text().partition(f'[[members]]\norg = "{NEW}"')
    adapter.write_text(without)
    files = [str(SAMPLES / f"{n}.json") for n in ("bank-phishing", "election-leak")]
    replay = (
        "replay", "--member", NEW, "--adapter", "main",
        "--config", str(tmp_path / "gate.toml"),
        "--operator", str(tmp_path / "operator.toml"),
    )  # fmt: skip
    receive = (
        "receive", "--config", str(tmp_path / f"{NEW}.toml"),
        "--out", str(tmp_path / "mine"), "--once",
    )  # fmt: skip

    with hub.running():
        run("publish", *files, "--config", str(hub.publisher_config("cert-aq")))
        wait_until(
            lambda: len(hub.deliveries("platform-x")) == 2, timeout_s=30, what="two"
        )
    broker.write_text(f'{broker.read_text()}out.main = ["{NEW}"]\n')
    run("broker", "apply", "--config", str(broker))
    member = f'[[members]]\norg = "{NEW}"\n[[members.sinks]]\n'
    adapter.write_text(f'{without}{member}type = "amqp"\nname = "queue"\n')

    taken = []

    def comes(count: int) -> bool:
        taken.append(json.loads(run(*receive, "--json")))
        return sum(each["taken"] for each in taken) == count

    with hub.running():
        assert "2 sent to the adapter" in run(*replay)
        wait_until(lambda: comes(2), timeout_s=30, what="the past")
        assert not any(each["refused"] for each in taken)
        found = sorted((tmp_path / "mine").glob("0*"))
        assert [each.name[:8] for each in found] == ["00000001", "00000002"]
        # Once more, and nothing comes; by force, the same comes again.
        assert "2 sent to the adapter" in run(*replay)
        assert "2 sent to the adapter" in run(*replay, "--force")
        read = example(tmp_path)
        (tmp_path / "theirs").mkdir()
        arguments = [vhost.url_for(NEW, hub.password(NEW)), NEW, "theirs"]
        theirs = tmp_path / "theirs"

        def read_all() -> bool:
            subprocess.run(  # noqa: S603  the page's own example
                [sys.executable, str(read), *arguments],
                check=True,
                cwd=tmp_path,
                timeout=60,
            )
            return len(list(theirs.iterdir())) == 2

        wait_until(read_all, timeout_s=30, what="it again")
    again = sorted(theirs.iterdir())
    for one, other in zip(found, again, strict=True):
        about = json.loads((one / "delivery.json").read_text())
        assert other.name == f"{about['number']:08d}-{about['delivery_id']}.json"
        evidence = json.loads(other.read_text())["data"]["evidence"]
        assert evidence.encode() == (one / "evidence.sdjwt").read_bytes()
    assert len(hub.deliveries("platform-x")) == 2
