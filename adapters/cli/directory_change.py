"""directory init, propose, rotate-root: what is to be different, for groups to sign."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from adapters.cli import show
from adapters.cli.directory_reading import (
    held,
    named_keys,
    now,
    print_review,
    print_standing,
    public_key,
    review,
)
from adapters.cli.load import read_file, read_policy, write_new
from adapters.directory_edits import Edits, confirmed, revoked
from broker import directory_proposal, join_request
from broker.directory import RevocationReason
from broker.directory_change import Change, written
from broker.directory_roles import Keyring
from broker.directory_state import MAX_FILE_BYTES, State
from broker.errors import ConfigError

_DONE = 0  # the exit code, as in adapters.cli.main
_KINDS = ("members/*.json", "services/*.json", "policies/*.toml")

FromFolder = Annotated[Path | None, Parameter(name="--from")]
Output = Annotated[Path, Parameter(name=["--output", "-o"])]


def init(
    *,
    group: tuple[str, ...],
    online: Path,
    output: Output,
    on_call: Path | None = None,
    suspends: tuple[str, ...] = (),
    threshold: int = 2,
    source: FromFolder = None,
    policy: tuple[Path, ...] = (),
    title: str = "A new directory",
    author: str = "",
) -> int:
    """Propose a new directory: who decides, who publishes, who may suspend.

    Each group signs the proposal on its own machine (`directory sign`), then it is
    published. All whose keys are named sign it once: so each shows that it has its key.

    Args:
        group: NAME=PUBLIC.jwk of a stakeholder group; exactly one key each.
        online: Public key by which the hub signs daily what is newest.
        output: Proposal file to write.
        on_call: Public key by which the hub's people may suspend, and nothing else.
        suspends: NAME=PUBLIC.jwk: another key by which a group suspends, so that the
            one that decides can stay offline.
        threshold: How many groups it takes.
        source: Folder with members/, services/, policies/ to begin with.
        policy: Policy (TOML) to begin with; "shipped" for the shipped one.
        title: What people call this proposal.
        author: Who proposes.
    """
    groups = named_keys(group, "--group")
    suspending = {**groups, **named_keys(suspends, "--suspends")}
    if on_call is not None:
        suspending["hub"] = public_key(on_call)
    keys = _keyring(groups, threshold, online, suspending)
    edits = Edits({})
    if source is not None:
        edits.become(_folder(source))
    _take_policies(edits, policy)
    files = dict(edits.changed)
    _write(None, Change(files=files, keys=keys), output, title, author)
    return _DONE


def _keyring(
    groups: dict[str, Any], threshold: int, online: Path, suspending: dict[str, Any]
) -> Keyring:
    if not 2 <= threshold <= len(groups):
        raise ConfigError(
            "the threshold is at least 2, so that nobody decides alone, and at most "
            f"the number of groups, here {len(groups)}"
        )
    return Keyring(groups, threshold, public_key(online), suspending)


def propose(
    *,
    directory: Path,
    root: Path,
    output: Output,
    title: str,
    author: str = "",
    source: FromFolder = None,
    add: tuple[Path, ...] = (),
    remove: tuple[str, ...] = (),
    policy: tuple[Path, ...] = (),
    join: tuple[Path, ...] = (),
    revoke_key: str | None = None,
    reason: RevocationReason | None = None,
    at: str | None = None,
    confirm_suspension: str | None = None,
    renew: bool = False,
) -> int:
    """Propose a change; nothing is different before the threshold has signed it.

    Args:
        directory: Your copy of the directory.
        root: The root that you pinned.
        output: Proposal file to write.
        title: What people call this proposal.
        author: Who proposes.
        source: Folder with members/, services/, policies/ as they are to be; what is
            not in it goes.
        add: Entry of an organisation (JSON), new or in place of its old one.
        remove: Organisation to expel.
        policy: Policy (TOML), new or in place of its old version; "shipped" for the
            shipped one.
        join: Request of who wants to become a member (tocsin join); compare its
            fingerprint over another channel before.
        revoke_key: A key (ORG/THUMBPRINT) that counts no more from --at on.
        reason: Why it is revoked: what was signed before then counts or not by it.
        at: RFC 3339; now, if not given.
        confirm_suspension: Organisation that a party suspended, to stay so.
        renew: Sign root and members again before they expire.
    """
    state = held(directory, root)
    assert state is not None  # noqa: S101  both are given
    edits = Edits(state.files)
    if source is not None:
        edits.become(_folder(source))
    for path in add:
        edits.add_entry(_text(path), str(path))
    _take_policies(edits, policy)
    for path in join:
        _ask_in(edits, path)
    for org in remove:
        edits.remove(org)
    if revoke_key is not None:
        moment = at or written(now())
        revoked(edits, revoke_key, reason=reason, at=moment)
    elif reason is not None or at is not None:
        raise ConfigError("--reason and --at belong to --revoke-key")
    if confirm_suspension is not None:
        confirmed(edits, confirm_suspension)
    change = Change(files=edits.changed, removed=edits.removed, renew=renew)
    if change == Change():
        raise ConfigError(
            "nothing changes; say what: --add, --join, --remove, --policy, --revoke-key, "
            "--confirm-suspension, --from or --renew"
        )
    _write(state, change, output, title, author)
    return _DONE


def _take_policies(edits: Edits, policies: Sequence[Path]) -> None:
    for path in policies:
        data, where = read_policy(path)
        edits.add_policy(_decoded(data, path), where)


def _ask_in(edits: Edits, path: Path) -> None:
    asked = join_request.read(read_file(path, join_request.MAX_BYTES))
    edits.add_member(asked.member)
    show.line(
        f"{asked.member.org} is to read this to you over another channel: "
        f"{asked.fingerprint}"
    )


def rotate_root(
    *,
    directory: Path,
    root: Path,
    output: Output,
    title: str,
    author: str = "",
    group: tuple[str, ...] = (),
    remove_group: tuple[str, ...] = (),
    online: Path | None = None,
    on_call: Path | None = None,
    suspends: tuple[str, ...] = (),
    threshold: int | None = None,
) -> int:
    """Propose other keys: of a group that lost its own, of the hub; groups themselves.

    The old threshold and the new one both sign it, and whose key is new.

    Args:
        directory: Your copy of the directory.
        root: The root that you pinned.
        output: Proposal file to write.
        title: What people call this proposal.
        author: Who proposes.
        group: NAME=PUBLIC.jwk: new key of a group, or a new group.
        remove_group: Group that decides no more.
        online: New public key of the hub's snapshots.
        on_call: New public key of the hub's on-call people.
        suspends: NAME=PUBLIC.jwk: new key by which a group suspends.
        threshold: How many groups it takes from then on.
    """
    state = held(directory, root)
    assert state is not None  # noqa: S101  both are given
    old = state.keyring
    new = named_keys(group, "--group")
    suspending = dict(old.suspending)
    for name, jwk in new.items():
        # Who suspended by the key that decides goes on to.
        if old.suspending.get(name) == old.groups.get(name):
            suspending[name] = jwk
    suspending |= named_keys(suspends, "--suspends")
    if on_call is not None:
        suspending["hub"] = public_key(on_call)
    groups = {**old.groups, **new}
    for name in remove_group:
        if groups.pop(name, None) is None:
            raise ConfigError(f"there is no group {name}")
        suspending.pop(name, None)
    keys = Keyring(
        groups,
        old.threshold if threshold is None else threshold,
        old.online if online is None else public_key(online),
        suspending,
    )
    if not 2 <= keys.threshold <= len(groups):
        raise ConfigError("the threshold is 2 to the number of groups")
    _write(state, Change(keys=keys), output, title, author)
    return _DONE


def _write(
    state: State | None, change: Change, output: Path, title: str, author: str
) -> None:
    moment = now()
    if not 3 <= len(title) <= 200 or len(author) > 100:
        raise ConfigError("a title has 3 to 200 characters, an author at most 100")
    made = directory_proposal.propose(
        state, change, title=title, author=author, made=written(moment)
    )
    seen = directory_proposal.checked(state, made, now=moment)
    found = review(state, seen)
    write_new(output, directory_proposal.encode(made))
    print_review(made, found)
    print_standing(seen.standing)
    show.line(f"send {output} to the groups; each types: tocsin directory sign")


def _folder(folder: Path) -> dict[str, str]:
    """Read the entries of a plain folder."""
    found = {
        f"{path.parent.name}/{path.name}": _text(path)
        for pattern in _KINDS
        for path in sorted(folder.glob(pattern))
    }
    if not found:
        raise ConfigError(f"{folder} has no members/, services/ or policies/")
    return found


def _text(path: Path) -> str:
    return _decoded(read_file(path, MAX_FILE_BYTES), path)


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8") from None
