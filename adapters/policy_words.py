"""A policy in words that can be read aloud: what one audience gets, and why. Pure.

The titles and reasons are the policy's own; here stand the words for its actions,
marks and laws. `tocsin policy show` and docs/policy.md tell the same.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, assert_never

import msgspec

from adapters.policy import Policy, action_of, passes
from adapters.policy_checks import ROLE_LISTS
from adapters.policy_file import Action, AudienceEntry, Gate, Pass, Row, WordList
from broker.directory import Audience
from schemas.vocabularies.countries import COUNTRIES

SHORT: Final[Mapping[str, str]] = {
    "keep": "in full",
    "listed": "listed",
    "defang": "made safe",
    "mask": "checked",
    "hold": "waits",
    "generalise": "coarser",
    "pseudonymise": "renamed",
    "drop": "-",
}
"""What an audience gets, in a word; for tables."""

PASSES: Final[Mapping[str, str]] = {
    "cleared": "all",
    "affected": "named",
    "addressed": "addressed",
    "hold": "waits",
    "nobody": "-",
}
"""Whom a mark lets pass, in a word; for tables."""

LEGEND: Final = (
    "Of a marking: all get it; named: those that the record addresses, or names as "
    "concerned; addressed: those that it addresses by name; waits: all, once persons have "
    "agreed; - nobody.",
    "Of a row: in full; listed: what stands on a list; made safe: written so that nobody "
    "opens it by accident; checked: text without personal data; waits: once persons have "
    "agreed; coarser: the day, the network, the order of magnitude; renamed: a made-up "
    "name; - withheld.",
)

IN_FULL: Final = "In full, as the issuer wrote it"
IN_PART: Final = "In part, or written so that it does no harm"
COARSER: Final = "Coarser, or under another name"
WAITING: Final = "Only when persons have agreed"
NOT_AT_ALL: Final = "Not at all"
_GROUPS: Final[dict[str, tuple[Action, ...]]] = {
    IN_FULL: ("keep",),
    IN_PART: ("listed", "defang", "mask"),
    COARSER: ("generalise", "pseudonymise"),
    WAITING: ("hold",),
    NOT_AT_ALL: ("drop",),
}
MARKS: Final = "What comes at all, by its marking"
LIMITS: Final = "Limits, whatever else is said"
AGE: Final = "How old a record may be"
LISTS: Final = "The lists"

_MARKED: Final = {
    "IEP:unseen": "What may be used only where nobody sees it",
    "protect:minors": "What could lead to a child",
    "protect:survivors": "What could lead to a survivor of violence",
    "protect:defenders": "What could lead to a defender of human rights",
    "kind:takedown-request": "A request to take something down",
}
_MASKED: Final = "as far as it holds no personal data and repeats nothing withheld"
_SAFE: Final = "written so that nobody opens it by accident"
_PLAIN: Final[dict[Action, str]] = {
    "keep": "in full",
    "mask": _MASKED,
    "pseudonymise": "a made-up name, the same one whenever the same name comes back",
    "drop": "withheld",
}
_NUMBERS: Final = ("nobody", "one person", "two persons", "three persons")
_TIME: Final = re.compile(
    r"(^|(?<!number)_)([acm]?time|created|modified|seen|observed|published|submitted|started|ended"
    r"|before|after|from|date|start|end)\Z"
)
_YEAR_DAYS: Final = 365


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence and its reason.

    Attributes:
        action: The word of the file; "" of a list or an age.
        number: Of the entry in its table (from 1).
        line: In the file; 0 if unknown.
    """

    title: str
    says: str
    reason: str
    action: str = ""
    number: int
    line: int

    @property
    def text(self) -> str:
        """What becomes of it, and why."""
        return f"{self.says}. {self.reason}"

    @property
    def sentence(self) -> str:
        """All of it, to be read aloud."""
        return f"{self.title}: {self.text}"


