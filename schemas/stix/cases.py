"""What happened, to whom and where, and what somebody says of it (STIX 2.1, Domain Objects)."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from schemas.stix.core import StixObject
from schemas.stix.values import Ids, Open, Texts, Timestamp
from schemas.vocabularies.words import OpinionWord

Number = int | float
Latitude = Annotated[int, Meta(ge=-90, le=90)] | Annotated[float, Meta(ge=-90, le=90)]
Longitude = (
    Annotated[int, Meta(ge=-180, le=180)] | Annotated[float, Meta(ge=-180, le=180)]
)


class Grouping(StixObject, frozen=True, kw_only=True, tag="grouping"):
    """Objects that share a context; not a finished report."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    context: str | UnsetType = UNSET
    object_refs: Ids | UnsetType = UNSET


class Identity(StixObject, frozen=True, kw_only=True, tag="identity"):
    """A person, organisation, group or sector.

    Attributes:
        identity_class: individual, group, system, organization, class, unknown;
            open vocabulary.
    """

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    roles: Texts | UnsetType = UNSET
    identity_class: str | UnsetType = UNSET
    sectors: Texts | UnsetType = UNSET
    contact_information: str | UnsetType = UNSET


class Incident(StixObject, frozen=True, kw_only=True, tag="incident"):
    """A case. The rest is in its extension: `incident_suite.incident_core`."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET


class Location(StixObject, frozen=True, kw_only=True, tag="location"):
    """A place.

    Attributes:
        precision: Metres around latitude and longitude.
        country: ISO 3166-1 alpha-2; real data mixes upper and lower case.
    """

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    latitude: Latitude | UnsetType = UNSET
    longitude: Longitude | UnsetType = UNSET
    precision: Number | UnsetType = UNSET
    region: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    administrative_area: str | UnsetType = UNSET
    city: str | UnsetType = UNSET
    street_address: str | UnsetType = UNSET
    postal_code: str | UnsetType = UNSET


class Note(StixObject, frozen=True, kw_only=True, tag="note"):
    """Free text about other objects."""

    abstract: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    authors: Texts | UnsetType = UNSET
    object_refs: Ids | UnsetType = UNSET


class ObservedData(StixObject, frozen=True, kw_only=True, tag="observed-data"):
    """Observables seen together.

    Attributes:
        objects: Deprecated form of STIX 2.0, still met.
    """

    first_observed: Timestamp | UnsetType = UNSET
    last_observed: Timestamp | UnsetType = UNSET
    number_observed: Annotated[int, Meta(ge=1, le=999_999_999)] | UnsetType = UNSET
    objects: Open | UnsetType = UNSET
    object_refs: Ids | UnsetType = UNSET


class Opinion(StixObject, frozen=True, kw_only=True, tag="opinion"):
    """Agreement with what other objects say, or a contest of it."""

    explanation: str | UnsetType = UNSET
    authors: Texts | UnsetType = UNSET
    opinion: OpinionWord | UnsetType = UNSET
    object_refs: Ids | UnsetType = UNSET


class Report(StixObject, frozen=True, kw_only=True, tag="report"):
    """Published findings about a set of objects; real ones list a thousand."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    report_types: Texts | UnsetType = UNSET
    published: Timestamp | UnsetType = UNSET
    object_refs: Ids | UnsetType = UNSET
