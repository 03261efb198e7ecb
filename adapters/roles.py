"""Who is who in a record: the part of a policy that looks at relations. Pure."""

from collections.abc import Collection, Iterable, Set
from functools import lru_cache
from typing import Protocol

from adapters.policy_file import Role
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
# Relations whose target is on the victim's side.
_AGAINST = frozenset({"targets", "impacts", "located-at", "compromises"})
_ORGANISATIONS = ("organization", "group", "class", "system")
_ACCOUNTS = frozenset({"channel", "media-content", "user-account"})
_OBSERVED = stix.OBSERVABLE_TYPES | _ACCOUNTS
# The role of what is tied to an attack, and of what is not.
_NONE: tuple[Role, Role] = ("", "")
_BY_TIES: dict[str, tuple[Role, Role]] = {
    **dict.fromkeys(_OBSERVED, ("attacker", "unknown")),
    **dict.fromkeys(_ACCOUNTS, ("operated", "ordinary")),
}


def victims(objects: Iterable[stix.StixObject]) -> frozenset[str]:
    """List the ids that some relation puts on the victim's side.

    Give it all relations, also those that a view may not see: who is a victim does
    not stop being one for those who may not know it.
    """
    found = set()
    for candidate in objects:
        if not isinstance(candidate, Relationship):
            continue
        source, target = str(candidate.source_ref), str(candidate.target_ref)
        word = candidate.relationship_type
        if word in _AGAINST or (word == "owns" and _kind(source) not in _ATTACKING):
            found.add(target)
        elif word == "victim-of":
            found.add(source)
    return frozenset(found)


def attackers(objects: Iterable[stix.StixObject], victims: Set[str]) -> frozenset[str]:
    """List the observables, channels and media tied to something that attacks.

    What was taken back (`revoked`) ties nothing, nor does an indicator of the
    harmless, nor the victim's own infrastructure.

    Args:
        objects: Those that the view is given. A relation that it may not see must
            not show through what becomes of its ends.
    """
    objects = list(objects)
    attacking = {
        candidate.id
        for candidate in objects
        if candidate.type in _ATTACKING
        and candidate.revoked is not True
        and "benign" not in (getattr(candidate, "indicator_types", None) or ())
    } - victims
    found: set[str] = set()
    for candidate in objects:
        if not isinstance(candidate, Relationship) or candidate.revoked is True:
            continue
        source, target = str(candidate.source_ref), str(candidate.target_ref)
        if source in attacking and _kind(target) in _OBSERVED:
            found.add(target)
        if target in attacking and _kind(source) in _OBSERVED:
            found.add(source)
    return frozenset(found - victims)


class WordLists(Protocol):
    """The lists of a policy, by name."""

    def __call__(self, name: str, /) -> frozenset[str]:
        """Give the words of a list, folded; none if there is no such list."""


def role_of(
    candidate: stix.StixObject,
    kind: str,
    attackers: Collection[str],
    issuer: str,
    words: WordLists,
) -> Role:
    """Give the role of an object.

    `issuer` first, then `organisation` by the class of an identity; `protected` is
    what says of itself, in `roles`, `labels` or its types, a word of the policy's list
    `protected`; other identities are `public-role` if they have a role of the list
    `public-roles`, else `individual`; accounts, channels and media are `operated` or
    `ordinary`, observables `attacker` or `unknown`; all else has no role.

    Args:
        issuer: Id of the issuer's own identity: its name stands in every token.
    """
    if candidate.id == issuer:
        return "issuer"
    if getattr(candidate, "identity_class", None) in _ORGANISATIONS:
        return "organisation"
    said = _words_of(candidate)
    if not said.isdisjoint(words("protected")):
        return "protected"
    if kind == "identity":
        has_office = not said.isdisjoint(words("public-roles"))
        return "public-role" if has_office else "individual"
    tied, not_tied = _BY_TIES.get(kind, _NONE)
    return tied if candidate.id in attackers else not_tied


def _words_of(candidate: stix.StixObject) -> set[str]:
    found = {word.strip().casefold() for word in candidate.labels or ()}
    for name in _saying(type(candidate)):
        said: Iterable[str] = getattr(candidate, name) or ()
        found.update(word.strip().casefold() for word in said)
    return found


@lru_cache
def _saying(kind: type[stix.StixObject]) -> tuple[str, ...]:
    names = ("roles", "channel_types", "narrative_types")
    return tuple(name for name in names if hasattr(kind, name))


def _kind(stix_id: str) -> str:
    return stix_id.rpartition("--")[0]
