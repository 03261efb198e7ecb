"""What a policy may know of a member, and which records a view admits. Pure."""

from typing import Final

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
    """

    audience: Audience
    clearance: Tlp
    communities: frozenset[str]
    jurisdiction: str = ""
    addressed: bool = False
    concerned: bool = False


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


def refusal(view: View, claims: Claims) -> str | None:
    """Tell why the record as a whole is not for this view: a reason, or None."""
    if view.communities.isdisjoint(claims.aud):
        return "community"
    return tlp_refusal(view, Tlp.parse(claims.tlp))


def tlp_refusal(view: View, tlp: Tlp) -> str | None:
    """Apply the TLP gate to a record or a part of it: a reason, or None.

    The rows of the gate, most open first: CLEAR to all; GREEN within clearance;
    AMBER to peers, and to platforms that are affected; AMBER+STRICT to
    organisations addressed by name; RED to nobody here (it travels sealed).
    """
    if tlp > view.clearance:
        return "tlp-clearance"
    match tlp:
        case Tlp.CLEAR | Tlp.GREEN:
            return None
        case Tlp.AMBER:
            affected = view.addressed or view.concerned
            if view.audience == "peer-cert" or (
                view.audience == "platform" and affected
            ):
                return None
            return "tlp-need-to-know"
        case Tlp.AMBER_STRICT:
            named = view.addressed and view.audience != "civil-society"
            return None if named else "tlp-addressed-only"
        case _:
            return "tlp-red"


AUDIENCES: Final[tuple[Audience, ...]] = ("peer-cert", "platform", "civil-society")
