"""What a person types: passphrases of keys, PINs of tokens, and whether to go on."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from adapters.cli.show import printable
from broker.errors import ConfigError
from broker.signers import Signer, load_signer, read_line

PassphraseOption = Annotated[Path | None, Parameter(name="--passphrase-file")]


def signer_of(org: str, key: str, passphrase_file: Path | None = None) -> Signer:
    """Open a key for a command that a person types.

    Args:
        key: A file, or a `pkcs11:` URI.

    Raises:
        ConfigError: As `load_signer`.
    """
    return load_signer(org, key, passphrase_file=passphrase_file, ask=ask)


def ask(prompt: str) -> bytes:
    """Ask at the terminal; what is typed does not show.

    Raises:
        ConfigError: There is no terminal to ask at, or nothing was typed.
    """
    if not sys.stdin.isatty():
        raise ConfigError(
            f"nobody to ask for the {prompt.rstrip(': ')}: standard input is no "
            "terminal; name a file of mode 0600 that holds it (--passphrase-file, "
            "key_passphrase_file, or pin-source= in a pkcs11 URI)"
        )
    try:
        typed = getpass.getpass(printable(prompt))  # a token names itself
    except EOFError:
        typed = ""
    if not typed:
        raise ConfigError("nothing was typed")
    return typed.encode()


def agreed(question: str) -> bool:
    """Ask on standard error, and read a line; whatever is not yes is no."""
    sys.stderr.write(f"{printable(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def new_passphrase(file: Path | None, *, wanted: bool) -> bytes | None:
    """Give the passphrase for a new key: of *file*, or typed twice if *wanted*.

    Raises:
        ConfigError: No terminal, or two different passphrases.
    """
    if file is not None:
        return read_line(file)
    if not wanted:
        return None
    first = ask("passphrase of the new key: ")
    if first != ask("the same once more: "):
        raise ConfigError("two different passphrases; nothing was made")
    return first
