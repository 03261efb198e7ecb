"""The vocabularies and enumerations of the incident core extension suite.

Three drafts of the suite are met (`schemas.stix.incident_suite`); what only another
one than the newest says stands under `more`.
"""

from typing import Final, get_args

from schemas.vocabularies.vocabulary import Vocabulary, of_words
from schemas.vocabularies.words import Fidelity

OWN_EVENT_TYPES: Final = (
    "ai-generated-content",
    "coordinated-inauthentic-behaviour",
    "fimi",
    "hate-speech",
    "tfgbv",  # technology-facilitated gender-based violence
)
"""Ours: the standard's 88 have none for disinformation or for harm done by speech."""

_ICS: Final = (
    "ics-actuator ics-engineering-workstation ics-historian ics-hmi ics-other "
    "ics-plc ics-safety-system ics-sensor"
)

OPEN: Final = (
    of_words(
        "asset-type-ov",
        "building-doors building-windows buildings computers-mobile "
        f"computers-personal computers-server environment {_ICS} inventory "
        "network-device private-infrastructure public-infrastructure "
        "security-containers vehicles",
    ),
    # more: OASIS's draft
    of_words(
        "contact-number-ov",
        "classified-phone personal-fax personal-phone unclassified-phone work-phone "
        "work-fax",
        more="personal-landline-phone personal-mobile-phone",
    ),
    # proprietary: the newer spelling
    of_words(
        "detection-methods-ov",
        "automated-tool commercial-solution external-notification human-review "
        "message-from-attacker propriety-solution system-outage user-reporting",
        more="proprietary-solution",
    ),
    of_words(
        "digital-contact-ov", "classified organizational personal unclassified work"
    ),
    of_words(
        "entity-type-ov",
        "computers-mobile computers-personal computers-server customer "
        "customer-individual customer-organization domain-controller employee group "
        f"{_ICS} individual network-device organization system vehicles",
    ),
    of_words(
        "event-type-ov",
        "aggregation-information-phishing-schemes benign blocked "
        "brute-force-attempt c&c-server-hosting compromised-system confirmed "
        "connection-malware-port connection-malware-system content-forbidden-by-law "
        "control-system-bypass copyrighted-content data-exfiltration deferred "
        "deletion-information denial-of-service destruction "
        "dictionary-attack-attempt discarded disruption-data-transmission "
        "dissemination-malware-email dissemination-phishing-emails "
        "dns-cache-poisoning dns-local-resolver-hijacking dns-spoofing-registered "
        "dns-rebinding dns-server-compromise dns-spoofing-unregistered "
        "dns-stub-resolver-hijacking dns-zone-transfer domain-name-compromise "
        "duplicate email-flooding equipment-loss equipment-theft exploit "
        "exploit-attempt exploit-framework-exhausting-resources "
        "exploit-tool-exhausting-resources failed file-inclusion "
        "file-inclusion-attempt hosting-malware-webpage hosting-phishing-sites "
        "illegitimate-use-name illegitimate-use-resources "
        "infected-by-known-malware insufficient-data known-malware lame-delegations "
        "major modification-information misconfiguration natural negotiation "
        "network-scanning no-apt packet-flood password-cracking-attempt "
        "policy-violation ransomware ransomware-payment refuted scan-probe "
        "silently-discarded supply-chain-customer supply-chain-vendor spam "
        "sql-injection sql-injection-attempt successful system-probe "
        "theft-access-credentials unattributed unauthorized-access-information "
        "unauthorized-access-system unauthorized-equipment unauthorized-release "
        "unauthorized-use undetermined unintentional unknown-apt unspecified "
        "vandalism wiretapping worm-spreading xss xss-attempt",
        more=" ".join(OWN_EVENT_TYPES),
    ),
    of_words(
        "external-impact-ov",
        "economic emergency-services foreign-relations national-security "
        "public-confidence public-health public-safety",
    ),
    of_words("incident-investigation-ov", "closed new open"),
    of_words(
        "information-type-ov",
        "classified-material communication credentials-admin credentials-user "
        "financial legal payment phi pii proprietary system",
    ),
    of_words(
        "monetary-impact-type-ov",
        "asset-and-fraud brand-damage business-disruption competitive-advantage "
        "legal-and-regulatory operating-costs ransom-demand ransom-payment "
        "response-and-recovery uncategorized",
    ),
    of_words(
        "state-change-type-ov",
        "caused contributed-to input mitigated output resolved",
    ),
    of_words(
        "task-type-ov",
        "administrative attribution containment declared detected eradication "
        "escalated exercised-control external-intelligence external-outreach "
        "external-support implemented-control investigation negotiation "
        "playbook-execution playbook-step-execution ransom-payment recovery reported "
        "routine-updates victim-notification",
    ),
)
CLOSED: Final = (
    of_words("activity-condition-enum", "optional test required unknown", closed=True),
    of_words(
        "activity-transition-enum", "completion failure success unknown", closed=True
    ),
    of_words(
        "event-status-enum",
        "ongoing occurred not-occurred pending undetermined",
        closed=True,
    ),
    # Not said by name in any list: the extension keys of an impact are these.
    of_words(
        "impact-category-enum",
        "availability confidentiality external integrity monetary physical "
        "traceability",
        closed=True,
    ),
    of_words(
        "incident-confidentiality-loss-enum",
        "confirmed-loss contained exploited-loss none suspected-loss",
        closed=True,
    ),
    # successful-attempt: draft 1, and read as `confirmed`
    of_words(
        "incident-determination-enum",
        "blocked confirmed failed-attempt false-positive suspected",
        closed=True,
        more="successful-attempt",
    ),
    of_words(
        "integrity-alteration-enum",
        "potential-destruction potential-modification partial-destruction "
        "partial-modification full-destruction full-modification none",
        closed=True,
    ),
    of_words(
        "physical-impact-enum",
        "damaged-functional damaged-nonfunctional destruction none unknown",
        closed=True,
    ),
    of_words(
        "recoverability-enum",
        "extended not-applicable not-recoverable regular supplemented",
        closed=True,
    ),
    of_words("sequence-type-enum", "event task", closed=True),
    of_words(
        "step-type-enum",
        "start_step end_step single_step parallel_step",
        closed=True,
    ),
    of_words(
        "task-outcome-enum",
        "cancelled failed ongoing pending successful unknown",
        closed=True,
    ),
    Vocabulary("timestamp-fidelity-enum", get_args(Fidelity), closed=True),
    of_words(
        "traceability-enum",
        "accountability-lost partial-accountability provable-accountability",
        closed=True,
    ),
)
