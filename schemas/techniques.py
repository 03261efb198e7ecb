"""Whose techniques an attack-pattern names: framework and id together identify one.

A number alone does not: DISARM and ATT&CK for ICS share some, and DISARM's own bundle
says `mitre-attack` as source and as kill chain of its techniques. What tells is the
address, then the tactic, then any other name of the source.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import UNSET

from schemas.catalogue import Catalogue, Item, Reference
from schemas.findings import Finding
from schemas.stix.core import StixObject
from schemas.stix.threats import AttackPattern
from schemas.vocabularies.disarm import PHASES

DISARM: Final = "disarm"
ATTACK: Final = "mitre-attack"

_ADDRESSES: Final = (
    ("disarmfoundation", DISARM),
    ("disarmframework", DISARM),
    ("attack.mitre.org/", ATTACK),
)
# The tactics of ATT&CK for enterprise, mobile and ICS.
ATTACK_PHASES: Final = frozenset(
    {
        "collection", "command-and-control", "credential-access", "defense-evasion",
        "discovery", "evasion", "execution", "exfiltration", "impact",
        "impair-process-control", "inhibit-response-function", "initial-access",
        "lateral-movement", "network-effects", "persistence", "privilege-escalation",
        "reconnaissance", "remote-service-effects", "resource-development",
    }
)  # fmt: skip
# As one framework: the numbers of the three matrices are distinct.
_ATTACK_NAMES: Final = frozenset(
    {"attack", "mitre-mobile-attack", "mitre-ics-attack", "mitre att&ck", "att&ck"}
)
_EITHER: Final = frozenset({DISARM, ATTACK})
_PUBLISHING: Final = frozenset(
    {"identity", "marking-definition", "x-mitre-collection", "x-mitre-matrix"}
)


def framework_named(word: str) -> str:
    """Give the name of a framework as it stands in records: attack is mitre-attack."""
    word = word.strip().lower()
    return ATTACK if word in _ATTACK_NAMES else word


def frameworks_of(
    source_name: str, url: str, phases: Iterable[tuple[str, str]]
) -> frozenset[str]:
    """Name the frameworks that an external reference may mean: mostly one.

    Args:
        phases: (kill chain, phase) of the attack-pattern it stands in.
    """
    address = url.lower()
    for part, framework in _ADDRESSES:
        if part in address:
            return frozenset({framework})
    source = framework_named(source_name)
    if source != source_name.strip().lower():
        return frozenset({source})
    if source != ATTACK:
        return frozenset({source.replace(" ", "-")})
    for chain, phase in phases:
        if chain.lower() == DISARM or phase.lower() in PHASES:
            return frozenset({DISARM})
        if phase.lower() in ATTACK_PHASES:
            return frozenset({ATTACK})
    return _EITHER


def framework_of(items: Sequence[Item]) -> str | None:
    """Tell whose techniques a bundle holds; None if it does not say so plainly."""
    found: set[str] = set()
    for each in items:
        if each.type == "attack-pattern":
            phases = [(p.kill_chain_name, p.phase_name) for p in each.kill_chain_phases]
            for reference in each.external_references:
                if reference.external_id:
                    found |= _sure(reference, phases)
    if not found:  # no techniques with an address: who publishes it?
        for each in items:
            said = f"{each.name} {each.definition.get('statement', '')}".lower()
            if each.type in _PUBLISHING and "disarm" in said:
                found.add(DISARM)
            elif each.type in _PUBLISHING and "att&ck" in said:
                found.add(ATTACK)
    return found.pop() if len(found) == 1 else None


def _sure(reference: Reference, phases: Iterable[tuple[str, str]]) -> frozenset[str]:
    names = frameworks_of(reference.source_name, reference.url, phases)
    return names & _EITHER if len(names) == 1 else frozenset()


def unknown_techniques(
    objects: Iterable[StixObject],
    catalogues: Iterable[Catalogue],
    places: Mapping[str, str] | None = None,
) -> Iterator[Finding]:
    """Yield a finding for each technique that its catalogue lacks or has given up.

    What no catalogue given is about is passed over.

    Args:
        places: Place of each object in the input, by id.
    """
    by_framework = {each.framework: each for each in catalogues}
    for candidate in objects:
        if isinstance(candidate, AttackPattern):
            where = (places or {}).get(candidate.id, "$")
            yield from _of_pattern(candidate, by_framework, where)


def _of_pattern(
    pattern: AttackPattern, catalogues: Mapping[str, Catalogue], where: str
) -> Iterator[Finding]:
    phases = [
        (p.kill_chain_name, p.phase_name) for p in pattern.kill_chain_phases or ()
    ]
    for index, reference in enumerate(pattern.external_references or ()):
        number = reference.external_id
        if number is UNSET:
            continue
        names = frameworks_of(reference.source_name, reference.url or "", phases)
        if not names <= catalogues.keys():
            continue
        asked = [catalogues[name] for name in sorted(names)]
        known = [each.techniques[number] for each in asked if number in each.techniques]
        place = f"{where}.external_references[{index}].external_id"
        if not known:
            yield Finding("unknown-technique", place, _expected(pattern, asked))
        elif all(technique.deprecated for technique in known):
            yield Finding("old-technique", place, _expected(pattern, asked))


def _expected(pattern: AttackPattern, catalogues: Iterable[Catalogue]) -> str:
    """Name the technique that is called as *pattern* is, or else the catalogue."""
    names = []
    for each in catalogues:
        number = each.number_of(pattern.name or "")
        if number is not None:
            return f"by its name {number} ({each.framework})"
        names.append(each.title)
    return f"an id in the catalogue of {' or '.join(names)}"
