"""publish --wait: until members have a record, or the gate refuses it."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape

from adapters.cli import show
from adapters.cli.connecting import open_bus
from adapters.cli.feedback import keep
from adapters.cli.load import load_directory
from adapters.config import PublisherConfig
from broker import gate_rules
from broker.bus import Message
from broker.directory import Directory
from broker.errors import ConfigError
from broker.feedback_file import FeedbackFile, beside, open_feedback
from broker.feedback_kept import Told
from broker.topology import GATE
from schemas.reasons import explain

WaitOption = Annotated[int, Parameter(name="--wait")]
WaitTimeOption = Annotated[float, Parameter(name="--wait-s")]
WAIT_S: Final = 120.0
_LONGEST_S: Final = 86_400.0
_LOOK_S: Final = 1.0  # others may read the queue, too: what they kept counts


class Wait(msgspec.Struct, frozen=True):
    """What is waited for.

    Attributes:
        members: So many members must have each record.
        within_s: And no longer than this.
    """

    members: int
    within_s: float
    directory: Directory


class Outcome(msgspec.Struct, frozen=True):
    """What became of one token.

    Attributes:
        reason: Why the gate refused it, or "".
    """

    told: Told
    reason: str = ""


class WaitOptions(msgspec.Struct, frozen=True):
    """As `Wait`, as it was typed. Of 0 members: nothing is waited for.

    Attributes:
        directory: That of the configuration, if not given.
    """

    members: int = 0
    within_s: float = WAIT_S
    directory: Path | None = None


def wait_of(options: WaitOptions, settings: PublisherConfig) -> Wait | None:
    """Read the options; None: nothing is waited for.

    Raises:
        ConfigError: Out of bounds, or the directory is not named.
    """
    members, within_s = options.members, options.within_s
    if members == 0:
        return None
    if members < 0 or not 0 < within_s <= _LONGEST_S:
        raise ConfigError(
            "--wait takes a number of members, --wait-s seconds, a day at most"
        )
    place = options.directory or settings.directory or None
    if place is None:
        raise ConfigError(
            "--wait needs the directory, which says whose reports count: give "
            '--directory, or put directory = "..." into the configuration'
        )
    return Wait(members, within_s, load_directory(place, None))


async def wait_for(
    settings: PublisherConfig, tokens: Sequence[str], wait: Wait
) -> dict[str, Outcome]:
    """Wait until each of *tokens* has reached enough members, or was refused.

    All that comes meanwhile is kept for `tocsin feedback`. Returns what is known once
    the time is over.
    """
    with open_feedback(beside(settings.state), now=time.time()) as file:
        watch = _Watch(file, settings.org, tokens, wait)
        stop, came = asyncio.Event(), asyncio.Event()
        async with open_bus(settings.broker) as bus, asyncio.TaskGroup() as tasks:
            tasks.create_task(
                keep(bus, settings.org, file, stop=stop, came=came), name="feedback"
            )
            with suppress(TimeoutError), _shown() as say:
                async with asyncio.timeout(wait.within_s):
                    while not await asyncio.to_thread(watch.is_over):
                        say(watch.words())
                        came.clear()
                        with suppress(TimeoutError):
                            await asyncio.wait_for(came.wait(), _LOOK_S)
            stop.set()
        await asyncio.to_thread(watch.is_over)  # what came last, too
        return watch.outcomes()


def tell(
    settings: PublisherConfig, names: Mapping[str, str], wait: Wait, *, as_json: bool
) -> bool:
    """Wait for records and print what became of each; whether all have arrived.

    Args:
        names: What to call each token.
    """
    found = asyncio.run(wait_for(settings, [*names], wait))
    arrived = [
        _report(names[token], token, outcome, wait, as_json=as_json)
        for token, outcome in found.items()
    ]
    return all(arrived)


class _Watch:
    def __init__(
        self, file: FeedbackFile, org: str, tokens: Sequence[str], wait: Wait
    ) -> None:
        self._file = file
        self._org = org
        self._tokens = tuple(dict.fromkeys(tokens))
        self._wait = wait
        self._told: Mapping[str, Told] = {}
        self._refused: dict[str, str] = {}
        self._seen = 0

    def is_over(self) -> bool:
        """Look what has come; tell whether there is nothing left to wait for."""
        self._file.take_in(self._org, self._wait.directory)
        self._told = self._file.told(self._tokens)
        for each in self._file.since(self._seen, GATE):
            self._seen = each.place
            self._note(each.message)
        return all(
            token in self._refused or self._members(token) >= self._wait.members
            for token in self._tokens
        )

    def _note(self, message: Message) -> None:
        refused = gate_rules.refused(message, self._org)
        if refused is not None and refused.token_id in self._tokens:
            self._refused[refused.token_id] = refused.reason

    def _members(self, token: str) -> int:
        return self._told.get(token, Told()).members

    def words(self) -> str:
        """Say how far it is."""
        least = min(map(self._members, self._tokens))
        words = f"{least} of {self._wait.members} members have it"
        if len(self._tokens) == 1:
            return words
        done = sum(self._members(t) >= self._wait.members for t in self._tokens)
        return f"{done} of {len(self._tokens)} records have reached enough members"

    def outcomes(self) -> dict[str, Outcome]:
        """Give what is known of each token."""
        return {
            token: Outcome(self._told.get(token, Told()), self._refused.get(token, ""))
            for token in self._tokens
        }


@contextmanager
def _shown() -> Iterator[Callable[[str], None]]:
    """Show on a terminal how far it is."""
    console = Console(stderr=True, highlight=False, emoji=False)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("") as status:
        yield lambda words: status.update(escape(words))


def _report(
    name: str, token: str, found: Outcome, wait: Wait, *, as_json: bool
) -> bool:
    """Print what became of one record; whether it has reached enough members."""
    told = found.told
    enough = told.members >= wait.members  # the operator may have put it back
    if as_json:
        show.json_line(
            {
                "ok": enough,
                "file": name,
                "token": token,
                "members": told.members,
                "wanted": wait.members,
                "named": sorted(told.named),
                "reason": found.reason,
            }
        )
    elif found.reason and not enough:
        show.complaint(
            f"refused by the gate: {name}: {found.reason}: {explain(found.reason)}"
        )
    else:
        who = f": {', '.join(sorted(told.named))}" if told.named else ""
        more = "" if enough else f", of {wait.members} waited for"
        show.line(f"delivered {name}: {told.members} members have it{more}{who}")
    return enough
