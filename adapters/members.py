"""What may stand inside a property that a policy lets pass. Pure.

A policy names properties, not what is in them: a member that nobody has heard of
must not travel along inside one that everybody may see.
"""

from typing import Any, Final

from adapters import text
from schemas import iep, pap, profile

# STIX 2.1, 2.5 (external reference) and 2.8 (kill chain phase); OpenCTI numbers the
# phases. The steps of all three drafts of the incident suite. The rest is that of the
# extension `disinformation`.
_STEP: Final = frozenset(
    {
        "event_ref", "task_ref", "sequence_start", "sequence_end", "next_steps",
        "condition_type", "transition_type",
    }
)  # fmt: skip
_NAMED: Final[dict[str, frozenset[str]]] = {
    "activities": _STEP,
    "behaviours": frozenset({"framework", "id"}),
    "changed_objects": frozenset(
        {"state_change_type", "initial_ref", "result_ref", "result_refs"}
    ),
    "degree": frozenset({"channels", "contents", "platforms", "reach", "engagement"}),
    "events": _STEP,
    "external_references": frozenset(
        {"source_name", "external_id", "url", "description", "hashes"}
    ),
    "kill_chain_phases": frozenset(
        {"kill_chain_name", "phase_name", "x_opencti_order"}
    ),
    "scores": frozenset({"name", "value", "description"}),
    iep.EXTENSION: frozenset(iep.TERM_NAMES),
    pap.EXTENSION: frozenset({"extension_type", "pap"}),
    "subevents": _STEP,
    "subtasks": _STEP,
    "targeted_election": frozenset({"country", "date", "kind"}),
    "tasks": _STEP,
}
# Their members have the sender's names; a policy that shows them shows those.
_OPEN: Final = frozenset({"impacted_entity_counts"})


def passes(place: profile.Place, value: Any) -> bool:
    """Tell whether *value*, or an element of it, holds only members that are known.

    Of external references only those pass that point into a catalogue, and say
    nothing personal: the others lead back to a source.
    """
    name = place[-1]
    allowed = _NAMED.get(name)
    if allowed is None:
        # Extensions have no struct that says what a word is.
        strict = place[0] == "extensions" and name not in _OPEN
        return not strict or _is_within(value, frozenset())
    if not _is_within(value, allowed):
        return False
    if name == "external_references" and isinstance(value, dict):
        return _is_catalogued(value)
    return True


def _is_catalogued(reference: dict[str, Any]) -> bool:
    said = str(reference.get("description", ""))
    return bool(reference.get("external_id")) and not text.holds_personal_data(said)


def _is_within(value: Any, allowed: frozenset[str]) -> bool:
    if isinstance(value, dict):
        return all(
            name in allowed and (name == "hashes" or _is_within(inner, allowed))
            for name, inner in value.items()
        )
    if isinstance(value, list):
        return all(_is_within(inner, allowed) for inner in value)
    return True
