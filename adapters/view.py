"""What a policy may know of a member, and what keeps records from it. Pure."""

from collections.abc import Iterable

import msgspec

from broker.directory import DEFAULT_CLEARANCE, Audience, Member
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


def kept_from(member: Member, claims: Claims) -> str | None:
    """Tell why *member* may have nothing of the record, whatever its view; or None.

    Who practises gets exercises alone; exercises reach everybody, marked as such.
    """
    return "in-exercise" if member.exercise and not claims.exercise else None


def audience_view(
    audience: Audience,
    claims: Claims,
    *,
    clearance: str | None = None,
    communities: Iterable[str] = (),
    jurisdiction: str = "",
    addressed: bool = False,
    concerned: bool = False,
) -> View:
    """Give the view of an audience, which is no member's.

    Args:
        clearance: A label of TLP; that of the audience if None.
        communities: Those of the record if empty.
    """
    return View(
        audience=audience,
        clearance=Tlp.parse(clearance or DEFAULT_CLEARANCE[audience]),
        communities=frozenset(communities or claims.aud),
        jurisdiction=jurisdiction,
        addressed=addressed,
        concerned=concerned,
    )
