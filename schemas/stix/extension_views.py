"""Views of extensions: structs made of what stands in `extensions`, and back.

The extension itself stays as it was received; a view is for whoever reads or makes it.
"""

from typing import Any, TypeVar

import msgspec

from schemas.codec import place_of
from schemas.errors import SchemaError
from schemas.stix.core import StixObject

View = TypeVar("View", bound=msgspec.Struct)


def found_in(holder: StixObject, key: str, where: str) -> dict[str, Any] | None:
    """Give the extension *key* of *holder*; None if it has none.

    Raises:
        SchemaError: `bad-property`: it is no object.
    """
    found = holder.extensions.get(key) if holder.extensions else None
    if found is not None and type(found) is not dict:
        raise SchemaError("bad-property", place_in(where))
    return found


def read(holder: StixObject, key: str, view: type[View], where: str) -> View | None:
    """Read the extension *key* of *holder*; None if it has none.

    Raises:
        SchemaError: `bad-property`.
    """
    found = found_in(holder, key, where)
    return None if found is None else converted(found, view, place_in(where))


def converted(members: dict[str, Any], view: type[View], where: str) -> View:
    """Make a view of the members of a JSON object; *where* is its place.

    Raises:
        SchemaError: `bad-property`.
    """
    try:
        return msgspec.convert(members, view)
    except msgspec.ValidationError as error:
        raise SchemaError("bad-property", place_of(error, where)) from None


def place_in(where: str) -> str:
    """Spell the place of an extension: its key is the sender's text."""
    return f"{where}.extensions[...]"


def written(view: msgspec.Struct) -> dict[str, Any]:
    """Write a view as plain JSON, as a property extension."""
    body: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(view))
    return {"extension_type": "property-extension", **body}
