"""deliveries list, show, retry: who received what, and what is stuck."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import cyclopts
import msgspec
from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from adapters.cli import show
from adapters.config import AdapterConfig, load
from adapters.config_use import outbox_of
from adapters.ledger import (
    ALL,
    MAX_ROWS,
    NOT_DONE,
    SHORTEST_ID,
    Entry,
    Ledger,
    Retried,
    Search,
    State,
)
from adapters.ledger_database import open_ledger
from broker.errors import ConfigError
from schemas import timestamps
from schemas.reasons import REASONS

deliveries = cyclopts.App(
    name="deliveries",
    help="Who received which record, when, and what somebody has not got: look, retry.",
)
MAX_HOURS: Final = 87_600  # ten years
_SHORT: Final = 12  # characters of an id in a table
_TIMES: Final = ("stored_at", "due_at", "first_failed_at", "settled_at")
_STUCK: Final = (
    "delivery", "to", "number", "record", "state", "stored (UTC)", "age", "reason",
)  # fmt: skip
_SENT: Final = (
    "delivery", "to", "number", "version", "state", "when (UTC)", "policy", "reason",
)  # fmt: skip
_WORDS: Final = {
    "sink-address": "the sink's name leads to an address that is not public.",
    "sink-busy": "the sink answered that it cannot now (408, 425, 429, 5xx).",
    "sink-connection": "the sink cannot be connected to, or the connection broke.",
    "sink-disk-full": "the disk of the sink's folder is full.",
    "sink-dns": "the sink's name cannot be resolved.",
    "sink-folder-missing": "the sink's folder is not there.",
    "sink-gone": "the sink answered 410: it wants nothing more; it is off until the "
    "adapter starts again.",
    "sink-io": "the disk of the sink's folder failed.",
    "sink-name": "its kind or its token id cannot be part of a file's name.",
    "sink-no-queue": "the member has no queue tocsin.out.<member>; type: tocsin broker apply.",
    "sink-not-confirmed": "RabbitMQ did not take it: the member's queue is full, or no "
    "answer came; it may have taken it.",
    "sink-not-permitted": "this adapter may not write to the member's queue; out in "
    "broker.toml says who may; type: tocsin broker apply.",
    "sink-permission": "the sink's folder may not be written.",
    "sink-protocol": "the sink's answer is no HTTP.",
    "sink-redirect": "the sink sends elsewhere, which is not followed.",
    "sink-refused": "the sink answered that it will not take it (4xx).",
    "sink-timeout": "the sink did not answer in time; it may have taken it.",
    "sink-too-large": "it is larger than the 16 MiB that RabbitMQ takes.",
    "sink-tls": "the sink's certificate is not accepted.",
}

ConfigOption = Annotated[Path, Parameter(help="Adapter configuration (TOML).")]
RecordOption = Annotated[
    str | None, Parameter(help="Only of this record (its id), or of this token id.")
]
MemberOption = Annotated[str | None, Parameter(help="Only those to this member.")]
SinkOption = Annotated[str | None, Parameter(help="Only those to the sink so named.")]
ReasonOption = Annotated[str | None, Parameter(help="Only of this reason code.")]
JsonOption = Annotated[bool, Parameter(help="Print JSON.")]


@deliveries.command(name="list")
def list_(
    *,
    config: ConfigOption,
    record: RecordOption = None,
    member: MemberOption = None,
    sink: SinkOption = None,
    reason: ReasonOption = None,
    state: tuple[State, ...] = (),
    overdue: float | None = None,
    json: JsonOption = False,
) -> int:
    """List what members have not got yet, and why; with --record, who received it.

    Args:
        state: Only those; may be repeated. Without: with --record all, else what is
            failed, pending or waiting.
        overdue: Corrections and retractions alone that were to be taken so many hours
            ago, and that no newer version has followed: whom to call.
    """
    now = time.time()
    search = Search(
        record=record,
        member=member,
        sink=sink,
        reason=reason,
        states=state or (NOT_DONE if record is None else ALL),
        overdue_since=_since(overdue, state, now),
    )
    desk = _Desk(config)
    found = asyncio.run(desk.find(search))
    desk.check_names(search, found)
    if json:
        for each in found:
            show.json_line(_facts(each, now))
    elif found:
        _table(found, now, of_record=record is not None)
    else:
        show.line(_nothing(search))
    if len(found) == MAX_ROWS:
        show.complaint(f"only {MAX_ROWS} are shown; narrow it by the options")
    return 0


def _since(overdue: float | None, states: Sequence[State], now: float) -> float | None:
    if overdue is None:
        return None
    if states or not 0 <= overdue <= MAX_HOURS:
        raise ConfigError(
            f"--overdue takes hours, 0 to {MAX_HOURS}, and goes without --state"
        )
    return now - overdue * 3600


@deliveries.command(name="show")
def show_(delivery: str, /, *, config: ConfigOption, json: JsonOption = False) -> int:
    """Show what is known of one delivery; never what it says.

    Args:
        delivery: Its id, or the first eight or more characters.
    """
    entry, bodies = asyncio.run(_Desk(config).one(delivery))
    facts = _facts(entry, time.time())
    for name, (digest, size) in bodies.items():
        facts |= {f"{name}_sha256": digest, f"{name}_bytes": size}
    if json:
        show.json_line(facts)
    else:
        for name, told in facts.items():
            if told not in (None, ""):
                show.line(f"{name:<18} {told}")
    return 0


@deliveries.command
def retry(
    *ids: str,
    config: ConfigOption,
    every: Annotated[bool, Parameter(name="--all")] = False,
    record: RecordOption = None,
    member: MemberOption = None,
    sink: SinkOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> int:
    """Have what failed sent again, under its id and number; the adapter may run.

    What goes is what holds now: policy, interests, keys and standing are asked again.

    Args:
        ids: Ids of deliveries, or the first eight or more characters of each.
        every: All that failed and that the options leave, instead of naming them.
    """
    if bool(ids) == every:
        raise ConfigError("name the deliveries to send again, or give --all")
    search = Search(ids=ids, record=record, member=member, sink=sink, reason=reason)
    desk = _Desk(config)
    done, others = asyncio.run(desk.retry(search))
    if every:
        desk.check_names(search, (*done.again, *done.stay))
    stay = (*done.stay, *others)
    if json:
        facts = {"ok": not stay, "again": [each.id for each in done.again]}
        show.json_line(facts | {"stay": {each.id: _why(each) for each in stay}})
    else:
        show.line(f"{len(done.again)} pending again; a running adapter sends at once")
        for why, count in Counter(map(_why, stay)).items():
            show.line(f"{count} as before: {why}")
    return 1 if stay else 0


class _Desk:
    """The outbox that an adapter's configuration names."""

    def __init__(self, config: Path) -> None:
        self._settings = load(config, AdapterConfig)
        self._place, self._password = outbox_of(self._settings)

    async def find(self, search: Search) -> tuple[Entry, ...]:
        async with open_ledger(self._place, password=self._password) as ledger:
            return await ledger.find(search)

    async def one(self, beginning: str) -> tuple[Entry, dict[str, tuple[str, int]]]:
        async with open_ledger(self._place, password=self._password) as ledger:
            [entry] = await _named(ledger, Search(ids=(beginning,)))
            return entry, await ledger.sizes(entry)

    async def retry(self, search: Search) -> tuple[Retried, tuple[Entry, ...]]:
        """Give what became of the failed ones, and the named ones that are not."""
        opened = open_ledger(self._place, password=self._password, writing=True)
        async with opened as ledger:
            others: tuple[Entry, ...] = ()
            if search.ids:
                named = await _named(ledger, search)
                others = tuple(each for each in named if each.state != "failed")
                ids = tuple(each.id for each in named if each not in others)
                if not ids:
                    return Retried(again=(), stay=()), others
                search = msgspec.structs.replace(search, ids=ids)
            with show.busy("making them pending again, some at a time"):
                return await ledger.retry(search, time.time()), others

    def check_names(self, search: Search, found: Sequence[Entry]) -> None:
        """Refuse a name that is mistyped: it would seem to have got all.

        Raises:
            ConfigError: Nothing was found, and it is not configured either.
        """
        members = self._settings.members
        known = {
            "member": {each.org for each in members},
            "sink": {each.name for of in members for each in of.sinks},
        }
        for what, names in known.items():
            name = getattr(search, what)
            if not found and name is not None and name not in names:
                raise ConfigError(f"no {what} {name} in this adapter's configuration")


