"""Attack Flow 2: the steps of an attack and what each made possible.

Reference: attack-flow-schema-2.0.0.json of MITRE's Center for Threat-Informed Defense.
Its objects are new SDOs of one extension, so unlike most of a dialect they say so.
"""

from typing import Final, Literal

from msgspec import UNSET, UnsetType

from schemas.stix.core import StixObject
from schemas.stix.values import Id, Ids, Timestamp

ATTACK_FLOW: Final = "extension-definition--fb9c968a-745b-4ade-9b25-c324172197f4"


class AttackFlow(StixObject, frozen=True, kw_only=True, tag="attack-flow"):
    """A whole flow.

    Attributes:
        scope: What it describes: incident, campaign, threat-actor, malware,
            emulation-plan, attack-tree, other.
        start_refs: Its first actions and conditions.
    """

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    scope: str | UnsetType = UNSET
    start_refs: Ids | UnsetType = UNSET


class AttackAction(StixObject, frozen=True, kw_only=True, tag="attack-action"):
    """One technique, carried out.

    Attributes:
        effect_refs: What it makes possible: actions, conditions, operators.
    """

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    tactic_id: str | UnsetType = UNSET
    tactic_ref: Id | UnsetType = UNSET
    technique_id: str | UnsetType = UNSET
    technique_ref: Id | UnsetType = UNSET
    execution_start: Timestamp | UnsetType = UNSET
    execution_end: Timestamp | UnsetType = UNSET
    command_ref: Id | UnsetType = UNSET
    asset_refs: Ids | UnsetType = UNSET
    effect_refs: Ids | UnsetType = UNSET


class AttackAsset(StixObject, frozen=True, kw_only=True, tag="attack-asset"):
    """What an action is directed at or changes; on the victim's side."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    object_ref: Id | UnsetType = UNSET


class AttackCondition(StixObject, frozen=True, kw_only=True, tag="attack-condition"):
    """A state of things on which the next steps depend."""

    description: str | UnsetType = UNSET
    pattern: str | UnsetType = UNSET
    pattern_type: str | UnsetType = UNSET
    pattern_version: str | UnsetType = UNSET
    on_true_refs: Ids | UnsetType = UNSET
    on_false_refs: Ids | UnsetType = UNSET


class AttackOperator(StixObject, frozen=True, kw_only=True, tag="attack-operator"):
    """Joins the paths that lead to it."""

    operator: Literal["AND", "OR"] | UnsetType = UNSET
    effect_refs: Ids | UnsetType = UNSET
