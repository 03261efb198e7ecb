"""IEP 2.0 (FIRST): what recipients may and must do, as a marking definition.

The form is that of OASIS's draft (cti-stix-common-objects, iep-marking-definition-762).
Its enumerations are closed: an unknown term may mean "stricter", so it is refused.
"""

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas import timestamps
from schemas.codec import place_of
from schemas.errors import SchemaError
from schemas.markings import Tlp
from schemas.stix import StixObject
from schemas.stix.meta import MarkingDefinition
from schemas.stix.values import TIMESTAMP_PATTERN

EXTENSION: Final = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"

Actions = Literal[
    "externally-visible-direct-actions",
    "externally-visible-indirect-actions",
    "internally-visible-actions",
    "contact-for-instruction",
    "none",
]
# The draft has the words of TLP 1; those of TLP 2.0 are met, and mean what they say.
_TlpWord = Literal["white", "clear", "green", "amber", "amber+strict", "red"]
_Text = Annotated[str, Meta(max_length=10_000)]
_Time = Annotated[str, Meta(pattern=TIMESTAMP_PATTERN)]
_UUID: Final = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z"

ORDER: Final[Mapping[str, tuple[str, ...]]] = {
    "encrypt_in_transit": ("may", "must"),
    # To ask first is stricter than to stay inside; to do nothing is strictest.
    "permitted_actions": (
        "externally-visible-direct-actions",
        "externally-visible-indirect-actions",
        "internally-visible-actions",
        "contact-for-instruction",
        "none",
    ),
    "affected_party_notifications": ("may", "must-not"),
    # Where one policy asks for the name and another forbids it, it is not given.
    "provider_attribution": ("may", "must", "must-not"),
    "unmodified_resale": ("may", "must-not"),
}
"""The values of each term, from the most open to the strictest."""


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The extension as it stands in a marking definition."""

    extension_type: Literal["property-extension"]
    encrypt_in_transit: Literal["may", "must"]
    permitted_actions: Actions
    affected_party_notifications: Literal["may", "must-not"]
    tlp: _TlpWord
    provider_attribution: Literal["may", "must", "must-not"]
    unmodified_resale: Literal["may", "must-not"]
    iep_id: Annotated[str, Meta(pattern=_UUID)]
    iep_version: Annotated[float, Meta(ge=2, le=2)] | Literal["2.0"]
    description: _Text
    start_date: _Time
    end_date: _Time | UnsetType | None = UNSET
    policy_name: _Text | UnsetType = UNSET


TERM_NAMES: Final = frozenset(_Body.__struct_fields__)
"""Every member that the extension may have."""


class IepTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What one policy asks, or several together.

    Attributes:
        start_date: RFC 3339; the latest of several.
        end_date: The earliest of several; None: they do not end.
    """

    encrypt_in_transit: str
    permitted_actions: str
    affected_party_notifications: str
    tlp: Tlp
    provider_attribution: str
    unmodified_resale: str
    start_date: str
    end_date: str | None = None

    def has_ended(self, now: str) -> bool:
        """Tell whether it is over at *now*, RFC 3339."""
        return self.end_date is not None and timestamps.compare(self.end_date, now) <= 0

    def has_begun(self, now: str) -> bool:
        """Tell whether it is in force at *now*, RFC 3339."""
        return timestamps.compare(self.start_date, now) <= 0


def read(definition: MarkingDefinition, where: str = "$") -> IepTerms | None:
    """Read the terms of a marking definition; None if it is no IEP.

    Raises:
        SchemaError: `bad-iep`: a term is missing, unknown, or has an unknown value.
    """
    extensions = definition.extensions or {}
    if EXTENSION not in extensions:
        return None
    try:
        body = msgspec.convert(extensions[EXTENSION], _Body)
    except msgspec.ValidationError as error:
        place = place_of(error, f"{where}.extensions.{EXTENSION}")
        raise SchemaError("bad-iep", place) from None
    return IepTerms(
        **{name: getattr(body, name) for name in ORDER},
        tlp=Tlp.parse(body.tlp),
        start_date=body.start_date,
        end_date=body.end_date or None,
    )


def strictest(terms: Iterable[IepTerms]) -> IepTerms | None:
    """Join policies that hold together: of each term the strictest; None of none."""
    each = list(terms)
    return reduce(_joined, each) if each else None


def _joined(one: IepTerms, other: IepTerms) -> IepTerms:
    ends = [e for e in (one.end_date, other.end_date) if e is not None]
    return IepTerms(
        **{
            name: max(getattr(one, name), getattr(other, name), key=values.index)
            for name, values in ORDER.items()
        },
        tlp=max(one.tlp, other.tlp),
        start_date=max(one.start_date, other.start_date, key=_when),
        end_date=min(ends, key=_when, default=None),
    )


def _when(text: str) -> tuple[str, str]:
    # Of two spellings of one moment always the same one.
    return timestamps.key(text), text


def terms_of(marked: StixObject, markings: Mapping[str, IepTerms]) -> IepTerms | None:
    """Give the terms of an object as a whole, None if it is under no IEP.

    Args:
        markings: Terms of the record's marking definitions, by id.
    """
    refs = marked.object_marking_refs or ()
    return strictest(markings[ref] for ref in refs if ref in markings)
