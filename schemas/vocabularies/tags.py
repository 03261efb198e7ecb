"""Machine tags: `namespace:predicate="value"`, as labels carry them (MISP taxonomies)."""

from typing import Final

from schemas.vocabularies.words import PAP, TLP

# Reference Security Incident Taxonomy, version 1003 (ENISA; CC0).
RSIT: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "abusive-content": (
        "Abusive Content",
        {
            "spam": "Spam",
            "harmful-speech": "Harmful Speech",
            "violence": "(Child) Sexual Exploitation/Sexual/Violent Content",
        },
    ),
    "malicious-code": (
        "Malicious Code",
        {
            "infected-system": "Infected System",
            "c2-server": "C2 Server",
            "malware-distribution": "Malware Distribution",
            "malware-configuration": "Malware Configuration",
        },
    ),
    "information-gathering": (
        "Information Gathering",
        {
            "scanner": "Scanning",
            "sniffing": "Sniffing",
            "social-engineering": "Social Engineering",
        },
    ),
    "intrusion-attempts": (
        "Intrusion Attempts",
        {
            "ids-alert": "Exploitation of Known Vulnerabilities",
            "brute-force": "Login Attempts",
            "exploit": "New Attack Signature",
        },
    ),
    "intrusions": (
        "Intrusions",
        {
            "privileged-account-compromise": "Privileged Account Compromise",
            "unprivileged-account-compromise": "Unprivileged Account Compromise",
            "application-compromise": "Application Compromise",
            "system-compromise": "System Compromise",
            "burglary": "Burglary",
        },
    ),
    "availability": (
        "Availability",
        {
            "dos": "Denial of Service",
            "ddos": "Distributed Denial of Service",
            "misconfiguration": "Misconfiguration",
            "sabotage": "Sabotage",
            "outage": "Outage",
        },
    ),
    "information-content-security": (
        "Information Content Security",
        {
            "unauthorised-information-access": "Unauthorised Access to Information",
            "unauthorised-information-modification": (
                "Unauthorised Modification of Information"
            ),
            "data-loss": "Data Loss",
            "data-leak": "Leak of Confidential Information",
        },
    ),
    "fraud": (
        "Fraud",
        {
            "unauthorised-use-of-resources": "Unauthorised Use of Resources",
            "copyright": "Copyright",
            "masquerade": "Masquerade",
            "phishing": "Phishing",
        },
    ),
    "vulnerable": (
        "Vulnerable",
        {
            "weak-crypto": "Weak Cryptography",
            "ddos-amplifier": "DDoS Amplifier",
            "potentially-unwanted-accessible": (
                "Potentially Unwanted Accessible Services"
            ),
            "information-disclosure": "Information disclosure",
            "vulnerable-system": "Vulnerable System",
        },
    ),
    "other": ("Other", {"other": "Uncategorised", "undetermined": "Undetermined"}),
    "test": ("Test", {"test": "Test"}),
}
"""Class -> its title, and the title of each of its entries."""

# The NATO system (FM 2-22.3), as MISP's admiralty-scale, version 5.
SOURCE_RELIABILITY: Final[dict[str, str]] = {
    "a": "Completely reliable",
    "b": "Usually reliable",
    "c": "Fairly reliable",
    "d": "Not usually reliable",
    "e": "Unreliable",
    "f": "Reliability cannot be judged",
    "g": "Deliberately deceptive",
}
INFORMATION_CREDIBILITY: Final[dict[str, str]] = {
    "1": "Confirmed by other sources",
    "2": "Probably true",
    "3": "Possibly true",
    "4": "Doubtful",
    "5": "Improbable",
    "6": "Truth cannot be judged",
}

INFORMATION_ORIGIN: Final = ("human-generated", "AI-generated", "uncertain-origin")
"""Who made the content."""

ASSISTANCE_LEVEL: Final = (
    "none",
    "ai-assisted-minor",
    "ai-assisted-substantial",
    "ai-generated-human-directed",
    "ai-generated",
)
"""How much a machine took part in writing the record, from the least on."""
REVIEW_LEVEL: Final = (
    "unreviewed",
    "ai-reviewed",
    "human-reviewed",
    "human-reviewed-updated",
    "multi-party-reviewed",
)
"""Who looked over it, from the least on."""


def tag(namespace: str, predicate: str, value: str | None = None) -> str:
    """Write a machine tag: `rsit:abusive-content="harmful-speech"`, `tlp:green`."""
    named = f"{namespace}:{predicate}"
    return named if value is None else f'{named}="{value}"'


TAGS: Final[dict[str, tuple[str, ...]]] = {
    "admiralty-scale": (
        *(tag("admiralty-scale", "source-reliability", v) for v in SOURCE_RELIABILITY),
        *(
            tag("admiralty-scale", "information-credibility", value)
            for value in INFORMATION_CREDIBILITY
        ),
    ),
    "ai-computer-assisted": (
        *(tag("ai-computer-assisted", "assistance-level", v) for v in ASSISTANCE_LEVEL),
        *(tag("ai-computer-assisted", "review-level", v) for v in REVIEW_LEVEL),
    ),
    "information-origin": tuple(
        tag("information-origin", o) for o in INFORMATION_ORIGIN
    ),
    "pap": tuple(tag("PAP", word) for word in (*PAP, "WHITE")),
    "rsit": tuple(
        tag("rsit", name, entry)
        for name, (_title, entries) in RSIT.items()
        for entry in entries
    ),
    # MISP's two other words (EX:CHR, UNCLEAR) say nothing of who may see it.
    "tlp": tuple(tag("tlp", word.lower()) for word in (*TLP, "WHITE")),
}
"""Namespace, in lower case -> its tags. Tags are compared without regard to case."""
