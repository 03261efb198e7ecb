"""One sentence about a change of the directory, and whom it favours. Pure."""

import msgspec
from msgspec import UNSET

from adapters.policy_changes import Mark

__all__ = ["Mark", "Sentence"]


class Sentence(msgspec.Struct, frozen=True):
    """What changes.

    Attributes:
        text: For people; holds names and reasons that others wrote.
        mark: Whether somebody can, may or sees more, or less.
    """

    text: str
    mark: Mark = "other"


def field_name(field: str) -> str:
    """Name a field of an entry as people do."""
    return {"kinds": "may publish"}.get(field, field.replace("_", " "))


def value_text(value: object) -> str:
    """Write a value of an entry."""
    if value is UNSET:
        return "(nothing)"
    if isinstance(value, str):
        return value or "(nothing)"
    return msgspec.json.encode(value).decode()
