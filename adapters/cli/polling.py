"""poll: what a TAXII 2.1 collection has, as records to publish."""

import asyncio
import random
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console

from adapters.cli import show
from adapters.config import PollConfig, load
from adapters.taxii.client import objects_url, open_collection
from adapters.taxii.paging import Stopped
from adapters.taxii.polling import Made, Polled, Records, poll, write_records
from adapters.taxii.store import Store, open_store
from schemas.rules import rule

# The exit codes, as in adapters.cli.main.
_DONE: Final = 0
_CODES: Final = {
    "taxii-unreachable": 3,
    "taxii-busy": 3,
    "taxii-login": 2,
    "taxii-missing": 2,
    "taxii-address": 2,
    "taxii-tls": 2,
    "taxii-redirect": 2,
}
_REFUSED: Final = 1


def poll_collection(
    *, config: Path, out: Path | None = None, json: bool = False
) -> int:
    """Take what is new in a TAXII 2.1 collection, and write it as records.

    Each file is one record: an incident, else a campaign, a report or a grouping,
    with all that belongs to it; what belongs to none comes together in a report. Run
    it again, from a timer, to go on where it stopped; nothing comes twice.

    Args:
        config: Configuration of the poll (TOML).
        out: Folder for the records, instead of the one in the configuration.
        json: Print one line of JSON per record, and one for the run.
    """
    settings = load(config, PollConfig)
    url = objects_url(settings)
    folder = settings.out if out is None else out
    name = settings.name or f"collection {url.parent.parent.name}"
    with open_store(settings.state, str(url)) as store:
        polled = asyncio.run(_poll(settings, store))
        code = _code(polled.stopped)
        records = Records()
        # What cannot be reached now is reached later, and cases come whole then.
        if code != _CODES["taxii-busy"]:
            records = write_records(store, folder, name=name, clock=time.time)
    if json:
        _tell_json(polled, records)
    else:
        _tell(polled, records, folder)
    if polled.stopped is not None:
        where = f" at {polled.stopped.where}" if polled.stopped.where else ""
        reason = polled.stopped.reason
        show.complaint(f"stopped: {reason}{where}: {rule(reason).sentence}")
    return code


async def _poll(settings: PollConfig, store: Store) -> Polled:
    async with open_collection(settings) as collection:
        with _status() as tell:
            return await poll(
                collection,
                store,
                limit=settings.limit,
                clock=time.time,
                random=random.random,
                tell=tell,
            )


def _code(stopped: Stopped | None) -> int:
    return _DONE if stopped is None else _CODES.get(stopped.reason, _REFUSED)


@contextmanager
def _status() -> Iterator[Callable[[Polled], None]]:
    """Show on a terminal how much has come."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("asking the server") as status:
        yield lambda done: status.update(f"{done.fresh} objects, {done.pages} pages")


def _tell(polled: Polled, records: Records, folder: Path) -> None:
    show.line(
        f"took {polled.fresh} new objects from {polled.pages} pages; "
        f"{polled.known} were known"
    )
    for made in records.made:
        what = "a case" if made.is_case else "what belongs to no case"
        raised = ", a new version with more in it" if made.is_raised else ""
        show.line(f"wrote {made.path}: {what}, {made.objects} objects{raised}")
    if records.same:
        show.line(f"{records.same} cases stay as they are")
    if records.waiting:
        show.line(
            f"{records.waiting} markings and identities wait for what refers to them"
        )
    for code, count in _findings(polled, records):
        show.complaint(f"{code}: {count}: {rule(code).sentence}")
    if records.made:
        where = shlex.quote(str(folder))
        show.line(f"next: tocsin publish --config publisher.toml {where}/*.json")


def _findings(polled: Polled, records: Records) -> list[tuple[str, int]]:
    found = [("taxii-object", polled.odd), ("taxii-narrow", int(records.is_narrow))]
    return [(code, count) for code, count in found if count]


def _tell_json(polled: Polled, records: Records) -> None:
    for made in records.made:
        show.json_line(_record(made))
    summary = {
        "ok": polled.stopped is None,
        "pages": polled.pages,
        "new": polled.fresh,
        "known": polled.known,
        "records": len(records.made),
        "same": records.same,
        "waiting": records.waiting,
        "findings": [
            {"rule": code, "count": count} for code, count in _findings(polled, records)
        ],
    }
    if polled.stopped is not None:
        summary |= {"reason": polled.stopped.reason, "where": polled.stopped.where}
    show.json_line(summary)


def _record(made: Made) -> dict[str, object]:
    return {
        "ok": True,
        "file": str(made.path),
        "case": made.is_case,
        "objects": made.objects,
        "raised": made.is_raised,
    }
