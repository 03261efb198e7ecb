"""Rules whose breach does not refuse an input: level, and a sentence that helps."""

from typing import Final, Literal

import msgspec

from schemas.reasons import REASONS

Level = Literal["error", "warning", "note"]
"""As SARIF 2.1.0 has them, 3.27.10."""


class Rule(msgspec.Struct, frozen=True):
    """What a rule of `tocsin check` says."""

    level: Level
    sentence: str


RULES: Final[dict[str, Rule]] = {
    # what a source could not take over
    "no-equivalent": Rule("note", "a record has no place for this; it stays at home."),
    "local-only": Rule("note", "this says something about the sender's system alone."),
    "person-left-out": Rule("note", "data of a person; left out on purpose."),
    "wrong-type": Rule("warning", "this is not what the format has here; left out."),
    "unusable": Rule(
        "warning", "this does not give a valid object; mend it, or it is left out."
    ),
    "bad-value": Rule("warning", "the value is not what its type says; left out."),
    "repeated": Rule("note", "said before; taken once."),
}


def rule(code: str) -> Rule:
    """Look a rule up; a reason code of a refusal is an error."""
    found = RULES.get(code)
    return found if found is not None else Rule("error", REASONS.get(code, "refused."))
