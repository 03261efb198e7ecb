"""An opened object against the profile: what must be seen, what can be withheld. Pure.

The profile says where an issuer cuts; here the verifier holds it to that, in both
directions and nowhere finer. What can be withheld alone could else change the meaning
of what is around it, or what must be withholdable would stand in the clear.
"""

from collections.abc import Set
from typing import Any, Final

from broker import segments
from broker.errors import TrustError
from broker.sdjwt import Origin, Path
from schemas import profile, stix

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
    slots = origin.slots
    if () not in slots:
        raise TrustError("not-withholdable")
    if type(value) is not dict:
        raise TrustError("not-stix")
    visible = profile.visible(
        str(value.get("type")),
        primary=value.get("id") == primary,
        own=value.get("created_by_ref") == own,
    )
    disclosed = {place[0] for place in slots if len(place) == 1}
    if not disclosed.isdisjoint(visible):
        name = min(disclosed & visible)
        raise TrustError("visible-as-disclosure", _spot(str(name)))
    shown = value.keys() - disclosed
    if not shown <= visible:
        raise TrustError("not-withholdable", _spot(min(shown - visible)))
    # In transmitted order, which sets do not have.
    apart = disclosed - profile.WHOLE
    lists = [n for n in value if n in apart and type(value[n]) is list] if apart else []
    if lists or "extensions" in value:
        return _Parts(origin, len(disclosed)).joined(value, lists)
    _check_nothing_finer(origin, 1 + len(disclosed), _ITSELF)
    return value


def _check_nothing_finer(origin: Origin, count: int, parted: Set[Path]) -> None:
    """Refuse disclosures, shown or not, at finer places than the profile cuts.

    Args:
        count: Disclosures that stand where the profile wants them.
        parted: Where digests without a disclosure may stand.
    """
    if count != len(origin.slots):
        raise TrustError("visible-as-disclosure")
    if not origin.gaps.keys() <= parted:
        raise TrustError("sd-shape")


class _Parts:
    """The arrays and extensions of an object, which are disclosed part by part."""

    def __init__(self, origin: Origin, disclosed: int) -> None:
        self.origin = origin
        self.count = 1 + disclosed
        self.parted: set[Path] = {()}

    def joined(self, value: dict[str, Any], lists: list[str]) -> dict[str, Any]:
        """Give the object with its texts joined and without empty lists."""
        out = dict(value)
        for name in lists:
            whole = self.whole((name,), value[name])
            if whole is None:
                del out[name]  # a list of STIX is never empty
            else:
                out[name] = whole
        if "extensions" in value:
            out["extensions"] = self.extensions(value["extensions"])
        _check_nothing_finer(self.origin, self.count, self.parted)
        return out

    def whole(self, place: profile.Place, value: list[Any]) -> Any:
        """Give what an array stands for; None where all its elements are withheld."""
        if not profile.is_parted(place):
            return value
        is_text = profile.is_text(place)
        slots, missing = self.origin.slots, self.origin.gaps.get(place, 0)
        disclosed = sum((*place, i) in slots for i in range(len(value)))
        if disclosed < len(value) and (is_text or len(value) + missing > 1):
            # Only an element that is alone needs no disclosure of its own.
            raise TrustError("not-withholdable", _spot(place[0]))
        self.count += disclosed
        self.parted.add(place)
        if is_text:
            try:
                return segments.join(value, missing)
            except ValueError:
                raise TrustError("segments", _spot(place[0])) from None
        return value if value or not missing else None

    def extensions(self, extensions: Any) -> Any:
        """Go through extensions as through objects of their own."""
        if type(extensions) is not dict:
            return extensions  # decoding it refuses it
        self.parted.add(("extensions",))
        out: dict[str, Any] = {}
        for key, extension in extensions.items():
            place = ("extensions", key)
            out[key] = extension
            if key in profile.EXTENSION_ALIASES and type(extension) is dict:
                self.parted.add(place)
                out[key] = self.members(place, extension)
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
        gone: list[str] = []
        for name, value in extension.items():
            here = (*place, name)
            if name in visible:
                if here in self.origin.slots:
                    raise TrustError("visible-as-disclosure", _EXTENSIONS)
                if not profile.is_word(value):
                    raise TrustError("bad-property", _EXTENSIONS)
                continue
            if here not in self.origin.slots:
                raise TrustError("not-withholdable", _EXTENSIONS)
            self.count += 1
            if type(value) is list and self.whole(here, value) is None:
                gone.append(name)
        return {n: v for n, v in extension.items() if n not in gone}


def _spot(name: str) -> str:
    # The name of an unknown property is the sender's text.
    return f".{name}" if name in stix.PROPERTY_NAMES else "[...]"
