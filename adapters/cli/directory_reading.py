"""What the directory commands read and show: the held directory, keys, proposals."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.markup import escape

from adapters.cli import show
from adapters.cli.load import read_file
from adapters.directory_sentences import Mark, Sentence
from adapters.directory_words import keyring_sentences, sentences
from broker import directory_folder, directory_proposal
from broker.directory_proposal import Checked, Proposal, Standing
from broker.directory_state import MAX_METADATA_BYTES, State
from broker.errors import ConfigError, TrustError
from broker.keys import Jwk, PublicKey
from schemas.errors import RefusedError

_SIGNS: Final[dict[Mark, tuple[str, str]]] = {
    "more": ("+", "bold red"),
    "other": ("~", "bold yellow"),
    "less": ("-", "bold green"),
}


def now() -> datetime:
    """Give the moment, as TUF writes it: to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def held(directory: Path | None, root: Path | None) -> State | None:
    """Verify the directory that somebody holds; None: no directory is given.

    Raises:
        ConfigError: One of the two is missing, or not there.
        TrustError: It is not to be trusted.
    """
    if directory is None and root is None:
        return None
    if directory is None or root is None:
        raise ConfigError(
            "give both --directory (your copy of it) and --root (the root that you "
            "pinned)"
        )
    return directory_folder.load_state(directory, read_file(root, MAX_METADATA_BYTES))


def warn_of_age(state: State | None) -> None:
    """Say that somebody's copy is old: there may be a newer version."""
    expired = [] if state is None else state.expired(now())
    if expired:
        show.complaint(
            f"your copy of the directory has expired ({', '.join(expired)}); get a "
            "newer one, unless you know that there is none"
        )


def read_proposal(path: Path) -> Proposal:
    """Read a proposal; nothing in it is believed yet."""
    return directory_proposal.decode(read_file(path, directory_proposal.MAX_BYTES))


def public_key(path: Path) -> Jwk:
    """Read a public key as `tocsin keygen` writes it.

    Raises:
        ConfigError: It is none.
    """
    try:
        key = msgspec.json.decode(read_file(path, 4096), type=Jwk)
        PublicKey(key)
    except (msgspec.MsgspecError, UnicodeDecodeError, RefusedError):
        raise ConfigError(f"{path} is no public key in JWK form") from None
    if key.crv != "Ed25519":
        raise ConfigError(f"{path}: keys that sign the directory are Ed25519")
    return key


def named_keys(given: Iterable[str], option: str) -> dict[str, Jwk]:
    """Read keys given as NAME=FILE.

    Raises:
        ConfigError: Not of this form, a name twice, or no key.
    """
    found: dict[str, Jwk] = {}
    for each in given:
        name, equals, path = each.partition("=")
        if not equals or name in found:
            raise ConfigError(f"{option} takes NAME=FILE, each name once")
        found[name] = public_key(Path(path))
    return found


def review(state: State | None, seen: Checked) -> list[Sentence]:
    """Say what a proposal does, from the files themselves.

    Raises:
        TrustError: `directory-entry`: a policy in it could be loaded by nobody.
    """
    before = {} if state is None else state.files
    keyring = None if state is None else state.keyring
    try:
        files = sentences(before, seen.result.files, now=now())
    except ConfigError:
        raise TrustError("directory-entry") from None
    found = [*keyring_sentences(keyring, seen.result.keyring), *files]
    if seen.proposal.change.renew:
        found.append(Sentence("signs root and members again, which else expire"))
    return found


def print_review(proposal: Proposal, found: list[Sentence]) -> None:
    """Print a proposal for people."""
    by = f", by {proposal.author}" if proposal.author else ""
    show.line(f"{proposal.title} ({proposal.made}{by})")
    print_sentences(found)


def print_sentences(found: list[Sentence]) -> None:
    """Print sentences, what gives more first."""
    rows = []
    for each in found:
        sign, style = _SIGNS[each.mark]
        rows.append((f"[{style}]{sign}[/] {escape(show.printable(each.text))}",))
    with show.output():
        for row in rows:
            show.console().print(row[0], soft_wrap=True)


def print_standing(standing: Iterable[Standing]) -> None:
    """Print who has signed, and who is missing."""
    for each in standing:
        show.line(standing_text(each))


def standing_text(each: Standing) -> str:
    """Say who has signed one part, and who is missing."""
    what = f"{each.role} (those who decided so far)" if each.outgoing else each.role
    by = f"signed by {', '.join(each.signed) or 'nobody'}"
    if not each.needed:
        return f"{what}: {by}: enough"
    return f"{what}: {by}; {each.needed} more needed of {', '.join(each.waiting)}"


def review_json(
    proposal: Proposal, found: list[Sentence], seen: Checked
) -> dict[str, Any]:
    """Give a review as a program reads it."""
    return {
        "title": proposal.title,
        "author": proposal.author,
        "made": proposal.made,
        "base": msgspec.to_builtins(proposal.base),
        "changes": msgspec.to_builtins(found),
        "signatures": msgspec.to_builtins(seen.standing),
        "complete": seen.complete,
    }