class Part(msgspec.Struct, frozen=True):
    """Sentences under one heading.

    Attributes:
        table: The table of the file that they stand in.
    """

    heading: str
    table: str
    lines: tuple[Line, ...]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """All that a policy says of one audience.

    Attributes:
        called: What people call the audience.
        opening: What holds of everything.
        parts: Those that say something.
    """

    audience: Audience
    called: str
    opening: tuple[str, ...]
    parts: tuple[Part, ...]


def told(policy: Policy, audience: Audience) -> Told:
    """Tell what an audience that the policy knows gets."""
    entry = policy.audiences[audience]
    rows = list(_rows(policy, entry))
    parts = [Part(MARKS, "gate", tuple(_gates(policy, entry)))]
    parts += (
        Part(heading, "row", tuple(each for each in rows if each.action in actions))
        for heading, actions in _GROUPS.items()
    )
    parts += (
        Part(LIMITS, "limit", tuple(_limits(policy))),
        Part(AGE, "retention", tuple(_ages(policy))),
        Part(LISTS, "list", tuple(_lists(policy, entry))),
    )
    return Told(
        audience=audience,
        called=entry.called,
        opening=tuple(_opening(policy, entry)),
        parts=tuple(part for part in parts if part.lines),
    )


def marked(mark: str) -> str:
    """Say what a mark of a gate means."""
    return _MARKED.get(mark, f"What is marked {mark}")


def persons(count: int) -> str:
    """Say how many persons."""
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count} persons"


def days(count: int) -> str:
    """Say how long that is."""
    years, rest = divmod(count, _YEAR_DAYS)
    number, unit = (count, "day") if rest or not years else (years, "year")
    return f"{number} {unit}{'s' if number > 1 else ''}"


def countries(codes: Iterable[str]) -> str:
    """Name countries, in the order of their names."""
    return joined(sorted(COUNTRIES[code] for code in codes))


