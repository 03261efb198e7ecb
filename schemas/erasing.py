"""Why a record is erased: closed words, so that no text about it travels. Pure."""

from typing import Final, Literal

# What an operator may say. Retention is none of them: of it nobody is told.
Ordered = Literal[
    "subject-request",
    "issuer-request",
    "court-order",
    "authority-order",
    "law",
    "mistake",
]
Reason = Literal[Ordered, "retention"]

REASONS: Final[dict[Reason, str]] = {
    "subject-request": "a person whom it concerns has asked for it.",
    "issuer-request": "its issuer has asked for it.",
    "court-order": "a court has ordered it.",
    "authority-order": "a data-protection or other authority has ordered it.",
    "law": "the law asks for it.",
    "mistake": "it should not have been published.",
    "retention": "it has been kept for as long as it may be.",
}
