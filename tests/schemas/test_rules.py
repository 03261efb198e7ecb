"""Rules: each has a level, a sentence that helps, and code that applies it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from schemas.reasons import REASONS
from schemas.rules import RULES, rule

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@cache
def texts() -> frozenset[str]:
    """Every text in the shipped code, but for the tables of rules and reasons."""
    found: set[str] = set()
    for folder in ("schemas", "broker", "adapters"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name not in ("rules.py", "reasons.py"):
                found |= {
                    node.value
                    for node in ast.walk(ast.parse(path.read_bytes()))
                    if isinstance(node, ast.Constant) and isinstance(node.value, str)
                }
    return frozenset(found)


@pytest.mark.parametrize("code", RULES)
def test_a_rule_has_a_level_and_a_sentence_that_helps(code: str) -> None:
    assert CODE.fullmatch(code)
    assert len(code) <= 30
    found = RULES[code]
    assert found.level in ("error", "warning", "note")
    assert found.sentence.endswith(".")
    assert "  " not in found.sentence
    assert 10 < len(found.sentence) < 240


def test_no_rule_has_the_code_of_a_refusal() -> None:
    assert RULES.keys() & REASONS.keys() == set()


def test_no_two_rules_say_the_same() -> None:
    assert len({each.sentence for each in RULES.values()}) == len(RULES)


def test_every_rule_is_applied_somewhere() -> None:
    assert {code for code in RULES if code not in texts()} == set()


def test_a_reason_is_an_error_with_its_own_sentence() -> None:
    found = rule("bad-id")
    assert (found.level, found.sentence) == ("error", REASONS["bad-id"])
    assert rule("time-order") is RULES["time-order"]


def test_a_code_that_nobody_knows_is_an_error_with_a_sentence_too() -> None:
    assert rule("mallory").level == "error"
    assert rule("mallory").sentence == "refused."
