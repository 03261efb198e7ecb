"""`tocsin publish --heartbeat` and `tocsin heartbeat run`: silence is said too."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.cli import heartbeats as command
from adapters.cli import main, sending
from adapters.config_parts import Broker
from broker.bus import Bus
from broker.embedded import open_embedded
from broker.errors import BusRefusedError, BusUnavailableError, ConfigError
from tests.support.issuing import PLACE, rest

LEAK = Path(main.__file__).parent / "samples" / "election-leak.json"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    @asynccontextmanager
    async def bus(_broker: Broker) -> AsyncIterator[Bus]:
        async with open_embedded(tmp_path / "bus.sqlite", PLACE) as broker:
            yield broker.login("cert-aq")

    monkeypatch.setattr(sending, "open_bus", bus)
    assert main.run(["keygen", "--org", "cert-aq", "--out", str(tmp_path)]) == 0
    (tmp_path / "p.toml").write_text(
        'org = "cert-aq"\nkey = "cert-aq.key"\nstate = "s.sqlite"\n[broker]\n'
        'url = "amqp://127.0.0.1:1/"\nuser = "cert-aq"\npassword_file = "pw"\n'
    )
    return tmp_path


def tocsin(*arguments: object) -> int:
    return main.run([str(each) for each in arguments])


def queued(folder: Path) -> list[str]:
    async def read() -> list[str]:
        async with open_embedded(folder / "bus.sqlite", PLACE) as broker:
            found = await rest(broker.login("gate"), "tocsin.ingress.cert-aq")
            return [each.routing_key for each in found]

    return asyncio.run(read())


def test_what_waits_goes_first_and_then_a_heartbeat_of_each_marking(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = folder / "p.toml"
    assert tocsin("publish", LEAK, "--config", config) == 0
    capfd.readouterr()
    assert tocsin("publish", "--heartbeat", "--config", config, "--json") == 0
    assert json.loads(capfd.readouterr().out) == {"ok": True, "heartbeats": 4}
    first, *beats = queued(folder)
    assert first.startswith("cert-aq.incident.")
    assert sorted(beats) == [
        f"cert-aq.heartbeat.{tlp}"
        for tlp in ("amber", "amber-strict", "clear", "green")
    ]


def test_for_people_it_says_how_many(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert tocsin("publish", "--heartbeat", "--config", folder / "p.toml") == 0
    assert capfd.readouterr().out == "confirmed 4 heartbeats\n"


def test_it_goes_with_no_file(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = folder / "p.toml"
    assert tocsin("publish", LEAK, "--heartbeat", "--config", config) == 2
    assert "--heartbeat goes with no file" in capfd.readouterr().err


class Beats:
    """Takes the place of sending: fails as told, and stops after the last."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.outcomes = list(outcomes)

    async def __call__(self, *_: object, **__: object) -> int:
        outcome = self.outcomes.pop(0)
        if not self.outcomes:
            signal.raise_signal(signal.SIGTERM)
        if outcome is not None:
            raise outcome
        return 4


def test_it_goes_on_where_the_hub_is_away_or_the_state_in_use(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, in_use = BusUnavailableError("away"), ConfigError("in use")
    beats = Beats(away, None, in_use, None, away)
    monkeypatch.setattr(command, "beat", beats)
    monkeypatch.setattr(command, "_LEAST_S", 0.001)
    config = folder / "p.toml"
    assert tocsin("heartbeat", "run", "--config", config, "--every", "0.001") == 0
    assert beats.outcomes == []


@pytest.mark.parametrize(
    "outcomes", [(ConfigError("no key"),), (None, BusRefusedError("no right"))]
)
def test_it_ends_with_what_waiting_would_not_mend(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    outcomes: tuple[Exception | None, ...],
) -> None:
    monkeypatch.setattr(command, "beat", Beats(*outcomes, None))
    monkeypatch.setattr(command, "_LEAST_S", 0.001)
    config = folder / "p.toml"
    assert tocsin("heartbeat", "run", "--config", config, "--every", "0.001") == 2
