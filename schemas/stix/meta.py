"""Objects about objects: markings, extensions, translations (STIX 2.1, Meta Objects)."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from schemas.stix.core import StixObject
from schemas.stix.values import Id, Open, Texts, Timestamp
from schemas.vocabularies.words import ExtensionType


class MarkingDefinition(
    StixObject, frozen=True, kw_only=True, tag="marking-definition"
):
    """A handling mark. TLP is read off its id, never off this body."""

    name: str | UnsetType = UNSET
    definition_type: str | UnsetType = UNSET
    definition: Open | UnsetType = UNSET


class ExtensionDefinition(
    StixObject, frozen=True, kw_only=True, tag="extension-definition"
):
    """What an extension means.

    Attributes:
        schema: A URL, or the schema itself.
    """

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    schema: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    extension_types: (
        Annotated[tuple[ExtensionType, ...], Meta(min_length=1)] | UnsetType
    ) = UNSET
    extension_properties: Texts | UnsetType = UNSET


class LanguageContent(StixObject, frozen=True, kw_only=True, tag="language-content"):
    """Translations. They repeat the text of another object, also what is cut there.

    Attributes:
        object_modified: Version that was translated.
        contents: RFC 5646 language -> property -> text, list or object.
    """

    object_ref: Id | UnsetType = UNSET
    object_modified: Timestamp | UnsetType = UNSET
    contents: dict[str, Open] | UnsetType = UNSET
