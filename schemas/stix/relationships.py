"""What connects objects (STIX 2.1, Relationship Objects)."""

from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType

from schemas.stix.core import StixObject
from schemas.stix.values import Id, Ids, Timestamp

# STIX 2.1, Relationship: lower-case letters, digits and hyphens only.
TYPE_PATTERN: Final = r"^[a-z0-9-]{1,250}\Z"
RelationshipType = Annotated[str, Meta(pattern=TYPE_PATTERN)]


class Relationship(StixObject, frozen=True, kw_only=True, tag="relationship"):
    """An arrow from source to target."""

    relationship_type: RelationshipType | UnsetType = UNSET
    description: str | UnsetType = UNSET
    source_ref: Id | UnsetType = UNSET
    target_ref: Id | UnsetType = UNSET
    start_time: Timestamp | UnsetType = UNSET
    stop_time: Timestamp | UnsetType = UNSET


class Sighting(StixObject, frozen=True, kw_only=True, tag="sighting"):
    """Something was seen, how often and where.

    Attributes:
        summary: The data summarises earlier sightings; not a text.
    """

    description: str | UnsetType = UNSET
    first_seen: Timestamp | UnsetType = UNSET
    last_seen: Timestamp | UnsetType = UNSET
    count: Annotated[int, Meta(ge=0, le=999_999_999)] | UnsetType = UNSET
    sighting_of_ref: Id | UnsetType = UNSET
    observed_data_refs: Ids | UnsetType = UNSET
    where_sighted_refs: Ids | UnsetType = UNSET
    summary: bool | UnsetType = UNSET
