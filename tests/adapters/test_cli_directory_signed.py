"""Commands over a signed directory: `--directory` names a file that says where it is."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from adapters.cli.main import run
from adapters.config import GateConfig, load
from tests.support.issuing import Feed, draft
from tests.support.policy_files import shipped
from tests.support.receipts import claims, signed
from tests.support.tuf_client import Hub

OURS = (
    shipped()
    .replace(b'\nid = "default"\n', b'\nid = "ours"\n')
    .replace(b"\nversion = 2\n", b"\nversion = 7\n")
)


@pytest.fixture
def hub(tmp_path: Path):
    with Hub(tmp_path).clock() as made:
        (tmp_path / "directory.toml").write_text(
            f'url = "{made.groups.folder.as_uri()}"\nroot = "root.json"\ncache = "cache"\n'
        )
        (tmp_path / "one.token").write_bytes(Feed().sign(draft()))
        yield made


@pytest.fixture(autouse=True)
def _same_clock(hub, monkeypatch):
    monkeypatch.setattr("time.time", lambda: hub.now)


def verify(hub) -> int:
    place = str(hub.folder / "directory.toml")
    return run(["verify", str(hub.folder / "one.token"), "--directory", place])


def test_a_token_is_verified_against_it(hub, capsys):
    assert verify(hub) == 0
    assert "cert-aq" in capsys.readouterr().out


def test_while_it_cannot_be_reached_what_was_kept_serves_with_a_warning(hub, capsys):
    assert verify(hub) == 0
    assert capsys.readouterr().err == ""
    hub.groups.folder.rename(hub.folder / "away")
    hub.wait(days=6)
    assert verify(hub) == 0
    told = capsys.readouterr().err
    assert "no newer directory can be had" in told
    assert "in 1 day it expires" in told


def test_it_is_refused_once_it_has_expired(hub, capsys):
    assert verify(hub) == 0
    hub.wait(days=8)
    assert verify(hub) == 1
    assert "directory-expired" in capsys.readouterr().err


def test_it_is_refused_where_it_is_not_what_the_groups_signed(hub, capsys):
    hub.groups.publish(["government"])
    assert verify(hub) == 1
    assert "directory-untrusted" in capsys.readouterr().err


def test_exit_code_3_says_that_it_is_not_reachable(hub, capsys):
    shutil.rmtree(hub.groups.folder)
    assert verify(hub) == 3
    assert capsys.readouterr().err.startswith("tocsin: directory: cannot fetch")


def test_the_table_of_a_configuration_serves_the_process_and_its_commands(hub):
    text = (hub.folder / "directory.toml").read_text()
    file = hub.folder / "gate.toml"
    file.write_text(
        'org = "hub"\nkey = "k"\nstate = "s"\narchive = "a"\n'
        '[broker]\nurl = "amqp://127.0.0.1/"\nuser = "gate"\npassword_file = "p"\n'
        f"[directory]\n{text}"
    )
    assert load(file, GateConfig).directory == file
    token = str(hub.folder / "one.token")
    assert run(["verify", token, "--directory", str(file)]) == 0


# ------------------------------------------------------------------- its policy


def called(hub, capsys, *words: str) -> tuple[int, str]:
    place = str(hub.folder / "directory.toml")
    code = run([*words, "--directory", place])
    told = capsys.readouterr()
    return code, told.out + told.err


TRIALS = {
    "redact": ("redact", "one.token", "--audience", "civil-society", "--json"),
    "compare": ("compare", "one.token", "--json"),
    "policy show": ("policy", "show", "--json"),
}


@pytest.mark.parametrize("name", TRIALS)
def test_what_is_tried_is_tried_under_the_directorys_policy(hub, capsys, name):
    words = [str(hub.folder / w) if w == "one.token" else w for w in TRIALS[name]]
    assert "default/2" in called(hub, capsys, *words)[1]
    hub.groups.put("policies/ours.toml", OURS)
    hub.groups.publish()
    assert "ours/7" in called(hub, capsys, *words)[1]
    assert "default/2" in called(hub, capsys, *words, "--policy", "shipped")[1]
    hub.groups.put("policies/default.toml", shipped())
    hub.groups.publish()
    code, said = called(hub, capsys, *words)
    assert code == 2
    assert "several policies: default, ours" in said


def test_of_a_receipt_it_is_said_whether_the_groups_have_signed_its_policy(hub, capsys):
    hub.groups.put("policies/ours.toml", OURS)
    hub.groups.publish()
    policy = {"id": "ours", "version": 7, "sha256": sha256(OURS).hexdigest()}
    file = hub.folder / "receipt.jwt"
    verifying = ("receipt", "verify", str(file))

    file.write_bytes(signed(policy=policy, iat=int(hub.now)))
    code, said = called(hub, capsys, *verifying)
    assert (code, "the groups of the directory have signed that policy" in said) == (
        0,
        True,
    )
    file.write_bytes(signed(policy=claims()["policy"], iat=int(hub.now)))
    code, said = called(hub, capsys, *verifying)
    assert (code, "policy-not-signed" in said) == (1, True)
    file.write_bytes(signed(policy=claims()["policy"], iat=int(hub.now) - 1))
    code, said = called(hub, capsys, *verifying, "--json")
    assert (code, json.loads(said)["policy_signed"]) == (0, False)
