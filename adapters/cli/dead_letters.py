"""dead-letters list, show, retry, drop: what was refused, and what becomes of it."""

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import cyclopts
import msgspec
from cyclopts import Parameter
from rich.markup import escape

from adapters.cli import show
from adapters.cli.asking import agreed
from adapters.cli.connecting import log_json, no_retry, open_bus
from adapters.config import OperatorConfig, load
from broker import dead_queue
from broker.dead_letters import SHORTEST_ID, Letter, Wanted, explain
from broker.dead_queue import MAX_LETTERS
from broker.errors import BusRefusedError, ConfigError
from broker.topology import DEAD, UNROUTABLE
from schemas import timestamps

dead_letters = cyclopts.App(
    name="dead-letters",
    help="What gate and adapters refused, or nobody could take: look, retry, drop.",
)
_COLUMNS: Final = ("message", "when (UTC)", "queue", "issuer", "reason", "where")

ConfigOption = Annotated[
    Path, Parameter(help="A TOML file with [broker], the operator's login.")
]
ReasonOption = Annotated[str | None, Parameter(help="Only those of this reason code.")]
IssuerOption = Annotated[str | None, Parameter(help="Only those of this organisation.")]
QueueOption = Annotated[str | None, Parameter(help="Only those refused in this queue.")]
UnroutableOption = Annotated[
    bool, Parameter(help="Those that no queue took (tocsin.unroutable) instead.")
]
JsonOption = Annotated[bool, Parameter(help="Print JSON.")]


@dead_letters.command(name="list")
def list_(
    *,
    config: ConfigOption,
    reason: ReasonOption = None,
    issuer: IssuerOption = None,
    queue: QueueOption = None,
    unroutable: UnroutableOption = False,
    json: JsonOption = False,
) -> int:
    """List the oldest dead letters, never what they say. All stay where they are."""
    wanted = Wanted(reason=reason, issuer=issuer, queue=queue)
    desk = _Desk(config, unroutable=unroutable)
    letters = asyncio.run(desk.letters())
    found = [each for each in letters if wanted.means(each)]
    if json:
        for each in found:
            show.json_line(_facts(each))
        return 0
    if found:
        show.rows(_COLUMNS, [_row(each) for each in found])
        for code, count in Counter(each.reason for each in found).most_common():
            show.line(f"{count} x {code}: {explain(code)}")
    else:
        show.line("no dead letter" if wanted.is_all else "no such dead letter")
    desk.tell_of_more(letters)
    return 0


@dead_letters.command(name="show")
def show_(
    message: str,
    /,
    *,
    config: ConfigOption,
    unroutable: UnroutableOption = False,
    json: JsonOption = False,
) -> int:
    """Show what is known of one dead letter; never what it says.

    Args:
        message: Its message id, or the first eight or more characters.
    """
    desk = _Desk(config, unroutable=unroutable)
    chosen = desk.chosen(asyncio.run(desk.letters()), Wanted(ids=(message,)))
    for each in chosen:
        if json:
            show.json_line(_facts(each))
        else:
            facts = _facts(each).items()
            show.rows(("", ""), [(name, escape(str(told))) for name, told in facts])
    return 0


@dead_letters.command
def retry(
    *messages: Annotated[str, Parameter(allow_leading_hyphen=True)],
    config: ConfigOption,
    every: Annotated[bool, Parameter(name="--all")] = False,
    reason: ReasonOption = None,
    issuer: IssuerOption = None,
    queue: QueueOption = None,
    unroutable: UnroutableOption = False,
    json: JsonOption = False,
) -> int:
    """Put dead letters back to where they were refused: gate or adapter decide again.

    Each leaves the dead letters once the broker has confirmed it there. What is refused
    again becomes a dead letter again.

    Args:
        messages: Message ids, or the first eight or more characters of each.
        every: All that the options leave, instead of naming them.
    """
    wanted = Wanted(ids=messages, reason=reason, issuer=issuer, queue=queue)
    if bool(messages) == every:
        raise ConfigError("name the message ids to put back, or give --all")
    desk = _Desk(config, unroutable=unroutable)
    return asyncio.run(desk.put_back(wanted, as_json=json))


