"""A lone hyphen is standard input, in a pipe as on the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

from adapters.cli import main as command

SAMPLE = Path(command.__file__).parent / "samples" / "bank-phishing.json"
TOCSIN = Path(sys.executable).parent / "tocsin"


def tocsin(
    *arguments: object, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603  our own command
        [TOCSIN, *map(str, arguments)],
        input=given,
        capture_output=True,
        check=False,
        timeout=60,
    )


def test_what_one_command_writes_the_next_one_reads(tmp_path: Path) -> None:
    tocsin("keygen", "--org", "cert-aq", "--out", tmp_path)
    key = ("--key", tmp_path / "cert-aq.key", "--issuer", "cert-aq")
    signed = tocsin("sign", "-", *key, given=SAMPLE.read_bytes())
    assert signed.returncode == 0
    jwk = ("--jwk", tmp_path / "cert-aq.jwk")
    verified = tocsin("verify", "-", *jwk, given=signed.stdout)
    assert verified.returncode == 0
    assert verified.stdout.startswith(b"valid")


@pytest.mark.parametrize("name", ["check", "verify"])
def test_nothing_on_standard_input_is_refused_not_waited_for(name: str) -> None:
    more = ("--jwk", "none.jwk") if name == "verify" else ()
    assert tocsin(name, "-", *more).returncode in (1, 2)
