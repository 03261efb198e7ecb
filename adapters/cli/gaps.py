"""gaps: what is missing, in a folder of deliveries and at an adapter."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter
from msgspec import Meta

from adapters.app import context_of
from adapters.bare import bare_for
from adapters.cli import show
from adapters.cli.load import (
    load_directory,
    load_rules,
    read_file,
    served_member,
    write_private,
)
from adapters.cli.options import DirectoryPlace
from adapters.config import AdapterConfig, load
from adapters.config_use import gaps_of
from adapters.delivered import Beat, Report, Told, report
from adapters.gap_state import KnownLine, Missing, open_gap_state
from adapters.gap_watch import replayed
from adapters.gaps import KIND, NAMES
from broker.archive import open_archive
from broker.directory import Directory
from broker.directory_client import open_directory
from broker.errors import ConfigError, TrustError
from broker.heartbeats import MAX_BYTES, verify_passed
from schemas import codec, timestamps
from schemas.errors import RefusedError
from schemas.record import Digest

_NAME: Final = re.compile(r"([0-9]{8,15})-([a-z]{1,20})-[A-Za-z0-9_-]{1,12}")
_MAX_JSON: Final = 1 << 20
_SHOWN: Final = 10  # token ids in a line for people
_MISSING: Final = 1  # exit code with --exit-code

gaps = App(name="gaps", help="What is missing: numbers, records, heartbeats.")


class _About(msgspec.Struct):
    number: Annotated[int, Meta(ge=1)]
    kind: str
    token_id: Digest


@gaps.default
def gaps_in_folder(
    folder: Path,
    /,
    *,
    directory: DirectoryPlace | None = None,
    json: bool = False,
    exit_code: Annotated[bool, Parameter(name="--exit-code")] = False,
) -> int:
    """Say what is missing in a folder of deliveries, and what you were not to get.

    Numbers tell what was lost between the hub and the folder. With --directory the
    heartbeats in it are verified, and tell what was lost before: give the folder that
    your file sink writes.

    Args:
        folder: As the file sink writes it.
        json: Print JSON.
        exit_code: End with 1 if anything is missing.
    """
    trusted = None if directory is None else load_directory(directory, None)
    found = _report(folder, trusted)
    if json:
        show.json_line({"ok": found.is_whole, **_plain(found)})
    else:
        for line in _words(found, verified=trusted is not None):
            show.line(line)
    return _MISSING if exit_code and not found.is_whole else 0


@gaps.command(name="hub")
def gaps_of_adapter(*, config: Path, json: bool = False) -> int:
    """Say what an adapter has not got of what issuers have published.

    Args:
        config: Adapter configuration (TOML).
        json: Print one line of JSON per line of heartbeats, then one per record.
    """
    path = gaps_of(load(config, AdapterConfig))
    if not path.exists():
        raise ConfigError(f"there is no {path}; the adapter has not run yet")
    with open_gap_state(path, now=time.time()) as state:
        lines, missing = state.lines(), state.missing()
    if json:
        for line in lines:
            show.json_line({"ok": True, **_line_facts(line)})
        for each in missing:
            show.json_line({"ok": False, **_missing_facts(each)})
        return 0
    if not lines:
        show.line("no issuer has sent heartbeats")
    for line in lines:
        show.line(_line_words(line, missing))
    return 0


@gaps.command(name="bare")
def bare_tokens(
    *tokens: Annotated[str, Parameter(allow_leading_hyphen=True)],
    config: Path,
    member: str,
    out: Path,
    json: bool = False,
) -> int:
    """Answer a member that asks for records it was not given: the bare JWT of each.

    Only what the member would get if it wanted it; else, as for what is not known, it
    learns no more than the token id. The hub's operator runs it, beside the archive.

    Args:
        tokens: Token ids, as the member's gaps.json names them.
        config: Adapter configuration (TOML), with its archive.
        member: Who asks; served by this adapter.
        out: Folder for <token id>.sdjwt.
        json: Print one line of JSON each.
    """
    settings = load(config, AdapterConfig)
    served_member(settings, member, config)
    if not isinstance(settings.archive, Path) or not settings.archive.exists():
        raise ConfigError(f"{config} names no archive that is there")
    loaded, _ = open_directory(settings.directory, clock=time.time)
    now, trusted = time.time(), loaded.directory
    policy = load_rules(settings, trusted).policy
    context = context_of(settings, trusted, policy, now=now)
    if trusted.is_suspended(member, now):
        raise TrustError("member-suspended")
    out.mkdir(mode=0o700, exist_ok=True)
    with open_archive(settings.archive) as archive:
        for token_id in dict.fromkeys(tokens):
            found = archive.get(token_id)
            text = None
            if found is not None:
                asked_by = trusted.members[member]
                text = bare_for(replayed(found), context, asked_by, now=now)
            if text is not None:
                # Known to the archive, so it is a digest and no path.
                write_private(out / f"{token_id}.sdjwt", text.encode())
            _tell_bare(token_id, given=text is not None, as_json=json)
    return 0


def _tell_bare(token_id: str, *, given: bool, as_json: bool) -> None:
    if as_json:
        show.json_line({"ok": given, "token": token_id})
    else:
        show.line(f"{token_id}: {'written' if given else 'not given'}")


# ------------------------------------------------------------------ the folder


def _report(folder: Path, trusted: Directory | None) -> Report:
    numbers, tokens, beats = [], [], []
    for path, kind in _deliveries(folder):
        about = _decoded(path / "delivery.json", _About)
        numbers.append(about.number)
        if kind != KIND:
            tokens.append(about.token_id)
        elif trusted is not None:
            beats.append(_beat(path, about.number, trusted))
    return report(numbers, tokens, beats)


def _deliveries(folder: Path) -> Iterator[tuple[Path, str]]:
    try:
        names = sorted(each.name for each in folder.iterdir())
    except OSError as error:
        raise ConfigError(f"cannot read {folder}: {error.strerror}") from None
    for name in names:
        found = _NAME.fullmatch(name)  # others are unfinished, or the member's own
        if found is not None:
            yield folder / name, found[2]


def _beat(path: Path, number: int, trusted: Directory) -> Beat:
    text, account, heard = NAMES
    body = b"\n".join(
        read_file(path / f"{each}.jwt", MAX_BYTES) for each in (text, heard)
    )
    passed = verify_passed(body, trusted, now=time.time())
    return Beat(number, passed, _decoded(path / f"{account}.json", Told))


def _decoded(path: Path, kind: Any) -> Any:
    try:
        plain = codec.decode_json(read_file(path, _MAX_JSON), max_bytes=_MAX_JSON)
        return msgspec.convert(plain, kind)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError("delivery-invalid", path.parent.name) from None


def _plain(found: Report) -> dict[str, Any]:
    lines = [
        msgspec.to_builtins(each) | {"at": timestamps.from_epoch(each.at)}
        for each in found.lines
    ]
    return {
        "first": found.first,
        "last": found.last,
        "gaps": [list(each) for each in found.gaps],
        "lines": lines,
    }


def _words(found: Report, *, verified: bool) -> Iterator[str]:
    if not found.last:
        yield "there is no delivery here"
    elif found.gaps:
        spans = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in found.gaps)
        yield (
            f"numbers {found.first} to {found.last}: missing {spans}; ask the hub to "
            "send them again, unless you have moved them away"
        )
    else:
        yield f"numbers {found.first} to {found.last}: none is missing"
    for each in found.lines:
        yield (
            f"{each.issuer}, {each.tlp}, {each.community}: {each.count} published until "
            f"{timestamps.from_epoch(each.at)}; of those listed {each.have} are here, "
            f"{len(each.withheld)} not for you, {len(each.replaced)} replaced, "
            f"{len(each.not_taken)} not taken in by the hub"
        )
        if each.missing:
            yield (
                f"  {len(each.missing)} missing at the hub since {each.missing_since}: "
                + _some(each.missing)
            )
        if each.lost:
            yield f"  {len(each.lost)} lost after the hub: {_some(each.lost)}"
        if each.unlisted:
            yield f"  {each.unlisted} were listed in heartbeats that are not here"
        if each.conflict:
            yield "  its heartbeats contradict each other: keep them, and tell oversight"
    if not verified:
        yield "heartbeats were not looked at; give --directory"
    elif not found.lines:
        yield 'no heartbeat is here; the hub sends them with heartbeats = "all"'


def _some(ids: tuple[str, ...]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return ", ".join(ids[:_SHOWN]) + more


# ----------------------------------------------------------------- the adapter


def _line_facts(line: KnownLine) -> dict[str, Any]:
    return {**msgspec.structs.asdict(line), "iat": timestamps.from_epoch(line.iat)}


def _missing_facts(each: Missing) -> dict[str, Any]:
    return {
        "token": each.token_id,
        "issuer": each.issuer,
        "community": each.community,
        "tlp": each.tlp,
        "published": timestamps.from_epoch(each.at),
        "noticed": timestamps.from_epoch(each.noticed),
        "asked": None if each.asked is None else timestamps.from_epoch(each.asked),
    }


def _line_words(line: KnownLine, missing: tuple[Missing, ...]) -> str:
    of_line = [
        each.at
        for each in missing
        if (each.issuer, each.community, each.tlp)
        == (line.issuer, line.community, line.tlp)
    ]
    words = (
        f"{line.issuer}, {line.tlp}, {line.community}: {line.count} published, "
        f"heard {timestamps.from_epoch(line.iat)}"
    )
    if line.unlisted:
        words += f"; {line.unlisted} were listed in heartbeats that never came"
    if not line.missing:
        return words + "; none missing"
    since = timestamps.from_epoch(min(of_line))
    return words + f"; {line.missing} records missing since {since}"
