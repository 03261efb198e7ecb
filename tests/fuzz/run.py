"""Fuzzes for a while: `python -m tests.fuzz.run [TARGET ...] [--seconds N] [--keep]`.

Each target in a process of its own, one after the other, with bounded memory and time.
What is found, and inputs that reached something new, stay in a folder outside the
checkout; `--keep` takes the smallest set of inputs that reaches as much into
`tests/fuzz/corpus`, and notes in `verdicts.json` how much of each is refused.
"""

import argparse
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.fuzz import properties
from tests.fuzz.seeds import seeds, words
from tests.fuzz.targets import TARGETS

ROOT: Final = Path(__file__).parents[2]
CORPUS: Final = Path(__file__).parent / "corpus"
VERDICTS: Final = Path(__file__).parent / "verdicts.json"
# Bytes of one input: enough to reach everything, small enough to be quick.
SIZES: Final = {
    "token": 3000, "structured": 300, "differential": 1500, "wire": 1500,
    "joint": 3000, "beats": 3000,
    "codec": 600, "segments": 600, "stamps": 1200, "chain": 4000, "stix": 1500,
    "directory": 8000, "metadata": 8000, "client": 8000, "joining": 6000,
    "welcoming": 6000,
    "sealed": 2500,
}  # fmt: skip
TIMEOUT_S: Final = 5  # one input; an honest one of these sizes takes milliseconds
MEMORY_MB: Final = 1024
_SLACK_S: Final = 120  # starting, and reading the corpus
_FINAL: Final = re.compile(r"#(\d+)\s+DONE\s+cov: (\d+) ft: (\d+) corp: (\d+)/")


def main() -> int:
    options = _options()
    if importlib.util.find_spec("atheris") is None:
        _say("atheris is built for CPython 3.11 to 3.14 on x86-64 Linux alone")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="tocsin-fuzz-"))
    (folder / "words").write_text(words(), encoding="utf-8")
    failed = [
        name
        for name in options.targets or SIZES
        if not _fuzz(name, folder, options.seconds / len(options.targets or SIZES))
    ]
    if options.keep and not failed:
        for name in options.targets or SIZES:
            _keep(name, folder)
        VERDICTS.write_text(spelled(verdicts()), encoding="utf-8")
    _say(f"inputs and logs: {folder}")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run")
    # Not `choices`, which refuses to be given nothing.
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(SIZES))
    parser.add_argument(
        "--seconds", type=int, default=600, help="of all targets together"
    )
    parser.add_argument("--keep", action="store_true", help="renew tests/fuzz/corpus")
    options = parser.parse_args()
    unknown = {*options.targets} - SIZES.keys()
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    return options


def arguments(name: str, folder: Path) -> list[str]:
    """Give the arguments of libFuzzer that bound a target.

    Args:
        folder: For what it finds.
    """
    return [
        f"-max_len={SIZES[name]}",
        f"-timeout={TIMEOUT_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={folder}/{name}-",
    ]


def start(name: str, *more: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run one target as a process.

    Raises:
        subprocess.TimeoutExpired: It hung, and was killed.
    """
    # Linux counts the memory of who starts a program as its peak, and libFuzzer
    # believes that: a small process stands between.
    command = ["/bin/sh", "-c", '"$@"; exit $?', "sh"]
    command += [sys.executable, "-m", "tests.fuzz.one", name, *more]
    running = subprocess.Popen(  # noqa: S603  our own arguments
        command,
        cwd=ROOT,
        # Sets go through their elements in another order in each process.
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = running.communicate(timeout=timeout_s)
    except BaseException:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        raise
    return subprocess.CompletedProcess(command, running.returncode, said)


def _fuzz(name: str, folder: Path, seconds: float) -> bool:
    """Fuzz one target; tell whether nothing was found."""
    found = _folder_of_seeds(name, folder)
    (CORPUS / name).mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    done = start(
        name,
        *arguments(name, folder),
        f"-max_total_time={max(1, round(seconds))}",
        f"-dict={folder / 'words'}",
        str(found),
        str(CORPUS / name),
        timeout_s=seconds + _SLACK_S,
    )
    (folder / f"{name}.log").write_text(done.stdout, encoding="utf-8")
    took = time.monotonic() - began
    final = _FINAL.search(done.stdout)
    if done.returncode == 0 and final:
        runs, edges, features, kept = final.groups()
        _say(f"{name:13}{runs:>9} runs {edges:>5} edges {features:>6} features "
             f"{kept:>5} inputs {took:5.0f} s")  # fmt: skip
        return True
    inputs = sorted(str(path) for path in folder.glob(f"{name}-*"))
    _say(f"{name:13} FOUND {inputs}\n{_reason(done.stdout)}")
    return False


def _folder_of_seeds(name: str, folder: Path) -> Path:
    found = folder / name
    found.mkdir()
    for number, seed in enumerate(seeds(name)):
        (found / f"seed{number:02}").write_bytes(seed)
    return found


def _reason(output: str) -> str:
    """Take the exception out of what libFuzzer says, or all where there is none."""
    return output[max(0, output.find("Uncaught Python exception")) :][-4000:]


def _keep(name: str, folder: Path) -> None:
    """Renew the kept corpus: no two inputs of it reach the same."""
    small = folder / f"{name}-small"
    small.mkdir()
    done = start(
        name,
        *arguments(name, folder),
        # How often an edge is passed tells trees from lists; elsewhere it would keep
        # five times as many inputs for little.
        f"-use_counters={int(name == 'structured')}",
        "-merge=1",
        str(small),
        str(CORPUS / name),
        str(folder / name),
        timeout_s=_SLACK_S,
    )
    if done.returncode != 0 or not any(small.iterdir()):
        raise SystemExit(f"{name}: not merged\n{done.stdout[-2000:]}")
    shutil.rmtree(CORPUS / name)
    shutil.copytree(small, CORPUS / name)


def verdicts() -> dict[str, dict[str, int]]:
    """Count what is refused of each kept input and seed, by target and name of it."""
    counts: dict[str, dict[str, int]] = {}
    for name, target in TARGETS.items():
        inputs = {p.name: p.read_bytes() for p in sorted((CORPUS / name).iterdir())}
        inputs |= {f"seed{i:02}": seed for i, seed in enumerate(seeds(name))}
        counts[name] = {}
        for each, data in inputs.items():
            properties.refused.clear()
            target(data)
            counts[name][each] = len(properties.refused)
    return counts


def spelled(found: dict[str, dict[str, int]]) -> str:
    return json.dumps(found, indent=0) + "\n"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
