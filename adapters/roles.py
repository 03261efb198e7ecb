"""Who is who in a record: the part of a policy that looks at relations. Pure."""

from collections.abc import Sequence

from adapters.policy import Role
from schemas import stix
from schemas.stix.relationships import Relationship

# What attacks, operates or describes an attack. An observable tied to one of these
# is the attacker's; one that is tied to none counts as the victim's.
_ATTACKING = frozenset(
    {
        "campaign", "indicator", "infrastructure", "intrusion-set", "malware",
        "threat-actor",
    }
)  # fmt: skip
# Relations that name the victim's side.
_VICTIM_RELATIONS = frozenset(
    {"targets", "impacts", "located-at", "compromises", "owns", "victim-of"}
)
_OBSERVED = stix.OBSERVABLE_TYPES | {"channel", "media-content"}


def roles_of(objects: Sequence[stix.StixObject]) -> list[Role]:
    """Give the role of each object.

    Identities are `individual` unless their class says organisation; observables,
    channels and media are `attacker` or `unknown`; all else has no role.
    """
    kinds = {candidate.id: candidate.type for candidate in objects}
    attacking = set()
    victims = set()
    for candidate in objects:
        if not isinstance(candidate, Relationship):
            continue
        ends = (str(candidate.source_ref), str(candidate.target_ref))
        if candidate.relationship_type in _VICTIM_RELATIONS:
            victims.add(ends[1])
            continue
        for one, other in (ends, ends[::-1]):
            if kinds.get(other) in _ATTACKING:
                attacking.add(one)
    return [_role(candidate, attacking - victims) for candidate in objects]


def _role(candidate: stix.StixObject, attacking: set[str]) -> Role:
    if candidate.type == "identity":
        organisation = ("organization", "group", "class", "system")
        known = getattr(candidate, "identity_class", None) in organisation
        return "organisation" if known else "individual"
    if candidate.type in _OBSERVED:
        return "attacker" if candidate.id in attacking else "unknown"
    return ""
