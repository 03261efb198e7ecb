"""The demo in a terminal, from 80 columns on; plain text where it is none."""

import shlex
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from adapters.cli.demo.facts import COMPARED
from adapters.cli.demo.page import Page
from adapters.cli.demo.played import Published
from adapters.cli.demo.refusals import Refusal, refusal_of
from adapters.cli.demo.side_by_side import compared
from adapters.cli.demo.story import AUDIENCE_WORDS, Story
from adapters.explaining import as_sentence
from schemas.reasons import explain

_REASONS_SHOWN: Final = 8


def show(story: Story, console: Console, kept: Path | None) -> None:
    """Print everything; *kept* is the folder that stays."""
    page = Page(console)
    page.line()
    page.line(
        "[bold]Tocsin[/]: three organisations warn five. Each record is signed once; "
        "every member receives only what it may see, and the signature still holds."
    )
    page.line(
        f"[dim]All of it happened just now, over {_bus(story)}. "
        "Every person, party and company in it is invented.[/]"
    )
    page.section("Who is here", _members(story, page))
    page.section("What was published", *_published(story))
    page.section("One record, side by side", compared(story, page))
    page.section("Who received what", _deliveries(story, page))
    page.section("What was withheld, and why", _reasons(story))
    page.section("Two attacks", _attacks(story))
    page.section("Is everything as it should be?", _checks(story, page))
    page.section("Where to look next")
    for command, use in _next(story, kept):
        page.command(command, use)
    page.line()


def _bus(story: Story) -> str:
    if story.bus == "embedded":
        return "a message bus inside this process"
    return f"RabbitMQ at {story.bus}, which is as it was before"


# ---------------------------------------------------------------- the sections


def _members(story: Story, page: Page) -> Group:
    table = page.table("member", "who", "audience", "may see up to", "publishes")
    for member in story.world.members:
        table.add_row(
            f"[bold]{member.org}[/]",
            member.name,
            AUDIENCE_WORDS[member.audience],
            f"TLP:{member.highest_tlp.label}",
            page.tick if member.kinds else "",
        )
    legend = (
        "[dim]TLP, the traffic light protocol, says how far a record may go: CLEAR to "
        "all, GREEN to members, AMBER to those who need it.[/]"
    )
    return Group(table, "", legend)


def _published(story: Story) -> list[RenderableType]:
    shown: list[RenderableType] = []
    for number, each in enumerate(story.played.published, 1):
        sample = each.sample
        head = Table.grid(padding=(0, 2, 0, 0), expand=True)
        head.add_column(width=1)
        head.add_column(ratio=1, style="bold")
        head.add_column(justify="right", no_wrap=True)
        about = f"{sample.issuer}  {sample.kind}  [dim]TLP:[/]{sample.tlp}"
        head.add_row(str(number), sample.title, about)
        shown += [head, Padding(Text(sample.sentence, "dim"), (0, 0, 0, 3))]
    return shown


def _deliveries(story: Story, page: Page) -> Group:
    members = story.world.members
    heads = [member.org.replace("-", "-\n") for member in members]
    table = page.table("", "record", *heads)
    notes: dict[str, int] = {}
    for number, published in enumerate(story.played.published, 1):
        cells = [_outcome(story, published, m.org, notes, page) for m in members]
        table.add_row(str(number), published.sample.title, *cells)
    legend = Text(
        f"{page.tick} delivered, and how many parts of it are withheld or replaced",
        "dim",
    )
    foot = [Text(f"[{n}] not given: {why}", "dim") for why, n in notes.items()]
    return Group(table, "", legend, *foot)


def _outcome(
    story: Story, published: Published, org: str, notes: dict[str, int], page: Page
) -> Text:
    sight = next(
        each
        for each in story.sights
        if each.published is published and each.member.org == org
    )
    if sight.received is None:
        why = explain(sight.refused) if sight.refused else "nothing arrived."
        mark = notes.setdefault(why, len(notes) + 1)
        return Text(f"{page.dash} [{mark}]", "dim")
    cuts = 0 if sight.redacted is None else len(sight.redacted.cuts)
    return Text.assemble((page.tick, "green"), f" {cuts}")


def _reasons(story: Story) -> Group:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    members = {member.org: member for member in story.world.members}
    for org in COMPARED:
        head = AUDIENCE_WORDS[members[org].audience].replace(" ", "\n")
        table.add_column(head, justify="right", header_style="dim", no_wrap=True)
    table.add_column("because, says the policy", header_style="dim")
    for each in story.reasons[:_REASONS_SHOWN]:
        why = Text(each.why)
        if each.instead:
            why.append(f" Instead: {each.instead}.", "yellow")
        table.add_row(*(str(n or "") for n in each.counts), why)
    rest = story.reasons[_REASONS_SHOWN:]
    totals = [sum(each.counts[i] for each in rest) for i in range(len(COMPARED))]
    table.add_row(
        *(Text(str(n or ""), "dim") for n in totals),
        Text(f"{len(rest)} more reasons", "dim"),
    )
    policy = story.world.policy
    intro = (
        f"Parts of all records together, at {', '.join(COMPARED)}, under the published "
        f"policy {policy.id!r}, version {policy.version}:"
    )
    return Group(intro, "", table)


def _attacks(story: Story) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for attack in story.played.attacks:
        found = refusal_of(story.played, attack)
        text = Text(attack.tried)
        if found.reason:
            text.append(f"\nRefused, {found.reason}: ", "red")
            text.append(as_sentence(explain(found.reason)))
        table.add_row(Text(attack.name, "bold"), text.append(_after(found), "dim"))
    return table


def _after(found: Refusal) -> str:
    where = "It lies in the dead letters" if found.reason else "It was not refused"
    told = "its issuer was told" if found.told else "its issuer was not told"
    reached = "nobody received it" if not found.reached else "IT WAS DELIVERED"
    return f"\n{where}, {told}, {reached}."


def _checks(story: Story, page: Page) -> Group:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column()
    table.add_column(style="dim")
    for check in story.checks:
        mark = Text(page.tick, "green") if check.ok else Text(page.cross, "bold red")
        name = Text(check.name)
        if not check.ok:
            name.append(f"\nexpected: {check.expected}", "red")
        table.add_row(mark, name, check.found)
    failed = sum(not check.ok for check in story.checks)
    verdict = (
        f"[bold green]All {len(story.checks)} checks passed[/]"
        if story.ok
        else f"[bold red]{failed} of {len(story.checks)} checks failed[/]"
    )
    return Group(table, "", f"{verdict} in {story.seconds:.1f} seconds.")


def _next(story: Story, kept: Path | None) -> list[tuple[str, str]]:
    found = [each for each in story.played.received if each.member == COMPARED[-1]]
    if kept is None or not found:
        first = ("tocsin demo --keep FOLDER", "keep all that was made, to look at it")
    else:
        evidence = shlex.quote(str(found[0].folder / "evidence.sdjwt"))
        directory = shlex.quote(str(kept / "directory"))
        first = (
            f"tocsin verify {evidence} --directory {directory}",
            "check one delivery yourself",
        )
    return [
        first,
        ("tocsin demo --amqp URL", "the same over a RabbitMQ of yours"),
        ("README.md", "publish and receive for real"),
    ]
