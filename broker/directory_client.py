"""Loads the directory from a plain folder: `members/*.json`. Edge."""

from pathlib import Path

from broker.directory import Directory, build, decode_member
from broker.errors import ConfigError


def load_folder(folder: Path) -> Directory:
    """Read every member file of *folder*.

    Raises:
        ConfigError: No such folder, no member, or an unusable entry.
    """
    paths = sorted((folder / "members").glob("*.json"))
    if not paths:
        raise ConfigError(f"no member files in {folder / 'members'}")
    members = []
    for path in paths:
        try:
            member = decode_member(path.read_bytes(), path.name)
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}") from None
        if path.stem != member.org:
            raise ConfigError(f"{path.name} holds the entry of {member.org}")
        members.append(member)
    return build(members)
