"""RFC 9901, 7.1, step 3: every digest found where it may stand, once. Pure.

Written for speed, as a record has hundreds of disclosures: what is a string is not
looked into, and nothing is called once for each.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from broker import disclosures
from broker.errors import TrustError
from schemas import codec
from schemas.codec import RESERVED_NAMES

MAX_DEPTH: Final = 32  # STIX needs about 10; deeper is an attack on recursion
NONE: Final = -1  # no disclosure: the payload itself
_STRINGS: Final = frozenset({str})
_NO_DIGESTS: Final[list[Any]] = []

Path = tuple[str | int, ...]


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Which parts of a value come from disclosures.

    Attributes:
        own: Index of the disclosure that carries the value itself; -1 if none does.
        names: The same of each of its members.
        slots: The same of the parts deeper inside, by path.
        gaps: Digests without a disclosure (withheld, or decoys) by the path of
            the container they stand in.
    """

    own: int
    names: dict[str, int]
    slots: dict[Path, int]
    gaps: dict[Path, int]

    def slot(self, path: Path) -> int | None:
        """Give the disclosure that carries the part at *path*, if one does."""
        if not path:
            return self.own if self.own >= 0 else None
        if len(path) == 1 and isinstance(path[0], str):
            return self.names.get(path[0])
        return self.slots.get(path)


class Unfolding:
    """Puts disclosed values in place, in one payload, once.

    Attributes:
        parents: For each disclosure, the one that carries its digest, or `NONE`.
        origin: Of the payload, without what `origins` tell.
        origins: Of each element of the array at `within`.
    """

    def __init__(
        self,
        digests: Sequence[str],
        contents: list[disclosures.Disclosed | None],
        within: Path,
    ) -> None:
        """Prepare.

        Args:
            digests: Of each disclosure.
            contents: What each of them holds; used up, to hold no memory for long.
            within: Path of an array whose elements get an origin each.

        Raises:
            TrustError: `duplicate-disclosure`.
        """
        places = dict(zip(digests, range(len(digests)), strict=True))
        if len(places) != len(digests):
            raise TrustError("duplicate-disclosure")
        self.find = places.get
        self.contents = contents  # None from when its place is found
        self.parents = [NONE] * len(digests)
        self.within = within
        self.origin = Origin(NONE, {}, {}, {})
        self.origins: list[Origin] = []
        self.missed: list[Any] = []  # digests without a disclosure

    def unfold(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Give the claims, which take the place of *payload*.

        Raises:
            TrustError: of DESIGN.md 4.4, what concerns digests and their places.
        """
        claims = self._members(payload, NONE, (), 1, self.origin)
        disclosures.check_digests(self.missed)
        if any(self.contents):
            raise TrustError("unreferenced-disclosure")
        return claims

    def _value(
        self, value: Any, parent: int, path: Path, depth: int, origin: Origin
    ) -> Any:
        """Look into what stands at *path*, in something at *depth*."""
        kind = type(value)
        if kind is list:
            if (
                depth < MAX_DEPTH
                and path != self.within  # an origin is owed for each element
                and _STRINGS.issuperset(map(type, value))
            ):
                return value
            return self._elements(value, parent, path, depth + 1, origin)
        if kind is dict:
            return self._members(value, parent, path, depth + 1, origin)
        # A float is finite already: `disclosures.decode` sees to it.
        if kind is int and not -codec.MAX_SAFE_INT <= value <= codec.MAX_SAFE_INT:
            raise TrustError("number-range")
        return value

    def _members(  # noqa: PLR0912  a call for each disclosure would be felt
        self,
        members: dict[str, Any],
        parent: int,
        path: Path,
        depth: int,
        origin: Origin,
    ) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise TrustError("too-deep")
        digests = members.pop("_sd", _NO_DIGESTS)
        if not RESERVED_NAMES.isdisjoint(members):
            raise TrustError("reserved-name")
        for name, value in members.items():
            kind = type(value)
            if kind is not str and kind is not bool:
                members[name] = self._value(value, parent, (*path, name), depth, origin)
        if type(digests) is not list:
            raise TrustError("sd-shape")
        find, contents, parents = self.find, self.contents, self.parents
        names = origin.names
        for digest in digests:
            try:
                index = find(digest)
            except TypeError:  # not to be looked up, so no string either
                raise TrustError("digest-shape") from None
            if index is None:
                self._miss(digest, path, origin)
                continue
            content = contents[index]
            if content is None:
                raise TrustError("duplicate-digest")
            contents[index], parents[index] = None, parent
            try:
                _, name, value = content
            except ValueError:
                raise TrustError("disclosure-shape", f"disclosure {index}") from None
            if type(name) is not str:
                raise TrustError("disclosure-shape", f"disclosure {index}")
            if name in members:
                raise TrustError("shadowed-name", f"disclosure {index}")
            if name in RESERVED_NAMES:
                raise TrustError("reserved-name", f"disclosure {index}")
            if path:
                origin.slots[(*path, name)] = index
            else:
                names[name] = index
            if type(value) is not str:
                value = self._value(value, index, (*path, name), depth, origin)
            members[name] = value
        return members

    def _elements(
        self, elements: list[Any], parent: int, path: Path, depth: int, origin: Origin
    ) -> list[Any]:
        if depth > MAX_DEPTH:
            raise TrustError("too-deep")
        # A path inside an element may look the same: it begins anew there.
        apart = origin is self.origin and path == self.within
        contents, parents = self.contents, self.parents
        out: list[Any] = []
        for element in elements:
            value, carrier, own = element, None, origin
            if type(element) is dict and "..." in element:
                if len(element) != 1:
                    raise TrustError("sd-shape")
                try:
                    carrier = self.find(element["..."])
                except TypeError:
                    raise TrustError("digest-shape") from None
                if carrier is None:
                    self._miss(element["..."], path, origin)
                    continue
                content = contents[carrier]
                if content is None:
                    raise TrustError("duplicate-digest")
                contents[carrier], parents[carrier] = None, parent
                try:
                    _, value = content
                except ValueError:
                    where = f"disclosure {carrier}"
                    raise TrustError("disclosure-shape", where) from None
            here: Path = ()
            if apart:
                own = Origin(NONE if carrier is None else carrier, {}, {}, {})
                self.origins.append(own)
            else:
                here = (*path, len(out))
                if carrier is not None:
                    own.slots[here] = carrier
            if type(value) is not str:
                inside = parent if carrier is None else carrier
                value = self._value(value, inside, here, depth, own)
            out.append(value)
        return out

    def _miss(self, digest: Any, path: Path, origin: Origin) -> None:
        """Note that something is withheld at *path*, or a decoy stands there."""
        self.missed.append(digest)
        origin.gaps[path] = origin.gaps.get(path, 0) + 1
