"""The benchmark itself runs; how fast anything is, no test asserts."""

import subprocess
import sys
from pathlib import Path

import msgspec

RUN = Path(__file__).with_name("run.py")


def test_one_section_prints_a_table_and_writes_its_raw_numbers(tmp_path: Path) -> None:
    raw = tmp_path / "bench.json"
    done = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-P", RUN, "--quick", "--only", "verify", "--json", raw],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "| `trust.verify`, 6 objects " in done.stdout
    [section] = msgspec.json.decode(raw.read_bytes())["sections"].values()
    for row in section["rows"]:
        assert len(row["ours"]) == len(row["anchors"]) == len(row["ratios"])
        assert row["ratio"] > 0


def test_a_section_that_does_not_exist_is_refused_and_nothing_is_measured() -> None:
    done = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-P", RUN, "--only", "speed"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "invalid choice: 'speed'" in done.stderr
    assert done.stdout == ""
