"""heads: keep what the gate signed about its chain, and find out if it is rewritten."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from adapters.cli import show
from adapters.cli.load import load_directory, read_file, write_file
from broker.archive import open_archive
from broker.directory import Directory
from broker.errors import ConfigError, TrustError
from broker.head_files import KeptHeads, open_heads, read_path, write_proof
from broker.heads import (
    MAX_PATH,
    MAX_PROOF_BYTES,
    Fork,
    Statement,
    check,
    decode_fork,
    fork_between,
    statements_of,
    under,
)
from broker.receipts import MAX_BYTES
from broker.seen import Head
from schemas import timestamps

_DONE: Final = 0
_REFUSED: Final = 1  # exit codes, as in adapters.cli.main
_RECEIPT: Final = "receipt.jwt"

heads = App(name="heads", help="Heads of the gate's chain: keep, compare, prove.")


@heads.command
def save(
    *files: Path,
    directory: Path,
    heads: Path,
    json: bool = False,
) -> int:
    """Keep the heads that receipts carry, and hold each against those kept.

    Run it often: a head proves only what was under it when you first held it. Exit code
    1 if the hub signed two histories; what proves it is written beside HEADS then.

    Args:
        files: Receipts, heads, or folders of deliveries.
        directory: Folder of the directory, with the keys of the hub.
        heads: File of what you keep; made if it is missing.
        json: Print JSON.
    """
    known = load_directory(directory, None)
    kept = open_heads(heads, known)
    before = len(kept.held)
    now = time.time()
    refused = 0
    for path in _receipts(files):
        try:
            said = statements_of(_text(path), known, now=now)
        except TrustError as error:
            show.refusal(error, show.file_name(path))
            refused += 1
            continue
        for each in said:
            if fork := kept.keep(each, now=now):
                return _forked(fork, known, heads, as_json=json)
    new = len(kept.held) - before
    _told_of_dropped(kept, heads)
    if json:
        show.json_line({"ok": not refused, "new": new, "heads": len(kept.held)})
    else:
        show.line(f"{new} new, {len(kept.held)} heads in {heads}; no contradiction")
    return _REFUSED if refused else _DONE


@heads.command
def compare(
    mine: Path,
    theirs: Path,
    /,
    *,
    directory: Path,
    path: Path | None = None,
    json: bool = False,
) -> int:
    """Compare what two parties keep: the same chain, or the proof of a fork.

    Only places that both have a head of can be compared, unless a path leads from one
    to the other. Exit code 1 if the hub signed two histories.

    Args:
        mine: File of heads.
        theirs: File of heads of somebody else.
        directory: Folder of the directory, with the keys of the hub.
        path: Stamps up to a head of THEIRS, as tocsin heads prove writes them.
        json: Print JSON.
    """
    known = load_directory(directory, None)
    first, second = _kept(mine, known), _kept(theirs, known)
    steps = read_path(path) if path is not None else []
    common = {each.head.pos for each in first.held}
    common &= {each.head.pos for each in second.held}
    if fork := fork_between(first.held, second.held, steps):
        return _forked(fork, known, mine, as_json=json)
    if json:
        show.json_line({"ok": True, "common": len(common)})
    elif common or steps:
        show.line(f"one chain, as far as {len(common)} common places show")
    else:
        show.line(
            "nothing to compare: no place that both have a head of; keep heads for "
            "longer, or ask the hub for a path (tocsin heads prove)"
        )
    return _DONE


@heads.command
def prove(
    token: str,
    /,
    *,
    archive: Path,
    head: Path,
    directory: Path,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
) -> None:
    """Write the path from a record's stamp to a head: for whoever holds that head.

    It names the token ids of all records between, and when they were first seen.

    Args:
        token: Token id.
        archive: The gate's archive.
        head: File with the head, or with a receipt that carries it.
        directory: Folder of the directory, with the keys of the hub.
    """
    known = load_directory(directory, None)
    wanted = [
        each
        for each in statements_of(_text(head), known, now=time.time())
        if each.is_head
    ]
    if not wanted:
        raise ConfigError(f"{head} carries no head")
    with open_archive(archive) as opened:
        found = opened.get(token)
        if found is None:
            raise TrustError("not-under-head")
        _need_length(found.number, wanted[0].pos)
        stamps = [*opened.stamps(found.number, wanted[0].pos)]
    path = [stamp.rpartition(".")[0].encode() for stamp in stamps]
    under(_head(wanted[0]), path)
    write_file(output, b"\n".join([*path, b""]))
    show.line(f"{len(path)} stamps in {output}")


@heads.command(name="check")
def check_(proof: Path, /, *, directory: Path, json: bool = False) -> None:
    """Check a proof of a fork, as anybody may who has the directory.

    Args:
        proof: As tocsin heads save and compare write it.
        directory: Folder of the directory, with the keys of the hub.
        json: Print JSON.
    """
    known = load_directory(directory, None)
    fork = decode_fork(read_file(proof, MAX_PROOF_BYTES))
    _tell_fork(check(fork, known, now=time.time()), as_json=json)


def _receipts(files: Sequence[Path]) -> Iterator[Path]:
    for path in files:
        if path.is_dir():
            yield from sorted(path.rglob(_RECEIPT))
        else:
            yield path


def _text(path: Path) -> str:
    try:
        return read_file(path, MAX_BYTES).decode("ascii").strip()
    except UnicodeDecodeError:
        raise TrustError("receipt-invalid") from None


def _kept(path: Path, known: Directory) -> KeptHeads:
    if not path.exists():
        raise ConfigError(f"cannot read {path}: there is no such file")
    kept = open_heads(path, known)
    _told_of_dropped(kept, path)
    return kept


def _told_of_dropped(kept: KeptHeads, path: Path) -> None:
    if kept.dropped:
        show.complaint(
            f"warning: {kept.dropped} heads in {path} do not verify by this directory"
        )


def _need_length(first: int, last: int) -> None:
    if last < first:
        raise TrustError("not-under-head")
    if last - first >= MAX_PATH:
        raise ConfigError(
            f"the head is {last - first:,} records behind the record, and a path has "
            f"{MAX_PATH:,} at most; take an earlier head"
        )


def _head(said: Statement) -> Head:
    return Head(said.at, said.pos, said.link)


def _forked(fork: Fork, known: Directory, heads: Path, *, as_json: bool) -> int:
    found = check(fork, known, now=time.time())
    proof = write_proof(heads, fork, found[1].pos)
    _tell_fork(found, as_json=as_json)
    show.complaint(
        f"refused: chain-forked: the proof is in {proof}; show it to the other groups, "
        "they check it with tocsin heads check"
    )
    return _REFUSED


def _tell_fork(found: tuple[Statement, Statement], *, as_json: bool) -> None:
    if as_json:
        facts = [
            {
                "at": _time(each.at),
                "pos": each.pos,
                "link": each.link,
                "head": each.is_head,
            }
            for each in found
        ]
        show.json_line({"ok": False, "reason": "chain-forked", "statements": facts})
        return
    show.line("the hub signed what cannot both be true:")
    for each in found:
        kind = "head" if each.is_head else "receipt"
        show.line(f"  {kind} of {_time(each.at)}: place {each.pos} is {each.link}")


def _time(moment: int) -> str:
    return timestamps.from_epoch(moment)
