"""`tocsin publish`: what is signed goes out and is told, and so is what is refused."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.cli import main as command
from adapters.cli import sending
from adapters.config_parts import Broker
from broker.bus import Bus
from broker.embedded import Fault, open_embedded
from broker.errors import BusRefusedError, BusUnavailableError, ConfigError
from broker.publisher import Publisher
from broker.publisher_state import OutboxFullError
from tests.support.issuing import PLACE

SAMPLES = Path(command.__file__).parent / "samples"
LEAK, PHISHING = SAMPLES / "election-leak.json", SAMPLES / "bank-phishing.json"


class Desk:
    """A publisher's folder, and the command with an embedded hub's broker."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.fault: Fault | None = None
        self._capfd = capfd

    @asynccontextmanager
    async def bus(self, _broker: Broker) -> AsyncIterator[Bus]:
        place = self.folder / "bus.sqlite"
        async with open_embedded(place, PLACE, fault=self.fault) as broker:
            yield broker.login("cert-aq")

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        code = command.run([str(a) for a in arguments])
        return code, *self._capfd.readouterr()

    def publish(self, *arguments: object) -> tuple[int, list[str], list[str]]:
        config = self.folder / "p.toml"
        code, out, err = self("publish", *arguments, "--config", config)
        return code, out.splitlines(), err.splitlines()

    def input(self, file: str, of: Path = LEAK, **changes: Any) -> Path:
        """Copy a sample, with its primary object changed."""
        bundle = json.loads(of.read_text())
        for each in bundle["objects"]:
            if each["type"] == "incident":
                each.update(changes)
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(bundle))
        return path


