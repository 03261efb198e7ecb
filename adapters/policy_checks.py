"""What is wrong with a policy: names nobody knows, rows that contradict or never apply.

Pure. All problems are found at once, each with its line.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

import msgspec

from adapters.policy_file import (
    Action,
    Gate,
    Limit,
    Lines,
    Pass,
    PolicyFile,
    Role,
    Row,
    at,
)
from adapters.policy_names import (
    MARKS,
    is_listable,
    is_property,
    near,
    properties_of,
    roles_of,
)
from schemas import profile, stix
from schemas.vocabularies.countries import COUNTRIES

_COLUMNS: Final = ("peer_cert", "platform", "civil_society", "research", "public")
# From the most to the least that is given. What persons agree to is shown whole.
_GIVEN: Final[dict[Action, int]] = {
    "keep": 6, "listed": 5, "defang": 4, "mask": 3, "hold": 2, "generalise": 1, "pseudonymise": 1,
    "drop": 0,
}  # fmt: skip
_PASSES: Final[dict[Pass, int]] = {
    "cleared": 4, "affected": 3, "addressed": 2, "hold": 1, "nobody": 0,
}  # fmt: skip
# Read by adapters.roles, beside the rows.
ROLE_LISTS: Final = ("public-roles", "protected")


class Problem(msgspec.Struct, frozen=True, order=True):
    """One thing that is wrong; *line* is 0 where it is unknown."""

    line: int
    text: str

    def spelled(self, where: str) -> str:
        """Write it as editors and people expect: `file:line: text`."""
        return f"{at(where, self.line)}: {self.text}"


def problems(file: PolicyFile, lines: Lines) -> list[Problem]:
    """List all that is wrong, in the order of the lines."""
    found: list[Problem] = []

    def report(table: str, number: int, text: str) -> None:
        found.append(Problem(lines.of(table, number), text))

    _audiences(file, report)
    _gates(file, report)
    _rows(file, report)
    _limits(file, report)
    _rest(file, report)
    return sorted(found)


_Report = Callable[[str, int, str], None]


def _audiences(file: PolicyFile, report: _Report) -> None:
    known = {a.name: a for a in file.audience}
    for number, each in enumerate(file.audience, 1):
        if known[each.name] is not each:
            report("audience", number, f"audience {each.name} stands twice; remove one")
        if each.like is not None and (
            each.like not in known or known[each.like].like is not None
        ):
            report(
                "audience",
                number,
                f"{each.name} is like {each.like}, which is no audience with rows of "
                "its own; name one that is",
            )
        if each.like is None and each.name in ("research", "public"):
            report(
                "audience",
                number,
                f'{each.name} has no rows of its own; say whom it is like: like = "…"',
            )


def _gates(file: PolicyFile, report: _Report) -> None:
    stated: dict[str, int] = {}
    for number, gate in enumerate(file.gate, 1):
        if gate.mark not in MARKS:
            report(
                "gate",
                number,
                f"no mark {gate.mark!r} is known{near(gate.mark, MARKS)}",
            )
        elif gate.mark in stated:
            report("gate", number, f"{gate.mark} has two gates; remove one")
        stated.setdefault(gate.mark, number)
        for fault in _gate_faults(gate):
            report("gate", number, fault)
    for mark in MARKS:
        if mark not in stated:
            report("gate", 1, f"the gate for {mark} is missing; say whom it lets pass")
    in_order = [mark for mark in MARKS if mark.startswith("TLP:") and mark in stated]
    for laxer, tighter in pairwise(in_order):
        one, other = (file.gate[stated[mark] - 1] for mark in (laxer, tighter))
        for column in _COLUMNS:
            if _passing(other, column) > _passing(one, column):
                report(
                    "gate",
                    stated[tighter],
                    f"{tighter} lets more {column.replace('_', '-')} pass than {laxer}; "
                    "a stricter mark cannot",
                )


def _passing(gate: Gate, column: str) -> int:
    word = getattr(gate, column)
    return _PASSES["nobody" if word is None else word]


def _gate_faults(gate: Gate) -> Iterator[str]:
    said = {word for column in _COLUMNS if (word := getattr(gate, column)) is not None}
    if gate.mark == "TLP:RED" and said != {"nobody"}:
        yield "TLP:RED passes nobody here: it travels sealed, to those addressed"
    if "hold" in said and not gate.mark.startswith("protect:"):
        yield f"only what protects somebody can wait for persons, not {gate.mark}"
    if gate.approvals > 1 and "hold" not in said:
        yield "approvals are asked for, but nothing waits: no audience has hold"
    if gate.mark.startswith(("PAP:", "IEP:")) and said - {"cleared", "nobody"}:
        yield f"{gate.mark} lets an audience pass (cleared) or not (nobody)"


def _rows(file: PolicyFile, report: _Report) -> None:
    decided: dict[tuple[str, Role, str, str], int] = {}
    lists = {each.name for each in file.lists}
    for number, row in enumerate(file.row, 1):
        for fault in (*_names(row.types, row.properties, row.role), *_row_faults(row)):
            report("row", number, fault)
        if row.only is not None and row.only not in lists:
            report(
                "row", number, f"there is no list {row.only!r}{near(row.only, lists)}"
            )
        for kind in row.types:
            for name in row.properties:
                key = (kind, row.role, row.when, name)
                if key in decided:
                    other = file.row[decided[key] - 1].title
                    report(
                        "row",
                        number,
                        f"{kind}.{name} is decided already by “{other}” (row "
                        f"{decided[key]}); remove one",
                    )
                decided.setdefault(key, number)
    _unreachable(file, decided, report)


def _row_faults(row: Row) -> Iterator[str]:
    actions = [row.peer_cert, row.platform, row.civil_society]
    for column, (more, less) in zip(_COLUMNS[1:], pairwise(actions), strict=False):
        if _GIVEN[less] > _GIVEN[more]:
            yield (
                f"{column.replace('_', '-')} gets more ({less}) than the audience before "
                f"it ({more}); it must not"
            )
    for own, column in ((row.research, "research"), (row.public, "public")):
        if own is not None and _GIVEN[own] > _GIVEN[row.civil_society]:
            yield f"{column} gets more ({own}) than civil-society ({row.civil_society})"
    said = {*actions, row.research, row.public}
    if row.approvals > 1 and "hold" not in said:
        yield "approvals are asked for, but nothing waits: no audience has hold"
    if "listed" in said and row.only is None:
        yield 'what is listed needs the name of its list: only = "…"'
    if row.only is not None and said.isdisjoint({"listed", "defang"}):
        yield "a list is named, but no audience has listed or defang"
    if row.only is not None and not all(map(is_listable, row.properties)):
        yield "only labels, external_references and patterns can be listed"
    if row.meanwhile != "drop" and "hold" not in said:
        yield "meanwhile is stated, but nothing waits: no audience has hold"
    for kind in row.types:
        for name in row.properties:
            if set(actions) != {"keep"} and _is_visible(kind, name):
                yield (
                    f"it withholds {kind}.{name}, which every signed record shows; keep it"
                )


def _is_visible(kind: str, name: str) -> bool:
    return profile.is_visible(profile.place_of(name), kind, primary=False)


def _names(types: tuple[str, ...], names: tuple[str, ...], role: Role) -> Iterator[str]:
    """List names that mean nothing: each must fit one at least of the others."""
    known_types = [kind for kind in types if kind == "*" or kind in stix.TYPES]
    for name in names if known_types else ():
        if name != "*" and not any(is_property(kind, name) for kind in known_types):
            known = {
                p for kind in known_types if kind != "*" for p in properties_of(kind)
            }
            yield f"no such property: {' or '.join(known_types)} has no {name!r}{near(name, known)}"
    for kind in types:
        if kind != "*" and kind not in stix.TYPES:
            yield f"no type {kind!r} is known{near(kind, stix.TYPES)}"
            continue
        if role and kind != "*" and role not in roles_of(kind):
            has = ", ".join(filter(None, roles_of(kind)))
            yield f"a {kind} is never {role}, so this never applies; it is {has}"
        own = [name for name in names if name == "*" or is_property(kind, name)]
        if not own and any(is_property(k, n) for k in known_types for n in names):
            yield f"it says nothing of {kind}, which has none of these properties"


def _unreachable(
    file: PolicyFile, decided: dict[tuple[str, Role, str, str], int], report: _Report
) -> None:
    """Report rows that more specific ones leave nothing to decide, or that add nothing."""
    for number, row in enumerate(file.row, 1):
        reached = any(
            _reaches(kind, row, name, decided)
            for kind in row.types
            for name in row.properties
        )
        if not reached:
            report("row", number, "more specific rows decide all of this; remove it")
        if row.when and all(
            _says_the_same(file, decided.get((kind, row.role, "", name)), row)
            for kind in row.types
            for name in row.properties
        ):
            report("row", number, f'it says the same as without when = "{row.when}"')


def _reaches(
    kind: str, row: Row, name: str, decided: dict[tuple[str, Role, str, str], int]
) -> bool:
    if row.role or kind not in stix.TYPES:
        if kind != "*":
            return True
        kinds = [k for k in stix.TYPES if is_property(k, name)]
        return not kinds or any(
            (k, "", row.when, name) not in decided
            and any(
                (k, role, row.when, name) not in decided
                for role in ((row.role,) if row.role else roles_of(k))
            )
            for k in kinds
        )
    return any(
        (kind, role, row.when, name) not in decided for role in roles_of(kind) if role
    ) or "" in roles_of(kind)


def _says_the_same(file: PolicyFile, other: int | None, row: Row) -> bool:
    if other is None:
        return False
    base = file.row[other - 1]
    return all(getattr(base, c) == getattr(row, c) for c in (*_COLUMNS, "only"))


def _limits(file: PolicyFile, report: _Report) -> None:
    for number, limit in enumerate(file.limit, 1):
        for fault in _names(limit.types, limit.properties, limit.role):
            report("limit", number, fault)
        for fault in _laws(limit.jurisdictions):
            report("limit", number, fault)
        if not any(_tightens(limit, row) for row in file.row):
            report("limit", number, "no row gives more than this, so it limits nothing")


def _tightens(limit: Limit, row: Row) -> bool:
    types = "*" in limit.types or "*" in row.types or {*limit.types} & {*row.types}
    names = "*" in limit.properties or {*limit.properties} & {*row.properties}
    roles = not limit.role or not row.role or limit.role == row.role
    most = max(
        _GIVEN[action]
        for column in _COLUMNS
        if (action := getattr(row, column)) is not None
    )
    return bool(types and names and roles and most > _GIVEN[limit.at_most])


def _laws(jurisdictions: tuple[str, ...]) -> Iterator[str]:
    for each in jurisdictions:
        if each not in COUNTRIES:
            yield f"no country has the code {each!r}{near(each, COUNTRIES)}"


def _rest(file: PolicyFile, report: _Report) -> None:
    for number, each in enumerate(file.retention, 1):
        for fault in _laws(each.jurisdictions):
            report("retention", number, fault)
    used = {row.only for row in file.row} | {*ROLE_LISTS}
    seen: set[str] = set()
    for number, words in enumerate(file.lists, 1):
        if words.name in seen:
            report("list", number, f"list {words.name} stands twice; remove one")
        elif words.name not in used:
            report("list", number, f"no row uses the list {words.name}; remove it")
        seen.add(words.name)
