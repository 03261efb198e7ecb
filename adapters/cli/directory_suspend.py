"""directory suspend: one party takes a member or a key out, at once, for seven days."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from msgspec import UNSET

from adapters.cli import show
from adapters.cli.asking import PassphraseOption, signer_of
from adapters.cli.directory_reading import (
    held,
    now,
    print_review,
    review,
)
from adapters.cli.directory_sign import publish_checked
from adapters.cli.load import write_new
from broker import directory_folder, directory_proposal, suspensions
from broker.directory_change import Change, written
from broker.directory_roles import suspensions_path
from broker.directory_state import State
from broker.errors import ConfigError
from broker.suspensions import Suspension
from schemas import timestamps
from schemas.errors import RefusedError

_DONE = 0  # the exit code, as in adapters.cli.main


def suspend(
    org: str,
    /,
    *,
    party: str,
    key: str,
    directory: Path,
    root: Path,
    kid: str | None = None,
    reason: str | None = None,
    since: str | None = None,
    lift: bool = False,
    online_key: str | None = None,
    passphrase_file: PassphraseOption = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
) -> int:
    """Suspend an organisation or one key of it at once, without asking the others.

    It lapses after 7 days unless the threshold confirms it (directory propose
    --confirm-suspension). It never admits anybody.

    Args:
        org: Organisation to suspend.
        party: Your group, or hub for the hub's on-call key.
        key: Private key by which your party suspends.
        directory: Your copy of the directory; with --online-key the published one.
        root: The root that you pinned.
        kid: Suspend this key alone (ORG/THUMBPRINT).
        reason: Why; everybody who reads the directory sees it.
        since: RFC 3339; now, if not given. What is first seen from then on does not
            count.
        lift: End your own party's suspension instead; that of another party stays.
        online_key: Publish at once, by the hub's online key.
        passphrase_file: File (mode 0600) with the passphrase of your key.
        output: File to write for the hub to publish, where you have no such key.
    """
    if (online_key is None) == (output is None):
        raise ConfigError(
            "give --online-key to publish at once, or -o for a file that the hub "
            "publishes with tocsin directory publish"
        )
    state = held(directory, root)
    assert state is not None  # noqa: S101  both are given
    moment = now()
    if lift:
        found = _lifted(state, party, kid or org)
    else:
        entry = _entry(org, kid, reason, since or written(moment))
        found = _suspended(state, party, entry)
    path = suspensions_path(party)
    change = Change(files={path: suspensions.encode(found).decode()})
    what = f"{'lifts' if lift else 'suspends'} {kid or org}"
    made = directory_proposal.propose(
        state, change, title=f"{party} {what}", author=party, made=written(moment)
    )
    signer = signer_of(party, key, passphrase_file)
    seen = directory_proposal.checked(state, made, now=moment)
    made = directory_proposal.sign(state, seen, signer)
    seen = directory_proposal.checked(state, made, now=moment)
    if output is not None:
        write_new(output, directory_proposal.encode(made))
        print_review(made, review(state, seen))
        show.line(f"send {output} to the hub: tocsin directory publish {output}")
        return _DONE
    assert online_key is not None  # noqa: S101  checked above
    with directory_folder.locked(directory):
        online = signer_of("online", online_key)
        return publish_checked(state, seen, made, directory, online)


def _lifted(state: State, party: str, subject: str) -> tuple[Suspension, ...]:
    """Give what *party* suspends without *subject*."""
    before = _before(state, party)
    others = tuple(each for each in before if each.subject != subject)
    if others == before:
        raise ConfigError(f"{party} does not suspend {subject}")
    return others


def _suspended(state: State, party: str, entry: Suspension) -> tuple[Suspension, ...]:
    """Give what *party* suspends with *entry*."""
    before = _before(state, party)
    if f"members/{entry.org}.json" not in state.files:
        raise ConfigError(f"the directory has no member {entry.org}")
    if entry.kid is not UNSET and entry.kid.partition("/")[0] != entry.org:
        raise ConfigError(f"{entry.kid} is no key of {entry.org}")
    return (*(each for each in before if each.subject != entry.subject), entry)


def _before(state: State, party: str) -> tuple[Suspension, ...]:
    path = suspensions_path(party)
    if path not in state.files:
        may = ", ".join(state.keyring.suspending)
        raise ConfigError(f"{party} may not suspend; who may: {may}")
    return suspensions.decode(state.files[path])


def _entry(org: str, kid: str | None, reason: str | None, since: str) -> Suspension:
    if not reason or not 3 <= len(reason) <= 500:
        raise ConfigError("say why, in 3 to 500 characters: --reason")
    try:
        timestamps.epoch(since)
    except RefusedError:
        raise ConfigError("--since is a moment such as 2027-01-31T12:00:00Z") from None
    return Suspension(
        org=org, kid=UNSET if kid is None else kid, reason=reason, since=since
    )