@pytest.fixture
def desk(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    made = Desk(tmp_path, capfd)
    assert made("keygen", "--org", "cert-aq", "--out", tmp_path)[0] == 0
    (tmp_path / "p.toml").write_text(
        'org = "cert-aq"\nkey = "cert-aq.key"\nstate = "s.sqlite"\n[broker]\n'
        'url = "amqp://127.0.0.1:1/"\nuser = "cert-aq"\npassword_file = "pw"\n'
    )
    monkeypatch.setattr(sending, "open_bus", made.bus)
    return made


def away(operation: str, _message: object) -> tuple[Exception, str] | None:
    return (BusRefusedError("no right"), "before") if operation == "publish" else None


def test_who_practises_is_told_before_anything_is_signed(desk: Desk) -> None:
    folder = desk.folder / "directory" / "members"
    folder.mkdir(parents=True)
    entry = {
        "org": "cert-aq", "name": "CERT", "country": "XA", "audience": "peer-cert",
        "kinds": ["incident"], "exercise": True,
        "keys": [
            {
                "jwk": json.loads((desk.folder / "cert-aq.jwk").read_text()),
                "not_before": "2020-01-01T00:00:00Z",
                "not_after": "2040-01-01T00:00:00Z",
            }
        ],
    }  # fmt: skip
    (folder / "cert-aq.json").write_text(json.dumps(entry))
    config = desk.folder / "p.toml"
    config.write_text(f'directory = "directory"\n{config.read_text()}')
    code, out, err = desk.publish(LEAK)
    assert (code, out) == (1, [])
    assert "exercise-only" in err[0]
    assert desk.publish()[1] == ["nothing waited in the outbox"]
    code, out, err = desk.publish(LEAK, "--exercise")
    assert (code, err) == (0, [])
    assert "number 1 of the feed" in out[0]


def test_several_records_are_confirmed_each_by_its_name(desk: Desk) -> None:
    code, out, err = desk.publish(LEAK, PHISHING)
    assert (code, err) == (0, [])
    assert out[0].startswith("confirmed election-leak.json: ")
    assert out[1].startswith("confirmed bank-phishing.json: ")
    assert "number 2 of the feed" in out[1]


def test_one_that_is_refused_is_named_and_the_others_go_out(desk: Desk) -> None:
    assert desk.publish(LEAK)[0] == 0
    changed = desk.input("changed.json", name="Said otherwise")
    code, out, err = desk.publish(changed, PHISHING)
    assert code == 1
    assert len(out) == len(err) == 1
    assert out[0].startswith("confirmed bank-phishing.json: ")
    assert err[0].startswith("tocsin: refused: changed.json: version-known at ")
    assert desk.publish()[1] == ["nothing waited in the outbox"]


def test_with_json_each_file_is_one_line_whatever_became_of_it(desk: Desk) -> None:
    assert desk.publish(LEAK)[0] == 0
    changed = desk.input("changed.json", name="Said otherwise")
    code, out, _ = desk.publish(PHISHING, changed, "--json")
    refused, confirmed = map(json.loads, out)
    assert code == 1
    assert refused == {
        "ok": False,
        "file": "changed.json",
        "reason": "version-known",
        "where": "$.modified",
    }
    assert (confirmed["ok"], confirmed["file"]) == (True, "bank-phishing.json")


def test_a_single_file_that_is_refused_needs_no_name(desk: Desk) -> None:
    code, out, err = desk.publish(desk.input("a.json", revoked=SAMPLES.name))
    assert (code, out) == (1, [])
    assert [line[:30] for line in err] == ["tocsin: refused: bad-property "]


def test_a_file_that_is_no_record_stops_all_before_anything_is_signed(
    desk: Desk,
) -> None:
    (desk.folder / "bad.json").write_text("{}")
    (desk.folder / "worse.json").write_text("nonsense")
    bad = desk.folder / "bad.json", desk.folder / "worse.json"
    code, out, err = desk.publish(LEAK, *bad, "--json")
    assert code == 1
    assert [json.loads(each)["file"] for each in out] == ["bad.json", "worse.json"]
    assert [each.split(": ")[2] for each in err[:2]] == ["bad.json", "worse.json"]
    assert "nothing was signed" in err[2]
    assert not (desk.folder / "s.sqlite").exists()


def test_a_file_that_is_missing_stops_all_before_anything_is_signed(
    desk: Desk,
) -> None:
    code, out, err = desk.publish(LEAK, desk.folder / "none.json")
    assert (code, out) == (2, [])
    assert "none.json" in err[0]
    assert not (desk.folder / "s.sqlite").exists()


def test_files_of_one_name_are_told_apart_by_their_folders(desk: Desk) -> None:
    same = desk.input("a/x.json"), desk.input("b/x.json", of=PHISHING)
    code, out, _ = desk.publish(*same)
    assert code == 0
    assert [line.split(": ")[0] for line in out] == [f"confirmed {p}" for p in same]


def test_without_files_it_says_how_many_that_waited_went(desk: Desk) -> None:
    desk.fault = away
    assert desk.publish(LEAK, PHISHING)[0] == 2
    desk.fault = None
    assert desk.publish() == (0, ["confirmed 2 that waited in the outbox"], [])
    assert desk.publish("--json") == (0, ['{"ok":true,"sent":0}'], [])


def test_what_is_refused_is_told_even_if_the_broker_fails_then(desk: Desk) -> None:
    assert desk.publish(LEAK)[0] == 0
    desk.fault = away
    changed = desk.input("changed.json", name="Said otherwise")
    code, out, err = desk.publish(PHISHING, changed)
    assert (code, out) == (2, [])
    assert err[0].startswith("tocsin: refused: changed.json: version-known")
    assert err[-1].startswith("tocsin: broker: no right; 1 signed and kept")


@pytest.mark.parametrize(
    ("error", "expected"), [(BusRefusedError("x"), 2), (BusUnavailableError("x"), 3)]
)
def test_what_waiting_does_not_mend_is_configuration(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: int
) -> None:
    @asynccontextmanager
    async def bus(_broker: Broker) -> AsyncIterator[Bus]:
        raise error
        yield

    monkeypatch.setattr(sending, "open_bus", bus)
    assert desk.publish(LEAK) == (expected, [], ["tocsin: broker: x"])


def test_a_new_epoch_begins_the_feed_anew_once(desk: Desk) -> None:
    assert desk.publish(LEAK)[0] == 0
    code, [told, confirmed], _ = desk.publish(PHISHING, "--new-epoch")
    assert code == 0
    assert told.startswith("a new feed begins: cert-aq/main/")
    assert "number 1 of the feed" in confirmed
    newer = desk.input("newer.json", modified="2026-10-01T00:00:00.000Z")
    assert "number 2 of the feed" in desk.publish(newer)[1][0]
    _, [feed, sent], _ = desk.publish("--new-epoch", "--json")
    assert json.loads(feed)["feed"].startswith("cert-aq/main/")
    assert json.loads(sent) == {"ok": True, "sent": 0}


def failing(after: int, error: Exception) -> Callable[..., Any]:
    """Let `Publisher.enqueue` fail once, after so many calls."""
    calls = iter(range(100))
    enqueue = Publisher.enqueue

    async def run(self: Publisher, *arguments: Any, **more: Any) -> Any:
        if next(calls) == after:
            raise error
        return await enqueue(self, *arguments, **more)

    return run


def test_a_full_outbox_is_emptied_on_the_way(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Publisher, "enqueue", failing(1, OutboxFullError("full")))
    code, out, _ = desk.publish(LEAK, PHISHING)
    assert (code, len(out)) == (0, 2)


@pytest.mark.parametrize(("after", "waits"), [(0, False), (1, True)])
def test_a_disk_that_fills_up_half_way_is_told_with_what_waits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, after: int, waits: bool
) -> None:
    monkeypatch.setattr(Publisher, "enqueue", failing(after, ConfigError("disk full")))
    code, out, [told] = desk.publish(LEAK, PHISHING)
    assert (code, out) == (2, [])
    assert told.startswith("tocsin: configuration: disk full")
    assert ("before bank-phishing.json waits in the outbox" in told) is waits
    monkeypatch.undo()