async def _named(ledger: Ledger, search: Search) -> tuple[Entry, ...]:
    """Find each id that was named.

    Raises:
        ConfigError: One stands for none, or for several.
    """
    found = await ledger.find(search)
    for each in search.ids:
        hits = sum(entry.id.startswith(each) for entry in found)
        if hits != 1 or len(each) < SHORTEST_ID:
            raise ConfigError(
                f"{each} names no delivery here, or several; give at least "
                f"{SHORTEST_ID} characters, as tocsin deliveries list has them"
            )
    return found


def _why(entry: Entry) -> str:
    """Say why it is not sent again."""
    if entry.state != "failed":
        return f"it is {entry.state}; only what failed is sent again"
    if entry.newer:
        return "a newer version of the record was sent, or is about to be"
    if not entry.bodies:
        return "what was sent is gone (keep_days); only a newer version can follow"
    return "it has changed meanwhile; list it again"


def _nothing(search: Search) -> str:
    if search.overdue_since is not None:
        return "no correction and no retraction is overdue"
    if search.record is not None:
        return (
            "no delivery of it: it has not come, or nobody was to get it (tocsin gaps "
            "hub, tocsin policy simulate)"
        )
    if search.reason is not None or search.states != NOT_DONE:
        return "no such delivery"
    return f"{search.member or 'everybody'} has got all that was decided so far"


