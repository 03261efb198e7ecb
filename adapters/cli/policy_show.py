"""policy show: what one audience gets, in sentences; or all of them, as tables."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from adapters import policy_table, policy_words
from adapters.cli import show
from adapters.cli.load import load_directory, load_policy
from adapters.cli.options import DirectoryPlace
from adapters.policy import Policy
from adapters.policy_names import near
from broker.directory import Audience
from broker.errors import ConfigError
from schemas import stix

TypeOption = Annotated[str | None, Parameter(name="--type")]


def show_policy(
    audience: Audience | None = None,
    /,
    *,
    policy: Path | None = None,
    directory: DirectoryPlace | None = None,
    stix_type: TypeOption = None,
    json: bool = False,
) -> None:
    """Tell a policy in sentences that can be read aloud, each with its reason.

    Args:
        audience: Whose policy to tell; without it, a table of all audiences.
        policy: Redaction policy (TOML); if not given the directory's, else the shipped one.
        stix_type: For engineers: each property of this STIX type, its role, action,
            row and line.
        json: Print JSON.
    """
    if policy is not None or directory is None:
        rules = load_policy(policy)
    else:
        rules = load_policy(None, load_directory(directory, None))
    if audience is not None and audience not in rules.audiences:
        known = ", ".join(rules.audiences)
        raise ConfigError(f"this policy has no audience {audience}; it has {known}")
    if stix_type is not None:
        _type(rules, stix_type, audience, as_json=json)
    elif audience is not None:
        _told(rules, audience, as_json=json)
    elif json:
        show.json_line(
            {
                "ok": True,
                "policy": rules.name,
                "gates": msgspec.to_builtins(policy_table.gates(rules)),
                "rows": msgspec.to_builtins(policy_table.rows(rules)),
            }
        )
    else:
        _overview(rules)


def _told(policy: Policy, audience: Audience, *, as_json: bool) -> None:
    told = policy_words.told(policy, audience)
    if as_json:
        facts: dict[str, Any] = msgspec.to_builtins(told)
        show.json_line({"ok": True, "policy": policy.name, **facts})
        return
    show.line(f"Policy {policy.id}, version {policy.version}, for {told.called}")
    show.line(" ".join(told.opening))
    with show.output():
        console = show.console()
        for part in told.parts:
            console.print(f"\n[bold]{escape(show.printable(part.heading))}[/]")
            for line in part.lines:
                title, text = map(show.printable, (line.title, line.text))
                console.print(
                    f"- [bold]{escape(title)}[/]: {escape(text)}",
                    soft_wrap=not console.is_terminal,  # a sentence a line
                )


def _overview(policy: Policy) -> None:
    table = Table("", box=None, pad_edge=False)
    for name in policy.audiences:
        table.add_column(name, no_wrap=True)
    for gate in policy_table.gates(policy):
        words = (policy_words.PASSES[word] for word in gate.words.values())
        table.add_row(escape(gate.title), *words)
    table.add_section()
    for row in policy_table.rows(policy):
        actions = (policy_words.SHORT[word] for word in row.words.values())
        table.add_row(escape(show.printable(row.title)), *actions)
    with show.output():
        show.console().print(table)
    for line in policy_words.LEGEND:
        show.line(line)
    show.line("To read one audience with all reasons: tocsin policy show civil-society")


def _type(
    policy: Policy, kind: str, audience: Audience | None, *, as_json: bool
) -> None:
    if kind not in stix.TYPES:
        raise ConfigError(f"no type {kind!r} is known{near(kind, stix.TYPES)}")
    decided = policy_table.of_type(policy, kind)
    whose = policy.audiences if audience is None else (audience,)
    if as_json:
        show.json_line(
            {
                "ok": True,
                "policy": policy.name,
                "type": kind,
                "properties": [
                    {**facts, "actions": {a: facts["actions"][a] for a in whose}}
                    for facts in msgspec.to_builtins(decided)
                ],
                "limits_of_laws": [
                    {"limit": number, **msgspec.to_builtins(limit)}
                    for number, limit in policy_table.limits_of(policy, kind)
                ],
            }
        )
        return
    table = Table(
        "property", "role", *whose, "row", "line", "limit", box=None, pad_edge=False
    )
    for each in decided:
        role = ", ".join(filter(None, each.roles)) or "any"
        table.add_row(
            each.property,
            f"{role}, concerned" if each.concerned else role,
            *(each.actions[a] for a in whose),
            *(str(number or "") for number in (each.row, each.line, each.limit)),
        )
    with show.output():
        show.console().print(table)
    for number, limit in policy_table.limits_of(policy, kind):
        laws = " ".join(limit.jurisdictions)
        names = ", ".join(limit.properties)
        show.line(f"limit {number}: at most {limit.at_most} of {names} in {laws}")
