"""What was cut, in words: where in the record, by what in the policy, what stands instead.

Pure. The one place that turns a cut, or a refusal of the whole record, into a sentence.
None of it quotes the record: names of properties and kinds of data, never a value.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from adapters.cuts import Cut, NotGivenError
from adapters.policy import Policy
from adapters.policy_words import persons
from adapters.projection import EXTENSION_ID
from adapters.redaction import Redacted
from adapters.view import View
from broker.trust import Verified
from schemas import profile, stix
from schemas.protection import groups_of
from schemas.reasons import explain

_WORDS: Final = {
    "policy-drop": "A row of the policy withholds it.",
    "policy-pseudonymise": "A made-up name stands instead in the projection.",
    "policy-generalise": "A coarser value stands instead in the projection.",
    "policy-hold": "It waits until persons agree.",
    "not-named": "No row of the policy names it, so it is withheld.",
    "type-not-named": "No row of the policy names this kind of object.",
    "not-listed": "It is not on the list that the policy lets pass.",
    "mask-hit": "The text seems to hold personal data.",
    "guard": "It repeats a name or address that is withheld elsewhere.",
    "granular-tlp": "The issuer marked this part more strictly than the rest.",
    "granular-visible": "The issuer marked a part more strictly that cannot be cut.",
    "marking-unknown": "It is marked with something that is neither TLP, PAP, IEP nor a "
    "statement, and may forbid what is not known here.",
    "marking-withheld": "The terms that it is under are not for this view, so it goes.",
    "iep-actions": "Its terms permit no action that others could see.",
    "pap-amber": "Its PAP mark asks for more care than this audience can take.",
    "pap-red": "Its PAP mark permits no action that others could see.",
    "protected": "It could lead to somebody whom its mark protects.",
    "held": "It could lead to somebody whom its mark protects, so persons decide.",
    "reference-withheld": "It points to something that is withheld.",
    "required-withheld": "Without the withheld part nothing useful is left of it.",
}
_INSTEAD: Final = {
    "generalise": "a coarser value",
    "pseudonymise": "a made-up name",
}
_MARKS: Final = {
    "pap-amber": "PAP:AMBER",
    "pap-red": "PAP:RED",
    "iep-actions": "IEP:unseen",
}
# Every projected object has these from the adapter, whatever becomes of the issuer's.
ADAPTERS_OWN: Final = frozenset({"modified", "created_by_ref"})
_SIGNED_COARSE: Final = "the issuer's own coarser value"


class Entry(msgspec.Struct, frozen=True):
    """An entry of the policy that decided.

    Attributes:
        number: Among the entries of its kind, from 1.
        title: Of a gate, the mark.
        line: Of the policy's file; 0 if unknown.
    """

    number: int
    title: str
    line: int


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One cut in words.

    Attributes:
        path: JSON path of the part in the record as signed, `$.objects[3].name`.
        property: As policies spell it; "" for the whole object.
        element: Index of the element or sentence that was cut; None: all of it.
        unit: What `element` counts: `element` or `sentence`; else "".
        reason: A stable code.
        why: A sentence.
        row: None if no row decided; the same holds of limit and gate.
        instead: What stands in the projection in its place, in words; "" if nothing.
        found: Kinds of personal data that were found in it.
        approvals: Waits for so many persons to agree; 0: it does not wait.
    """

    object_id: str = msgspec.field(name="object")
    object_type: str = msgspec.field(name="type")
    path: str
    property: str
    element: int | None
    unit: str
    reason: str
    why: str
    row: Entry | None = None
    limit: Entry | None = None
    gate: Entry | None = None
    instead: str = ""
    found: tuple[str, ...] = ()
    approvals: int = 0


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a view gets nothing of a record.

    Attributes:
        cuts: What took the primary object, where that is the reason.
    """

    reason: str
    why: str
    gate: Entry | None = None
    cuts: tuple[Explanation, ...] = ()


def explained(redacted: Redacted, policy: Policy) -> list[Explanation]:
    """Put every cut of a redaction into words, in the order of the record."""
    objects = projected(redacted.verified, redacted.cuts, redacted.projection)
    work = _Explaining(redacted.verified, redacted.view, policy, redacted.cuts)
    made = {object_id: made_of(each) for object_id, each in objects.items()}
    return work.explanations(made)


def refused(
    verified: Verified, view: View, policy: Policy, error: NotGivenError
) -> Refusal:
    """Put into words why a view gets nothing."""
    work = _Explaining(verified, view, policy, error.cuts)
    claims, gate = verified.claims, None
    why = as_sentence(explain(error.reason))
    cuts: tuple[Explanation, ...] = ()
    match error.reason:
        case "tlp-clearance":
            why = work.above_clearance(claims.tlp)
        case "kind":
            gate = work.gate(f"kind:{claims.kind}")
        case "retention":
            why = min(
                (each.days, each.reason)
                for each in policy.file.retention
                if view.jurisdiction in each.jurisdictions
            )[1]
        case "primary-withheld":
            cuts = tuple(work.explanations({}))
        case reason if reason.startswith("tlp-"):
            gate = work.gate(f"TLP:{claims.tlp}")
    if gate is not None:
        why = policy.file.gate[gate.number - 1].reason
    why = " ".join(dict.fromkeys([why, *(e.why for e in cuts if not e.property)]))
    return Refusal(reason=error.reason, why=why, gate=gate, cuts=cuts)


def projected(
    verified: Verified, cuts: tuple[Cut, ...], projection: bytes
) -> dict[str, dict[str, Any]]:
    """Give the objects of a projection by their ids in the record as signed.

    A projection has ids of its own; it lists the objects that stay in the order of
    the signed record, after those that the adapter adds.
    """
    gone = {cut.object_id for cut in cuts if not cut.place}
    stay = [o.id for o in verified.objects if o.id not in gone]
    objects: list[dict[str, Any]] = msgspec.json.decode(projection)["objects"]
    return dict(zip(stay, objects[len(objects) - len(stay) :], strict=True))


Made = Mapping[str, str]
"""What stands for values of an object: `made` or `coarse`, by property"""


def made_of(one: Mapping[str, Any]) -> Made:
    """Tell what a projected object says of itself: what the adapter made, what is coarse."""
    statement = one.get("extensions", {}).get(EXTENSION_ID, {})
    return {name: how for how in ("made", "coarse") for name in statement.get(how, ())}


def as_sentence(text: str) -> str:
    """Write the first letter large."""
    return text[:1].upper() + text[1:]


def meaning(reason: str) -> str:
    """Give the sentence for a reason of cuts, whatever row or gate it comes from."""
    return _WORDS.get(reason) or as_sentence(explain(reason))


def json_path(index: int, place: profile.Place, element: int | None = None) -> str:
    """Spell where a part stands in the record as signed (RFC 9535)."""
    spelled = [f"$.objects[{index}]"]
    for name in place:
        plain = _PLAIN_NAME.fullmatch(name)
        spelled.append(f".{name}" if plain else f"[{_quoted(name)}]")
    if element is not None:
        spelled.append(f"[{element}]")
    return "".join(spelled)


_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _quoted(name: str) -> str:
    # As JSON writes it, but for the quotation marks.
    inner = json.dumps(name)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{inner}'"


class _Explaining:
    """The cuts of one redaction, and what of the policy they come from."""

    def __init__(
        self,
        verified: Verified,
        view: View,
        policy: Policy,
        cuts: tuple[Cut, ...],
    ) -> None:
        self._verified, self._view, self._policy = verified, view, policy
        self._cuts = cuts
        self._indexes = {o.id: i for i, o in enumerate(verified.objects)}
        self._gates = {
            gate.mark: Entry(n, gate.mark, policy.lines.of("gate", n))
            for n, gate in enumerate(policy.file.gate, 1)
        }

    def explanations(self, made: Mapping[str, Made]) -> list[Explanation]:
        """Explain the cuts.

        Args:
            made: By id of the object as signed.
        """
        places = {
            cut.object_id: {
                profile.spell(place): place
                for place, _ in profile.places(
                    self._verified.plain[self._indexes[cut.object_id]].items()
                )
            }
            for cut in self._cuts
        }
        found = [
            self._of(cut, places[cut.object_id], made.get(cut.object_id, {}))
            for cut in self._cuts
        ]
        order = self._indexes
        return sorted(
            found, key=lambda e: (order[e.object_id], e.property, e.element or 0)
        )

    def gate(self, mark: str) -> Entry | None:
        """Find the gate of a mark."""
        return self._gates.get(mark)

    def above_clearance(self, label: str) -> str:
        """Say that something is marked above what the view may receive."""
        return (
            f"It is marked TLP:{label}, and this audience may receive up to "
            f"TLP:{self._view.clearance.label}."
        )

    def _of(
        self, cut: Cut, places: Mapping[str, profile.Place], made: Made
    ) -> Explanation:
        index = self._indexes[cut.object_id]
        place = places.get(cut.place, ())
        is_text = bool(place) and profile.is_text(place)
        element = None if cut.element < 0 else cut.element
        unit = "" if element is None else "sentence" if is_text else "element"
        gate = self.gate(self._mark(cut, index))
        policy, lines = self._policy, self._policy.lines
        return Explanation(
            object_id=cut.object_id,
            object_type=cut.object_type,
            path=json_path(index, place, None if is_text else element),
            property=cut.place,
            element=element,
            unit=unit,
            reason=cut.reason,
            why=self._why(cut, index, gate),
            row=Entry(cut.row, policy.row(cut.row).title, lines.of("row", cut.row))
            if cut.row
            else None,
            limit=Entry(
                cut.limit,
                policy.file.limit[cut.limit - 1].title,
                lines.of("limit", cut.limit),
            )
            if cut.limit
            else None,
            gate=gate,
            instead=self._instead(cut, made.get(cut.place, "")),
            found=cut.found,
            approvals=cut.approvals,
        )

    def _why(self, cut: Cut, index: int, gate: Entry | None) -> str:
        said: list[str] = []
        tlp = self._verified.tlp_of(index)
        if cut.approvals:
            verb = "agrees" if cut.approvals == 1 else "agree"
            said.append(f"It waits until {persons(cut.approvals)} {verb}.")
        if cut.row:
            if not cut.reason.startswith("policy-"):
                said.append(meaning(cut.reason))
            said.append(self._policy.reason(cut.row, cut.limit))
        elif gate is not None:
            said.append(self._policy.file.gate[gate.number - 1].reason)
        elif cut.reason == "tlp-clearance" and tlp > self._view.clearance:
            said.append(self.above_clearance(tlp.label))
        else:
            said.append(meaning(cut.reason))
        if cut.reason == "required-withheld":
            missing = self._missing(cut, index)
            if missing:
                said.append(f"Needed, and withheld: {', '.join(missing)}.")
        return " ".join(said)

    def _missing(self, cut: Cut, index: int) -> list[str]:
        candidate = self._verified.objects[index]
        choices = stix.ALTERNATIVES.get(candidate.type, ())
        needed = stix.required_of(candidate).union(*choices)
        lost = {
            each.place
            for each in self._cuts
            if each.object_id == cut.object_id and each.element < 0 and not each.made
        }
        return sorted(needed & lost)

    def _mark(self, cut: Cut, index: int) -> str:
        """Name the mark whose gate took an object; "" where none did."""
        if cut.place:
            return ""
        if cut.reason in ("held", "protected"):
            return self._protecting(cut, index)
        if cut.reason.startswith("tlp-") and cut.reason != "tlp-clearance":
            # The terms of an IEP have a TLP of their own.
            tlp = self._verified.tlp_of(index)
            own = self._policy.tlp_refusal(self._view, tlp)
            return f"TLP:{tlp.label}" if own == cut.reason else ""
        return _MARKS.get(cut.reason, "")

    def _protecting(self, cut: Cut, index: int) -> str:
        groups = sorted(groups_of(self._verified.objects[index]))
        marks = [f"protect:{group.value}" for group in groups]
        words = {mark: self._policy.gate(self._view, mark)[0] for mark in marks}
        passing = {"cleared"} if cut.reason == "held" else {"cleared", "hold"}
        return next(mark for mark in marks if words[mark] not in passing)

    def _instead(self, cut: Cut, how: str) -> str:
        """Say what stands in the projection.

        Args:
            how: What the projection says of it; "" if nothing stands there.
        """
        if not how or cut.element >= 0 or cut.place in ADAPTERS_OWN:
            return ""
        if how == "coarse":
            return _SIGNED_COARSE
        action = cut.reason.removeprefix("policy-") if cut.made else ""
        if action == "hold":
            action = self._policy.row(cut.row).meanwhile
        # Such as the day of the record for a `created` of which nothing was made.
        return _INSTEAD.get(action, "a value made by the adapter")
