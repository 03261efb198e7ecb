"""Who attacks, with what, and what helps against it (STIX 2.1, Domain Objects)."""

from msgspec import UNSET, UnsetType

from schemas.stix.core import KillChainPhases, StixObject
from schemas.stix.values import Id, Ids, Texts, Timestamp


class AttackPattern(StixObject, frozen=True, kw_only=True, tag="attack-pattern"):
    """A way to attack; for disinformation, a DISARM technique (behaviour)."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    aliases: Texts | UnsetType = UNSET
    kill_chain_phases: KillChainPhases | UnsetType = UNSET


class Campaign(StixObject, frozen=True, kw_only=True, tag="campaign"):
    """Adversarial behaviour over a time against a set of targets."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    aliases: Texts | UnsetType = UNSET
    first_seen: Timestamp | UnsetType = UNSET
    last_seen: Timestamp | UnsetType = UNSET
    objective: str | UnsetType = UNSET


class CourseOfAction(StixObject, frozen=True, kw_only=True, tag="course-of-action"):
    """What helps against a threat."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET


class Indicator(StixObject, frozen=True, kw_only=True, tag="indicator"):
    """A pattern that detects something.

    Attributes:
        pattern: In the language `pattern_type` (stix, sigma, yara, ...).
    """

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    indicator_types: Texts | UnsetType = UNSET
    pattern: str | UnsetType = UNSET
    pattern_type: str | UnsetType = UNSET
    pattern_version: str | UnsetType = UNSET
    valid_from: Timestamp | UnsetType = UNSET
    valid_until: Timestamp | UnsetType = UNSET
    kill_chain_phases: KillChainPhases | UnsetType = UNSET


class Infrastructure(StixObject, frozen=True, kw_only=True, tag="infrastructure"):
    """Systems used by or against somebody."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    infrastructure_types: Texts | UnsetType = UNSET
    aliases: Texts | UnsetType = UNSET
    kill_chain_phases: KillChainPhases | UnsetType = UNSET
    first_seen: Timestamp | UnsetType = UNSET
    last_seen: Timestamp | UnsetType = UNSET


class IntrusionSet(StixObject, frozen=True, kw_only=True, tag="intrusion-set"):
    """Behaviour and resources believed to be one organisation's."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    aliases: Texts | UnsetType = UNSET
    first_seen: Timestamp | UnsetType = UNSET
    last_seen: Timestamp | UnsetType = UNSET
    goals: Texts | UnsetType = UNSET
    resource_level: str | UnsetType = UNSET
    primary_motivation: str | UnsetType = UNSET
    secondary_motivations: Texts | UnsetType = UNSET


class Malware(StixObject, frozen=True, kw_only=True, tag="malware"):
    """Malicious code: a family, or one instance of it."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    malware_types: Texts | UnsetType = UNSET
    is_family: bool | UnsetType = UNSET
    aliases: Texts | UnsetType = UNSET
    kill_chain_phases: KillChainPhases | UnsetType = UNSET
    first_seen: Timestamp | UnsetType = UNSET
    last_seen: Timestamp | UnsetType = UNSET
    operating_system_refs: Ids | UnsetType = UNSET
    architecture_execution_envs: Texts | UnsetType = UNSET
    implementation_languages: Texts | UnsetType = UNSET
    capabilities: Texts | UnsetType = UNSET
    sample_refs: Ids | UnsetType = UNSET


class MalwareAnalysis(StixObject, frozen=True, kw_only=True, tag="malware-analysis"):
    """What one analysis of malware found."""

    product: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    host_vm_ref: Id | UnsetType = UNSET
    operating_system_ref: Id | UnsetType = UNSET
    installed_software_refs: Ids | UnsetType = UNSET
    configuration_version: str | UnsetType = UNSET
    modules: Texts | UnsetType = UNSET
    analysis_engine_version: str | UnsetType = UNSET
    analysis_definition_version: str | UnsetType = UNSET
    submitted: Timestamp | UnsetType = UNSET
    analysis_started: Timestamp | UnsetType = UNSET
    analysis_ended: Timestamp | UnsetType = UNSET
    result_name: str | UnsetType = UNSET
    result: str | UnsetType = UNSET
    analysis_sco_refs: Ids | UnsetType = UNSET
    sample_ref: Id | UnsetType = UNSET


class ThreatActor(StixObject, frozen=True, kw_only=True, tag="threat-actor"):
    """Persons or organisations believed to act with bad intent."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    threat_actor_types: Texts | UnsetType = UNSET
    aliases: Texts | UnsetType = UNSET
    first_seen: Timestamp | UnsetType = UNSET
    last_seen: Timestamp | UnsetType = UNSET
    roles: Texts | UnsetType = UNSET
    goals: Texts | UnsetType = UNSET
    sophistication: str | UnsetType = UNSET
    resource_level: str | UnsetType = UNSET
    primary_motivation: str | UnsetType = UNSET
    secondary_motivations: Texts | UnsetType = UNSET
    personal_motivations: Texts | UnsetType = UNSET


class Tool(StixObject, frozen=True, kw_only=True, tag="tool"):
    """Legitimate software that attackers use."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    tool_types: Texts | UnsetType = UNSET
    aliases: Texts | UnsetType = UNSET
    kill_chain_phases: KillChainPhases | UnsetType = UNSET
    tool_version: str | UnsetType = UNSET


class Vulnerability(StixObject, frozen=True, kw_only=True, tag="vulnerability"):
    """A weakness; its CVE stands in the external references."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
