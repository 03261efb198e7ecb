"""acknowledgements: who has a record of mine, who has said so, and who has not."""

import asyncio
import logging
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from adapters.cli import show
from adapters.cli.connecting import log_json
from adapters.cli.feedback import fetch
from adapters.cli.load import load_directory, write_new
from adapters.config import PublisherConfig, load
from broker import acknowledging, answers
from broker.acknowledging import Acknowledged, Standing
from broker.dead_letters import SHORTEST_ID
from broker.errors import ConfigError
from broker.feedback_file import FeedbackFile, beside, open_feedback
from broker.feedback_kept import Told
from broker.publisher_state import published
from broker.publisher_tables import Published
from schemas import timestamps

acknowledgements = App(
    name="acknowledgements",
    help="Who has your corrections and retractions, who acknowledged, who is overdue.",
)
_CHASED: Final = frozenset({"correction", "retraction"})
_UNITS: Final = {"m": 60, "h": 3600, "d": 86_400}
_OVERDUE: Final = 1  # the exit code, with --exit-code

ConfigOption = Annotated[Path, Parameter(help="Publisher configuration (TOML).")]
DirectoryOption = Annotated[
    Path | None,
    Parameter(help="Folder of the directory; that of the configuration, if not given."),
]


@acknowledgements.default
def list_(
    *,
    config: ConfigOption,
    directory: DirectoryOption = None,
    overdue_after: str = "24h",
    every: Annotated[bool, Parameter(name="--all")] = False,
    exit_code: bool = False,
    json: bool = False,
) -> int:
    """List how many have each of your corrections and retractions, and who is overdue.

    Reads your queue of feedback first; tocsin feedback still shows what was in it.
    Members are named that let the hub name them. Who acts on a record acknowledges it.

    Args:
        overdue_after: A member has so long to acknowledge, such as 90m, 24h or 3d.
        every: All records, not only corrections and retractions.
        exit_code: Exit with 1 if anybody is overdue.
        json: Print one line of JSON per record.
    """
    within_s = _seconds(overdue_after)
    desk = _Desk(config, directory)
    with desk.opened() as file:
        asyncio.run(fetch(desk.settings, file))
        desk.take_in(file)
        signed = desk.signed(file)
        found = desk.standings(file, signed, within_s=within_s, now=time.time())
    wanted = [(one, how) for one, how in found if every or one.kind in _CHASED]
    if json:
        for one, how in wanted:
            show.json_line(_facts(one, how))
    elif wanted:
        _table(wanted)
    else:
        show.line("nothing was corrected or taken back from here")
    late = any(how.is_overdue for _, how in wanted)
    return _OVERDUE if exit_code and late else 0


@acknowledgements.command(name="show")
def show_(
    token: str,
    /,
    *,
    config: ConfigOption,
    directory: DirectoryOption = None,
    proofs: Path | None = None,
    json: bool = False,
) -> int:
    """Show who has acknowledged one record, when, and by which word.

    Args:
        token: Token id of yours, or the first eight or more characters.
        proofs: New folder for what they signed, and for the hub's reports: compact
            JWS, as docs/protocol.md section 10 has them.
        json: Print JSON.
    """
    desk = _Desk(config, directory)
    with desk.opened() as file:
        desk.take_in(file)
        by_token = desk.signed(file)
        found = desk.standings(file, by_token, within_s=0, now=time.time())
        of_it = [each for each in found if each[0].token_id.startswith(token)]
        if len(of_it) != 1 or len(token) < SHORTEST_ID:
            raise ConfigError(
                f"{show.printable(token)} names none of your records, or several; "
                "tocsin acknowledgements --all lists them"
            )
    [(one, how)] = of_it
    signed = by_token.get(one.token_id, ())
    if proofs is not None:
        _write(proofs, signed, how.told)
    if json:
        show.json_line(_facts(one, how) | {"signed": list(map(_signed, signed))})
        return 0
    show.line(f"{one.kind} {one.sub}, version {one.ver}, token {one.token_id}")
    show.line(f"{how.told.members} members have it")
    for org, at in sorted(how.told.named.items()):
        show.line(f"  {org} since {show.moment(at)}")
    for each in signed:
        show.line(f"{each.org} signed {each.action} at {show.moment(each.at)}")
    if not signed:
        show.line("nobody has acknowledged it")
    return 0


