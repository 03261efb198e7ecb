"""Words that types in code name one by one: the only place where they stand.

A type checker must see a `Literal` written out, so vocabularies read these, not the
other way round.
"""

from typing import Final, Literal, get_args

# Incident core extension, Criticality; `unknown` where nothing is said.
SeverityWord = Literal["unknown", "none", "low", "moderate", "high", "extreme"]
SEVERITIES: Final[tuple[SeverityWord, ...]] = get_args(SeverityWord)
"""From the least severe on."""
CRITICALITY_BOUNDS: Final[tuple[tuple[int, SeverityWord], ...]] = (
    (0, "none"),
    (29, "low"),
    (49, "moderate"),
    (89, "high"),
)
"""The greatest criticality (0 to 100) of each word; above the last it is extreme."""

TlpLabel = Literal["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"]
TLP: Final[tuple[TlpLabel, ...]] = get_args(TlpLabel)
"""Traffic Light Protocol 2.0 (FIRST), from the widest circle on."""
TLP_1: Final = ("WHITE", "GREEN", "AMBER", "RED")
"""Version 1; its WHITE is CLEAR now."""
PAP: Final = ("CLEAR", "GREEN", "AMBER", "RED")
"""Permissible Actions Protocol, from the freest use on; WHITE is CLEAR's old name."""

# STIX 2.1, Opinion Enumeration
OpinionWord = Literal[
    "strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"
]
# STIX 2.1, Encryption Algorithm Enumeration
EncryptionAlgorithm = Literal["AES-256-GCM", "ChaCha20-Poly1305", "mime-type-indicated"]
# STIX 2.1, Extension Types Enumeration
ExtensionType = Literal[
    "new-sdo",
    "new-sco",
    "new-sro",
    "property-extension",
    "toplevel-property-extension",
]
# Incident core extension, Timestamp Fidelity Enumeration
Fidelity = Literal["second", "minute", "hour", "day", "month", "year"]
