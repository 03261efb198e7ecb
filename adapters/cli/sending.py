"""Records on their way from files to the hub: what publish, correct, retract share."""

import asyncio
import logging
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from adapters.checking import Checked
from adapters.cli import show, show_findings
from adapters.cli.asking import signer_of
from adapters.cli.connecting import log_json, open_bus
from adapters.cli.ends import warn_of_key
from adapters.cli.inputs import read_record
from adapters.cli.load import load_directory, read_file, write_file
from adapters.cli.waiting import WaitOptions, tell, wait_of
from adapters.config import PublisherConfig, load
from broker import carried
from broker.directory import single_key
from broker.errors import ConfigError
from broker.publisher import Publisher, PublishResult, open_publisher
from broker.publisher_state import OutboxFullError
from broker.signers import Signer
from broker.signing import Address
from broker.topology import URGENT
from schemas import composing, record
from schemas.errors import RefusedError

_DONE: Final = 0
_REFUSED: Final = 1  # the exit code, as in adapters.cli.main


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


def send(
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
    output: Path | None = None,
    changed: Callable[[record.Draft], record.Draft] = lambda draft: draft,
    wait: WaitOptions = WaitOptions(),  # noqa: B008  frozen
) -> int:
    """Read and check all files, then sign and send them; the exit code.

    Args:
        output: Where the token of a joint record goes, for cosigners; of one file.
    """
    if output is not None and len(files) != 1:
        raise ConfigError("--output goes with one file")
    if wait.members and (not files or output is not None):
        raise ConfigError("--wait goes with files that are sent at once")
    settings = load(config, PublisherConfig)
    waited = wait_of(wait, settings)
    log_json(logging.WARNING)
    own = settings.identity or None
    read = {  # the same file twice is one record
        file: read_record(
            file, options, source=source, own=own, communities=address.communities
        ).checked
        for file in dict.fromkeys(files)
    }
    for file, checked in read.items():
        _tell(_name(file, files), checked, alone=len(files) == 1, as_json=as_json)
    drafts = _urgent_first(
        {f: changed(c.draft) for f, c in read.items() if c.draft is not None}
    )
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
            output=output,
            as_json=as_json,
        )
    )
    for file, outcome in outcomes.items():
        if isinstance(outcome, PublishResult) and outcome.waiting is not None:
            _report_prepared(_name(file, files), outcome, output, as_json=as_json)
        elif isinstance(outcome, PublishResult):
            _report(_name(file, files), outcome, as_json=as_json)
    sent = {f: r for f, r in outcomes.items() if isinstance(r, PublishResult)}
    is_whole = len(sent) == len(outcomes)
    if waited is not None and sent:
        names = {r.token_id: _name(f, files) for f, r in sent.items()}
        is_whole &= tell(settings, names, waited, as_json=as_json)
    return _DONE if is_whole else _REFUSED


def _urgent_first(drafts: Mapping[Path, record.Draft]) -> dict[Path, record.Draft]:
    """Order what is to be signed: what is severe leaves before the rest."""
    return dict(sorted(drafts.items(), key=lambda i: i[1].facts.severity not in URGENT))


def _tell(name: str, checked: Checked, *, alone: bool, as_json: bool) -> None:
    """Say what was found before anything is signed."""
    if as_json:
        for each in checked.errors:
            show.json_line(
                {"ok": False, "file": name, "reason": each.rule, "where": each.where}
            )
    show_findings.briefly(checked, "" if alone else name)


def own_signer(settings: PublisherConfig, *, exercise: bool = True) -> Signer:
    """Open the publisher's key, and warn if it ends soon or counts no more.

    Args:
        exercise: As for `warn_of_key`.

    Raises:
        ConfigError: As `load_signer`, or the directory is unusable.
        TrustError: `exercise-only`.
    """
    signer = signer_of(settings.org, settings.key, settings.key_passphrase_file or None)
    warn_of_key(signer, settings.directory or None, exercise=exercise)
    return signer