class _Desk:
    """One publisher's files."""

    def __init__(self, config: Path, directory: Path | None) -> None:
        self.settings = load(config, PublisherConfig)
        log_json(logging.WARNING)
        place = directory or self.settings.directory or None
        if place is None:
            raise ConfigError(
                "the directory says whose signatures count: give --directory, or put "
                f'directory = "..." into {config}'
            )
        self._directory = load_directory(place, None)

    def opened(self) -> AbstractContextManager[FeedbackFile]:
        return open_feedback(beside(self.settings.state), now=time.time())

    def take_in(self, file: FeedbackFile) -> None:
        """Take in reports, before anything is said of how far records came."""
        file.take_in(self.settings.org, self._directory)

    def signed(self, file: FeedbackFile) -> dict[str, tuple[Acknowledged, ...]]:
        kept = file.of_type(answers.CONTENT_TYPE)
        return acknowledging.acknowledgements(kept, self._directory)

    def standings(
        self,
        file: FeedbackFile,
        signed: Mapping[str, tuple[Acknowledged, ...]],
        *,
        within_s: float,
        now: float,
    ) -> list[tuple[Published, Standing]]:
        """Give how each record stands, oldest first."""
        mine = published(self.settings.state)
        told = file.told([each.token_id for each in mine])
        return [
            (
                each,
                acknowledging.standing(
                    told.get(each.token_id, Told()),
                    signed.get(each.token_id, ()),
                    now=now,
                    within_s=within_s,
                ),
            )
            for each in mine
        ]


def _seconds(text: str) -> float:
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", text)
    if found is None:
        raise ConfigError("--overdue-after takes a time such as 90m, 24h or 3d")
    return float(int(found[1]) * _UNITS[found[2]])


def _write(folder: Path, signed: Sequence[Acknowledged], told: Told) -> None:
    """Write out what was signed."""
    for number, each in enumerate(signed, 1):
        write_new(folder / f"{number:04}.{each.org}.{each.action}.jwt", each.proof)
    for number, body in enumerate(told.reports, 1):
        write_new(folder / f"report.{number:04}.jwt", body)
    count = len(signed) + len(told.reports)
    show.complaint(f"{count} files in {show.file_name(folder)}")


def _facts(one: Published, how: Standing) -> dict[str, Any]:
    sent = one.confirmed_at
    return {
        "ok": not how.is_overdue,
        "record": one.sub,
        "version": one.ver,
        "kind": one.kind,
        "token": one.token_id,
        "confirmed_at": None if sent is None else timestamps.from_epoch(sent),
        "members": how.told.members,
        "named": {
            org: timestamps.from_epoch(at) for org, at in sorted(how.told.named.items())
        },
        "acknowledged": list(map(_signed, how.acknowledged)),
        "overdue": list(how.overdue),
        "overdue_unnamed": how.overdue_unnamed,
    }


def _signed(each: Acknowledged) -> dict[str, Any]:
    facts = msgspec.structs.asdict(each)
    del facts["proof"]
    return facts | {
        "at": timestamps.from_epoch(each.at),
        "came_at": timestamps.from_epoch(each.came_at),
    }


def _table(found: Sequence[tuple[Published, Standing]]) -> None:
    names = ("record", "kind", "token", "sent (UTC)", "have it", "signed", "overdue")
    show.rows(names, [_row(*each) for each in found])


def _row(one: Published, how: Standing) -> tuple[str, ...]:
    sent = one.confirmed_at
    late = list(how.overdue)
    if how.overdue_unnamed:
        late.append(f"{how.overdue_unnamed} unnamed")
    return (
        one.sub,
        one.kind,
        one.token_id[:12],
        "not yet" if sent is None else show.moment(sent),
        str(how.told.members),
        str(len(how.acknowledged)),
        ", ".join(late),
    )
