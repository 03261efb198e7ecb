"""interests simulate: what a filter would have let through."""

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import UNSET

from adapters import interests_file
from adapters.cli import show
from adapters.cli.load import load_policy, need_known, read_file, served_member
from adapters.config import AdapterConfig, load
from adapters.interests import Interests, misses
from adapters.policy import Policy
from adapters.projection import Author
from adapters.redaction import NotGivenError, redact
from adapters.view import view_of
from broker.directory import Member
from broker.directory_client import load_folder
from broker.errors import ConfigError
from broker.trust import Verified, verify
from schemas import timestamps
from schemas.errors import RefusedError
from schemas.reasons import explain

_DONE, _REFUSED = 0, 1  # exit codes, as in adapters.cli.main
_DAY_S: Final = 86_400
_ENDINGS: Final = (".sdjwt", ".token")


class Simulated(msgspec.Struct, frozen=True):
    """What becomes of one record.

    Attributes:
        reason: Why it does not come, or "".
        is_given: The policy gives it; what is missing is the filter's doing.
    """

    file: Path
    verified: Verified
    is_given: bool
    reason: str = ""


def simulate(
    *records: Path,
    config: Path,
    member: str,
    file: Path | None = None,
    since: int | None = None,
    json: bool = False,
) -> int:
    """Say which of these records would have come to a member, and why others not.

    Each record is verified and redacted as for a delivery, in the order of their
    signatures; nothing is stored or sent.

    Args:
        records: Tokens, or folders in which all *.sdjwt and *.token are taken: what
            tocsin sign wrote, or what an adapter has put into a member's folder.
        config: Adapter configuration (TOML).
        member: Member that the adapter serves.
        file: Try this file of interests instead of the member's own.
        since: Only what was signed in the last so many days.
        json: Print one line of JSON.
    """
    if not records:
        raise ConfigError("name at least one token or folder")
    if since is not None and since < 1:
        raise ConfigError("--since is a number of days, from 1 on")
    settings = load(config, AdapterConfig)
    served = served_member(settings, member, config)
    directory = load_folder(settings.directory)
    need_known(member, directory.members, f"no member {member} in the directory")
    wanted = (
        interests_file.interests_of(served)
        if file is None
        else interests_file.read(file)
    )
    policy = load_policy(settings.policy if isinstance(settings.policy, Path) else None)
    now = time.time()
    oldest = 0 if since is None else now - since * _DAY_S
    code, found = _DONE, dict[str, tuple[Path, Verified]]()
    paths = list(_tokens(records))
    with show.busy(f"reading {len(paths)} records"):
        for path in paths:
            try:
                verified = verify(read_file(path).strip(), directory, now=now)
            except RefusedError as error:
                show.refusal(error, show.file_name(path))
                code = _REFUSED
                continue
            if verified.claims.iat >= oldest:
                found.setdefault(verified.token_id, (path, verified))
        entry = directory.members[member]
        done = _simulated(list(found.values()), entry, wanted, policy, now)
    if json:
        show.json_line(_facts(member, done, refused=code == _REFUSED))
    else:
        _print(member, done)
    return code


def _tokens(records: Sequence[Path]) -> Iterator[Path]:
    for path in records:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(p for p in path.rglob("*") if p.suffix in _ENDINGS)
        if not inside:
            raise ConfigError(f"there is no *.sdjwt or *.token in {path}")
        yield from inside


def _simulated(
    found: list[tuple[Path, Verified]],
    member: Member,
    wanted: Interests,
    policy: Policy,
    now: float,
) -> list[Simulated]:
    done = []
    held: set[tuple[str, str]] = set()  # records of which a version has come
    # Only whether it is given counts, so a key of the moment will do.
    author = Author(org="local", name="Local trial", pseudonym_key=os.urandom(32))
    for path, verified in sorted(
        found, key=lambda each: (each[1].claims.iat, each[1].claims.ver)
    ):
        claims = verified.claims
        view = view_of(member, claims)
        try:
            redact(
                verified, view, policy, author=author, now=timestamps.from_epoch(now)
            )
        except NotGivenError as error:
            done.append(Simulated(path, verified, False, error.reason))
            continue
        reason = misses(wanted, claims, named=view.addressed or view.concerned) or ""
        case = (verified.issuer, claims.sub)
        if case in held and claims.sup is not UNSET:
            reason = ""  # a new version of what it has
        elif not reason:
            held.add(case)
        done.append(Simulated(path, verified, True, reason))
    return done


def _facts(member: str, done: list[Simulated], *, refused: bool) -> dict[str, Any]:
    return {
        "ok": not refused,
        "member": member,
        "records": len(done),
        "before": sum(each.is_given for each in done),
        "after": sum(not each.reason for each in done),
        "not_given": dict(sorted(Counter(d.reason for d in done if d.reason).items())),
        "each": [
            {
                "file": show.file_name(each.file),
                "issuer": each.verified.issuer,
                "kind": each.verified.claims.kind,
                "record": each.verified.claims.sub,
                "version": each.verified.claims.ver,
                "comes": not each.reason,
                "reason": each.reason,
            }
            for each in done
        ],
    }


def _print(member: str, done: list[Simulated]) -> None:
    for each in done:
        claims = each.verified.claims
        what = f"{claims.kind} of {each.verified.issuer} {show.file_name(each.file)}"
        if each.reason:
            show.line(f"no   {what}: {each.reason}: {explain(each.reason)}")
        else:
            show.line(f"yes  {what}")
    before = sum(each.is_given for each in done)
    after = sum(not each.reason for each in done)
    show.line(
        f"Of {len(done)} record{'' if len(done) == 1 else 's'}, {member} would have got {before} without a filter "
        f"and {after} with it."
    )
