"""directory diff, sign, publish: read what is proposed, agree, make it so."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from adapters.cli import show
from adapters.cli.asking import PassphraseOption, signer_of
from adapters.cli.directory_reading import (
    held,
    now,
    print_review,
    print_sentences,
    print_standing,
    read_proposal,
    review,
    review_json,
    standing_text,
    warn_of_age,
)
from adapters.cli.load import read_file, write_file
from adapters.directory_words import sentences
from broker import directory_folder, directory_proposal, directory_publication
from broker.directory_history import version_files
from broker.directory_proposal import Checked, Proposal
from broker.directory_state import MAX_METADATA_BYTES, State, fingerprint, read
from broker.errors import ConfigError, TrustError
from broker.signers import Signer

_DONE, _REFUSED = 0, 1  # exit codes, as in adapters.cli.main
_TO_PIN = (
    "pin this root at every client and compare its fingerprint over another channel:"
)

Output = Annotated[Path | None, Parameter(name=["--output", "-o"])]


def diff(
    proposal: Path | None = None,
    /,
    *,
    directory: Path | None = None,
    root: Path | None = None,
    since: int | None = None,
    json: bool = False,
) -> int:
    """Say in sentences what a proposal changes, or what changed since a version.

    The sentences come from the files themselves, against your own copy of the
    directory; what gives somebody more comes first.

    Args:
        proposal: Proposal file; without one give --since.
        directory: Your copy of the directory; not for a new one.
        root: The root that you pinned.
        since: Version of the members; says what is different today.
        json: Print JSON.
    """
    state = held(directory, root)
    if (proposal is None) == (since is None):
        raise ConfigError("give either a proposal, or --since with a version")
    if proposal is None:
        assert since is not None  # noqa: S101  checked above
        return _since(state, directory, since, as_json=json)
    made = read_proposal(proposal)
    seen = directory_proposal.checked(state, made, now=now())
    found = review(state, seen)
    if json:
        show.json_line({"ok": True, **review_json(made, found, seen)})
    else:
        print_review(made, found)
        print_standing(seen.standing)
    return _DONE


def _since(
    state: State | None, directory: Path | None, since: int, *, as_json: bool
) -> int:
    if state is None or directory is None:
        raise ConfigError("--since needs --directory and --root")
    before = version_files(directory_folder.fetcher(directory), state, since)
    after = {p: d for p, d in state.files.items() if not p.startswith("suspensions/")}
    found = sentences(before, after, now=now())
    version = state.targets.signed.version
    if as_json:
        changes = msgspec.to_builtins(found)
        show.json_line({"ok": True, "from": since, "to": version, "changes": changes})
        return _DONE
    show.line(f"from version {since} to {version}")
    print_sentences(found)
    if not found:
        show.line("no difference")
    return _DONE


def sign(
    proposal: Path,
    /,
    *,
    key: str,
    directory: Path | None = None,
    root: Path | None = None,
    passphrase_file: PassphraseOption = None,
    yes: bool = False,
    output: Output = None,
) -> int:
    """Sign a proposal for your group, after reading what it changes.

    Offline: it needs your copy of the directory, the root that you pinned and the
    key. The bytes that are signed are derived anew from the stated change.

    Args:
        proposal: Proposal file.
        key: Private key of your group: a file, or pkcs11:...
        directory: Your copy of the directory; not for a new one.
        root: The root that you pinned.
        passphrase_file: File (mode 0600) with the passphrase of the key.
        yes: Do not ask.
        output: Where to write the signed proposal; by default in place.
    """
    state = held(directory, root)
    made = read_proposal(proposal)
    seen = directory_proposal.checked(state, made, now=now())
    print_review(made, review(state, seen))
    warn_of_age(state)
    signer = signer_of("group", key, passphrase_file)
    signed = directory_proposal.sign(state, seen, signer)
    if not yes:
        _ask()
    write_file(output or proposal, directory_proposal.encode(signed))
    print_standing(directory_proposal.checked(state, signed, now=now()).standing)
    if "root" in seen.result.roles:
        show.line(f"root fingerprint {fingerprint(seen.result.roles['root'])}")
    return _DONE


def _ask() -> None:
    if not sys.stdin.isatty():
        raise ConfigError("nobody is there to say yes; type --yes if you have read it")
    show.line("Sign this? Type yes:")
    if sys.stdin.readline().strip() != "yes":
        raise ConfigError("not signed")


def publish(
    *proposals: Path,
    directory: Path,
    online_key: str,
    root: Path | None = None,
    passphrase_file: PassphraseOption = None,
    refresh: bool = False,
) -> int:
    """Publish what enough groups have signed; or with --refresh, say what is newest.

    Writes static files: for a web server, or to copy on a memory stick. Below the
    threshold nothing changes, and it says who is missing (exit code 1).

    Args:
        proposals: Proposal file; several, if each group signed a copy of its own.
        directory: Folder to publish in.
        online_key: Private key by which the hub signs snapshots.
        root: The root that you pinned; not for a new directory.
        passphrase_file: File (mode 0600) with the passphrase of that key.
        refresh: Sign snapshot and timestamp again, daily: clients take none that is
            older than 7 days.
    """
    if refresh == bool(proposals):
        raise ConfigError("give either a proposal, or --refresh")
    online = signer_of("online", online_key, passphrase_file)
    with directory_folder.locked(directory):
        if root is None and directory_folder.is_repository(directory):
            raise ConfigError(f"{directory} holds a directory; give its --root")
        if refresh:
            return _refresh(held(directory, root), directory, online)
        made = directory_proposal.merged(map(read_proposal, proposals))
        state, seen = _before(made, directory, root)
        return publish_checked(state, seen, made, directory, online)


def _before(
    made: Proposal, directory: Path, root: Path | None
) -> tuple[State | None, Checked]:
    """Read what *made* starts from, also if publishing it broke off at the end."""
    fetch = directory_folder.fetcher(directory)
    try:
        state = None if root is None else held(directory, root)
        return state, directory_proposal.checked(state, made, now=now())
    except TrustError as error:
        before = directory_publication.unfinished(fetch, made)
        if root is None or before is None:
            raise
        try:
            state = read(before, read_file(root, MAX_METADATA_BYTES))
            return state, directory_proposal.checked(state, made, now=now())
        except TrustError:
            raise error from None


def _refresh(state: State | None, directory: Path, online: Signer) -> int:
    assert state is not None  # noqa: S101  `held` was given a folder
    files = directory_publication.refreshed(state, online, now=now())
    _put(state, directory, files)
    version = state.targets.signed.version
    show.line(f"version {version} is signed as the newest for 7 more days")
    return _DONE


def publish_checked(
    state: State | None,
    seen: Checked,
    made: Proposal,
    directory: Path,
    online: Signer,
) -> int:
    """Write what *seen* makes of the directory, or say who is missing."""
    found = review(state, seen)
    if not seen.complete:
        for each in seen.standing:
            if each.needed:
                show.complaint(standing_text(each))
        show.complaint("nothing is published")
        return _REFUSED
    files = directory_publication.publication(state, seen, online, now=now())
    _put(state, directory, files)
    print_review(made, found)
    show.line(f"published in {directory}")
    if "root" in seen.result.roles:
        is_new = state is None
        what = _TO_PIN if is_new else "the root is new:"
        show.line(f"{what} {fingerprint(seen.result.roles['root'])}")
    return _DONE


def _put(
    state: State | None,
    directory: Path,
    files: tuple[directory_publication.File, ...],
) -> None:
    """Write only what a client will take."""
    pinned = (
        next(each.data for each in files if each.path.endswith("/1.root.json"))
        if state is None
        else state.roots[0].to_bytes()
    )
    directory_publication.tried(directory_folder.fetcher(directory), files, pinned)
    directory_folder.write(directory, files)
