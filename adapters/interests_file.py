"""Files of interests: read at the start, written whole or not at all. Edge."""

import contextlib
import os
import secrets
from pathlib import Path

from adapters.config import MemberConfig
from adapters.interests import EVERYTHING, Interests
from adapters.interests_toml import MAX_BYTES, decode, encode
from broker.errors import ConfigError


def interests_of(served: MemberConfig) -> Interests:
    """Read what a member wants; everything, if its configuration names no file.

    Raises:
        ConfigError: The file is missing, or wrong.
    """
    path = served.interests
    return read(path) if isinstance(path, Path) else EVERYTHING


def read(path: Path) -> Interests:
    """Read a file of interests.

    Raises:
        ConfigError: It is missing, or wrong.
    """
    try:
        with path.open("rb") as file:
            return decode(file.read(MAX_BYTES + 1), str(path))
    except FileNotFoundError:
        raise ConfigError(
            f"there is no {path}; make it with tocsin interests set, or with nothing "
            "in it to get everything"
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None


def write(path: Path, interests: Interests) -> None:
    """Replace a file of interests, or make it and its folder.

    Whoever reads meanwhile gets the old or the new one. A file that was there keeps
    its mode.

    Raises:
        ConfigError: It cannot be written; the old one is as it was.
    """
    path = path.resolve()  # a link stays one
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(exist_ok=True)
        with new.open("xb") as file:
            file.write(encode(interests))
            if path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
