"""An opened object against the profile: what must be seen, what can be withheld. Pure.

The profile says where an issuer cuts; here the verifier holds it to that, in both
directions and nowhere finer. What can be withheld alone could else change the meaning
of what is around it, or what must be withholdable would stand in the clear.
"""

from typing import Any, Final

from broker import segments
from broker.errors import TrustError
from broker.unfolding import Origin, Path
from schemas import profile, stix
from schemas.stix.values import MAX_TEXT_CHARS

_EXTENSIONS: Final = ".extensions"  # its keys are the sender's text
_ITSELF: Final[frozenset[Path]] = frozenset({()})


def restored(value: Any, origin: Origin, primary: str, own: str) -> dict[str, Any]:
    """Check an object and join its texts; what is no object of STIX yet stays so.

    Args:
        value: What an array element of `objects` discloses.
        origin: Where its disclosed parts stand.
        primary: Id of the primary object.
        own: Id of the issuer's identity.

    Raises:
        TrustError: at a place in the object, `not-withholdable`, `bad-property`,
            `visible-as-disclosure`, `sd-shape`, `segments`, `not-stix`.
    """
    disclosed = origin.names
    if origin.own < 0:
        raise TrustError("not-withholdable")
    if type(value) is not dict:
        raise TrustError("not-stix")
    kind = str(value.get("type"))
    visible = profile.visible(
        kind,
        primary=value.get("id") == primary,
        own=value.get("created_by_ref") == own,
    )
    if not visible.isdisjoint(disclosed):
        name = min(visible.intersection(disclosed))
        raise TrustError("visible-as-disclosure", _spot(name))
    # What is disclosed is not visible, so equal numbers mean that all else is.
    if len(visible.intersection(value)) != len(value) - len(disclosed):
        name = min(value.keys() - disclosed.keys() - visible)
        raise TrustError("not-withholdable", _spot(name))
    odd = profile.misformed(kind, value.get)
    if odd is not None:
        raise TrustError("bad-property", _spot(odd))
    lists: list[str] = []
    if not profile.WHOLE.issuperset(disclosed):
        apart = (name for name in disclosed if name not in profile.WHOLE)
        lists = [name for name in apart if type(value[name]) is list]
    if lists or "extensions" in value:
        return _Parts(origin).joined(value, lists)
    _check_nothing_finer(origin, 0, _ITSELF)
    return value


def _check_nothing_finer(
    origin: Origin, count: int, parted: set[Path] | frozenset[Path]
) -> None:
    """Refuse disclosures, shown or not, at finer places than the profile cuts.

    Args:
        count: Disclosures, but of properties, where the profile wants them.
        parted: Where digests without a disclosure may stand.
    """
    if count != len(origin.slots):
        raise TrustError("visible-as-disclosure")
    if not parted.issuperset(origin.gaps):
        raise TrustError("sd-shape")


class _Parts:
    """The arrays and extensions of an object, which are disclosed part by part."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.count = 0
        self.parted: set[Path] = {()}

    def joined(self, value: dict[str, Any], lists: list[str]) -> dict[str, Any]:
        """Give the object with its texts joined and without empty lists."""
        out = value
        for name in lists:
            out = _changed(out, name, self.whole((name,), value[name]))
        if "extensions" in value:
            out = _changed(out, "extensions", self.extensions(value["extensions"]))
        _check_nothing_finer(self.origin, self.count, self.parted)
        return out

    def whole(self, place: profile.Place, value: list[Any]) -> Any:
        """Give what an array stands for; None where all its elements are withheld."""
        is_text = profile.is_text(place)
        if not is_text and not profile.is_split(place):
            return value
        slots, missing = self.origin.slots, self.origin.gaps.get(place, 0)
        disclosed = sum((*place, i) in slots for i in range(len(value)))
        if disclosed < len(value) and (is_text or len(value) + missing > 1):
            # Only an element that is alone needs no disclosure of its own.
            raise TrustError("not-withholdable", _spot(place[0]))
        self.count += disclosed
        self.parted.add(place)
        if is_text:
            try:
                text = segments.join(value, missing)
            except ValueError:
                raise TrustError("segments", _spot(place[0])) from None
            if len(text) > MAX_TEXT_CHARS:
                raise TrustError("too-large", _spot(place[0]))
            return text
        return value if value or not missing else None

    def extensions(self, extensions: Any) -> Any:
        """Go through extensions as through objects of their own."""
        if type(extensions) is not dict:
            return extensions  # decoding it refuses it
        self.parted.add(("extensions",))
        out = extensions
        for key, extension in extensions.items():
            place = ("extensions", key)
            if key in profile.EXTENSION_ALIASES and type(extension) is dict:
                self.parted.add(place)
                out = _changed(out, key, self.members(place, extension))
            elif place in self.origin.slots:
                self.count += 1
            else:
                raise TrustError("not-withholdable", _EXTENSIONS)
        return out

    def members(
        self, place: profile.Place, extension: dict[str, Any]
    ) -> dict[str, Any]:
        """Check the properties of a known extension; leave lists out that are gone."""
        visible = profile.visible_in_extension(place[-1])
        slots, out = self.origin.slots, extension
        for name, value in extension.items():
            here = (*place, name)
            if here in slots:
                if name in visible:
                    raise TrustError("visible-as-disclosure", _EXTENSIONS)
                self.count += 1
                if type(value) is list:
                    out = _changed(out, name, self.whole(here, value))
            elif name not in visible:
                raise TrustError("not-withholdable", _EXTENSIONS)
            elif not profile.is_word(value):
                raise TrustError("bad-property", _EXTENSIONS)
        return out


def _changed(members: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """Give *members* with another value of *name*, or without it if that is None."""
    if value is members[name]:
        return members
    changed = {n: v for n, v in members.items() if n != name or value is not None}
    if value is not None:
        changed[name] = value
    return changed


def _spot(name: str) -> str:
    # The name of an unknown property is the sender's text.
    return f".{name}" if name in stix.PROPERTY_NAMES else "[...]"
