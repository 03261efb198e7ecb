"""Techniques as people name them in tables: framework and id, or a name alone. Pure."""

import re
from typing import Any, Final, NamedTuple

from adapters.sources.found import derived_id

DISARM: Final = "DISARM"
KILL_CHAIN: Final = "Online Operations Kill Chain"
_MAX_CHARS: Final = 4096

_ID = re.compile(r"\b[Tt]([0-9]{4})(\.[0-9]{3})?\b")
_TACTIC = re.compile(r"TA[0-9]{2,4}\b.*", re.IGNORECASE | re.DOTALL)
_NUMBERED = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,2}){0,3})\.?\s+(\S.*)", re.DOTALL)
_APART = re.compile(r"[;\n|]")
_AROUND: Final = " \t\r\n,:.-\u2013()[]\"'"


class Technique(NamedTuple):
    """A behaviour.

    Attributes:
        framework: As `source_name` of an external reference; "" if none is known.
        id: In the framework; "" if none is given.
        name: Its id where no name is given.
    """

    framework: str
    id: str
    name: str


def read(text: str) -> list[Technique]:
    """Read the techniques of a cell; what is no technique is passed over."""
    found: dict[Technique, None] = {}
    for part in _APART.split(text[:_MAX_CHARS]):
        found |= dict.fromkeys(_part(part.strip()))
    return list(found)


def weight(of: list[Technique]) -> int:
    """Give 2 for techniques of a framework, 1 for others, 0 for none."""
    return 0 if not of else 2 if of[0].framework else 1


def numbered(text: str) -> tuple[str, str]:
    """Part `0.6.2 Acquiring domains` into number and name; number "" if it has none."""
    text = " ".join(text[:_MAX_CHARS].split())
    found = _NUMBERED.fullmatch(text)
    return (found[1], found[2]) if found is not None else ("", text)


def attack_pattern(technique: Technique, tactic: str = "") -> dict[str, Any]:
    """Make the object of a technique.

    Args:
        tactic: What it serves, with or without a number.
    """
    framework, known, name = technique
    phase = _slug(numbered(tactic)[1])
    return {
        "type": "attack-pattern",
        "id": derived_id("attack-pattern", framework, known or name),
        "name": name,
        "external_references": known
        and [{"source_name": framework, "external_id": known}],
        "kill_chain_phases": phase
        and [{"kill_chain_name": _slug(framework or "tactic"), "phase_name": phase}],
    }


def _slug(text: str) -> str:
    return re.sub(r"[\W_]+", "-", text.lower()).strip("-")


def _part(text: str) -> list[Technique]:
    ids = list(_ID.finditer(text))
    if not ids:
        number, name = numbered(text)
        if len(name) < 3 or _TACTIC.fullmatch(name):
            return []
        if "." not in number:  # three accounts, not number 3
            return [Technique("", "", " ".join(text.split()))]
        return [Technique(KILL_CHAIN, number, name)]
    if len(ids) == 1:  # its name may stand before it
        return [_with_id(ids[0], (text[: ids[0].start()] + text[ids[0].end() :]))]
    ends = [each.start() for each in ids[1:]] + [len(text)]
    return [
        _with_id(each, text[each.end() : end])
        for each, end in zip(ids, ends, strict=True)
    ]


def _with_id(found: re.Match[str], name: str) -> Technique:
    number = int(found[1])
    known = found[0].upper()
    # Both have ids that begin with T0: DISARM's end at T0155, those for industrial
    # systems begin at T0800.
    framework = DISARM if number < 800 else "mitre-ics-attack"
    if number >= 1000:
        framework = "mitre-attack"
    return Technique(framework, known, " ".join(name.split()).strip(_AROUND) or known)
