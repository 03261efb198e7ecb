"""Keys of pseudonyms in a folder: made when needed, destroyed when outlived. Edge.

One file of 32 random bytes for each period, named after it (`2026-Q4`), mode 0600.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from adapters.config import AdapterConfig
from adapters.pseudonyms import (
    KEY_BYTES,
    Length,
    PseudonymKeys,
    outlived,
    periods_kept,
)
from broker.errors import ConfigError
from broker.signers import read_secret

_log: Any = structlog.get_logger(__name__)


def open_keys(folder: Path, length: Length, keep: int, *, now: float) -> PseudonymKeys:
    """Read the keys of the periods that are kept, and make those that are missing.

    Keys of older periods are destroyed first: overwritten, then removed. What a
    copy of the folder, or the disk itself, keeps of them is beyond our reach.

    Args:
        keep: How many periods, this one among them.
        now: Epoch seconds.

    Raises:
        ConfigError: Readable by others, too short, or not to be read or written.
    """
    kept = periods_kept(now, length, keep)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for period in outlived((each.name for each in folder.iterdir()), kept):
            with suppress(FileNotFoundError):  # another adapter was first
                _destroy(folder / period)
            _log.info("pseudonyms.key_destroyed", period=period)
        for period in kept:
            if not (folder / period).exists():
                _make(folder / period)
                _log.info("pseudonyms.key_made", period=period)
        _sync(folder)
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror}") from None
    return PseudonymKeys(length, {name: read_key(folder / name) for name in kept})


def keys_of(config: AdapterConfig, now: float) -> PseudonymKeys:
    """Open the keys that a configuration names, see `open_keys`."""
    return open_keys(
        config.pseudonym_keys, config.pseudonym_period, config.keep_periods, now=now
    )


def read_key(path: Path) -> bytes:
    """Read the key of a period, or that of projected ids.

    Raises:
        ConfigError: Too short, or readable by others.
    """
    key = read_secret(path)
    if len(key) < KEY_BYTES:
        raise ConfigError(f"{path} holds fewer than {KEY_BYTES} bytes")
    return key


def _make(path: Path) -> None:
    """Write a key that is whole as soon as it has its name, and is written once."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # another adapter with the same folder was first
    finally:
        draft.unlink()


def _destroy(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(max(KEY_BYTES, path.stat().st_size)))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()


def _sync(folder: Path) -> None:
    """Let names in *folder* survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
