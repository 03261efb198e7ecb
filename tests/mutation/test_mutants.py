"""Mutants: what is changed of a module, what is left alone, and how they are told."""

import ast
from datetime import date

import pytest

from tests.mutation import patterns
from tests.mutation.chosen import TESTS, files
from tests.mutation.mutants import mutants
from tests.mutation.run import ROOT, page, survivors, table


def changed(source: str) -> set[str]:
    """All that a module can become, without spaces at its ends."""
    return {ast.unparse(each.tree) for each in mutants(source)}


@pytest.mark.parametrize(
    ("source", "others"),
    [
        ("a = b == c", {"a = b != c"}),
        ("a = b < c", {"a = b <= c", "a = b >= c"}),
        ("a = b in c", {"a = b not in c"}),
        ("a = b and c", {"a = b or c", "a = b", "a = c"}),
        ("a = not b", {"a = b"}),
        ("a = b - c", {"a = b + c", "a = b"}),
        ("a = 7", {"a = 8", "a = 6"}),
        ("a = 0", {"a = 1"}),
        ("a = True", {"a = False"}),
        ("a = {'b', ''}", {"a = {'bXX', ''}", "a = {'b', 'XX'}"}),
        ("a = f(b=c)", {"a = f()"}),
        ("a = [b for b in c if d]", {"a = [b for b in c]"}),
        ("a = b if c and d else e", {
            "a = b if c or d else e", "a = b if c else e", "a = b if d else e",
            "a = b if not (c and d) else e",
        }),
        ("def f(a=1): return a", {
            "def f(a=2):\n    return a", "def f(a=0):\n    return a",
            "def f(a=1):\n    return",
        }),
        ("for a in b: f(a)", {"for a in ():\n    f(a)", "for a in b:\n    pass"}),
        ("a.b = c", {"pass"}),
        ("a |= b", {"a &= b", "pass"}),
    ],
)  # fmt: skip
def test_each_change_is_one_that_some_test_should_notice(source, others):
    assert changed(source) == others


@pytest.mark.parametrize(
    "source",
    [
        '"""What a file knows."""',
        "__all__ = ['a']",
        "from a import b",
        "a: Literal['b', 'c']",
        "def f(a: Annotated[int, Meta(ge=1)]) -> Literal['b']: pass",
        "a = 'A sentence of some words.'",
        "a = f'the {b} of a sentence'",
        "assert_never(a)",
        "Key = tuple[str, int]",
    ],
)
def test_what_is_only_worded_or_typed_is_left_alone(source):
    assert changed(source) == set()


@pytest.mark.parametrize(
    ("pattern", "others"),
    [
        ("a+", {"a*"}),
        ("[ab-c]", {"[b-c]", "[a]"}),
        (r"[^\d]", {r"[\d]"}),
        (r"\ba", {"a"}),
        (r"(?<!\d)a", {"a"}),
        ("a{2,3}", {"a{3,3}", "a{1,3}", "a{2,4}", "a{2,2}"}),
        ("x(?:a|b)", {"x(?:b)", "x(?:a)"}),
        ("a|b|c", {"b|c", "a|c", "a|b"}),
        (r"\[\+\|", set()),
    ],
)
def test_a_regular_expression_is_changed_part_by_part(pattern, others):
    assert {other for _, other in patterns.changed(pattern)} == others


def test_a_pattern_is_told_by_what_changed_in_it():
    [mutant] = mutants(r"A = re.compile(r'cve-\d+')")
    assert mutant.key == r"A: pattern: cve-\d<+ | *>"
    [mutant] = mutants(r"A = re.compile(rf'{B}\d+')")
    assert ast.unparse(mutant.tree) == r"A = re.compile(f'{B}\\d*')"


def test_a_mutant_keeps_its_name_and_place_when_other_code_moves():
    one = mutants("def f(a): return a == 1")
    other = mutants("import b\n\n\ndef f(a): return a == 1\n\n\nC = 2")
    assert [each.key for each in other if each.key.startswith("f:")] == [
        each.key for each in one
    ]


def test_what_is_changed_twice_in_one_function_has_two_names():
    keys = [each.key for each in mutants("def f():\n a(1)\n b(1)")]
    assert len(set(keys)) == len(keys) == 6


@pytest.mark.parametrize("module", TESTS)
def test_the_chosen_files_are_there_and_can_all_be_changed(module):
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    found = mutants(path.read_text("utf-8"))
    assert len({each.key for each in found}) == len(found) > 20
    for each in found[::10]:
        compile(each.tree, str(path), "exec")
    assert [name for name in files(module) if not (ROOT / name).exists()] == []


def test_the_table_counts_what_was_tried_and_names_what_survived():
    said = {"line": 7, "by": "", "source": "", "tests": ""}
    results = {
        "adapters.guard": {
            "total": 5,
            "mutants": {
                "f: a -> b": said | {"status": "survived"},
                "f: a -> c": said | {"status": "killed"},
                "f: a -> d": said | {"status": "timeout"},
                "f: a -> e": said | {"status": "killed"},
            },
        }
    }
    _, line = table(results)
    assert line.split() == ["adapters.guard", "5", "4", "3", "75.0", "%"]
    [survivor] = survivors(results)
    assert survivor.startswith("adapters/guard.py:7: f: a -> b\n")
    told = page(results, date(2026, 1, 2))
    assert "| `adapters.guard` | 5 | 4 | 3 | 75.0 % |" in told
    assert "Of 2026-01-02:" in told
    assert "``f: a -> b``" in told
