"""docs/policy.md tells the shipped policy: whole, in words, and as it is now."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from adapters import policy_words
from adapters.policy import Policy
from tests.support.policy_files import SHIPPED, shipped
from tests.support.views import POLICY

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "policy_page.py"
PAGE = ROOT / "docs" / "policy.md"
TEXT = PAGE.read_text("utf-8")
PROSE, APPENDIX = TEXT.split("## Technical appendix")


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("policy_page", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_making_it_again_gives_no_difference():
    assert script().page(SHIPPED.read_text("utf-8")) == TEXT, "type: make policy-page"


def test_the_script_says_when_it_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    done = subprocess.run(  # noqa: S603  our own words
        [sys.executable, SCRIPT, "--check"], check=False, timeout=60, cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0
    made = script()
    made.PAGE = tmp_path / "policy.md"
    monkeypatch.setattr(sys, "argv", ["policy_page.py", "--check"])
    assert made.main() == 1
    assert "type: make policy-page" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["policy_page.py"])
    assert made.main() == 0
    assert made.PAGE.read_text("utf-8") == TEXT


def test_every_audience_has_a_chapter_with_all_its_sentences():
    for audience, entry in POLICY.audiences.items():
        name = entry.called[0].upper() + entry.called[1:]
        chapter = re.split(r"\n## ", TEXT.split(f"\n## {name}\n")[1])[0]
        for part in policy_words.told(POLICY, audience).parts:
            if part.table in ("gate", "row"):
                assert f"### {part.heading}\n" in chapter
                for line in part.lines:
                    assert f"- **{line.title}**: {line.text}\n" in chapter


def test_limits_ages_and_lists_stand_there_once():
    for entry in (*POLICY.file.limit, *POLICY.file.retention, *POLICY.file.lists):
        assert PROSE.count(entry.reason) == 1


def test_the_list_of_what_is_stricter_or_looser_is_that_of_the_file():
    head = SHIPPED.read_text("utf-8").split("\nid = ")[0]
    stricter = re.findall(r"^#   \* (.*)$", head, re.MULTILINE)
    assert len(stricter) > 5
    for first_line in stricter:
        assert f"\n- {first_line}" in PROSE
    assert "\nWhere it is looser, because the signed evidence cannot hide" in PROSE


def test_no_jargon_stands_above_the_appendix():
    without_code = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", PROSE, flags=re.DOTALL)
    said = "\n".join(
        # Words of a list stand as issuers write them.
        line
        for line in without_code.splitlines()
        if "**The list “" not in line
    )
    assert not re.findall(r"\w+_\w+", said)
    types = {kind for kind in POLICY.types if "-" in kind}
    assert [kind for kind in types if re.search(rf"\b{kind}\b", said)] == []


def test_the_appendix_has_every_row():
    rows = re.findall(r"^\| (\d+) \| ", APPENDIX, re.MULTILINE)
    assert list(map(int, rows)) == list(range(1, len(POLICY.file.row) + 1))


def test_a_changed_line_is_a_changed_sentence():
    changed = script().page(shipped("Labels", civil_society="drop").decode())
    assert changed != TEXT
    Policy(shipped("Labels", civil_society="drop"), "x")
    assert "- **Labels**: withheld. Labels are free words" in changed


def test_what_it_says_to_type_is_what_the_command_takes():
    text = (ROOT / "adapters" / "policies" / "default.toml").read_text("utf-8")
    example = re.search(r"   ```toml\n(.*?)   ```", TEXT, re.DOTALL)
    assert example is not None
    lines = [line.strip() for line in example[1].splitlines()]
    start = text.index(lines[1])
    for line in lines[:-1]:
        assert line in text[start - 10 : start + 400]
