"""What is wrong with an input, or was not taken over from it: rule and place.

A finding never quotes the input. What a rule means, and what to do, stands in
`schemas.rules.RULES`; refusals have the codes and sentences of `schemas.reasons`.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from schemas.errors import SchemaError

_NUMBER: Final = re.compile(r"\[[0-9]+\]|\b(row|line) [0-9]+")


class Finding(msgspec.Struct, frozen=True):
    """One thing found in an input.

    Attributes:
        rule: Stable code: one of `schemas.reasons.REASONS` (an error) or of
            `schemas.rules.RULES`.
        where: Place in the input: JSON path (`$.objects[3].name`), or row and
            column (`row 12, column "ip"`); "" for the whole.
        expected: What should stand there, in words of ours; "" if the sentence
            of the rule says it.
        count: How many places of this kind have it; *where* is the first.
    """

    rule: str
    where: str = ""
    expected: str = ""
    count: int = 1


def fault(error: SchemaError, expected: str = "") -> Finding:
    """Turn a refusal into a finding."""
    return Finding(error.reason, error.where, expected)


class Findings:
    """Collects findings; those that differ only in a position count as one."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str, str], Finding] = {}

    def add(self, rule: str, where: str, expected: str = "") -> None:
        """Note one place."""
        self.put(Finding(rule, where, expected))

    def put(self, finding: Finding) -> None:
        """Note a finding with all the places it counts."""
        key = (finding.rule, _NUMBER.sub("[]", finding.where), finding.expected)
        known = self._kinds.get(key)
        if known is not None:
            count = known.count + finding.count
            finding = msgspec.structs.replace(known, count=count)
        self._kinds[key] = finding

    def __iter__(self) -> Iterator[Finding]:
        """List what was found, in the order of the first places."""
        return iter(self._kinds.values())

    def __bool__(self) -> bool:
        return bool(self._kinds)
