"""What a campaign or incident of disinformation is, in words and counts.

One extension of ours, `docs/disinformation.md`: a property extension of `campaign` and
`incident`, and the mark that makes OpenCTI's narrative, channel and media-content
valid STIX 2.1. It stays as received in `extensions`; this is a view of it.
"""

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.stix.core import StixObject
from schemas.stix.extension_views import read, written
from schemas.stix.values import Count, Day, Language

DISINFORMATION: Final = "extension-definition--6e946d2c-de91-4ba1-a46c-ce1a92392196"
NEW_TYPES: Final = {
    "channel": "new-sdo",
    "media-content": "new-sco",
    "narrative": "new-sdo",
}
"""Types that are ours to define, and the `extension_type` that says so."""

# Whoever may see the words of a list sees them in full: no text fits there.
Term = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,59}\Z")]
TechniqueId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
Origin = Literal["human-generated", "ai-generated", "ai-assisted", "uncertain"]


class Behaviour(Struct, frozen=True, kw_only=True):
    """What was done: a technique of a public catalogue.

    Attributes:
        framework: disarm, mitre-attack, meta-kill-chain, ...; the number alone does
            not do: DISARM and ATT&CK for ICS share some.
        id: Its number there, such as T0087.001.
    """

    framework: Term
    id: TechniqueId


class Election(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An election or referendum that is the target.

    Attributes:
        country: ISO 3166-1 alpha-2.
        date: Day of the vote.
        kind: presidential, parliamentary, regional, local, supranational,
            referendum; open vocabulary.
    """

    country: Country | UnsetType = UNSET
    date: Day | UnsetType = UNSET
    kind: Term | UnsetType = UNSET


class Degree(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far it went, in numbers.

    Attributes:
        reach: Times that its content was shown, or accounts that it was shown to.
        engagement: Reactions, comments and shares together.
    """

    channels: Count | UnsetType = UNSET
    contents: Count | UnsetType = UNSET
    platforms: Count | UnsetType = UNSET
    reach: Count | UnsetType = UNSET
    engagement: Count | UnsetType = UNSET


class Disinformation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the extension says of a campaign or incident.

    Attributes:
        languages: RFC 5646, of the content that was spread.
        effect: economic, national-security, public-confidence, public-health, ...:
            external-impact-ov of the incident suite, and election-integrity.
    """

    behaviours: Annotated[tuple[Behaviour, ...], Meta(max_length=1000)] = ()
    languages: tuple[Language, ...] = ()
    targeted_election: Election | UnsetType = UNSET
    ai_generated: Origin | UnsetType = UNSET
    degree: Degree | UnsetType = UNSET
    effect: tuple[Term, ...] = ()


def disinformation(holder: StixObject, where: str = "$") -> Disinformation | None:
    """Read the extension of *holder*; members it does not know are passed over.

    *where* is the place of the object, in front of the places in refusals.

    Raises:
        SchemaError: `bad-property`.
    """
    return read(holder, DISINFORMATION, Disinformation, where)


def disinformation_extension(said: Disinformation) -> dict[str, Any]:
    """Write *said* as a value for `extensions[DISINFORMATION]`, plain JSON."""
    return written(said)


def new_type_extension(kind: str) -> dict[str, Any]:
    """Give the `extensions` that make an object of a type of ours valid STIX.

    Args:
        kind: One of `NEW_TYPES`.
    """
    return {DISINFORMATION: {"extension_type": NEW_TYPES[kind]}}
