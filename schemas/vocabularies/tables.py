"""Which property of which type takes words of which vocabulary.

A place is written from the object on: `threat_actor_types`, `values.data_type`. Lists
count as their elements; `hashes{}` means the names of the members.
"""

from typing import Final

from schemas.vocabularies import incident_words, stix_words
from schemas.vocabularies.countries import COUNTRIES, USER_ASSIGNED
from schemas.vocabularies.vocabulary import Vocabulary

COUNTRY: Final = Vocabulary(
    "ISO 3166-1 alpha-2", tuple(COUNTRIES), more=tuple(sorted(USER_ASSIGNED))
)

VOCABULARIES: Final[dict[str, Vocabulary]] = {
    each.name: each
    for each in (
        *stix_words.OPEN,
        *stix_words.CLOSED,
        *incident_words.OPEN,
        *incident_words.CLOSED,
        COUNTRY,
    )
}
"""Name -> vocabulary."""

# The extension ids that `schemas.stix.incident_suite` names, which must not be
# imported: it reads words from this package.
_INCIDENT: Final = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
_CONTACT: Final = "extension-definition--66e2492a-bbd3-4be6-88f5-cc91a017a498"

_FIDELITY: Final = {
    "start_time_fidelity": "timestamp-fidelity-enum",
    "end_time_fidelity": "timestamp-fidelity-enum",
}
_MOTIVES: Final = {
    "resource_level": "attack-resource-level-ov",
    "primary_motivation": "attack-motivation-ov",
    "secondary_motivations": "attack-motivation-ov",
}
_CHANGES: Final = {"changed_objects.state_change_type": "state-change-type-ov"}

_NAMES: Final[dict[str, dict[str, str]]] = {
    # STIX 2.1
    "artifact": {
        "encryption_algorithm": "encryption-algorithm-enum",
        "hashes{}": "hash-algorithm-ov",
    },
    "extension-definition": {"extension_types": "extension-type-enum"},
    "file": {
        "hashes{}": "hash-algorithm-ov",
        "extensions.windows-pebinary-ext.pe_type": "windows-pebinary-type-ov",
    },
    "grouping": {"context": "grouping-context-ov"},
    "identity": {
        "identity_class": "identity-class-ov",
        "sectors": "industry-sector-ov",
        f"extensions.{_CONTACT}.contact_numbers.contact_number_type": (
            "contact-number-ov"
        ),
        f"extensions.{_CONTACT}.email_addresses.digital_contact_type": (
            "digital-contact-ov"
        ),
        f"extensions.{_CONTACT}.social_media_accounts.digital_contact_type": (
            "digital-contact-ov"
        ),
    },
    "indicator": {
        "indicator_types": "indicator-type-ov",
        "pattern_type": "pattern-type-ov",
    },
    "infrastructure": {"infrastructure_types": "infrastructure-type-ov"},
    "intrusion-set": _MOTIVES,
    "location": {"region": "region-ov", "country": COUNTRY.name},
    "malware": {
        "malware_types": "malware-type-ov",
        "architecture_execution_envs": "processor-architecture-ov",
        "implementation_languages": "implementation-language-ov",
        "capabilities": "malware-capabilities-ov",
    },
    "malware-analysis": {"result": "malware-result-ov"},
    "network-traffic": {
        "extensions.socket-ext.address_family": "network-socket-address-family-enum",
        "extensions.socket-ext.socket_type": "network-socket-type-enum",
    },
    "opinion": {"opinion": "opinion-enum"},
    "process": {
        "extensions.windows-process-ext.integrity_level": (
            "windows-integrity-level-enum"
        ),
        "extensions.windows-service-ext.start_type": "windows-service-start-type-enum",
        "extensions.windows-service-ext.service_type": "windows-service-type-enum",
        "extensions.windows-service-ext.service_status": "windows-service-status-enum",
    },
    "report": {"report_types": "report-type-ov"},
    "threat-actor": {
        "threat_actor_types": "threat-actor-type-ov",
        "roles": "threat-actor-role-ov",
        "sophistication": "threat-actor-sophistication-ov",
        "personal_motivations": "attack-motivation-ov",
        **_MOTIVES,
    },
    "tool": {"tool_types": "tool-type-ov"},
    "user-account": {"account_type": "account-type-ov"},
    "windows-registry-key": {"values.data_type": "windows-registry-datatype-enum"},
    "x509-certificate": {"hashes{}": "hash-algorithm-ov"},
    # the incident core extension suite
    "event": {
        "status": "event-status-enum",
        "event_types": "event-type-ov",
        **_CHANGES,
        **_FIDELITY,
    },
    "impact": {
        "impact_category": "impact-category-enum",
        "recoverability": "recoverability-enum",
        "impacted_entity_counts{}": "entity-type-ov",
        "extensions.confidentiality-ext.information_type": "information-type-ov",
        "extensions.confidentiality-ext.loss_type": (
            "incident-confidentiality-loss-enum"
        ),
        "extensions.external-ext.impact_type": "external-impact-ov",
        "extensions.integrity-ext.alteration": "integrity-alteration-enum",
        "extensions.integrity-ext.information_type": "information-type-ov",
        "extensions.monetary-ext.variety": "monetary-impact-type-ov",
        "extensions.physical-ext.impact_type": "physical-impact-enum",
        "extensions.physical-ext.asset_type": "asset-type-ov",
        "extensions.traceability-ext.traceability_impact": "traceability-enum",
        **_FIDELITY,
    },
    "incident": {
        f"extensions.{_INCIDENT}.determination": "incident-determination-enum",
        f"extensions.{_INCIDENT}.investigation_status": "incident-investigation-ov",
        f"extensions.{_INCIDENT}.incident_types": "event-type-ov",
        f"extensions.{_INCIDENT}.detection_methods": "detection-methods-ov",
        f"extensions.{_INCIDENT}.recoverability": "recoverability-enum",
        f"extensions.{_INCIDENT}.impacted_entity_counts{{}}": "entity-type-ov",
    },
    "task": {
        "outcome": "task-outcome-enum",
        "task_types": "task-type-ov",
        "impacted_entity_counts{}": "entity-type-ov",
        **_CHANGES,
        **_FIDELITY,
    },
}

BY_TYPE: Final[dict[str, dict[str, Vocabulary]]] = {
    kind: {place: VOCABULARIES[name] for place, name in places.items()}
    for kind, places in _NAMES.items()
}
"""STIX type -> place in the object -> vocabulary."""

_ALLOWED: Final = {name: each.allowed for name, each in VOCABULARIES.items()}


def vocabulary_of(kind: str, place: str) -> Vocabulary | None:
    """Find the vocabulary of a property, or None."""
    return BY_TYPE.get(kind, {}).get(place)


def of(kind: str, place: str) -> frozenset[str] | None:
    """Give the words that a property may have; None if any will do.

    Args:
        kind: STIX type.
        place: `name`, or a place further in, such as `values.data_type`.
    """
    found = vocabulary_of(kind, place)
    return None if found is None else _ALLOWED[found.name]


def is_closed(kind: str, place: str) -> bool:
    """Tell whether a word outside is wrong, not merely unusual."""
    found = vocabulary_of(kind, place)
    return found is not None and found.closed