@asynccontextmanager
async def opened(
    settings: PublisherConfig, *, as_json: bool, signer: Signer | None = None
) -> AsyncIterator[Publisher]:
    """Open the publisher that *settings* describe, and tell if it had to begin anew.

    Args:
        signer: Its key, where that is open already: nobody types a passphrase twice.
    """
    signer = signer or own_signer(settings)
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
        yield publisher


async def _publish(
    settings: PublisherConfig,
    drafts: Mapping[Path, record.Draft],
    address: Address,
    enqueue: Enqueue,
    *,
    exercise: bool,
    new_epoch: bool,
    output: Path | None,
    as_json: bool,
) -> dict[Path, PublishResult | RefusedError]:
    """Sign what can be, tell what cannot, and have the rest confirmed."""
    # Without drafts, what waits was signed before.
    signer = own_signer(settings, exercise=exercise or not drafts)
    async with opened(settings, as_json=as_json, signer=signer) as publisher:
        if new_epoch and publisher.doubt is None:
            _report_feed(await publisher.new_epoch(), as_json=as_json)
        outcomes: dict[Path, PublishResult | RefusedError] = {}
        with show.progress("signing", len(drafts)) as advance:
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
                advance(1)
        _hand_out(outcomes.values(), output)
        # Told first: the broker may be away, and what it says then is the last line.
        refused = {f: e for f, e in outcomes.items() if isinstance(e, RefusedError)}
        _complain(list(drafts), refused, as_json=as_json)
        with show.progress("publishing", await publisher.count_pending()) as confirmed:
            sent = await publisher.flush(confirmed)
        if not drafts:
            _report_sent(sent, as_json=as_json)
        return outcomes


def _hand_out(
    outcomes: Iterable[PublishResult | RefusedError], output: Path | None
) -> None:
    """Write the token that others are to sign."""
    for each in outcomes:
        if isinstance(each, RefusedError) or each.waiting is None:
            continue
        if output is None:
            raise ConfigError(
                "others sign this record too, so it waits here: type the same command "
                "again with --output FILE, for what they are to cosign"
            )
        write_file(output, each.waiting)


def send_joint(file: Path, config: Path, wait: WaitOptions, *, as_json: bool) -> int:
    """Send a joint record that enough have signed; the exit code.

    Args:
        wait: Its directory says whose signatures count, too.
    """
    settings = load(config, PublisherConfig)
    waited = wait_of(wait, settings)
    log_json(logging.WARNING)
    place = wait.directory or settings.directory or None
    if place is None:
        raise ConfigError(
            "a joint record needs the directory, which says whose signatures count: "
            f'give --directory, or put directory = "..." into {config}'
        )
    known = load_directory(place, None)
    whole = carried.decode(read_file(file).strip())

    async def run() -> PublishResult:
        async with opened(settings, as_json=as_json) as publisher:
            result = await _with_room(
                publisher, partial(publisher.enqueue_joint, whole, known)
            )
            await publisher.flush()
            return result

    name, done = show.file_name(file), asyncio.run(run())
    _report(name, done, as_json=as_json)
    if waited is None:
        return _DONE
    is_there = tell(settings, {done.token_id: name}, waited, as_json=as_json)
    return _DONE if is_there else _REFUSED


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


def _report_prepared(
    name: str, result: PublishResult, output: Path | None, *, as_json: bool
) -> None:
    file = "" if output is None else show.file_name(output)
    if as_json:
        show.json_line(
            {
                "ok": True,
                "file": name,
                "token": result.token_id,
                "record": result.sub,
                "prepared": file,
                "already": result.already,
            }
        )
    else:
        show.line(
            f"prepared {name}: {result.sub}, not published yet. Let others sign "
            f"{file} (tocsin cosign), then: tocsin publish --joint {file}"
        )


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