def joined(words: Iterable[str]) -> str:
    """Write a list as one says it: a, b and c."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def list_name(name: str) -> str:
    """Write the name of a list for people."""
    return f"“{name.replace('-', ' ')}”"


def treatment(policy: Policy, row: Row, action: Action, entry: AudienceEntry) -> str:
    """Say what becomes of what a row names under *action*."""
    listed = f"only what stands on the list {list_name(row.only or '')}"
    match action:
        case "listed":
            return listed
        case "defang":
            return f"{_SAFE}, and {listed}" if row.only else _SAFE
        case "generalise":
            return f"only {_coarse(row, entry)}"
        case "hold":
            return _waiting(policy, row, entry)
        case _:
            return _PLAIN[action]


def _waiting(policy: Policy, row: Row, entry: AudienceEntry) -> str:
    agree = "agrees" if row.approvals == 1 else "agree"
    until = {
        "drop": "nothing",
        "pseudonymise": "a made-up name",
        "generalise": f"only {_coarse(row, entry)}",
    }[row.meanwhile]
    return (
        f"withheld until {persons(row.approvals)} {agree}, with {until} in its place; "
        f"given up after {days(policy.file.review_days)}"
    )


def _coarse(row: Row, entry: AudienceEntry) -> str:
    """Say what the coarser values of a row are (adapters.made)."""
    found: dict[str, None] = {}
    for name in row.properties:
        last = name.rpartition(".")[2]
        if last == "name":
            at_home = {
                "identity": "the kind and sector of the organisation",
                "location": "the name of the country",
            }
            found |= dict.fromkeys(at_home.get(k, "the kind") for k in row.types)
        elif last == "value":
            found["the network it lies in"] = None
        elif _TIME.search(last):
            exact = entry.time == "exact"
            found["the time" if exact else f"the {entry.time}"] = None
        else:
            found["the order of magnitude"] = None
    return joined(found)


def _opening(policy: Policy, entry: AudienceEntry) -> Iterable[str]:
    if entry.like is not None:
        like = policy.audiences[entry.like].called
        yield f"Where nothing else is said, {entry.called} get what {like} gets."
    if entry.after_days:
        yield f"A record comes {days(entry.after_days)} after it was first seen."
    yield {
        "exact": "Times are exact.",
        "hour": "Times that are made coarser are told to the hour.",
        "day": "Times that are made coarser are told to the day.",
    }[entry.time]
    yield "What no line names is withheld."


def _gates(policy: Policy, entry: AudienceEntry) -> Iterable[Line]:
    for number, gate in enumerate(policy.file.gate, 1):
        word = passes(gate, entry)
        yield Line(
            title=marked(gate.mark),
            says=_passing(gate, word),
            reason=gate.reason,
            action=word,
            number=number,
            line=policy.lines.of("gate", number),
        )


def _passing(gate: Gate, word: Pass) -> str:
    match word:
        case "cleared":
            return "comes"
        case "affected":
            return "comes to those that the record addresses or names as concerned"
        case "addressed":
            return "comes to those that the record addresses by name"
        case "hold":
            agree = "has" if gate.approvals == 1 else "have"
            return f"comes when {persons(gate.approvals)} {agree} agreed"
        case "nobody":
            return "does not come"
        case _:
            assert_never(word)


def _rows(policy: Policy, entry: AudienceEntry) -> Iterable[Line]:
    usual = {
        (kind, row.role, name): treatment(policy, row, action_of(row, entry), entry)
        for row in policy.file.row
        if not row.when
        for kind in row.types
        for name in row.properties
    }
    for number, row in enumerate(policy.file.row, 1):
        action = action_of(row, entry)
        says = treatment(policy, row, action, entry)
        if row.when and all(
            usual.get((kind, row.role, name)) == says
            for kind in row.types
            for name in row.properties
        ):
            continue  # it makes no difference to this audience
        yield Line(
            title=row.title,
            says=says,
            reason=row.reason,
            action=action,
            number=number,
            line=policy.lines.of("row", number),
        )


_AT_MOST: Final[dict[Action, str]] = {
    "keep": "in full",
    "listed": "at most what stands on a list",
    "defang": f"at most {_SAFE}",
    "mask": f"at most {_MASKED}",
    "hold": "at most when persons have agreed",
    "generalise": "at most a coarser value",
    "pseudonymise": "at most a made-up name",
    "drop": "withheld",
}


def _limits(policy: Policy) -> Iterable[Line]:
    for number, limit in enumerate(policy.file.limit, 1):
        where = countries(limit.jurisdictions) if limit.jurisdictions else ""
        says = _AT_MOST[limit.at_most]
        yield Line(
            title=limit.title,
            says=f"{says}, for members in {where}" if where else says,
            reason=limit.reason,
            action=limit.at_most,
            number=number,
            line=policy.lines.of("limit", number),
        )


def _ages(policy: Policy) -> Iterable[Line]:
    for number, each in enumerate(policy.file.retention, 1):
        yield Line(
            title=f"Members in {countries(each.jurisdictions)}",
            says=f"no record older than {days(each.days)}",
            reason=each.reason,
            number=number,
            line=policy.lines.of("retention", number),
        )


def _lists(policy: Policy, entry: AudienceEntry) -> Iterable[Line]:
    used = {
        row.only
        for row in policy.file.row
        if action_of(row, entry) in ("listed", "defang")
    }
    for number, each in enumerate(policy.file.lists, 1):
        if each.name in used or each.name in ROLE_LISTS:
            yield listing(policy, number, each)


def listing(policy: Policy, number: int, each: WordList) -> Line:
    """Tell what stands on a list; *number* from 1."""
    name = list_name(each.name)
    return Line(
        title=f"The list {name}",
        says=joined(map(_word, each.words)),
        reason=each.reason,
        number=number,
        line=policy.lines.of("list", number),
    )


def _word(word: str) -> str:
    return f"all that begins with {word[:-1]}" if word.endswith("*") else word
