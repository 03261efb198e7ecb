"""Every row of the threat model's tables on trust names a test, and each of them exists."""

import fnmatch
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
TRUST = PAGE[PAGE.index("\n## Trust") :]
TESTS = frozenset(
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(
        r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE
    )
)
FILES = frozenset(path.name for path in (ROOT / "tests").rglob("test_*.py"))
VECTORS = frozenset(
    name
    for path in (ROOT / "tests/vectors").glob("*.json")
    for name in re.findall(r'"name": ?"([a-z0-9-]+)"', path.read_text("utf-8"))
)
TARGETS = frozenset(path.name for path in (ROOT / "tests/fuzz/corpus").iterdir())
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TRUST.splitlines()
    if line.startswith("| ") and not line.startswith("| who, where")
]


def test_there_are_rows_of_five_cells():
    assert len(ROWS) > 30
    assert {len(row) for row in ROWS} == {5}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: re.sub(r"\W+", "-", row[1])[:60])
def test_what_is_said_to_show_it_exists(row):
    named = re.findall(r"`([^`]+)`", row[4])
    assert named
    for each in named:
        name = each.rpartition("/")[2]
        is_there = (
            name in TESTS
            or name in FILES
            or fnmatch.filter(VECTORS, each)
            or (ROOT / each).exists()
            or each in TARGETS
        )
        assert is_there, each
