"""How long the hub can read what it keeps of a record. Pure.

Counted from when its newest version came. Then its key is destroyed, by gate and
adapters each for its own: what proves stays, what it proves is gone. How old a record
may be when a member gets it is another question, for the policy.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from broker.directory import Directory

DAY_S: Final = 86_400.0
# As long as the shipped policy lets a record be given to anybody in Europe.
_FIVE_YEARS: Final = 1825

Days = Annotated[int, Meta(ge=1, le=36_500)]
Mark = Literal["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"]
Place = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]


class Law(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long records of issuers under these laws may be kept, at most."""

    jurisdictions: Annotated[tuple[Place, ...], Meta(min_length=1)]
    days: Days


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many days a record is kept; the least of all that applies counts.

    Attributes:
        days: Where `tlp` says nothing of its marking.
        law: By the issuer's jurisdiction, else its country. Who is no member any more
            is under all of them.
    """

    days: Days = _FIVE_YEARS
    tlp: Mapping[Mark, Days] = {}
    law: tuple[Law, ...] = ()

    @property
    def least(self) -> int:
        """No record that is younger has reached its end."""
        of_laws = (each.days for each in self.law)
        return min((self.days, *self.tlp.values(), *of_laws))

    def days_for(self, marks: Iterable[str], jurisdiction: str) -> int:
        """Say how long a record is kept.

        Args:
            marks: TLP labels of its versions.
            jurisdiction: Of its issuer; "" if not known.
        """
        by_mark = {str(mark): days for mark, days in self.tlp.items()}
        found = [by_mark.get(mark, self.days) for mark in marks]
        found += [
            each.days
            for each in self.law
            if not jurisdiction or jurisdiction in each.jurisdictions
        ]
        return min(found, default=self.days)


class Aged(msgspec.Struct, frozen=True, kw_only=True):
    """A record that can be read yet.

    Attributes:
        marks: TLP labels of its versions.
        newest: When its newest version came, epoch seconds.
    """

    issuer: str
    sub: str
    marks: frozenset[str]
    newest: float


def ended(
    records: Collection[Aged], retention: Retention, directory: Directory, *, now: float
) -> Iterator[tuple[str, str]]:
    """Give issuer and `sub` of those that have been kept for long enough."""
    for each in records:
        member = directory.members.get(each.issuer)
        jurisdiction = "" if member is None else member.jurisdiction or member.country
        days = retention.days_for(each.marks, jurisdiction)
        if now - each.newest >= days * DAY_S:
            yield each.issuer, each.sub
