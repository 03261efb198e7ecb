"""Loads the directory from a plain folder of `members/` and `services/`. Edge."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from broker.directory import (
    Directory,
    Member,
    Service,
    build,
    decode_member,
    decode_service,
)
from broker.errors import ConfigError

_Entry = TypeVar("_Entry", Member, Service)


def load_folder(folder: Path) -> Directory:
    """Read `members/*.json` and, if there are any, `services/*.json` of *folder*.

    Raises:
        ConfigError: No such folder, no member, or an unusable entry.
    """
    members = _entries(folder / "members", decode_member)
    if not members:
        raise ConfigError(f"no member files in {folder / 'members'}")
    return build(members, _entries(folder / "services", decode_service))


def _entries(folder: Path, decode: Callable[[bytes, str], _Entry]) -> list[_Entry]:
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            entry = decode(path.read_bytes(), path.name)
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}") from None
        if path.stem != entry.org:
            raise ConfigError(f"{path.name} holds the entry of {entry.org}")
        found.append(entry)
    return found
