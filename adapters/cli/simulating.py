"""interests simulate: what a filter would have let through."""

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import UNSET

from adapters import interests_file
from adapters.cli import show
from adapters.cli.load import (
    load_directory,
    load_rules,
    need_known,
    read_file,
    served_member,
)
from adapters.config import AdapterConfig, load
from adapters.interests import Interests, misses
from adapters.policy import Policy
from adapters.projection import Author, trial_author
from adapters.redaction import NotGivenError, redact
from adapters.view import view_of
from broker.archive import open_archive
from broker.directory import Directory, Member
from broker.errors import ConfigError
from broker.trust import verify
from schemas import timestamps
from schemas.errors import RefusedError
from schemas.reasons import explain
from schemas.record import Claims, org_of

_DONE, _REFUSED = 0, 1  # exit codes, as in adapters.cli.main
_DAY_S: Final = 86_400
_ENDINGS: Final = (".sdjwt", ".token", ".sdjwt.json")
_ARCHIVE: Final = ".sqlite"


class Token(msgspec.Struct, frozen=True):
    """A token as it was found.

    Attributes:
        place: Its file, or its number in an archive.
        seen: When the gate first saw it, epoch seconds; None if that is not known.
    """

    place: str
    data: bytes
    seen: int | None = None


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one record. Small: there may be many.

    Attributes:
        at: When it was first seen, else signed.
        named: It names the member.
        withheld: Why the policy does not give it, or "".
        missed: Why the filter does not let it pass, or "".
    """

    place: str
    claims: Claims
    at: int
    named: bool
    withheld: str
    missed: str = ""

    @property
    def reason(self) -> str:
        """Why it does not come, or ""."""
        return self.withheld or self.missed


class _Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What the trial of a record depends on, besides the filter."""

    directory: Directory
    member: Member
    policy: Policy
    author: Author
    now: float


def simulate(
    *records: Path,
    config: Path,
    member: str,
    file: Path | None = None,
    since: int | None = None,
    json: bool = False,
) -> int:
    """Say which of these records would have come to a member, and why others not.

    Each record is verified and redacted as for a delivery; nothing is stored or sent.

    Args:
        records: The gate's archive (*.sqlite); tokens; or folders in which all *.sdjwt
            and *.token are taken, such as those that a folder sink has written.
        config: Adapter configuration (TOML).
        member: Member that the adapter serves.
        file: Try this file of interests instead of the member's own.
        since: Only what was first seen, or signed, in the last so many days.
        json: Print one line of JSON.
    """
    if not records:
        raise ConfigError("name at least one token, folder or archive")
    if since is not None and since < 1:
        raise ConfigError("--since is a number of days, from 1 on")
    settings = load(config, AdapterConfig)
    served = served_member(settings, member, config)
    directory = load_directory(settings.directory, None)
    need_known(member, directory.members, f"no member {member} in the directory")
    wanted = (
        interests_file.interests_of(served)
        if file is None
        else interests_file.read(file)
    )
    now = time.time()
    trial = _Trial(
        directory=directory,
        member=directory.members[member],
        policy=load_rules(settings, directory).policy,
        # Only whether a record is given counts, so a key of the moment will do.
        author=trial_author(os.urandom),
        now=now,
    )
    oldest = 0.0 if since is None else now - since * _DAY_S
    code, found = _DONE, dict[str, Tried]()
    with show.busy("reading records"):
        for token in _tokens(records, oldest):
            try:
                token_id, tried = _tried(token, trial)
            except RefusedError as error:
                show.refusal(error, token.place)
                code = _REFUSED
                continue
            if tried.at >= oldest:
                found.setdefault(token_id, tried)
    done = list(_filtered(found.values(), wanted))
    if json:
        show.json_line(_facts(member, done, refused=code == _REFUSED))
    else:
        _print(member, done)
    return code


def _tokens(records: Sequence[Path], oldest: float) -> Iterator[Token]:
    for path in records:
        if path.suffix == _ARCHIVE and path.is_file():
            with open_archive(path) as archive:
                for each in archive.since(oldest):
                    if each.erased:
                        continue
                    place = f"{show.file_name(path)} number {each.number}"
                    yield Token(place, each.token, each.first_seen)
            continue
        files = [path]
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.name.endswith(_ENDINGS))
            if not files:
                raise ConfigError(
                    f"there is no *.sdjwt, *.sdjwt.json or *.token in {path}"
                )
        for one in files:
            yield Token(show.file_name(one), read_file(one).strip())


def _tried(token: Token, trial: _Trial) -> tuple[str, Tried]:
    verified = verify(token.data, trial.directory, now=trial.now, first_seen=token.seen)
    claims = verified.claims
    view = view_of(trial.member, claims)
    withheld = ""
    try:
        redact(
            verified,
            view,
            trial.policy,
            author=trial.author,
            now=timestamps.from_epoch(trial.now),
        )
    except NotGivenError as error:
        withheld = error.reason
    return verified.token_id, Tried(
        place=token.place,
        claims=claims,
        at=claims.iat if token.seen is None else token.seen,
        named=view.addressed or view.concerned,
        withheld=withheld,
    )


def _filtered(found: Iterable[Tried], wanted: Interests) -> Iterator[Tried]:
    """Filter in the order of time, as the pipeline and the outbox do."""
    held: set[tuple[str, str]] = set()  # records of which a version has come
    for each in sorted(found, key=lambda each: (each.at, each.claims.ver)):
        if each.withheld:
            yield each
            continue
        claims = each.claims
        case = (claims.iss, claims.sub)
        missed = misses(wanted, claims, named=each.named)
        if missed is None or (claims.sup is not UNSET and case in held):
            held.add(case)
            yield each
        else:
            yield msgspec.structs.replace(each, missed=missed)


def _facts(member: str, done: list[Tried], *, refused: bool) -> dict[str, Any]:
    return {
        "ok": not refused,
        "member": member,
        "records": len(done),
        "before": sum(not each.withheld for each in done),
        "after": sum(not each.reason for each in done),
        "not_given": dict(sorted(Counter(d.reason for d in done if d.reason).items())),
        "each": [
            {
                "file": each.place,
                "issuer": org_of(each.claims.iss),
                "kind": each.claims.kind,
                "record": each.claims.sub,
                "version": each.claims.ver,
                "comes": not each.reason,
                "reason": each.reason,
            }
            for each in done
        ],
    }


def _print(member: str, done: list[Tried]) -> None:
    for each in done:
        what = f"{each.claims.kind} of {org_of(each.claims.iss)} {each.place}"
        if each.reason:
            show.line(f"no   {what}: {each.reason}: {explain(each.reason)}")
        else:
            show.line(f"yes  {what}")
    before = sum(not each.withheld for each in done)
    after = sum(not each.reason for each in done)
    show.line(
        f"Of {len(done)} record{'' if len(done) == 1 else 's'}, {member} would have "
        f"got {before} without a filter and {after} with it."
    )