@dead_letters.command
def drop(
    *messages: Annotated[str, Parameter(allow_leading_hyphen=True)],
    config: ConfigOption,
    reason: ReasonOption = None,
    issuer: IssuerOption = None,
    queue: QueueOption = None,
    unroutable: UnroutableOption = False,
    yes: bool = False,
    json: JsonOption = False,
) -> int:
    """Delete dead letters for good. What they were is not kept anywhere else.

    Args:
        messages: Message ids, or the first eight or more characters of each.
        yes: Do not ask.
    """
    wanted = Wanted(ids=messages, reason=reason, issuer=issuer, queue=queue)
    if wanted.is_all:
        raise ConfigError(
            "name the message ids to delete, or give --reason, --issuer or --queue"
        )
    if not yes and not sys.stdin.isatty():
        raise ConfigError("it asks before it deletes; without a terminal, give --yes")
    desk = _Desk(config, unroutable=unroutable)
    return asyncio.run(desk.drop(wanted, yes=yes, as_json=json))


class _Desk:
    """The operator's login and one of the two queues."""

    def __init__(self, config: Path, *, unroutable: bool) -> None:
        log_json(logging.WARNING)
        self._broker = load(config, OperatorConfig).broker
        self._source = UNROUTABLE if unroutable else DEAD

    async def letters(self) -> list[Letter]:
        async with open_bus(self._broker) as bus:
            with show.busy("reading"):
                return await dead_queue.listed(bus, self._source)

    def chosen(self, letters: Sequence[Letter], wanted: Wanted) -> list[Letter]:
        """Give those that are meant, among all.

        Raises:
            ConfigError: An id stands for none, or for several messages.
        """
        unclear = wanted.unclear(letters)
        if unclear:
            raise ConfigError(
                f"{unclear} names no dead letter, or several, among the oldest "
                f"{MAX_LETTERS}; give at least {SHORTEST_ID} characters"
            )
        return [each for each in letters if wanted.means(each)]

    async def put_back(self, wanted: Wanted, *, as_json: bool) -> int:
        async with open_bus(self._broker) as bus:
            found = await dead_queue.listed(bus, self._source)
            chosen = self.chosen(found, wanted)
            try:
                done = await dead_queue.retry(bus, self._source, found, chosen)
            except BusRefusedError as error:
                raise no_retry(error) from None
        stay = len(chosen) - done
        if as_json:
            show.json_line({"ok": not stay, "put_back": done, "stay": stay})
        else:
            show.line(f"{done} put back; whoever refused them decides again")
            if stay:
                show.line(
                    f"{stay} stay: their queue is gone, they are answers to an issuer "
                    "or orders to erase (see tocsin erase), or somebody else has them "
                    "in hand"
                )
            self.tell_of_more(found)
        return 1 if stay else 0

    async def drop(self, wanted: Wanted, *, yes: bool, as_json: bool) -> int:
        async with open_bus(self._broker) as bus:
            found = await dead_queue.listed(bus, self._source)
            chosen = self.chosen(found, wanted)
            # Nothing is in hand while somebody thinks about it.
            if chosen and not (yes or await asyncio.to_thread(_agreed, chosen)):
                show.complaint("nothing was deleted")
                return 1
            done = await dead_queue.drop(bus, self._source, found, chosen)
        if as_json:
            show.json_line({"ok": done == len(chosen), "deleted": done})
        else:
            show.line(f"{done} deleted")
            self.tell_of_more(found)
        return 0 if done == len(chosen) else 1

    def tell_of_more(self, letters: Sequence[Letter]) -> None:
        if len(letters) == MAX_LETTERS:
            show.complaint(
                f"only the oldest {MAX_LETTERS} were looked at; put back or delete some"
            )


def _agreed(chosen: Sequence[Letter]) -> bool:
    reasons = Counter(each.reason for each in chosen).most_common()
    words = ", ".join(f"{count} x {code}" for code, count in reasons)
    return agreed(f"delete {len(chosen)} ({words}) for good?")


def _facts(letter: Letter) -> dict[str, Any]:
    facts = msgspec.structs.asdict(letter)
    at = None if letter.at is None else timestamps.from_epoch(letter.at)
    return facts | {"at": at, "meaning": explain(letter.reason)}


def _row(letter: Letter) -> tuple[str, ...]:
    cells = (
        letter.message_id,
        "" if letter.at is None else show.moment(letter.at),
        letter.queue.removeprefix("tocsin."),
        letter.issuer,
        letter.reason,
        letter.where,
    )
    return tuple(escape(show.printable(each)) for each in cells)
