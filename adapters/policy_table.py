"""A policy as tables: audiences by rows for everybody, types by properties for engineers.

Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from adapters.policy import GENERAL, NOT_NAMED, Policy, Role, Rule, action_of, passes
from adapters.policy_file import Limit
from adapters.policy_names import is_property, properties_of, roles_of
from broker.directory import Audience


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A gate or row of the file, and its word for each audience.

    Attributes:
        number: In its table (from 1).
        line: In the file; 0 if unknown.
    """

    title: str
    number: int
    line: int
    words: Mapping[Audience, str]


def gates(policy: Policy) -> list[Entry]:
    """List the gates by their marks."""
    return [
        Entry(
            title=gate.mark,
            number=number,
            line=policy.lines.of("gate", number),
            words={a: passes(gate, e) for a, e in policy.audiences.items()},
        )
        for number, gate in enumerate(policy.file.gate, 1)
    ]


def rows(policy: Policy) -> list[Entry]:
    """List the rows by their titles."""
    return [
        Entry(
            title=row.title,
            number=number,
            line=policy.lines.of("row", number),
            words={a: action_of(row, e) for a, e in policy.audiences.items()},
        )
        for number, row in enumerate(policy.file.row, 1)
    ]


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one property of a type.

    Attributes:
        roles: Of the objects that it holds for; "" is none.
        concerned: Only where the record names the member as concerned.
        row: That decides (from 1); 0: none names it.
        line: Of the row; 0 if unknown.
        limit: That makes it stricter (from 1); 0: none.
    """

    property: str
    roles: tuple[Role, ...]
    concerned: bool
    actions: Mapping[Audience, str]
    row: int
    line: int
    limit: int


_Said = tuple[tuple[str, ...], int, int]
_ALWAYS: Final = "extensions"  # a container; each part of it is named by itself


def of_type(policy: Policy, kind: str) -> list[Decided]:
    """List what becomes of each property of a STIX type, under no law in particular."""
    found: list[Decided] = []
    for name in sorted(_names(policy, kind)):
        usual: dict[Role, _Said] = {}
        for concerned in (False, True):
            groups: dict[_Said, list[Role]] = {}
            for role in roles_of(kind):
                said = _said(policy, kind, role, name, concerned=concerned)
                if said != usual.setdefault(role, said) or not concerned:
                    groups.setdefault(said, []).append(role)
            for (actions, row, limit), roles in groups.items():
                found.append(
                    Decided(
                        property=name,
                        roles=tuple(roles),
                        concerned=concerned,
                        actions=dict(zip(policy.audiences, actions, strict=True)),
                        row=row,
                        line=policy.lines.of("row", row) if row else 0,
                        limit=limit,
                    )
                )
    return found


def limits_of(policy: Policy, kind: str) -> Iterator[tuple[int, Limit]]:
    """List the limits of single laws that hold for a type, with their numbers."""
    for number, limit in enumerate(policy.file.limit, 1):
        if limit.jurisdictions and {kind, GENERAL} & {*limit.types}:
            yield number, limit


def _names(policy: Policy, kind: str) -> Iterable[str]:
    named = {
        name
        for row in policy.file.row
        if {kind, GENERAL} & {*row.types}
        for name in row.properties
        if is_property(kind, name)
    }
    return (named | properties_of(kind)) - {_ALWAYS}


def _said(
    policy: Policy, kind: str, role: Role, name: str, *, concerned: bool
) -> _Said:
    found: list[Rule] = [
        policy.rules(audience, concerned=concerned).of(kind, role, name)
        if kind in policy.types
        else NOT_NAMED
        for audience in policy.audiences
    ]
    limit = max(rule.limit for rule in found)
    return tuple(map(spelled, found)), found[0].row, limit


def spelled(rule: Rule) -> str:
    """Write the action of a rule with what bounds it."""
    if rule.only and rule.action in ("listed", "defang"):
        return f"{rule.action}: {rule.only}"
    if rule.action == "hold":
        return f"hold: {rule.approvals}, meanwhile {rule.meanwhile}"
    return rule.action
