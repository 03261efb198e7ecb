"""One record side by side: what was published, what each audience received. Pure.

The rows are found by how the objects hang together, never by what they say; every
value is read from the published token and from the delivered projections.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from adapters.cli.demo.facts import COMPARED, Sight
from adapters.comparing import Given, compare
from adapters.comparison import Cell
from adapters.explaining import Refusal, as_sentence
from adapters.policy import Policy
from adapters.view import view_of
from broker.directory import Directory
from broker.trust import Verified, verify
from schemas.errors import RefusedError
from schemas.profile import Place
from schemas.reasons import explain

COMPARED_FILE: Final = "election-leak.json"
_COUNT: Final = ("extensions", "confidentiality-ext", "record_count")


class Row(msgspec.Struct, frozen=True):
    """One thing that the record says.

    Attributes:
        cells: In the order of `COMPARED`.
    """

    label: str
    published: Any
    cells: tuple[Cell, ...]


class Proof(msgspec.Struct, frozen=True):
    """What the strict verifier says of one copy.

    Attributes:
        issuer: Who signed it, "" if it does not verify.
        parts: Withholdable parts that it discloses.
    """

    issuer: str
    parts: int


def compared(found: Iterable[Sight]) -> list[Sight]:
    """Pick the record of `COMPARED_FILE` at the members of `COMPARED`, in their order."""
    here = [
        sight
        for sight in found
        if sight.published.sample.file == COMPARED_FILE
        and not sight.published.sample.only
        and sight.member.org in COMPARED
    ]
    return sorted(here, key=lambda sight: COMPARED.index(sight.member.org))


def proofs(
    found: Iterable[Sight], directory: Directory, *, now: float
) -> tuple[Proof, ...]:
    """Verify the record as published, then each delivered copy of it."""
    here = compared(found)
    received = [each.received for each in here]
    copies = [here[0].published.token]
    copies += [b"" if each is None else each.evidence for each in received]
    return tuple(_proof(copy, directory, now) for copy in copies)


def _proof(token: bytes, directory: Directory, now: float) -> Proof:
    try:
        verified = verify(token, directory, now=now)
    except RefusedError:
        return Proof("", 0)
    return Proof(verified.issuer, len(verified.opened.disclosures))


def side_by_side(found: Iterable[Sight], policy: Policy) -> list[Row]:
    """Compare what the copies say."""
    here = compared(found)
    verified = here[0].published.verified
    comparison = compare(verified, policy, [_given(sight) for sight in here])
    rows = []
    for label, object_id, place in _parts(verified):
        row = comparison.row(object_id, place)
        rows.append(Row(label, row.signed, row.cells))
    return rows


def _given(sight: Sight) -> Given:
    org, view = sight.member.org, view_of(sight.member, sight.published.verified.claims)
    if sight.redacted is None or sight.received is None:
        why = as_sentence(explain(sight.refused))
        return Given(
            name=org, view=view, refusal=Refusal(reason=sight.refused, why=why)
        )
    return Given(
        name=org,
        view=view,
        redacted=sight.redacted,
        projection=sight.received.projection,
    )


def _parts(verified: Verified) -> list[tuple[str, str, Place]]:
    """Name what a reader asks about, as (label, object id, property)."""
    links = _Links(verified)
    incident = verified.claims.sub
    malware = links.first("malware")
    leak = links.first("impact", "confidentiality-ext")
    attacking = links.targets("communicates-with")
    informant = links.plain[links.first("event")]["created_by_ref"]
    persons = [i for i in links.of("identity", "individual") if i != informant]
    addresses = links.of("ipv4-addr")
    victims = [each for each in addresses if each not in attacking]
    servers = [each for each in addresses if each in attacking]
    return [
        ("Title", incident, ("name",)),
        ("What happened", incident, ("description",)),
        ("How many", leak, _COUNT),
        ("When", leak, ("start_time",)),
        ("Who was attacked", links.targets("targets")[0], ("name",)),
        ("Whose password", persons[0], ("name",)),
        ("Who told us", informant, ("name",)),
        ("Victim's address", victims[0], ("value",)),
        ("Attacker's address", servers[0], ("value",)),
        ("Attacker's site", links.of("domain-name")[0], ("value",)),
        ("Malware", malware, ("name",)),
        ("Technique", links.targets("mitigates")[0], ("name",)),
        ("Advice", links.first("course-of-action"), ("name",)),
        ("TLP:AMBER note", links.first("note"), ("abstract",)),
    ]


class _Links:
    """The objects of a record by type, and how they are related."""

    def __init__(self, verified: Verified) -> None:
        self.plain = {value["id"]: value for value in verified.plain}

    def of(self, kind: str, identity_class: str = "") -> list[str]:
        return [
            object_id
            for object_id, value in self.plain.items()
            if value["type"] == kind
            and identity_class in ("", value.get("identity_class"))
        ]

    def first(self, kind: str, extension: str = "") -> str:
        return next(
            each
            for each in self.of(kind)
            if not extension or extension in self.plain[each].get("extensions", {})
        )

    def targets(self, relation: str) -> list[str]:
        """List the targets of *relation*."""
        related = [
            value
            for value in self.plain.values()
            if value.get("relationship_type") == relation
        ]
        return [value["target_ref"] for value in related]