def _facts(entry: Entry, now: float) -> dict[str, Any]:
    facts = msgspec.structs.asdict(entry)
    for name in _TIMES:
        at = facts[name]
        facts[name] = None if at is None else timestamps.from_epoch(at)
    age_s = round(now - entry.stored_at) if entry.state in NOT_DONE else None
    return facts | {"age_s": age_s, "meaning": _meaning(entry.reason)}


def _meaning(reason: str) -> str:
    """Say what a reason means: of a sink, or of a decision made again; "" if unknown."""
    return _WORDS.get(reason) or REASONS.get(reason, "")


def _table(found: Sequence[Entry], now: float, *, of_record: bool) -> None:
    names, row = (_SENT, _sent) if of_record else (_STUCK, _stuck)
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")  # ids are there to be copied
    for each in found:
        table.add_row(*(escape(show.printable(cell)) for cell in row(each, now)))
    with show.output():
        show.console().print(table)
    for reason, count in Counter(each.reason for each in found).most_common():
        if reason:
            show.line(f"{count} x {reason}: {_meaning(reason) or 'no word on it.'}")


def _common(entry: Entry) -> tuple[str, str, str]:
    number = "" if entry.number is None else str(entry.number)
    return entry.id[:_SHORT], f"{entry.member}/{entry.sink}", number


def _stuck(entry: Entry, now: float) -> tuple[str, ...]:
    stored, age = show.moment(entry.stored_at), _age(now - entry.stored_at)
    rest = (entry.record, _state(entry, now), stored, age, entry.reason)
    return (*_common(entry), *rest)


def _sent(entry: Entry, now: float) -> tuple[str, ...]:
    moment = entry.stored_at if entry.settled_at is None else entry.settled_at
    when, reason = show.moment(moment), "" if entry.state == "done" else entry.reason
    rest = (entry.version, _state(entry, now), when, entry.policy, reason)
    return (*_common(entry), *rest)


def _state(entry: Entry, now: float) -> str:
    if entry.state == "failed" and entry.newer:
        return "failed; newer follows"
    due_at = entry.due_at or 0
    if entry.state in ("pending", "waiting") and due_at > now:
        return f"{entry.state} until {show.moment(due_at)}"
    return entry.state


def _age(seconds: float) -> str:
    """Spell an age by its largest unit: a clock may be behind, so never below 0."""
    for unit, length_s in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length_s:
            return f"{int(seconds // length_s)} {unit}"
    return f"{max(0, int(seconds))} s"
