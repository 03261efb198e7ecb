"""A change of the directory, and the bytes that follow from it. Pure.

Whoever signs derives the bytes anew from the change and from the directory that it
holds itself, so a change says all: files whole, keys whole, the moment it was made.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from tuf.api.metadata import Metadata, Root, TargetFile, Targets

from broker import suspensions
from broker.directory_roles import (
    ROOT_LIFE,
    SUSPENSIONS_LIFE,
    TARGETS_LIFE,
    Keyring,
    bare,
    check,
    delegations_of,
    root_of,
    suspensions_path,
    suspensions_role,
)
from broker.directory_state import MAX_FILES, State, check_files
from broker.errors import TrustError
from schemas import timestamps
from schemas.errors import RefusedError

Path = Annotated[str, Meta(max_length=120)]
_SUSPENDED: Final = re.compile(r"suspensions/([a-z][a-z0-9-]{1,40})\.json")
_ROOT, _TARGETS = Root.type, Targets.type


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different.

    Either `files` holds one file of suspensions and nothing else changes, or it is
    the threshold's.

    Attributes:
        files: New content by path, whole.
        removed: Paths that go.
        keys: Who signs from then on, whole.
        renew: Sign root and members again, which else expire.
    """

    files: dict[Path, str] = {}
    removed: Annotated[tuple[Path, ...], Meta(max_length=MAX_FILES)] = ()
    keys: Keyring | None = None
    renew: bool = False


class Result(msgspec.Struct, frozen=True):
    """What a change makes of a directory.

    Attributes:
        roles: What is to be signed, by role.
        files: All files of the directory then.
        keyring: Who signs then.
    """

    roles: Mapping[str, Metadata[Any]]
    files: Mapping[str, bytes]
    keyring: Keyring


def moment(text: str) -> datetime:
    """Read a time to the second, as TUF writes them.

    Raises:
        TrustError: `proposal-form`.
    """
    try:
        return timestamps.parse(text).second
    except RefusedError:
        raise TrustError("proposal-form") from None


def result_of(state: State | None, change: Change, made: str) -> Result:
    """Derive what *change* makes of *state*; None: of nothing, a new directory.

    Args:
        made: RFC 3339; what is signed expires counted from here.

    Raises:
        TrustError: `proposal-change` (it changes nothing, or what is not there, or
            mixes what the threshold decides with a suspension), `directory-entry`,
            `directory-roles`, `bad-key`, `suspensions-form`, `proposal-form`.
    """
    at = moment(made)
    by_party = [path for path in change.files if path.startswith("suspensions/")]
    if state is not None and by_party:
        return _suspending(state, change, at)
    if by_party:
        raise TrustError("proposal-change")
    if state is None:
        return _first(change, at)
    files = _changed(state, change)
    keyring = bare(change.keys) if change.keys else state.keyring
    check(keyring)
    check_files(files)
    roles = _roles(state, change, keyring, files, at)
    if not roles:
        raise TrustError("proposal-change")
    return Result(roles, files, keyring)


def _first(change: Change, at: datetime) -> Result:
    if change.keys is None or change.removed:
        raise TrustError("proposal-change")
    keyring = bare(change.keys)
    check(keyring)
    files = {path: text.encode() for path, text in change.files.items()}
    check_files(files)
    empty = suspensions.encode(())
    roles: dict[str, Metadata[Any]] = {
        _ROOT: Metadata(root_of(keyring, 1, at + ROOT_LIFE)),
        _TARGETS: _targets(keyring, files, 1, at),
    }
    for party in keyring.suspending:
        roles[suspensions_role(party)] = _of_party(party, empty, 1, at)
        files[suspensions_path(party)] = empty
    return Result(roles, files, keyring)


def _suspending(state: State, change: Change, at: datetime) -> Result:
    (path, text), *others = change.files.items()
    found = _SUSPENDED.fullmatch(path)
    if found is None or others or change.removed or change.keys or change.renew:
        raise TrustError("proposal-change")
    party = found[1]
    held = state.suspensions.get(suspensions_role(party))
    data = text.encode()
    if held is None or state.files.get(path) == data:
        raise TrustError("proposal-change")
    suspensions.decode(data)
    role = _of_party(party, data, held.signed.version + 1, at)
    return Result(
        {suspensions_role(party): role}, {**state.files, path: data}, state.keyring
    )


def _changed(state: State, change: Change) -> dict[str, bytes]:
    files = dict(state.files)
    for path in change.removed:
        if path.startswith("suspensions/") or files.pop(path, None) is None:
            raise TrustError("proposal-change")
    for path, text in change.files.items():
        data = text.encode()
        if path in change.removed or files.get(path) == data:
            raise TrustError("proposal-change")
        files[path] = data
    return files


def _roles(
    state: State,
    change: Change,
    keyring: Keyring,
    files: dict[str, bytes],
    at: datetime,
) -> dict[str, Metadata[Any]]:
    """List what is to be signed anew; *files* loses what nobody may suspend any more."""
    before = state.keyring
    roles: dict[str, Metadata[Any]] = {}
    groups = (keyring.groups, keyring.threshold) != (before.groups, before.threshold)
    if change.renew or groups or keyring.online != before.online:
        version = state.root.signed.version + 1
        roles[_ROOT] = Metadata(root_of(keyring, version, at + ROOT_LIFE))
    # Signed by a group whose key has gone, members would count no more.
    delegated = keyring.suspending != before.suspending
    if change.renew or groups or delegated or change.files or change.removed:
        version = state.targets.signed.version + 1
        roles[_TARGETS] = _targets(keyring, files, version, at)
    for party in {*before.suspending} - {*keyring.suspending}:
        del files[suspensions_path(party)]
    for party, jwk in keyring.suspending.items():
        if before.suspending.get(party) == jwk:
            continue
        # Under another key it is signed again, and says what it said.
        name, path = suspensions_role(party), suspensions_path(party)
        data = files.setdefault(path, suspensions.encode(()))
        # A role that once was there goes on counting: clients refuse what goes back.
        known = state.snapshot.signed.meta.get(f"{name}.json")
        version = 1 if known is None else known.version + 1
        roles[name] = _of_party(party, data, version, at)
    return roles


def _targets(
    keyring: Keyring, files: Mapping[str, bytes], version: int, at: datetime
) -> Metadata[Targets]:
    targets = {
        path: TargetFile.from_data(path, data, ["sha256"])
        for path, data in sorted(files.items())
        if not path.startswith("suspensions/")
    }
    return Metadata(
        Targets(
            version=version,
            expires=at + TARGETS_LIFE,
            targets=targets,
            delegations=delegations_of(keyring.suspending),
        )
    )


def _of_party(party: str, data: bytes, version: int, at: datetime) -> Metadata[Targets]:
    path = suspensions_path(party)
    target = TargetFile.from_data(path, data, ["sha256"])
    return Metadata(
        Targets(version=version, expires=at + SUSPENSIONS_LIFE, targets={path: target})
    )


def written(at: datetime) -> str:
    """Write the moment at which a change is made."""
    return f"{at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"
