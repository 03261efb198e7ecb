"""`tocsin broker ca`, `node`, `request`, `certify`: files, modes, refusals."""

import stat
from pathlib import Path

import pytest

from adapters.cli.main import REFUSED, USAGE, run
from broker.certificates import facts


def do(*words: object) -> int:
    return run(["broker", *map(str, words)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An authority, and what cert-aq sends."""
    assert do("ca", "--out", tmp_path / "ca") == 0
    assert do("request", "--org", "cert-aq", "--out", tmp_path / "aq") == 0
    return tmp_path


def certify(folder: Path, org: str, *more: object) -> int:
    request, out = folder / "aq/cert-aq.csr", folder / f"{org}.pem"
    return do(
        "certify", request, "--org", org, "--ca", folder / "ca", "--out", out, *more
    )


def test_keys_are_private_and_never_overwritten(folder, capsys):
    for key in (folder / "ca/ca.key", folder / "aq/cert-aq.tls.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = (folder / "ca/ca.key").read_bytes()
    assert do("ca", "--out", folder / "ca") == USAGE
    assert "is not overwritten" in capsys.readouterr().err
    assert (folder / "ca/ca.key").read_bytes() == before


def test_a_request_becomes_a_certificate_and_its_end_is_told(folder, capsys):
    capsys.readouterr()
    assert certify(folder, "cert-aq", "--days", 30) == 0
    made = facts((folder / "cert-aq.pem").read_bytes())
    assert made.name == "cert-aq"
    said = capsys.readouterr().out
    assert made.not_after.strftime("valid until %Y-%m-%dT%H:%M:%S") in said
    assert made.fingerprint in said


def test_a_request_of_another_name_is_refused_and_leaves_no_file(folder, capsys):
    assert certify(folder, "cert-bx") == REFUSED
    assert "request-invalid" in capsys.readouterr().err
    assert not (folder / "cert-bx.pem").exists()


def test_a_node_gets_key_and_certificate(folder):
    made = folder / "node"
    assert do("node", "rabbit.example", "--ca", folder / "ca", "--out", made) == 0
    assert stat.S_IMODE((made / "node.key").stat().st_mode) == 0o600
    assert facts((made / "node.pem").read_bytes()).name == ""


def test_an_authority_whose_key_others_may_read_issues_nothing(folder, capsys):
    (folder / "ca/ca.key").chmod(0o644)
    assert certify(folder, "cert-aq") == USAGE
    assert "chmod 600" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--name", ""], ["--days", "0"], ["--days", "4000"]])
def test_an_authority_has_a_name_and_a_life_within_bounds(tmp_path, more):
    assert do("ca", "--out", tmp_path / "ca", *more) == USAGE
    assert not (tmp_path / "ca").exists()


def test_a_place_that_cannot_be_written_is_told(folder, capsys):
    (folder / "file").touch()
    assert do("request", "--org", "cert-aq", "--out", folder / "file") == USAGE
    assert "cannot write" in capsys.readouterr().err
