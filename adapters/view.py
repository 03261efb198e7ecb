"""What a policy may know of a member, and which records a view admits. Pure."""

import msgspec

from broker.directory import Audience, Member
from schemas.markings import Tlp
from schemas.record import Claims, org_urn


class View(msgspec.Struct, frozen=True, kw_only=True):
    """All facts about a member that a policy may depend on; never the member.

    Attributes:
        clearance: Highest TLP it may receive.
        addressed: The record names it in `to`.
        concerned: The record names it in `concerns`.
        sealed: It gets sealed what the hub may not read.
    """

    audience: Audience
    clearance: Tlp
    communities: frozenset[str]
    jurisdiction: str = ""
    addressed: bool = False
    concerned: bool = False
    sealed: bool = False


def view_of(member: Member, claims: Claims) -> View:
    """Give the view under which *member* sees the record of *claims*."""
    urn = org_urn(member.org)
    return View(
        audience=member.audience,
        clearance=member.highest_tlp,
        communities=frozenset(member.communities),
        jurisdiction=member.jurisdiction,
        addressed=urn in (claims.to or ()),
        concerned=urn in (claims.concerns or ()),
    )
