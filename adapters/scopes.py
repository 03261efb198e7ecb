"""Under which audience a member first received a record: the scope of its ids. Pure.

Ids of projected objects derive per scope (DESIGN.md 7). It is kept for ever, so that
the later versions and the retraction of what a member has find it, also when the
member has another audience by then.
"""

from collections.abc import Iterable, Mapping

import msgspec

from broker.trust import Verified


class Scopes(msgspec.Struct, frozen=True):
    """What members have of some records.

    Attributes:
        received: By member and `sub`: from issuer to audience.
    """

    received: Mapping[tuple[str, str], Mapping[str, str]] = {}

    def of(
        self,
        member: str,
        issuer: str,
        sub: str,
        about: Iterable[str] = (),
        *,
        otherwise: str,
    ) -> str:
        """Give the scope of what *member* gets of a record.

        What it has of that record decides; else what it has of the first of *about*,
        since feedback names objects of another record by the ids that they have there.

        Args:
            otherwise: Its audience now; nothing of either was received before.
        """
        own = self.received.get((member, sub), {}).get(issuer)
        if own is not None:
            return own
        for other in about:
            found = self.received.get((member, other))
            if found:
                return found[min(found)]  # two issuers: any, but always the same
        return otherwise


def received(rows: Iterable[tuple[str, str, str, str]]) -> Scopes:
    """Index rows of (member, issuer, sub, audience)."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for member, issuer, sub, audience in rows:
        found.setdefault((member, sub), {})[issuer] = audience
    return Scopes(found)


def about(verified: Verified) -> tuple[str, ...]:
    """List the ids that a record names and does not hold: of what it is about."""
    own = {each.id for each in verified.objects}
    named = (getattr(each, "object_refs", None) or () for each in verified.objects)
    return tuple(sorted({str(ref) for refs in named for ref in refs} - own))
