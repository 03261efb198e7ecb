"""`tocsin gate run` and `adapter run` start only where their stamps would count."""

from pathlib import Path

import msgspec
import pytest

from adapters.cli.main import USAGE, run
from adapters.config import AdapterConfig, GateConfig, load
from broker import signers
from broker.errors import ConfigError
from tests.support.issuing import member

BROKER = '[broker]\nurl = "amqp://127.0.0.1:1/"\nuser = "gate"\npassword_file = "pw"\n'
GATE = (
    'org = "hub"\nkey = "hub.key"\ndirectory = "directory"\nstate = "gate.sqlite"\n'
    'archive = "archive.sqlite"\n'
)
ADAPTER = (
    'name = "main"\norg = "hub"\ndisplay_name = "Hub"\ndirectory = "directory"\n'
    'key = "hub.key"\nid_key = "ids"\npseudonym_keys = "p"\noutbox = "outbox.sqlite"\n'
)
MEMBER = (
    '[[members]]\norg = "cert-aq"\n[[members.sinks]]\ntype = "file"\nname = "files"\n'
    'folder = "out"\n'
)
ALWAYS = {"not_before": "2020-01-01T00:00:00Z", "not_after": "2099-01-01T00:00:00Z"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation whose directory names no service yet."""
    signers.generate("hub", tmp_path)
    (tmp_path / "pw").touch(mode=0o600)
    (tmp_path / "gate.toml").write_text(GATE + BROKER)
    (tmp_path / "adapter.toml").write_text(ADAPTER + BROKER + MEMBER)
    (tmp_path / "directory/members").mkdir(parents=True)
    path = tmp_path / "directory/members/cert-aq.json"
    path.write_bytes(msgspec.json.encode(member("cert-aq")))
    return tmp_path


def name_service(folder: Path, *services: str, **times: str) -> None:
    jwk = msgspec.json.decode((folder / "hub.jwk").read_bytes())
    entry = {"jwk": jwk, **ALWAYS, **times}
    body = {"org": "hub", "name": "Hub", "services": services, "keys": [entry]}
    (folder / "directory/services").mkdir()
    (folder / "directory/services/hub.json").write_bytes(msgspec.json.encode(body))


def started(folder: Path, kind: str) -> int:
    return run([kind, "run", "--config", str(folder / f"{kind}.toml")])


def test_a_gate_whose_key_is_in_no_service_says_where_to_put_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert started(folder, "gate") == USAGE
    said = capsys.readouterr().err
    assert "directory/services/hub.json" in said
    assert "hub.jwk" in said
    assert not (folder / "archive.sqlite").exists()


@pytest.mark.parametrize(
    ("services", "times"),
    [
        (["adapter"], {}),
        (["gate"], {"not_after": "2021-01-01T00:00:00Z"}),
        (["gate"], {"revoked_at": "2021-01-01T00:00:00Z"}),
    ],
)
def test_a_gate_whose_key_is_listed_and_does_not_count_does_not_start(
    folder: Path, services: list[str], times: dict[str, str]
) -> None:
    name_service(folder, *services, **times)
    assert started(folder, "gate") == USAGE


def test_a_gate_whose_key_is_listed_goes_on_to_the_broker(folder: Path) -> None:
    name_service(folder, "gate")
    assert started(folder, "gate") == 3  # nobody listens on port 1


def test_a_gate_without_a_key_of_its_own_is_no_configuration(folder: Path) -> None:
    for line in ('org = "hub"\n', 'key = "hub.key"\n'):
        (folder / "gate.toml").write_text(GATE.replace(line, "") + BROKER)
        with pytest.raises(ConfigError, match="missing required field"):
            load(folder / "gate.toml", GateConfig)


def test_an_adapter_that_knows_no_gate_leaves_the_records_in_the_queue(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert started(folder, "adapter") == USAGE
    assert "directory/services" in capsys.readouterr().err
    name_service(folder, "adapter")
    assert started(folder, "adapter") == USAGE


def test_an_adapter_with_the_one_key_of_before_is_told_what_to_do(
    folder: Path,
) -> None:
    before = ADAPTER.replace('id_key = "ids"\n', 'pseudonym_key = "ids"\n')
    (folder / "adapter.toml").write_text(before + BROKER + MEMBER)
    with pytest.raises(ConfigError, match=r"call it id_key.*pseudonym_keys"):
        load(folder / "adapter.toml", AdapterConfig)


@pytest.mark.parametrize("line", ["keep_periods = 1", 'pseudonym_period = "week"'])
def test_periods_have_their_bounds(folder: Path, line: str) -> None:
    (folder / "adapter.toml").write_text(f"{line}\n{ADAPTER}{BROKER}{MEMBER}")
    with pytest.raises(ConfigError, match=r"Expected|Invalid"):
        load(folder / "adapter.toml", AdapterConfig)
