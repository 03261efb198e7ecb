"""Reason codes: every one that is raised is explained, every one explained is raised."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from schemas.errors import RefusedError, SchemaError
from schemas.reasons import REASONS, explain

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("schemas", "broker", "adapters")
# Calls whose first argument is a reason code. `Cut` and `SinkError` have others.
REFUSALS = {
    "NotGiven",
    "NotGivenError",
    "Refuse",
    "Refused",
    "RefusedError",
    "SchemaError",
    "TrustError",
}
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@cache
def nodes() -> list[tuple[str, ast.AST]]:
    """Everything in the shipped code, with its file."""
    found: list[tuple[str, ast.AST]] = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name != "schemas/reasons.py":
                found += [
                    (name, node) for node in ast.walk(ast.parse(path.read_bytes()))
                ]
    return found


def texts_of(node: ast.AST) -> set[str]:
    """The texts that an expression may give, also in a tuple or by an `if`."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=body, orelse=orelse):
            return texts_of(body) | texts_of(orelse)
        case ast.Tuple(elts=parts):
            return set().union(*map(texts_of, parts))
    return set()


def called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def raised() -> dict[str, str]:
    """Code -> file, of every refusal that names its code where it is made."""
    found: dict[str, str] = {}
    for name, node in nodes():
        if isinstance(node, ast.Call) and called(node) in REFUSALS and node.args:
            found |= dict.fromkeys(texts_of(node.args[0]), name)
    return found


def decided() -> set[str]:
    """What is given back, gone through or named, to be raised or told elsewhere."""
    found: set[str] = set()
    for _, node in nodes():
        match node:
            case ast.Return(value=ast.expr() as given) | ast.For(iter=given):
                found |= texts_of(given)
            case ast.AnnAssign(
                target=ast.Name(id="_REASON" | "_INVALID"), value=ast.expr() as given
            ):
                found |= texts_of(given)
            case ast.Dict(keys=names, values=values):
                for name, given in zip(names, values, strict=True):
                    if isinstance(name, ast.Constant) and name.value == "reason":
                        found |= texts_of(given)
    return found


def test_every_code_that_is_raised_is_explained() -> None:
    unknown = {
        f"{name}: {code}" for code, name in raised().items() if code not in REASONS
    }
    assert unknown == set()


def test_every_code_that_is_explained_is_raised_somewhere() -> None:
    assert set(REASONS) - raised().keys() - decided() == set()


def test_the_search_finds_what_it_should() -> None:
    found = raised()
    # In an error, on either side of an `if`, in an outcome.
    assert found["shadowed-name"] == "broker/unfolding.py"
    assert found.keys() >= {"bad-id", "bad-property", "no-feed"}
    # Given back, by itself and in a tuple.
    assert decided() - found.keys() >= {"tlp-clearance", "not-json"}


@pytest.mark.parametrize("code", REASONS)
def test_a_code_is_short_and_its_sentence_helps(code: str) -> None:
    assert CODE.fullmatch(code)
    assert len(code) <= 30
    sentence = explain(code)
    assert sentence.endswith(".")
    assert sentence[0].islower() or sentence.startswith(("STIX", "TLP", "_sd"))
    assert "  " not in sentence
    assert 10 < len(sentence) < 140


def test_no_two_codes_have_one_sentence() -> None:
    assert len(set(REASONS.values())) == len(REASONS)


def test_a_code_that_nobody_knows_has_a_sentence_too() -> None:
    assert explain("mallory") == "refused."


def test_a_refusal_says_its_code_and_place() -> None:
    error = SchemaError("bad-id", "$.objects[3].id")
    assert str(error) == "bad-id at $.objects[3].id"
    assert (error.reason, error.where) == ("bad-id", "$.objects[3].id")
    assert str(RefusedError("framing")) == "framing"
    assert isinstance(error, RefusedError)
    assert isinstance(error, ValueError)
