"""What all STIX objects have in common (STIX 2.1, Common Properties)."""

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from schemas.stix.values import (
    ID_TAIL_CHARS,
    Id,
    InnerMarkingId,
    Language,
    MarkingIds,
    Open,
    Percent,
    Texts,
    Timestamp,
)

# Under this member name `extra` is converted. No sender can write there: the name
# is reserved (RFC 9901, 4.2.4) and refused in every object.
EXTRA: Final = "..."


class ExternalReference(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source outside STIX.

    Attributes:
        extra: Members that STIX does not define, as received.
    """

    source_name: str
    description: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    hashes: Open | UnsetType = UNSET
    external_id: str | UnsetType = UNSET
    extra: Open = field(default_factory=dict, name=EXTRA)


class KillChainPhase(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A phase of a kill chain.

    Attributes:
        extra: Members that STIX does not define (OpenCTI: `x_opencti_order`).
    """

    kill_chain_name: str
    phase_name: str
    extra: Open = field(default_factory=dict, name=EXTRA)


class GranularMarking(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A marking of parts of an object. Nothing unknown: it may mean "stricter".

    Attributes:
        selectors: Paths such as `labels.[1]`; `markings.granular_tlp` reads them.
    """

    selectors: Texts
    marking_ref: InnerMarkingId | UnsetType = UNSET
    lang: Language | UnsetType = UNSET


ExternalReferences = Annotated[tuple[ExternalReference, ...], Meta(min_length=1)]
KillChainPhases = Annotated[tuple[KillChainPhase, ...], Meta(min_length=1)]
GranularMarkings = Annotated[tuple[GranularMarking, ...], Meta(min_length=1)]


class StixObject(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Any object. Only its subclasses have instances.

    Observables have all of these too: OpenCTI writes `labels` and
    `created_by_ref` there, and one set of rules then covers every object.

    Attributes:
        extra: Properties that STIX does not define for the type, as received.
    """

    id: Id
    spec_version: Literal["2.1"] | UnsetType = UNSET
    created_by_ref: Id | UnsetType = UNSET
    created: Timestamp | UnsetType = UNSET
    modified: Timestamp | UnsetType = UNSET
    revoked: bool | UnsetType = UNSET
    labels: Texts | UnsetType = UNSET
    confidence: Percent | UnsetType = UNSET
    lang: str | UnsetType = UNSET
    external_references: ExternalReferences | UnsetType = UNSET
    object_marking_refs: MarkingIds | UnsetType = UNSET
    granular_markings: GranularMarkings | UnsetType = UNSET
    defanged: bool | UnsetType = UNSET
    extensions: Open | UnsetType = UNSET
    extra: Open = field(default_factory=dict, name=EXTRA)

    @property
    def type(self) -> str:
        """The STIX type, which every id begins with (STIX 2.1, Identifier)."""
        return self.id[:-ID_TAIL_CHARS]


class UnknownObject(StixObject, frozen=True, kw_only=True):
    """An object of a type that neither STIX 2.1 nor a dialect here defines."""
