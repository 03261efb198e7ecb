"""What the marks of a record ask of a view, besides TLP. Pure.

IEP, PAP, the protection of those whom an alert may harm, and marks nobody knows. PAP
and the actions that an IEP permits say what may be done, not who may see; whom each
lets pass is for the gates of the policy (docs/decisions.md, on PAP).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from typing import Final

from adapters.cuts import Part
from adapters.policy import Policy
from adapters.projection import ObjectParts
from adapters.reading import Reading, Use
from adapters.view import View
from schemas import coarse, profile
from schemas.markings import granular_marks, is_known_marking
from schemas.pap import PAP_IDS, Pap, pap_of, pap_of_refs
from schemas.protection import PROTECTION_IDS, Group, groups_of, groups_of_refs
from schemas.stix import StixObject
from schemas.terms import broken

# Platforms and civil society act where others see it.
_UNSEEN: Final = frozenset(
    {"none", "contact-for-instruction", "internally-visible-actions"}
)
_MARKS: Final = ("object_marking_refs",)
_PROTECTED: Final = frozenset(PROTECTION_IDS)


class Handling:
    """What the marks of one record ask of one view.

    Attributes:
        binding: Ids of definitions that whoever gets what they mark must be able
            to read.
    """

    def __init__(
        self,
        reading: Reading,
        view: View,
        policy: Policy,
        now: str,
        approved: Set[Part] = frozenset(),
    ) -> None:
        self._verified, self._view, self._now = reading.verified, view, now
        self._policy, self._approved = policy, approved
        self._marks = reading.marks
        self._refusals: dict[tuple[tuple[str, ...], bool], str | None] = {}
        self._may_act_unseen = policy.gate(view, "IEP:unseen")[0] == "cleared"
        self._paps = {
            pap: f"pap-{pap.name.lower()}"
            for pap in (Pap.AMBER, Pap.RED)
            if policy.gate(view, pap.label)[0] != "cleared"
        }
        said = self._marks.terms.keys() | self._marks.paps.keys()
        self.binding = frozenset(said - PAP_IDS.keys() - PROTECTION_IDS.keys())

    def refusal(self, i: int) -> str | None:
        """Tell why the view does not get an object at all: a reason, or None."""
        source = self._verified.objects[i]
        lasting = i == self._verified.primary and source.revoked is True
        refs = source.object_marking_refs or ()
        marks = tuple(refs), lasting
        if marks not in self._refusals:  # most objects have the same ones
            self._refusals[marks] = self.refusal_of(refs, lasting=lasting)
        reason = self._refusals[marks]
        if reason is None and self._paps and source.labels:
            reason = self._of_pap(pap_of(source, self._marks.paps))
        if reason is None and (source.labels or _PROTECTED.intersection(refs)):
            reason = self._of_groups(groups_of(source), source.id)
        return reason

    def approvals(self, i: int) -> int:
        """Tell how many persons must agree before the view gets an object."""
        groups = groups_of(self._verified.objects[i])
        return max((self._gate(group)[1] for group in groups), default=1)

    def _gate(self, group: Group) -> tuple[str, int]:
        return self._policy.gate(self._view, f"protect:{group.value}")

    def _of_groups(self, groups: Iterable[Group], stix_id: str) -> str | None:
        """Apply the gates of those whom marks protect; the strictest counts."""
        words = {self._gate(group)[0] for group in groups}
        if words - {"cleared", "hold"}:
            return "protected"
        is_held = "hold" in words and (stix_id, "") not in self._approved
        return "held" if is_held else None

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

    def refusal_of_part(self, marks: Iterable[str]) -> str | None:
        """Tell why the view does not get a part with these marks.

        A part that protects somebody never waits for persons by itself: it is given
        where its mark lets pass, and withheld everywhere else.
        """
        reason = self.refusal_of(marks)
        words = {self._gate(group)[0] for group in groups_of_refs(marks)}
        return "protected" if reason is None and words - {"cleared"} else reason

    def _of_mark(self, ref: str, *, lasting: bool) -> str | None:
        if not self._marks.knows(ref):
            # It may forbid what we do not know of. In a copy that was cut before, its
            # definition may be gone: there it was decided already.
            return "marking-unknown" if self._verified.complete else None
        terms = self._marks.terms.get(ref)
        if terms is not None:
            reason = broken(terms, now=self._now, lasting=lasting)
            reason = reason or self._policy.tlp_refusal(self._view, terms.tlp)
            if reason is None and terms.permitted_actions in _UNSEEN:
                reason = None if self._may_act_unseen else "iep-actions"
            if reason is not None:
                return reason
        return self._of_pap(pap_of_refs((ref,), self._marks.paps))

    def _of_pap(self, pap: Pap | None) -> str | None:
        return None if pap is None else self._paps.get(pap)

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
