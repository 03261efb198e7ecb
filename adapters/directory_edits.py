"""Single edits of the directory's files, as proposals make them. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.directory_policies import load
from adapters.policy import Policy
from broker import suspensions
from broker.directory import Member, RevocationReason, decode_member, decode_service
from broker.directory_state import MAX_FILE_BYTES
from broker.errors import ConfigError
from broker.keys import key_id
from schemas import codec, timestamps
from schemas.errors import RefusedError

_TOP = ("members", "services")


class Edits:
    """The files of a directory, on the way to another version.

    Args:
        before: All files, suspensions included, which stay as they are.
    """

    def __init__(self, before: Mapping[str, bytes]) -> None:
        self.before = before
        self.after = {
            path: data.decode()
            for path, data in before.items()
            if not path.startswith("suspensions/")
        }

    @property
    def changed(self) -> dict[str, str]:
        """Files that are new or different."""
        return {
            path: text
            for path, text in self.after.items()
            if self.before.get(path) != text.encode()
        }

    @property
    def removed(self) -> tuple[str, ...]:
        """Paths that are no more."""
        return tuple(
            path
            for path in self.before
            if path not in self.after and not path.startswith("suspensions/")
        )

    def become(self, files: Mapping[str, str]) -> None:
        """Take *files* for all there is to be."""
        for path, text in files.items():
            _check(path, text)
        self.after = dict(files)

    def add_entry(self, text: str, where: str) -> None:
        """Put in an organisation or a service, in place of what it was.

        Raises:
            ConfigError: It is neither.
        """
        data = text.encode()
        try:
            tree = codec.decode_json(data, where=where, max_bytes=MAX_FILE_BYTES)
        except RefusedError as error:
            raise ConfigError(f"{where}: {error}") from None
        if isinstance(tree, dict) and "services" in tree:
            self.after[f"services/{decode_service(data, where).org}.json"] = text
        else:
            self.after[f"members/{decode_member(data, where).org}.json"] = text

    def add_member(self, member: Member) -> None:
        """Admit *member* as it asked; whoever is one already changes by `add_entry`.

        Raises:
            ConfigError: It is one already.
        """
        path = f"members/{member.org}.json"
        if path in self.after:
            raise ConfigError(
                f"{member.org} is a member already; to change its entry type --add"
            )
        text = msgspec.json.format(msgspec.json.encode(member), indent=2)
        self.after[path] = text.decode() + "\n"

    def add_policy(self, text: str, where: str) -> None:
        """Put in a policy, in place of its old version.

        Raises:
            ConfigError: It is none.
        """
        name = Policy(text.encode(), where).file.id
        self.after[f"policies/{name}.toml"] = text

    def remove(self, org: str) -> None:
        """Take out an organisation or a service.

        Raises:
            ConfigError: There is none of this name.
        """
        del self.after[self.path_of(org)]

    def path_of(self, org: str) -> str:
        """Find the entry of an organisation or a service.

        Raises:
            ConfigError: There is none of this name.
        """
        for folder in _TOP:
            path = f"{folder}/{org}.json"
            if path in self.after:
                return path
        raise ConfigError(f"the directory has no organisation {org}")


def revoked(
    edits: Edits, kid: str, *, reason: RevocationReason | None, at: str
) -> None:
    """Let a key count no more from *at* on.

    Raises:
        ConfigError: There is no such key, no reason, or no such time.
    """
    if not reason:
        raise ConfigError(
            "say why: --reason compromised, superseded or retired; after compromised, "
            "less of what it signed counts"
        )
    try:
        timestamps.epoch(at)
    except RefusedError:
        raise ConfigError("--at is a moment such as 2027-01-31T12:00:00Z") from None
    path = edits.path_of(kid.partition("/")[0])
    decode = decode_member if path.startswith("members/") else decode_service
    entry = decode(edits.after[path].encode(), path)
    names = [key_id(entry.org, each.jwk) for each in entry.keys]
    if kid not in names:
        raise ConfigError(f"{entry.org} has no key {kid}; it has {', '.join(names)}")
    tree = _tree(edits, path)
    tree["keys"][names.index(kid)] |= {"revoked_at": at, "revocation_reason": reason}
    _put(edits, path, tree)


def confirmed(edits: Edits, org: str) -> None:
    """Let what some party suspended stay so, without an end.

    Raises:
        ConfigError: Nobody suspends it.
    """
    found = [
        each
        for path, data in edits.before.items()
        if path.startswith("suspensions/")
        for each in suspensions.decode(data)
        if each.subject == org
    ]
    if not found:
        raise ConfigError(
            f"no party suspends the organisation {org}; tocsin directory show lists "
            "what is suspended"
        )
    first = min(found, key=lambda each: timestamps.epoch(each.since))
    path = edits.path_of(org)
    tree = _tree(edits, path)
    tree["suspended"] = {"since": first.since, "reason": first.reason}
    _put(edits, path, tree)


def _check(path: str, text: str) -> None:
    data = text.encode()
    if path.startswith("policies/"):
        load(path, data)
    elif path.startswith("members/"):
        decode_member(data, path)
    else:
        decode_service(data, path)


def _tree(edits: Edits, path: str) -> dict[str, Any]:
    tree: dict[str, Any] = msgspec.json.decode(edits.after[path])
    return tree


def _put(edits: Edits, path: str, tree: dict[str, Any]) -> None:
    text = msgspec.json.format(msgspec.json.encode(tree), indent=2).decode() + "\n"
    _check(path, text)
    edits.after[path] = text
