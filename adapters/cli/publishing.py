"""publish, correct, retract: records on their way to the hub."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from adapters.checking import Checked
from adapters.cli import show, show_findings
from adapters.cli.connecting import log_json, open_bus
from adapters.cli.inputs import read_record
from adapters.cli.options import FromOption, TlpOption, draft_options
from adapters.config import PublisherConfig, load
from broker.directory import single_key
from broker.errors import ConfigError
from broker.publisher import Publisher, PublishResult, open_publisher
from broker.publisher_state import OutboxFullError
from broker.revising import retracted
from broker.signers import load_signer
from broker.signing import Address, random_uuid
from schemas import composing, record
from schemas.coarse import Coarse
from schemas.errors import RefusedError

_DONE: Final = 0
_REFUSED: Final = 1  # the exit code, as in adapters.cli.main


def publish(
    *files: Path,
    config: Path,
    source: FromOption = None,
    community: tuple[str, ...] = (record.ALL_COMMUNITY,),
    to: tuple[str, ...] = (),
    concerns: tuple[str, ...] = (),
    tlp: TlpOption | None = None,
    primary: str | None = None,
    report: str | None = None,
    kind: str | None = None,
    coarse: tuple[Coarse, ...] = (),
    exercise: bool = False,
    new_epoch: bool = False,
    json: bool = False,
) -> int:
    """Check, sign and publish records; returns when the broker has confirmed them.

    Each file is one record. After any failure type the same command again: what
    was signed is sent again unchanged, nothing is doubled. Without files it sends
    what still waits in the outbox. A file that is no record stops all before
    anything is signed; one that is refused when it is signed stops no other.

    Args:
        files: STIX, MISP, CSAF, Shadowserver or tables.
        config: Publisher configuration (TOML).
        source: Format, where it is not recognised.
        community: Communities addressed (URN).
        to: Organisation addressed by name.
        concerns: Organisation concerned (the platform, the victim).
        tlp: Marks what is unmarked.
        primary: Id of the primary object, where several qualify.
        report: Wraps loose objects in a report of this name.
        kind: correction or retraction, where it does not follow from the content.
        coarse: Signs the network of each address, the day of each time, as well, so
            that members who may not see the exact one can prove the coarse one.
        exercise: These are exercises.
        new_epoch: Begin the feed anew first; once, after a restore that was not
            noticed: of a whole disk or virtual machine.
        json: Print one line of JSON per record.
    """
    options = draft_options(
        tlp=tlp, primary=primary, report=report, kind=kind, coarse=coarse
    )
    return _send(
        files,
        config,
        options,
        Publisher.enqueue,
        source=source,
        address=Address(communities=community, to=to, concerns=concerns),
        exercise=exercise,
        new_epoch=new_epoch,
        as_json=json,
    )


def correct(
    *files: Path,
    config: Path,
    source: FromOption = None,
    community: tuple[str, ...] = (record.ALL_COMMUNITY,),
    to: tuple[str, ...] = (),
    concerns: tuple[str, ...] = (),
    tlp: TlpOption | None = None,
    primary: str | None = None,
    report: str | None = None,
    coarse: tuple[Coarse, ...] = (),
    of: str | None = None,
    exercise: bool = False,
    json: bool = False,
) -> int:
    """Publish a new version of records that were published from here, as corrections.

    Give the whole record as it is right now, addressed as before. Where the file still
    has the old "modified", the version is of now. Corrections reach all who got the
    record, and travel like urgent ones.

    Args:
        files: The corrected files.
        config: Publisher configuration (TOML).
        source: Format, where it is not recognised.
        community: Communities addressed (URN).
        to: Organisation addressed by name.
        concerns: Organisation concerned (the platform, the victim).
        tlp: Marks what is unmarked.
        primary: Id of the primary object, where several qualify.
        report: Wraps loose objects in a report of this name.
        coarse: As for tocsin publish.
        of: Id that tocsin publish told for the record, where the file alone does not
            tell which it is: tables whose rows have changed.
        exercise: These are exercises.
        json: Print one line of JSON per record.
    """
    _need_files(files)
    if of is not None and len(files) > 1:
        raise ConfigError("--of goes with one file")
    options = draft_options(
        tlp=tlp, primary=primary, report=report, kind="correction", coarse=coarse
    )
    return _send(
        files,
        config,
        options,
        partial(Publisher.enqueue_next, of=of),
        source=source,
        address=Address(communities=community, to=to, concerns=concerns),
        exercise=exercise,
        as_json=json,
    )


def retract(
    *files: Path,
    config: Path,
    why: str = "",
    source: FromOption = None,
    community: tuple[str, ...] = (record.ALL_COMMUNITY,),
    to: tuple[str, ...] = (),
    concerns: tuple[str, ...] = (),
    tlp: TlpOption | None = None,
    primary: str | None = None,
    report: str | None = None,
    of: str | None = None,
    exercise: bool = False,
    json: bool = False,
) -> int:
    """Take records back that were published from here; for good.

    Of each file only the primary object is sent again, revoked, with no more than STIX
    requires of it, and the reason. Address it as before.

    Args:
        files: The files as they were published.
        config: Publisher configuration (TOML).
        why: The reason, for people; it goes to all who got the record.
        source: Format, where it is not recognised.
        community: Communities addressed (URN).
        to: Organisation addressed by name.
        concerns: Organisation concerned (the platform, the victim).
        tlp: Marks what is unmarked.
        primary: Id of the primary object, where several qualify.
        report: Name of the report that loose objects were wrapped in.
        of: Id that tocsin publish told for the record, where the file alone does not
            tell which it is: tables whose rows have changed.
        exercise: These are exercises.
        json: Print one line of JSON per record.
    """
    _need_files(files)
    if of is not None and len(files) > 1:
        raise ConfigError("--of goes with one file")
    options = draft_options(
        tlp=tlp, primary=primary, report=report, kind=None, coarse=()
    )

    def taken_back(draft: record.Draft) -> record.Draft:
        moment = options["now"]
        note_id = f"note--{random_uuid(os.urandom)}"
        objects = retracted(
            draft.objects, draft.primary, now=moment, why=why, note_id=note_id
        )
        return composing.compose(
            objects, now=moment, primary=objects[0].id, kind="retraction"
        )

    return _send(
        files,
        config,
        options,
        partial(Publisher.enqueue_next, of=of),
        source=source,
        address=Address(communities=community, to=to, concerns=concerns),
        exercise=exercise,
        as_json=json,
        changed=taken_back,
    )


def _need_files(files: Sequence[Path]) -> None:
    if not files:
        raise ConfigError("name at least one file")


class Enqueue(Protocol):
    """A method of `Publisher` that signs into the outbox."""

    def __call__(
        self,
        publisher: Publisher,
        draft: record.Draft,
        /,
        *,
        address: Address,
        exercise: bool,
    ) -> Awaitable[PublishResult]:
        """Sign one draft."""


def _send(
    files: Sequence[Path],
    config: Path,
    options: composing.Options,
    enqueue: Enqueue,
    *,
    source: str | None,
    address: Address,
    exercise: bool,
    as_json: bool,
    new_epoch: bool = False,
    changed: Callable[[record.Draft], record.Draft] = lambda draft: draft,
) -> int:
    """Read and check all files, then sign and send them; the exit code."""
    settings = load(config, PublisherConfig)
    log_json(logging.WARNING)
    own = settings.identity or None
    read = {  # the same file twice is one record
        file: read_record(file, options, source=source, own=own).checked
        for file in dict.fromkeys(files)
    }
    for file, checked in read.items():
        _tell(_name(file, files), checked, alone=len(files) == 1, as_json=as_json)
    drafts = {f: changed(c.draft) for f, c in read.items() if c.draft is not None}
    if len(drafts) < len(read):
        if len(files) > 1:
            show.complaint("nothing was signed, of any file")
        return _REFUSED
    outcomes = asyncio.run(
        _publish(
            settings,
            drafts,
            address,
            enqueue,
            exercise=exercise,
            new_epoch=new_epoch,
            as_json=as_json,
        )
    )
    for file, outcome in outcomes.items():
        if isinstance(outcome, PublishResult):
            _report(_name(file, files), outcome, as_json=as_json)
    is_whole = all(isinstance(each, PublishResult) for each in outcomes.values())
    return _DONE if is_whole else _REFUSED


def _tell(name: str, checked: Checked, *, alone: bool, as_json: bool) -> None:
    """Say what was found before anything is signed."""
    if as_json:
        for each in checked.errors:
            show.json_line(
                {"ok": False, "file": name, "reason": each.rule, "where": each.where}
            )
    show_findings.briefly(checked, "" if alone else name)


async def _publish(
    settings: PublisherConfig,
    drafts: Mapping[Path, record.Draft],
    address: Address,
    enqueue: Enqueue,
    *,
    exercise: bool,
    new_epoch: bool,
    as_json: bool,
) -> dict[Path, PublishResult | RefusedError]:
    """Sign what can be, tell what cannot, and have the rest confirmed."""
    signer = load_signer(settings.org, settings.key)
    async with (
        open_bus(settings.broker) as bus,
        open_publisher(
            bus,
            settings.state,
            signer,
            publisher=settings.publisher,
            # What we sign must verify; found out here it costs no place in the feed.
            directory=single_key(signer.org, signer.jwk),
            identity=settings.identity or None,
        ) as publisher,
    ):
        if publisher.doubt is not None:
            _report_doubt(publisher.doubt, publisher.feed, as_json=as_json)
        elif new_epoch:
            _report_feed(await publisher.new_epoch(), as_json=as_json)
        outcomes: dict[Path, PublishResult | RefusedError] = {}
        with _progress(len(drafts)) as advance:
            for file, draft in drafts.items():
                try:
                    outcomes[file] = await _with_room(
                        publisher,
                        partial(
                            enqueue,
                            publisher,
                            draft,
                            address=address,
                            exercise=exercise,
                        ),
                    )
                except RefusedError as error:
                    outcomes[file] = error
                except ConfigError as error:
                    if not outcomes:
                        raise
                    # Some may be signed by now, and the disk is full.
                    raise ConfigError(
                        f"{error}; what was signed before {_name(file, list(drafts))} "
                        "waits in the outbox: type the same command again"
                    ) from None
                advance()
        # Told first: the broker may be away, and what it says then is the last line.
        refused = {f: e for f, e in outcomes.items() if isinstance(e, RefusedError)}
        _complain(list(drafts), refused, as_json=as_json)
        sent = await publisher.flush()
        if not drafts:
            _report_sent(sent, as_json=as_json)
        return outcomes


async def _with_room(
    publisher: Publisher, enqueue: Callable[[], Awaitable[PublishResult]]
) -> PublishResult:
    try:
        return await enqueue()
    except OutboxFullError:
        await publisher.flush()
        return await enqueue()


def _name(file: Path, files: Sequence[Path]) -> str:
    """Name one of *files*: briefly, where no other has that name."""
    same = {each for each in files if each.name == file.name}
    return show.file_name(Path(file.name) if len(same) == 1 else file)


def _complain(
    files: Sequence[Path], refused: Mapping[Path, RefusedError], *, as_json: bool
) -> None:
    for file, error in refused.items():
        name = _name(file, files)
        if as_json:
            show.json_line(
                {
                    "ok": False,
                    "file": name,
                    "reason": error.reason,
                    "where": error.where,
                }
            )
        show.refusal(error, name if len(files) > 1 else "")


def _report_feed(feed: str, *, as_json: bool) -> None:
    if as_json:
        show.json_line({"ok": True, "feed": feed})
    else:
        show.line(f"a new feed begins: {feed}")


def _report_doubt(doubt: str, feed: str, *, as_json: bool) -> None:
    if as_json:
        show.json_line({"ok": True, "feed": feed, "doubt": doubt})
    show.complaint(
        f"the state may be a restored backup ({doubt}), so a new feed begins: {feed}. "
        "What was signed since that backup is forgotten: published again, it gets "
        "other ids"
    )


def _report_sent(sent: int, *, as_json: bool) -> None:
    if as_json:
        show.json_line({"ok": True, "sent": sent})
    elif sent:
        show.line(f"confirmed {sent} that waited in the outbox")
    else:
        show.line("nothing waited in the outbox")


def _report(name: str, result: PublishResult, *, as_json: bool) -> None:
    if as_json:
        show.json_line(
            {
                "ok": True,
                "file": name,
                "token": result.token_id,
                "record": result.sub,
                "seq": result.seq,
                "already": result.already,
            }
        )
    else:
        again = " (was published before)" if result.already else ""
        show.line(
            f"confirmed {name}: {result.sub}, number {result.seq} of the feed, "
            f"token {result.token_id}{again}"
        )


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """Show a bar on a terminal; give the function that moves it."""
    console = Console(stderr=True)
    if total < 2 or not console.is_terminal:
        yield lambda: None
        return
    columns = (TextColumn("signing"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("signing", total=total)
        yield lambda: progress.advance(task)
