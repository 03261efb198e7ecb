"""`tocsin keys`, and what commands that sign say of their own key."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.cli.main import run
from broker import signers
from tests.support.records import SAMPLES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for org in ("cert-aq", "hub"):
        signers.generate(org, tmp_path)
    list_key(tmp_path, "hub", days=400)
    (tmp_path / "gate.toml").write_text(
        'org = "hub"\nkey = "hub.key"\ndirectory = "directory"\nstate = "s"\n'
        'archive = "a"\n[broker]\nurl = "amqp://h"\nuser = "u"\npassword_file = "p"\n'
    )
    (tmp_path / "publisher.toml").write_text(
        'org = "cert-aq"\nkey = "cert-aq.key"\nstate = "s"\n'
        '[broker]\nurl = "amqp://h"\nuser = "u"\npassword_file = "p"\n'
    )
    return tmp_path


def day(days: float) -> str:
    moment = datetime.now(UTC) + timedelta(days=days, minutes=1)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def list_key(folder: Path, org: str, *, days: float, **more: str) -> None:
    jwk = msgspec.json.decode((folder / f"{org}.jwk").read_bytes())
    key = {"jwk": jwk, "not_before": day(-400), "not_after": day(days), **more}
    entry: dict[str, Any] = {"org": org, "name": org, "keys": [key]}
    if org == "hub":
        entry |= {"services": ["gate", "adapter"]}
    else:
        entry |= {"country": "XA", "audience": "peer-cert", "kinds": ["incident"]}
    place = folder / "directory" / ("services" if org == "hub" else "members")
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{org}.json").write_bytes(msgspec.json.encode(entry))


def shown(
    capfd: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    capfd.readouterr()
    code = run([str(each) for each in arguments])
    said = capfd.readouterr()
    return code, said.out, said.err


def test_keys_are_shown_with_what_became_of_them(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    list_key(
        folder, "cert-aq", days=100, revoked_at=day(-3), revocation_reason="retired"
    )
    show = ("keys", "show", "--directory", folder / "directory")
    code, said, _ = shown(capfd, *show)
    assert code == 0
    assert "revoked: retired" in said
    assert "adapter, gate" in said
    code, said, _ = shown(capfd, *show, "--org", "cert-aq", "--json")
    facts = json.loads(said)
    assert (facts["state"], facts["reason"], facts["days_left"]) == (
        "revoked",
        "retired",
        0,
    )
    code, _, said = shown(capfd, *show, "--org", "cert-aqq")
    assert (code, "did you mean cert-aq?" in said) == (2, True)


@pytest.mark.parametrize(
    ("config", "days", "more", "code", "words"),
    [
        ("gate", 400, {}, 0, "valid until"),
        ("gate", 12, {}, 0, "ends in 12 days"),
        ("gate", -1, {}, 2, "has ended"),
        ("gate", 400, {"revoked_at": "2026-01-01T00:00:00Z"}, 2, "compromised"),
        ("publisher", 12, {}, 0, "ends in 12 days"),
    ],
)
def test_a_configured_key_is_opened_and_looked_up(
    folder: Path,
    capfd: pytest.CaptureFixture[str],
    config: str,
    days: int,
    more: dict[str, str],
    code: int,
    words: str,
) -> None:
    org = "hub" if config == "gate" else "cert-aq"
    list_key(folder, "cert-aq", days=400)
    list_key(folder, org, days=days, **more)
    check = ["keys", "check", "--config", folder / f"{config}.toml"]
    if config == "publisher":
        assert shown(capfd, *check)[0] == 2  # it names no directory
        check += ["--directory", folder / "directory"]
    found, said, _ = shown(capfd, *check)
    assert (found, words in said) == (code, True)
    found, said, _ = shown(capfd, *check, "--json")
    assert (found, json.loads(said)["ok"]) == (code, code == 0)


def test_a_key_that_nobody_listed_cannot_be_used(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    list_key(folder, "cert-aq", days=400)
    check = ("keys", "check", "--config", folder / "gate.toml")
    (folder / "hub.key").unlink()
    assert shown(capfd, *check)[0] == 2
    (folder / "hub.jwk").unlink()
    signers.generate("hub", folder)
    code, said, _ = shown(capfd, *check)
    assert (code, "not in the directory" in said) == (2, True)
    code, said, _ = shown(capfd, *check, "--json")
    assert json.loads(said)["listed"] is False


def test_signing_warns_of_a_key_that_ends_soon(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sign = (
        "sign", SAMPLES / "election-leak.json", "--key", folder / "cert-aq.key",
        "--issuer", "cert-aq", "-o", folder / "token",
        "--directory", folder / "directory",
    )  # fmt: skip
    for days, words in ((12, "warning: key cert-aq/"), (400, "")):
        list_key(folder, "cert-aq", days=days)
        code, _, said = shown(capfd, *sign)
        assert code == 0
        assert ("ends in 12 days" in said) == (days == 12)
        assert words in said
    signers.generate("cert-aq", folder, name="cert-aq.2")
    code, _, said = shown(
        capfd, *(str(each).replace("aq.key", "aq.2.key") for each in sign)
    )
    assert (code, "is not in the directory" in said) == (0, True)
