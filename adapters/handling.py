"""What the marks of a record ask of a view, besides TLP: IEP, PAP, unknown ones. Pure.

PAP and the actions that an IEP permits say what may be done, not who may see. But who
may do nothing that shows gains nothing from an alert and can only give it away, so
below peers such parts are withheld (docs/decisions.md, on PAP).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from typing import Final

from adapters.cascade import Use
from adapters.projection import ObjectParts
from adapters.view import View, tlp_refusal
from broker.trust import Verified
from schemas import coarse, profile
from schemas.markings import granular_marks, is_known_marking
from schemas.pap import PAP_IDS, Pap, pap_of, pap_of_refs
from schemas.stix import StixObject
from schemas.terms import broken, marks_of

# Platforms and civil society act where others see it.
_UNSEEN: Final = frozenset(
    {"none", "contact-for-instruction", "internally-visible-actions"}
)
_MARKS: Final = ("object_marking_refs",)


class Handling:
    """What the marks of one record ask of one view.

    Attributes:
        binding: Ids of definitions that whoever gets what they mark must be able
            to read.
    """

    def __init__(self, verified: Verified, view: View, now: str) -> None:
        self._verified, self._view, self._now = verified, view, now
        self._marks = marks_of(verified.objects)
        self._is_peer = view.audience == "peer-cert"
        said = self._marks.terms.keys() | self._marks.paps.keys()
        self.binding = frozenset(said - PAP_IDS.keys())

    def refusal(self, i: int) -> str | None:
        """Tell why the view does not get an object at all: a reason, or None."""
        source = self._verified.objects[i]
        lasting = i == self._verified.primary and source.revoked is True
        reason = self.refusal_of(source.object_marking_refs or (), lasting=lasting)
        if reason is None and not self._is_peer and source.labels:
            return self._of_pap(pap_of(source, self._marks.paps))
        return reason

    def refusal_of(self, marks: Iterable[str], *, lasting: bool = False) -> str | None:
        """Tell why the view does not get what has these marks.

        Args:
            lasting: Whether it may be given when a policy has ended.
        """
        for ref in marks:
            if not is_known_marking(ref):
                reason = self._of_mark(ref, lasting=lasting)
                if reason is not None:
                    return reason
        return None

    def _of_mark(self, ref: str, *, lasting: bool) -> str | None:
        if not self._marks.knows(ref):
            # It may forbid what we do not know of. In a copy that was cut before, its
            # definition may be gone: there it was decided already.
            return "marking-unknown" if self._verified.complete else None
        terms = self._marks.terms.get(ref)
        if terms is not None:
            reason = broken(terms, now=self._now, lasting=lasting)
            reason = reason or tlp_refusal(self._view, terms.tlp)
            if reason is None and terms.permitted_actions in _UNSEEN:
                reason = None if self._is_peer else "iep-actions"
            if reason is not None:
                return reason
        return self._of_pap(pap_of_refs((ref,), self._marks.paps))

    def _of_pap(self, pap: Pap | None) -> str | None:
        return "pap-red" if pap is Pap.RED and not self._is_peer else None

    def uses(
        self,
        parts: Sequence[ObjectParts],
        gone: Set[int],
        is_visible: Callable[[int, profile.Place], bool],
    ) -> Iterator[tuple[Use, str]]:
        """List what is under terms, as uses of their definitions.

        So terms that a view cannot read take along what is under them.

        Args:
            gone: Indexes of the objects that are gone.
            is_visible: Tells of a place in an object that it cannot be cut.
        """
        for i, part in enumerate(parts) if self.binding else ():
            if i in gone:
                continue
            for ref in self.binding.intersection(part.source.object_marking_refs or ()):
                yield Use(i, _MARKS, None, "marking-withheld"), ref
            for name, refs in self._terms(part.source).items():
                for place in part.shown:
                    if name in names_of(place):
                        use = Use(i, place, None, "marking-withheld")
                        if is_visible(i, place):
                            use = Use(i, _MARKS, None, "granular-visible")
                        yield from ((use, ref) for ref in refs)

    def has_terms(self, source: StixObject, place: profile.Place) -> bool:
        """Tell whether a part of an object is under terms of its own."""
        return not self._terms(source).keys().isdisjoint(names_of(place))

    def _terms(self, source: StixObject) -> dict[str, frozenset[str]]:
        """Give the definitions that parts of an object are under, by property."""
        if not self.binding or not source.granular_markings:
            return {}
        found = {n: self.binding & refs for n, refs in granular_marks(source).items()}
        return {name: refs for name, refs in found.items() if refs}


def names_of(place: profile.Place) -> set[str]:
    """Name the properties whose marks hold for a place.

    What marks the exact value marks the coarse one.
    """
    return {place[0], place[0].removeprefix(coarse.PREFIX)}
