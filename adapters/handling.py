"""What the marks of a record ask of a view, besides TLP: IEP, PAP, unknown ones. Pure.

PAP and the actions that an IEP permits say what may be done, not who may see. But who
may do nothing that shows gains nothing from an alert and can only give it away, so
below peers such parts are withheld (docs/decisions.md, on PAP).
"""

from collections.abc import Iterable
from typing import Final

from adapters.view import View, tlp_refusal
from broker.trust import Verified
from schemas.markings import is_known_marking
from schemas.pap import PAP_IDS, Pap, pap_of, pap_of_refs
from schemas.terms import broken, marks_of

# Platforms and civil society act where others see it.
_UNSEEN: Final = frozenset(
    {"none", "contact-for-instruction", "internally-visible-actions"}
)


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
