"""A few seconds of each target under libFuzzer, the same in every run.

Skipped, in plain sight, where there is no atheris: it is built for CPython 3.11 to 3.14
on x86-64 Linux alone. The kept inputs are replayed everywhere (`test_corpus.py`).
"""

import importlib.util
from pathlib import Path

import pytest

from tests.fuzz.run import CORPUS, SIZES, arguments, start
from tests.fuzz.seeds import words

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("atheris") is None,
        reason="atheris is not made for this Python or machine",
    ),
]

# A second or less each, and one or two for starting.
RUNS = {
    "token": 2_000, "structured": 500, "differential": 300, "wire": 7_000,
    "joint": 1_000, "codec": 7_000, "segments": 500, "stamps": 4_000, "chain": 2_000,
    "beats": 2_000, "stix": 3_000, "directory": 400, "sealed": 1_000,
    "metadata": 80, "client": 30, "joining": 400, "welcoming": 400,
}  # fmt: skip
HARD_TIMEOUT_S = 60


@pytest.mark.parametrize("target", SIZES)
def test_nothing_is_found_from_the_kept_inputs_onwards(
    target: str, tmp_path: Path
) -> None:
    found = tmp_path / "found"
    found.mkdir()
    (tmp_path / "words").write_text(words(), encoding="utf-8")
    done = start(
        target,
        *arguments(target, tmp_path),
        "-seed=1",
        f"-runs={RUNS[target]}",
        f"-dict={tmp_path / 'words'}",
        str(found),
        str(CORPUS / target),
        timeout_s=HARD_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    # It stops by itself once all runs are done, and not before.
    assert f"#{RUNS[target]}\tDONE" in done.stdout, done.stdout[-4000:]
