"""Tokens of SoftHSM in a folder of their own: no service, nothing of the machine's."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.fetch_softhsm import MODULE, TREE, is_complete

PIN = "pin-5309"
_SO_PIN = "so-8675"
_CONFIG = """\
directories.tokendir = {folder}/tokens
objectstore.backend = file
log.level = ERROR
"""


class SoftHsmError(Exception):
    """There is no SoftHSM on this machine."""


@dataclass(frozen=True)
class SoftHsm:
    """Tokens, and how a process comes to them.

    The module reads its configuration when a process first loads it: one folder a
    process, and tokens are made before.
    """

    folder: Path
    module: Path
    pin_file: Path

    def uri(
        self,
        label: str,
        *,
        token: str = "one",  # noqa: S107  a token of SoftHSM, no secret
        pin: bool = True,
    ) -> str:
        source = f"&pin-source={self.pin_file}" if pin else ""
        return f"pkcs11:token={token};object={label}?module-path={self.module}{source}"


def made(folder: Path, *tokens: str) -> SoftHsm:
    """Make *tokens* in *folder*, and point this process and its children at them."""
    chosen = os.environ.get("TOCSIN_TEST_PKCS11_MODULE")
    module = Path(chosen) if chosen else MODULE
    if not chosen and not is_complete(TREE):
        raise SoftHsmError("SoftHSM is missing; type: make softhsm")
    tool = "softhsm2-util" if chosen else str(TREE / "usr/bin/softhsm2-util")
    (folder / "tokens").mkdir()
    config = folder / "softhsm2.conf"
    config.write_text(_CONFIG.format(folder=folder))
    os.environ["SOFTHSM2_CONF"] = str(config)
    for token in tokens:
        subprocess.run(  # noqa: S603  a tool of the tests
            [
                tool, "--module", str(module), "--init-token", "--free",
                "--label", token, "--so-pin", _SO_PIN, "--pin", PIN,
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )  # fmt: skip
    pin_file = folder / "pin"
    pin_file.write_text(PIN + "\n")
    pin_file.chmod(0o600)
    return SoftHsm(folder, module, pin_file)
