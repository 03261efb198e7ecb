"""A request that something be taken down: an object of a type of its own.

`docs/takedown.md`. That it is a type, not a property of a report, lets every reader
tell from the id alone what a record asks for.
"""

from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType

from schemas.stix.core import StixObject
from schemas.stix.values import Ids

TAKEDOWN: Final = "extension-definition--665e2785-b7ac-40ef-868a-09dadab520e4"
"""Of the extension that makes the type valid STIX 2.1."""
LEGAL_BASIS: Final = ("requesting_body", "legal_basis", "necessity")
"""Without these nobody can tell whether a request is lawful, or contest it."""
COUNTRY_PATTERN: Final = r"^[A-Z]{2}\Z"


class TakedownRequest(StixObject, frozen=True, kw_only=True, tag="takedown-request"):
    """A request to a platform to take something down.

    Attributes:
        requesting_body: The authority or court that asks, not one of its officials.
        legal_basis: Law and article, or the number of the order.
        necessity: Why nothing less would do, and why it is proportionate.
        jurisdiction: Under whose law: ISO 3166-1 alpha-2, or EU.
        object_refs: What is to be taken down.
    """

    name: str | UnsetType = UNSET
    requesting_body: str | UnsetType = UNSET
    legal_basis: str | UnsetType = UNSET
    necessity: str | UnsetType = UNSET
    jurisdiction: Annotated[str, Meta(pattern=COUNTRY_PATTERN)] | UnsetType = UNSET
    object_refs: Ids | UnsetType = UNSET
