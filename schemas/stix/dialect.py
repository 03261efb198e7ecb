"""Types that OpenCTI writes and STIX does not define; FIMI teams send them.

`disinformation` has an extension that makes the first three valid STIX 2.1. Its `event` shares the type name with the incident suite: `incident_suite.Event`.
"""

from msgspec import UNSET, UnsetType

from schemas.stix.core import StixObject
from schemas.stix.disinformation import Origin
from schemas.stix.values import Texts, Timestamp


class Channel(StixObject, frozen=True, kw_only=True, tag="channel"):
    """An account, site or station that carries content."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    aliases: Texts | UnsetType = UNSET
    channel_types: Texts | UnsetType = UNSET


class Narrative(StixObject, frozen=True, kw_only=True, tag="narrative"):
    """A story that a campaign tells."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    aliases: Texts | UnsetType = UNSET
    narrative_types: Texts | UnsetType = UNSET


class MediaContent(StixObject, frozen=True, kw_only=True, tag="media-content"):
    """One posting, article, picture or video; an observable without versions.

    Attributes:
        url: In real data also a placeholder text or a list of hashtags.
        ai_generated: Not OpenCTI's: `disinformation` defines it.
    """

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    media_category: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    publication_date: Timestamp | UnsetType = UNSET
    ai_generated: Origin | UnsetType = UNSET


class Text(StixObject, frozen=True, kw_only=True, tag="text"):
    """Somebody's words in full; an observable without versions."""

    value: str | UnsetType = UNSET
