"""What tools read of a record that is over and that they may not have now. Pure.

One object under the id that the member knows, revoked. What STIX requires of it besides
is made, and says nothing: a member that was cleared once learns that what it holds is
over, and nothing new.
"""

from typing import Any, Final

from adapters.projection import ObjectParts
from adapters.reading import Reading
from schemas import profile, stix, timestamps

_SHOWN: Final = ("type", "id", "spec_version", "revoked")
# Of closed vocabularies the word that says the least; all else is text.
_SAYS_NOTHING: Final = {"opinion": "neutral", "context": "unspecified"}


def revoked(reading: Reading, primary: int) -> ObjectParts:
    """Give what is left of the primary object of a retraction, by its index."""
    verified = reading.verified
    source, plain = verified.objects[primary], verified.plain[primary]
    shown: dict[profile.Place, Any] = {
        (name,): plain[name] for name in _SHOWN if name in plain
    }
    shown |= {
        place: value
        for place, _, value, visible, _ in reading.objects[primary].properties
        if visible and place[-1] == "extension_type" and value == "new-sdo"
    }
    made: dict[profile.Place, Any] = {
        (name,): _made(name, verified.claims.ver, reading.issuer)
        for name in stix.required_of(source)
        if (name,) not in shown
    }
    return ObjectParts(source, source.type, shown=shown, made=made)


def _made(name: str, ver: str, issuer: str) -> Any:
    if name in ("created", "modified", "published"):
        return timestamps.truncate(ver, "day")
    if name == "object_refs":  # it must not be empty; who issued it is no secret
        return [issuer]
    return _SAYS_NOTHING.get(name, profile.WITHHELD_TEXT)
