"""Which files decide, and so do no I/O and are covered to the last branch."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOL = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
COVERED = set(TOOL["coverage"]["report"]["include"])


def test_a_core_file_is_both_kept_from_io_and_fully_covered():
    [contract] = [
        each
        for each in TOOL["importlinter"]["contracts"]
        if each["name"] == "Deciding does no I/O"
    ]
    kept = {module.replace(".", "/") for module in contract["source_modules"]}
    listed = {path.removesuffix(".py").removesuffix("/*") for path in COVERED}
    assert listed == kept | {"schemas"}


def test_every_core_file_listed_is_there():
    assert {path for path in COVERED if not list(ROOT.glob(path))} == set()
