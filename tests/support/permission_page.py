"""Makes the tables of docs/permissions.md: `make permissions`.

One part for each version of RabbitMQ, between two comments; only the part of the
version that runs is written. TOCSIN_TEST_RABBITMQ_ROOT names another one.
"""

import asyncio
import logging
import re
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.support.permission_attempts import (
    connecting,
    everything,
    looked_at,
    sent_away,
    slipped_past,
    what_is_allowed,
)
from tests.support.permission_matrix import LOGINS, Attempt, hub, logged_in
from tests.support.rabbitmq_node import OwnNode, RabbitMQNode

PAGE = Path(__file__).parents[2] / "docs/permissions.md"


@dataclass(frozen=True)
class Found:
    """What one run of everything gave, of one version of RabbitMQ."""

    version: str
    allowed: list[Attempt]
    attempts: list[Attempt]
    slipped: list[Attempt]
    looked: list[Attempt]
    connected: list[Attempt]


async def find(own_node: OwnNode) -> Found:
    """Try everything on a node of our own."""
    with tempfile.TemporaryDirectory() as folder:
        async with hub(Path(folder), own_node) as place:
            async with logged_in(place) as logins:
                allowed = await what_is_allowed(logins)
                attempts = await everything(logins)
                slipped = await slipped_past(logins)
                looked = await looked_at(logins)
            connected = [*await connecting(place), *await sent_away(place)]
            version = await place.version()
    return Found(version, allowed, attempts, slipped, looked, connected)


def marks(version: str) -> tuple[str, str]:
    return f"<!-- made on {version} -->", f"<!-- end of {version} -->"


def part_of(page: str, version: str) -> str:
    """Return what *page* says of *version*, "" if nothing."""
    begin, end = map(re.escape, marks(version))
    found = re.search(rf"{begin}\n(.*?){end}", page, re.DOTALL)
    return found[1] if found else ""


def written(found: Found) -> str:
    """Return the part of the page about one version."""
    refused = [each for each in found.attempts if each.answer]
    assert len(refused) == len(found.attempts)
    looked = Counter(each.answer or "answered" for each in found.looked)
    return "\n".join(
        (
            f"{len(found.attempts)} attempts, all refused. Of A (rows) against B "
            "(columns), refused of tried:",
            "",
            *_grid(found.attempts),
            "",
            "| A tries to | times | RabbitMQ answers |",
            "|---|---|---|",
            *_rows(found.attempts),
            "",
            "| somebody tries to | times | answer |",
            "|---|---|---|",
            *_rows(found.connected),
            "",
            "| RabbitMQ checks in part: a member tries to | times | answer |",
            "|---|---|---|",
            *_rows(found.slipped),
            "",
            "Asked by A how many messages are in a queue of B, RabbitMQ says: "
            + ", ".join(f"{what} ({n})" for what, n in sorted(looked.items()))
            + ".",
            "",
        )
    )


def _grid(attempts: Iterable[Attempt]) -> list[str]:
    tried = Counter((each.who, each.against) for each in attempts)
    refused = Counter((each.who, each.against) for each in attempts if each.answer)
    rows = [
        f"| | {' | '.join(LOGINS)} | on its own |",
        "|---" * (len(LOGINS) + 2) + "|",
    ]
    for who in LOGINS:
        cells = [
            f"{refused[who, other]} of {tried[who, other]}" if who != other else ""
            for other in LOGINS
        ]
        cells.append(f"{refused[who, '']} of {tried[who, '']}")
        rows.append(f"| {who} | {' | '.join(cells)} |")
    return rows


def _rows(attempts: Iterable[Attempt]) -> list[str]:
    counted: dict[str, Counter[str]] = {}
    for each in attempts:
        counted.setdefault(each.tries, Counter())[each.answer] += 1
    return [
        f"| {tries} | {times} | {_code(answer)} |"
        for tries, answers in counted.items()
        for answer, times in sorted(answers.items())
    ]


def _code(answer: str) -> str:
    return answer if "`" in answer else f"`{answer}`"


def main() -> None:
    logging.getLogger("aiormq").setLevel(logging.CRITICAL + 1)
    found = asyncio.run(find(RabbitMQNode))
    page = PAGE.read_text()
    begin, end = marks(found.version)
    made = f"{begin}\n{written(found)}{end}"
    old = part_of(page, found.version)
    if old:
        page = page.replace(f"{begin}\n{old}{end}", made)
    else:
        page = f"{page.rstrip()}\n\n### RabbitMQ {found.version}\n\n{made}\n"
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
