"""A directory that nobody signed: plain files in a folder, for trials. Edge."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import msgspec

from broker.directory import (
    MAX_ENTRY_BYTES,
    MAX_POLICY_BYTES,
    Directory,
    Member,
    Service,
    build,
    decode_member,
    decode_service,
    need_few,
)
from broker.errors import ConfigError

_Entry = TypeVar("_Entry", Member, Service)


def load_folder(folder: Path) -> Directory:
    """Read `members/*.json` of *folder*, and what `services/`, `policies/` it has.

    Raises:
        ConfigError: No such folder, no member, or an unusable entry.
    """
    members = _entries(folder / "members", decode_member)
    if not members:
        if (folder / "metadata").is_dir():
            raise ConfigError(
                f"{folder} is a signed directory, which needs a pinned root: name a "
                "configuration file with a table [directory] (url, root, cache)"
            )
        raise ConfigError(f"no member files in {folder / 'members'}")
    known = build(members, _entries(folder / "services", decode_service))
    return msgspec.structs.replace(known, policies=_policies(folder / "policies"))


def _entries(folder: Path, decode: Callable[[bytes, str], _Entry]) -> list[_Entry]:
    found = []
    for path in sorted(folder.glob("*.json")):
        entry = decode(_read(path, MAX_ENTRY_BYTES), path.name)
        if path.stem != entry.org:
            raise ConfigError(f"{path.name} holds the entry of {entry.org}")
        found.append(entry)
    return found


def _policies(folder: Path) -> Mapping[str, bytes]:
    paths = sorted(folder.glob("*.toml"))
    need_few(len(paths))
    return MappingProxyType(
        {each.stem: _read(each, MAX_POLICY_BYTES) for each in paths}
    )


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > most:
        raise ConfigError(f"{path} has more than {most:,} bytes")
    return data
