"""`tocsin publish` with a restored backup: said once, and the feed begins anew."""

import json
import shutil
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.cli import main as command
from adapters.cli import sending
from broker.embedded import open_embedded
from tests.support.issuing import PLACE

SAMPLES = Path(command.__file__).parent / "samples"
LEAK, PHISHING = SAMPLES / "election-leak.json", SAMPLES / "bank-phishing.json"


@pytest.fixture
def publish(tmp_path, capfd, monkeypatch):
    """Run the command; give its exit code and the lines of both outputs."""

    @asynccontextmanager
    async def bus(_broker):
        async with open_embedded(tmp_path / "bus.sqlite", PLACE) as broker:
            yield broker.login("cert-aq")

    def run(*arguments):
        code = command.run([str(each) for each in arguments])
        out, err = capfd.readouterr()
        return code, out.splitlines(), err.splitlines()

    assert run("keygen", "--org", "cert-aq", "--out", tmp_path)[0] == 0
    (tmp_path / "p.toml").write_text(
        'org = "cert-aq"\nkey = "cert-aq.key"\nstate = "s.sqlite"\n[broker]\n'
        'url = "amqp://127.0.0.1:1/"\nuser = "cert-aq"\npassword_file = "pw"\n'
    )
    monkeypatch.setattr(sending, "open_bus", bus)
    return lambda *more: run("publish", *more, "--config", tmp_path / "p.toml")


@pytest.fixture
def restored(publish, tmp_path):
    """Publish, back up, publish, restore."""
    assert publish(LEAK)[0] == 0
    shutil.copy2(tmp_path / "s.sqlite", tmp_path / "backup")
    assert publish(PHISHING)[0] == 0
    shutil.copy2(tmp_path / "backup", tmp_path / "s.sqlite")


def test_a_restored_backup_is_said_once_and_the_feed_begins_anew(publish, restored):
    code, out, err = publish(PHISHING)
    assert code == 0
    assert "number 1 of the feed" in out[0]
    [event] = [json.loads(each) for each in err if each.startswith("{")]
    assert (event["event"], event["why"]) == ("publisher.new_epoch", "state-older")
    [said] = [each for each in err if each.startswith("tocsin: ")]
    assert "restored backup (state-older)" in said
    assert event["feed"] in said
    code, out, err = publish(LEAK)
    assert (code, err) == (0, [])
    assert "was published before" in out[0]  # the backup knew it


@pytest.mark.parametrize("more", [(), ("--new-epoch",)])
def test_with_json_a_restored_backup_is_one_line(publish, restored, more):
    code, out, _ = publish(PHISHING, "--json", *more)
    told, confirmed = map(json.loads, out)
    feed = told.pop("feed")
    assert code == 0
    assert feed.startswith("cert-aq/main/")
    assert told == {"ok": True, "doubt": "state-older"}
    assert (confirmed["ok"], confirmed["seq"]) == (True, 1)


def test_without_doubt_nothing_is_said(publish):
    assert publish(LEAK)[2] == []
    code, out, err = publish(PHISHING)
    assert (code, err) == (0, [])
    assert "number 2 of the feed" in out[0]
